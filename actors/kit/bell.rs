//! Ring, then read. A listener has one [`Doorbell`]; it may hear at many keys. Ringing notes the key and, if nothing was
//! noted yet, sends the one notice; the receiver takes all that was noted and only then reads the newest values. So a
//! burst costs one message, nothing is lost, and a mailbox never holds more than one notice per listener.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use super::ripple::Ripples;

/// A listener's side.
pub struct Doorbell<K> {
    rung: Mutex<Rung<K>>,
    notify: Box<dyn Fn() + Send + Sync>,
}

/// What was rung since the listener last looked: each key once, in the order of their first ring.
#[derive(Debug)]
pub struct Rung<K> {
    pub keys: Vec<Arc<K>>,
    /// The same keys, once they are too many to look through at each ring.
    index: HashSet<Arc<K>>,
    pub ripples: Ripples,
}

/// So many keys are looked through faster than hashed.
const FEW: usize = 32;

impl<K: Eq + Hash> Rung<K> {
    fn note(&mut self, key: &Arc<K>) {
        // a bell has one allocation for a key: most often no name has to be read to know it again
        if self.keys.last().is_some_and(|last| Arc::ptr_eq(last, key)) {
            return;
        }
        if self.keys.len() < FEW {
            if !self.keys.contains(key) {
                self.keys.push(Arc::clone(key));
            }
            return;
        }
        if self.index.is_empty() {
            self.index.extend(self.keys.iter().cloned());
        }
        if self.index.insert(Arc::clone(key)) {
            self.keys.push(Arc::clone(key));
        }
    }
}

impl<K> Default for Rung<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), index: HashSet::new(), ripples: Ripples::default() }
    }
}

impl<K: Eq + Hash> Doorbell<K> {
    /// `notify` sends the notice; it must not block.
    pub fn new(notify: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { rung: Mutex::default(), notify: Box::new(notify) })
    }

    pub fn ring(&self, key: &Arc<K>, ripples: &Ripples) {
        let first = {
            let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
            let first = rung.keys.is_empty();
            rung.note(key);
            rung.ripples.join(ripples);
            first
        };
        if first {
            (self.notify)();
        }
    }

    /// Takes what was noted. Read the newest values after this, never before.
    pub fn take(&self) -> Rung<K> {
        std::mem::take(&mut *self.rung.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Listeners at one key, in the order they came. Most keys have one, and some have one for each proxy.
enum Listeners<K> {
    Few(Vec<(u64, Weak<Doorbell<K>>)>),
    Many(BTreeMap<u64, Weak<Doorbell<K>>>),
}

impl<K> Default for Listeners<K> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl<K> Listeners<K> {
    /// `id` is larger than every one before.
    fn insert(&mut self, id: u64, doorbell: Weak<Doorbell<K>>) {
        match self {
            Self::Few(few) if few.len() < FEW => {
                few.reserve_exact(1);
                few.push((id, doorbell));
            }
            Self::Few(few) => {
                let many = few.drain(..).chain([(id, doorbell)]).collect();
                *self = Self::Many(many);
            }
            Self::Many(many) => _ = many.insert(id, doorbell),
        }
    }

    fn remove(&mut self, id: u64) {
        match self {
            Self::Few(few) => few.retain(|(other, _)| *other != id),
            Self::Many(many) => _ = many.remove(&id),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len(),
        }
    }

    fn to_vec(&self) -> Vec<Weak<Doorbell<K>>> {
        match self {
            Self::Few(few) => few.iter().map(|(_, doorbell)| doorbell.clone()).collect(),
            Self::Many(many) => many.values().cloned().collect(),
        }
    }
}

/// The ringing side: who hears at which key.
pub struct Bell<K> {
    listeners: DashMap<Arc<K>, Listeners<K>>,
    next: AtomicU64,
    /// Told of a key whose first listener came or whose last one left.
    on_edge: Box<dyn Fn(&K) + Send + Sync>,
}

impl<K: Clone + Eq + Hash + Debug + Send + Sync + 'static> Bell<K> {
    pub fn new() -> Arc<Self> {
        Self::with_edges(|_| {})
    }

    /// `on_edge` is told of each key whose first listener has come or whose last has left; it must not block.
    pub fn with_edges(on_edge: impl Fn(&K) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { listeners: DashMap::new(), next: AtomicU64::new(0), on_edge: Box::new(on_edge) })
    }

    /// The doorbell hears at `key` until the result is dropped.
    pub fn listen(self: &Arc<Self>, key: K, doorbell: &Arc<Doorbell<K>>) -> Hearing<K> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (key, first) = {
            let mut at = self.listeners.entry(Arc::new(key)).or_default();
            at.insert(id, Arc::downgrade(doorbell));
            (Arc::clone(at.key()), at.len() == 1)
        };
        if first {
            (self.on_edge)(&key);
        }
        Hearing { bell: Arc::clone(self), key, id }
    }

    /// Rings everybody who hears at `key`, in the order they came.
    pub fn ring(&self, key: &K, ripples: &Ripples) {
        let mut audience = self.audience(key, ripples);
        while audience.ring_some() {}
    }

    /// Everybody who hears at `key` now, to be rung some at a time.
    pub fn audience(&self, key: &K, ripples: &Ripples) -> Audience<K> {
        // copied out: a guard of the map is never held while somebody is told
        let heard = self.listeners.get(key).map(|at| (Arc::clone(at.key()), at.to_vec()));
        let (key, listeners) = heard.unzip();
        Audience { key, listeners: listeners.unwrap_or_default().into_iter(), ripples: ripples.clone() }
    }

    pub fn is_heard(&self, key: &K) -> bool {
        self.listeners.contains_key(key)
    }

    /// Every key somebody hears at.
    pub fn keys(&self) -> Vec<K> {
        self.listeners.iter().map(|at| K::clone(at.key())).collect()
    }

    pub fn listeners(&self, key: &K) -> usize {
        self.listeners.get(key).map_or(0, |at| at.len())
    }
}

/// So many listeners are rung before what they do about it gets its turn. A scheduler takes some sixty tasks at a time: a
/// proxy and its stream for each, so that a change is on its way to the first clients before the last have been told of
/// it, and whatever else has to run waits for a few of them, not for all.
const BATCH: usize = 32;

/// Those who heard at a key at one moment and have not been rung yet.
pub struct Audience<K> {
    /// `None`: nobody hears.
    key: Option<Arc<K>>,
    listeners: std::vec::IntoIter<Weak<Doorbell<K>>>,
    ripples: Ripples,
}

impl<K: Eq + Hash> Audience<K> {
    /// Rings the next few; false: there are no more.
    pub fn ring_some(&mut self) -> bool {
        let Some(key) = &self.key else { return false };
        for listener in self.listeners.by_ref().take(BATCH) {
            if let Some(doorbell) = listener.upgrade() {
                doorbell.ring(key, &self.ripples);
            }
        }
        self.listeners.len() > 0
    }

    /// Rings them all; others run in between.
    pub async fn ring_all(mut self) {
        while self.ring_some() {
            tokio::task::yield_now().await;
        }
    }
}

/// Hearing at one key; ends when dropped.
pub struct Hearing<K: Clone + Eq + Hash + Debug + Send + Sync + 'static> {
    bell: Arc<Bell<K>>,
    key: Arc<K>,
    id: u64,
}

impl<K: Clone + Eq + Hash + Debug + Send + Sync + 'static> Drop for Hearing<K> {
    fn drop(&mut self) {
        let last = match self.bell.listeners.entry(Arc::clone(&self.key)) {
            Entry::Occupied(mut at) => {
                at.get_mut().remove(self.id);
                let last = at.get().len() == 0;
                if last {
                    at.remove();
                }
                last
            }
            Entry::Vacant(_) => false,
        };
        if last {
            (self.bell.on_edge)(&self.key);
        }
    }
}

/// What one listener hears at: sorted, and no larger than it must be, since most listeners hear at a few keys.
pub struct Hearings<K: Clone + Eq + Hash + Debug + Send + Sync + 'static> {
    sorted: Vec<Hearing<K>>,
}

impl<K: Clone + Eq + Hash + Debug + Send + Sync + 'static> Default for Hearings<K> {
    fn default() -> Self {
        Self { sorted: Vec::new() }
    }
}

impl<K: Clone + Ord + Hash + Debug + Send + Sync + 'static> Hearings<K> {
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.sorted.iter().map(|hearing| &*hearing.key)
    }

    pub fn contains(&self, key: &K) -> bool {
        self.sorted.binary_search_by(|hearing| (*hearing.key).cmp(key)).is_ok()
    }

    /// Replaces an older one at the same key.
    pub fn add(&mut self, hearing: Hearing<K>) {
        match self.sorted.binary_search_by(|known| known.key.cmp(&hearing.key)) {
            Ok(at) => self.sorted[at] = hearing,
            Err(at) => {
                if self.sorted.len() < FEW {
                    self.sorted.reserve_exact(1);
                }
                self.sorted.insert(at, hearing);
            }
        }
    }

    /// Ends hearing at all other keys, and says which they were.
    pub fn keep(&mut self, wanted: impl Fn(&K) -> bool) -> Vec<K> {
        self.sorted.extract_if(.., |hearing| !wanted(&hearing.key)).map(|hearing| K::clone(&hearing.key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn counted() -> (Arc<Doorbell<&'static str>>, Arc<AtomicUsize>) {
        let notices = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&notices);
        (Doorbell::new(move || _ = count.fetch_add(1, Ordering::SeqCst)), notices)
    }

    #[test]
    fn a_burst_sends_one_notice_and_loses_no_key() {
        let (doorbell, notices) = counted();
        let bell = Bell::new();
        let _a = bell.listen("a", &doorbell);
        let _b = bell.listen("b", &doorbell);
        for _ in 0..100 {
            bell.ring(&"b", &Ripples::default());
            bell.ring(&"a", &Ripples::default());
        }
        assert_eq!(notices.load(Ordering::SeqCst), 1);
        assert_eq!(doorbell.take().keys, ["b", "a"].map(Arc::new));
        bell.ring(&"a", &Ripples::default());
        assert_eq!(notices.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn however_many_keys_ring_each_is_noted_once_and_in_order() {
        let doorbell = Doorbell::new(|| {});
        for _ in 0..3 {
            (0..1000).for_each(|key| doorbell.ring(&Arc::new(key), &Ripples::default()));
        }
        assert_eq!(doorbell.take().keys, (0..1000).map(Arc::new).collect::<Vec<_>>());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn while_many_are_rung_others_get_their_turn() {
        let (bell, rung) = (Bell::new(), Arc::new(AtomicUsize::new(0)));
        let listeners: Vec<_> = (0..10 * BATCH)
            .map(|_| {
                let counter = Arc::clone(&rung);
                let doorbell = Doorbell::new(move || _ = counter.fetch_add(1, Ordering::SeqCst));
                (bell.listen("a", &doorbell), doorbell)
            })
            .collect();
        let ringing = tokio::spawn(bell.audience(&"a", &Ripples::default()).ring_all());
        tokio::task::yield_now().await;
        assert!(rung.load(Ordering::SeqCst) <= 2 * BATCH);
        ringing.await.unwrap();
        assert_eq!(rung.load(Ordering::SeqCst), listeners.len());
        bell.ring(&"a", &Ripples::default());
        assert!(listeners.iter().all(|(_, doorbell)| doorbell.take().keys == ["a"].map(Arc::new)));
    }

    #[test]
    fn hearings_are_found_and_ended_by_key() {
        let (doorbell, _) = counted();
        let bell = Bell::new();
        let mut hearings = Hearings::default();
        for key in ["c", "a", "b", "a"] {
            hearings.add(bell.listen(key, &doorbell));
        }
        assert!(hearings.len() == 3 && hearings.contains(&"b") && !hearings.contains(&"d"));
        assert_eq!(hearings.keep(|key| *key == "b"), ["a", "c"]);
        assert!(!bell.is_heard(&"a") && bell.is_heard(&"b"));
    }

    #[test]
    fn a_key_nobody_hears_at_any_more_is_forgotten_and_announced() {
        let edges = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&edges);
        let bell = Bell::with_edges(move |key: &&'static str| heard.lock().unwrap().push(*key));
        let (doorbell, notices) = counted();
        let first = bell.listen("a", &doorbell);
        let second = bell.listen("a", &doorbell);
        drop(first);
        assert!(bell.is_heard(&"a"));
        drop(second);
        assert!(!bell.is_heard(&"a"));
        assert_eq!(*edges.lock().unwrap(), ["a", "a"]);
        bell.ring(&"a", &Ripples::default());
        assert_eq!(notices.load(Ordering::SeqCst), 0);
    }
}
