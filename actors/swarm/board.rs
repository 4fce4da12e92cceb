//! Where the Envoys note what they see, for scenarios to read: one place per Envoy, and counters of all together.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use super::mark::{MOST_CHANGES, Mark, Marks};
use super::messages::Kind;
use super::spread::Histogram;

/// What the Envoys wait for in the present round.
#[derive(Debug, Default)]
pub enum Expected {
    #[default]
    Nothing,
    /// A response of the type that has a resource.
    Resource(Kind),
    /// These changes, or later ones in their places.
    Changes(Marks),
}

/// Moments are nanoseconds since the board was made; 0 for not yet.
pub struct Board {
    epoch: Instant,
    expected: ArcSwap<Expected>,
    pub places: Vec<Place>,
    pub totals: Totals,
    /// When each change was begun.
    begun: Vec<AtomicU64>,
    /// From the beginning of a change to its arrival, over all Envoys, while it is being recorded.
    pub changes: Histogram,
    failure: Mutex<Option<String>>,
}

/// Of one Envoy.
#[derive(Default)]
pub struct Place {
    in_sync: AtomicU64,
    received: AtomicU64,
    acknowledged: AtomicU64,
    last_word: AtomicU64,
    /// It does not read.
    stopped: AtomicBool,
    /// It may read again.
    go_on: Notify,
}

#[derive(Default)]
pub struct Totals {
    /// With gRPC's framing, without HTTP/2's.
    pub bytes: AtomicU64,
    pub resource_bytes: AtomicU64,
    pub resources: AtomicU64,
    pub responses: AtomicU64,
    pub in_sync: AtomicU64,
    pub received: AtomicU64,
    pub acknowledged: AtomicU64,
    /// Streams that ended although nobody wanted them to.
    pub failures: AtomicU64,
}

/// The totals at a moment.
#[derive(Clone, Copy, Default, Debug)]
pub struct Count {
    pub bytes: u64,
    pub resource_bytes: u64,
    pub resources: u64,
    pub responses: u64,
}

impl Board {
    pub fn new(envoys: usize) -> Self {
        Self {
            epoch: Instant::now(),
            expected: ArcSwap::default(),
            places: (0..envoys).map(|_| Place::default()).collect(),
            totals: Totals::default(),
            begun: (0..=MOST_CHANGES).map(|_| AtomicU64::new(0)).collect(),
            changes: Histogram::default(),
            failure: Mutex::default(),
        }
    }

    pub fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    /// Begins a round: what was received before is forgotten.
    pub fn expect(&self, expected: Expected) {
        self.expected.store(Arc::new(Expected::Nothing));
        for place in &self.places {
            place.received.store(0, Relaxed);
            place.acknowledged.store(0, Relaxed);
        }
        self.totals.received.store(0, Relaxed);
        self.totals.acknowledged.store(0, Relaxed);
        self.expected.store(Arc::new(expected));
    }

    /// Begins a round of connecting.
    pub fn expect_sync(&self) {
        for place in &self.places {
            place.in_sync.store(0, Relaxed);
            place.last_word.store(0, Relaxed);
        }
        self.totals.in_sync.store(0, Relaxed);
    }

    /// The moment counts from here on for the time to arrival of this change.
    pub fn begin(&self, mark: Mark) {
        self.begun[mark.number()].store(self.now(), Relaxed);
    }

    /// Notes what an Envoy has before and after a response; true when it is what the round waits for.
    pub fn hear(&self, at: usize, kind: Kind, resources: usize, before: &Marks, after: &Marks) -> bool {
        let now = self.now();
        let place = &self.places[at];
        place.last_word.store(now, Relaxed);
        if kind == Kind::Endpoint && self.changes.is_recording() {
            for mark in after.since(before) {
                let begun = self.begun[mark.number()].load(Relaxed);
                if begun > 0 {
                    self.changes.record(Duration::from_nanos(now.saturating_sub(begun)));
                }
            }
        }
        let arrived = match &**self.expected.load() {
            Expected::Nothing => false,
            Expected::Resource(expected) => kind == *expected && resources > 0,
            Expected::Changes(expected) => kind == Kind::Endpoint && after.include_all(expected),
        };
        if arrived && place.received.compare_exchange(0, now, Relaxed, Relaxed).is_ok() {
            self.totals.received.fetch_add(1, Relaxed);
            return true;
        }
        false
    }

    /// The acknowledgement of what the round waits for is on its way.
    pub fn acknowledged(&self, at: usize) {
        if self.places[at].acknowledged.compare_exchange(0, self.now(), Relaxed, Relaxed).is_ok() {
            self.totals.acknowledged.fetch_add(1, Relaxed);
        }
    }

    pub fn in_sync(&self, at: usize) {
        if self.places[at].in_sync.compare_exchange(0, self.now(), Relaxed, Relaxed).is_ok() {
            self.totals.in_sync.fetch_add(1, Relaxed);
        }
    }

    /// The server has taken the stream.
    pub fn accepted(&self, at: usize) {
        self.places[at].last_word.store(self.now(), Relaxed);
    }

    /// The first failure is kept: the others have mostly the same cause.
    pub fn failed(&self, reason: String) {
        self.totals.failures.fetch_add(1, Relaxed);
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
    }

    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn count(&self) -> Count {
        Count {
            bytes: self.totals.bytes.load(Relaxed),
            resource_bytes: self.totals.resource_bytes.load(Relaxed),
            resources: self.totals.resources.load(Relaxed),
            responses: self.totals.responses.load(Relaxed),
        }
    }
}

impl Place {
    pub fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }

    pub fn go_on(&self) {
        self.stopped.store(false, Relaxed);
        self.go_on.notify_one();
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    /// Returns when it may read.
    pub async fn may_read(&self) {
        while self.is_stopped() {
            self.go_on.notified().await;
        }
    }

    pub fn moment(&self, of: Moment) -> Option<u64> {
        let moment = match of {
            Moment::InSync => &self.in_sync,
            Moment::Received => &self.received,
            Moment::Acknowledged => &self.acknowledged,
            Moment::LastWord => &self.last_word,
        };
        Some(moment.load(Relaxed)).filter(|moment| *moment > 0)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    InSync,
    Received,
    Acknowledged,
    /// Of the server, on this stream.
    LastWord,
}
