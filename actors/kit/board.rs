//! The newest value per key, for everybody to read. Whoever posts rings after posting.
//!
//! A posting has a ticket, so that an actor that ends takes down what it posted itself and never what its successor did.

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::{DashMap, Entry};

pub struct Board<K, V> {
    posted: DashMap<K, (Ticket, V)>,
    next: AtomicU64,
}

/// Names one posting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket(u64);

impl<K: Eq + Hash, V: Clone> Default for Board<K, V> {
    fn default() -> Self {
        Self { posted: DashMap::new(), next: AtomicU64::new(0) }
    }
}

impl<K: Eq + Hash, V: Clone> Board<K, V> {
    pub fn post(&self, key: K, value: V) -> Ticket {
        let ticket = Ticket(self.next.fetch_add(1, Ordering::Relaxed));
        self.posted.insert(key, (ticket, value));
        ticket
    }

    /// The same, made from what is posted. The map's guard is held meanwhile.
    pub fn post_over(&self, key: K, value: impl FnOnce(Option<&V>) -> V) -> Ticket {
        let ticket = Ticket(self.next.fetch_add(1, Ordering::Relaxed));
        match self.posted.entry(key) {
            Entry::Occupied(mut posted) => {
                let value = value(Some(&posted.get().1));
                posted.insert((ticket, value));
            }
            Entry::Vacant(free) => drop(free.insert((ticket, value(None)))),
        }
        ticket
    }

    /// Changes what is posted, which stays its poster's; the value after. The map's guard is held meanwhile.
    pub fn amend(&self, key: &K, change: impl FnOnce(&mut V)) -> Option<V> {
        let mut posted = self.posted.get_mut(key)?;
        change(&mut posted.1);
        Some(posted.1.clone())
    }

    /// Values are cheap to clone; the map's guard never leaves this function.
    pub fn read(&self, key: &K) -> Option<V> {
        self.posted.get(key).map(|posted| posted.1.clone())
    }

    /// Takes the posting down, unless somebody has posted since.
    pub fn unpost(&self, key: &K, ticket: Ticket) {
        self.posted.remove_if(key, |_, posted| posted.0 == ticket);
    }

    /// Takes down whatever is posted.
    pub fn clear(&self, key: &K) {
        self.posted.remove(key);
    }

    pub fn len(&self) -> usize {
        self.posted.len()
    }

    pub fn is_empty(&self) -> bool {
        self.posted.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ends_late_does_not_take_down_what_its_successor_posted() {
        let board = Board::default();
        let old = board.post("a", 1);
        let new = board.post("a", 2);
        board.unpost(&"a", old);
        assert_eq!(board.read(&"a"), Some(2));
        board.unpost(&"a", new);
        assert!(board.is_empty());
    }

    #[test]
    fn what_was_amended_is_still_its_posters() {
        let board = Board::default();
        assert_eq!(board.amend(&"a", |value| *value += 1), None);
        let ticket = board.post_over("a", |known| known.copied().unwrap_or(1));
        assert_eq!(board.amend(&"a", |value| *value += 1), Some(2));
        board.unpost(&"a", ticket);
        assert!(board.is_empty());
        board.post("a", 7);
        board.post_over("a", |known| known.copied().unwrap_or(1));
        assert_eq!(board.read(&"a"), Some(7));
    }
}
