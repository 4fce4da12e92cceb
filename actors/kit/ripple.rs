//! One token per commit that travels with the rings: whoever passes the change on clones it, whoever is done with it
//! drops it. When the last clone is dropped the change has converged, and how long each stage took is known.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::time::Instant;

/// What a change passes through, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// The store has it.
    Commit,
    /// A watch saw its answer change.
    Watch,
    /// A proxy's snapshot was rebuilt.
    Rebuild,
    /// A stream pushed what came of it.
    Push,
    /// The client acknowledged.
    Ack,
}

impl Stage {
    pub const ALL: [Self; 5] = [Self::Commit, Self::Watch, Self::Rebuild, Self::Push, Self::Ack];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Watch => "watch",
            Self::Rebuild => "rebuild",
            Self::Push => "push",
            Self::Ack => "ack",
        }
    }
}

/// What is known of a ripple that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    pub index: u64,
    /// Nanoseconds from the start to the last time each stage was passed; 0 where none was.
    pub stage_ns: [u64; Stage::ALL.len()],
    /// Some client refused what came of it.
    pub rejected: bool,
    /// Some client went away before it answered.
    pub gone: bool,
}

#[derive(Clone)]
pub struct Ripple(Arc<Wave>);

struct Wave {
    index: u64,
    started: Instant,
    stage_ns: [AtomicU64; Stage::ALL.len()],
    rejected: AtomicBool,
    gone: AtomicBool,
    log: Arc<RippleLog>,
}

/// Ripples that [`RippleLog`] remembers.
const REMEMBERED: usize = 100;

/// The newest ripples, on their way or ended.
pub struct RippleLog {
    recent: Mutex<VecDeque<Remembered>>,
    on_end: Box<dyn Fn(&Ended) + Send + Sync>,
}

enum Remembered {
    OnItsWay(u64, Weak<Wave>),
    Ended(Ended),
}

/// One ripple as read at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RippleReading {
    pub ended: bool,
    /// Actors and notices that still hold it; 0 when it has ended.
    pub holders: usize,
    pub so_far: Ended,
}

impl RippleLog {
    /// `on_end` is told of each change that has converged.
    pub fn new(on_end: impl Fn(&Ended) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { recent: Mutex::default(), on_end: Box::new(on_end) })
    }

    /// A new ripple; `started` is when the write was received.
    pub fn begin(self: &Arc<Self>, index: u64, started: Instant) -> Ripple {
        let ripple = Ripple::new(index, started, Arc::clone(self));
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() == REMEMBERED {
            recent.pop_front();
        }
        recent.push_back(Remembered::OnItsWay(index, Arc::downgrade(&ripple.0)));
        ripple
    }

    /// Oldest first.
    pub fn read(&self) -> Vec<RippleReading> {
        // upgraded under the lock, dropped after it: the last holder's drop takes the lock
        let (readings, waves): (Vec<RippleReading>, Vec<Arc<Wave>>) = {
            let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            let mut waves = Vec::new();
            let mut readings = Vec::with_capacity(recent.len());
            for remembered in recent.iter() {
                match remembered {
                    Remembered::Ended(ended) => {
                        readings.push(RippleReading { ended: true, holders: 0, so_far: ended.clone() });
                    }
                    Remembered::OnItsWay(_, wave) => {
                        let Some(wave) = wave.upgrade() else { continue };
                        let holders = Arc::strong_count(&wave) - 1;
                        readings.push(RippleReading { ended: false, holders, so_far: wave.so_far() });
                        waves.push(wave);
                    }
                }
            }
            (readings, waves)
        };
        drop(waves);
        readings
    }

    fn end(&self, ended: Ended) {
        (self.on_end)(&ended);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let of_this = |remembered: &&mut Remembered| matches!(remembered, Remembered::OnItsWay(index, _) if *index == ended.index);
        if let Some(remembered) = recent.iter_mut().rev().find(of_this) {
            *remembered = Remembered::Ended(ended);
        }
    }
}

impl Wave {
    fn so_far(&self) -> Ended {
        Ended {
            index: self.index,
            stage_ns: std::array::from_fn(|stage| self.stage_ns[stage].load(Ordering::Relaxed)),
            rejected: self.rejected.load(Ordering::Relaxed),
            gone: self.gone.load(Ordering::Relaxed),
        }
    }
}

impl Ripple {
    fn new(index: u64, started: Instant, log: Arc<RippleLog>) -> Self {
        Self(Arc::new(Wave {
            index,
            started,
            stage_ns: Default::default(),
            rejected: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            log,
        }))
    }

    pub fn index(&self) -> u64 {
        self.0.index
    }

    pub fn pass(&self, stage: Stage) {
        self.pass_at(stage, Instant::now());
    }

    fn pass_at(&self, stage: Stage, now: Instant) {
        let elapsed = u64::try_from(now.saturating_duration_since(self.0.started).as_nanos()).unwrap_or(u64::MAX);
        self.0.stage_ns[stage as usize].fetch_max(elapsed.max(1), Ordering::Relaxed);
    }
}

impl fmt::Debug for Ripple {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Ripple({})", self.0.index)
    }
}

impl Drop for Wave {
    fn drop(&mut self) {
        self.log.end(self.so_far());
    }
}

/// The ripples that came together into one piece of work, each once, in the order of their commits.
#[derive(Clone, Debug, Default)]
pub struct Ripples(Vec<Ripple>);

impl Ripples {
    pub fn one(ripple: Ripple) -> Self {
        Self(vec![ripple])
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn join(&mut self, others: &Self) {
        for other in &others.0 {
            // most come in the order of their commits
            let is_newest = self.0.last().is_none_or(|last| last.index() < other.index());
            let earlier = |ripple: &Ripple| ripple.index() < other.index();
            let at = if is_newest { self.0.len() } else { self.0.partition_point(earlier) };
            let mut same = self.0[at..].iter().take_while(|ripple| ripple.index() == other.index());
            if !same.any(|ripple| Arc::ptr_eq(&ripple.0, &other.0)) {
                self.0.insert(at, other.clone());
            }
        }
    }

    pub fn pass(&self, stage: Stage) {
        if !self.is_empty() {
            // one look at the clock for all of them
            let now = Instant::now();
            self.0.iter().for_each(|ripple| ripple.pass_at(stage, now));
        }
    }

    pub fn mark_rejected(&self) {
        self.0.iter().for_each(|ripple| ripple.0.rejected.store(true, Ordering::Relaxed));
    }

    pub fn mark_gone(&self) {
        self.0.iter().for_each(|ripple| ripple.0.gone.store(true, Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_ripple_ends_when_the_last_holder_lets_go() {
        let ends = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&ends);
        let log = RippleLog::new(move |ended| told.lock().unwrap().push(ended.clone()));
        let ripple = log.begin(7, Instant::now());
        let mut held = Ripples::one(ripple.clone());
        held.join(&Ripples::one(ripple.clone()));
        tokio::time::advance(std::time::Duration::from_millis(3)).await;
        held.pass(Stage::Ack);
        drop(ripple);
        assert!(ends.lock().unwrap().is_empty());
        held.mark_rejected();
        assert!(!log.read()[0].ended);
        assert_eq!(log.read()[0].holders, 1);
        drop(held);
        assert!(log.read()[0].ended);
        let ended = ends.lock().unwrap().pop().unwrap();
        assert_eq!((ended.index, ended.stage_ns[Stage::Ack as usize], ended.rejected), (7, 3_000_000, true));
    }
}
