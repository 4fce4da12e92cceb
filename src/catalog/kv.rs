//! Keys and values, with the index of each key and of each prefix, by Consul's rules: of a key its own; of a prefix the
//! newest of what lies or has lain below it; of what is not there, that of the whole store.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::model::{Index, KvKey, KvPair};

/// Removed keys whose indexes are remembered one by one.
const GRAVES: usize = 4096;

#[derive(Clone, Debug)]
pub(super) struct Kv {
    pairs: OrdMap<KvKey, Arc<KvPair>>,
    /// When a key was removed; the oldest are forgotten.
    graves: OrdMap<KvKey, Index>,
    graves_by_age: OrdSet<(Index, KvKey)>,
    /// Not less than the index of any grave that was forgotten.
    forgotten: Index,
    /// Of the newest change.
    index: Index,
}

impl Kv {
    pub(super) fn new(index: Index) -> Self {
        Self { pairs: OrdMap::new(), graves: OrdMap::new(), graves_by_age: OrdSet::new(), forgotten: index, index }
    }

    pub(super) fn get(&self, key: &KvKey) -> Option<&Arc<KvPair>> {
        self.pairs.get(key)
    }

    /// Sorted.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<KvPair>> {
        self.pairs.values()
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Everything that begins with the prefix, sorted.
    pub(super) fn under<'a>(&'a self, prefix: &'a KvKey) -> impl Iterator<Item = &'a Arc<KvPair>> {
        let from = self.pairs.range(prefix.clone()..).map(|(_, pair)| pair);
        from.take_while(|pair| pair.key.as_str().starts_with(prefix.as_str()))
    }

    pub(super) fn insert(&mut self, pair: Arc<KvPair>) {
        self.pairs.insert(pair.key.clone(), pair);
    }

    pub(super) fn remove(&mut self, key: &KvKey) {
        self.pairs.remove(key);
    }

    /// Marks the key as changed at `index`.
    pub(super) fn touch(&mut self, key: &KvKey, index: Index) {
        self.index = index;
        if let Some(old) = self.graves.remove(key) {
            self.graves_by_age.remove(&(old, key.clone()));
        }
        if self.pairs.contains_key(key) {
            return;
        }
        self.graves.insert(key.clone(), index);
        self.graves_by_age.insert((index, key.clone()));
        if self.graves.len() > GRAVES
            && let Some((oldest, key)) = self.graves_by_age.remove_min()
        {
            self.graves.remove(&key);
            self.forgotten = oldest;
        }
    }

    pub(super) fn index_of(&self, key: &KvKey) -> Index {
        self.pairs.get(key).map_or(self.index, |pair| pair.modify_index)
    }

    /// Takes as long as reading what lies below the prefix.
    pub(super) fn index_under(&self, prefix: &KvKey) -> Index {
        if prefix.is_empty() {
            return self.index;
        }
        let Some(newest) = self.under(prefix).map(|pair| pair.modify_index).max() else { return self.index };
        let graves = self.graves.range(prefix.clone()..);
        let buried = graves.take_while(|(key, _)| key.as_str().starts_with(prefix.as_str())).map(|(_, index)| *index);
        buried.max().unwrap_or_default().max(newest).max(self.forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Store {
        kv: Kv,
        index: Index,
    }

    impl Store {
        fn put(&mut self, key: &str) {
            self.index = self.index.next();
            self.kv.insert(Arc::new(KvPair { key: key.into(), modify_index: self.index, ..KvPair::default() }));
            self.kv.touch(&key.into(), self.index);
        }

        fn delete(&mut self, key: &str) {
            self.index = self.index.next();
            self.kv.remove(&key.into());
            self.kv.touch(&key.into(), self.index);
        }

        fn of(&self, key: &str) -> u64 {
            self.kv.index_of(&key.into()).0
        }

        fn under(&self, prefix: &str) -> u64 {
            self.kv.index_under(&prefix.into()).0
        }
    }

    fn store() -> Store {
        Store { kv: Kv::new(Index(1)), index: Index(1) }
    }

    #[test]
    fn a_key_has_its_own_index_and_what_is_not_there_that_of_all() {
        let mut store = store();
        assert_eq!((store.of("a"), store.under("a")), (1, 1));
        store.put("a");
        store.put("b");
        assert_eq!((store.of("a"), store.of("b"), store.of("c")), (2, 3, 3));
        store.delete("a");
        assert_eq!((store.of("a"), store.of("b")), (4, 3));
        store.put("b");
        assert_eq!((store.of("a"), store.of("b")), (5, 5));
    }

    #[test]
    fn a_prefix_has_the_index_of_the_newest_below_it_even_when_that_is_gone() {
        let mut store = store();
        for key in ["a/1", "a/2", "b/1"] {
            store.put(key);
        }
        assert_eq!((store.under("a/"), store.under("b/"), store.under("c/"), store.under("")), (3, 4, 4, 4));
        store.delete("a/2");
        assert_eq!((store.under("a/"), store.under("b/"), store.under("")), (5, 4, 5));
        store.put("a/2");
        store.put("b/1");
        assert_eq!((store.under("a/"), store.under("b/")), (6, 7));
        store.delete("a/1");
        store.delete("a/2");
        store.put("b/2");
        assert_eq!(store.under("a/"), 10, "nothing is there");
    }

    #[test]
    fn graves_are_forgotten_but_no_index_falls() {
        let mut store = store();
        store.put("kept/1");
        store.put("kept/2");
        store.delete("kept/2");
        let removed = store.under("kept/");
        assert_eq!(removed, 4);
        for key in 0..=GRAVES {
            store.put(&format!("x/{key}"));
            store.delete(&format!("x/{key}"));
            assert!(store.under("kept/") >= removed);
        }
        assert_eq!((store.kv.graves.len(), store.kv.graves_by_age.len()), (GRAVES, GRAVES));
        assert!(store.under("kept/") < store.under(""), "only as far as it must");
    }
}
