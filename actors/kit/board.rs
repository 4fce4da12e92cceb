//! The newest value per key, for everybody to read. Whoever posts rings after posting.

use std::hash::Hash;

use dashmap::DashMap;

pub struct Board<K, V> {
    posted: DashMap<K, V>,
}

impl<K: Eq + Hash, V: Clone> Default for Board<K, V> {
    fn default() -> Self {
        Self { posted: DashMap::new() }
    }
}

impl<K: Eq + Hash, V: Clone> Board<K, V> {
    pub fn post(&self, key: K, value: V) {
        self.posted.insert(key, value);
    }

    /// Values are cheap to clone; the map's guard never leaves this function.
    pub fn read(&self, key: &K) -> Option<V> {
        self.posted.get(key).map(|value| value.clone())
    }

    pub fn unpost(&self, key: &K) {
        self.posted.remove(key);
    }

    pub fn len(&self) -> usize {
        self.posted.len()
    }

    pub fn is_empty(&self) -> bool {
        self.posted.is_empty()
    }
}
