//! The changes that a stream has yet to pass on: it holds their ripples until what came of them is answered.

use std::collections::VecDeque;

use chancery::delta::{Nonce, Step};

use crate::kit::{Ripples, Stage};

/// A client that never answers holds no more changes than this; the oldest count as not confirmed.
const MOST: usize = 1000;

/// The ripples that came with snapshots, each until what came of it is answered.
#[derive(Default)]
pub(crate) struct Carried {
    /// Oldest first.
    loads: VecDeque<Load>,
}

struct Load {
    ripples: Ripples,
    /// Part of it could not be sent yet.
    unsent: bool,
    waits_for: Vec<Nonce>,
}

impl Carried {
    pub fn is_empty(&self) -> bool {
        self.loads.is_empty()
    }

    pub fn take_on(&mut self, ripples: Ripples) {
        if ripples.is_empty() {
            return;
        }
        if self.loads.len() == MOST
            && let Some(oldest) = self.loads.pop_front()
        {
            oldest.ripples.mark_gone();
        }
        self.loads.push_back(Load { ripples, unsent: true, waits_for: Vec::new() });
    }

    /// After a step: which responses were refused in it, which are without an answer now, and whether something still
    /// waits to be sent. An answer may settle more responses than the one it names, so what counts is what is left.
    pub fn follow(&mut self, step: &Step, in_flight: &[Nonce], unsent: bool) {
        for rejection in &step.rejected {
            for load in self.loads.iter().filter(|load| load.unsent || load.waits_for.contains(&rejection.nonce)) {
                load.ripples.mark_rejected();
            }
        }
        for load in &mut self.loads {
            if load.unsent && !unsent {
                load.unsent = false;
                load.waits_for = in_flight.to_vec();
                if !load.waits_for.is_empty() {
                    load.ripples.pass(Stage::Push);
                }
            }
            let before = load.waits_for.len();
            load.waits_for.retain(|nonce| in_flight.contains(nonce));
            if before > 0 && load.waits_for.is_empty() {
                load.ripples.pass(Stage::Ack);
            }
        }
        self.loads.retain(|load| load.unsent || !load.waits_for.is_empty());
        if self.loads.is_empty() {
            self.loads = VecDeque::new();
        }
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.loads.iter().for_each(|load| load.ripples.mark_gone());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use chancery::delta::Step;
    use tokio::time::Instant;

    use super::*;
    use crate::kit::RippleLog;
    use crate::kit::ripple::Ended;

    /// A log and what has ended in it.
    fn log() -> (Arc<RippleLog>, Arc<Mutex<Vec<Ended>>>) {
        let ends: Arc<Mutex<Vec<Ended>>> = Arc::default();
        let told = Arc::clone(&ends);
        (RippleLog::new(move |ended| told.lock().unwrap().push(ended.clone())), ends)
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_ends_when_no_response_that_brought_it_is_unanswered() {
        let (log, ends) = log();
        let mut carried = Carried::default();
        carried.take_on(Ripples::one(log.begin(1, Instant::now())));
        carried.follow(&Step::default(), &[], true);
        carried.follow(&Step::default(), &[Nonce(1), Nonce(2)], false);
        carried.follow(&Step::default(), &[Nonce(2), Nonce(3)], false);
        assert!(ends.lock().unwrap().is_empty());
        // one answer may settle both
        carried.follow(&Step::default(), &[], false);
        assert!(!ends.lock().unwrap()[0].gone);
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_answers_holds_a_bounded_number_of_changes() {
        let (log, ends) = log();
        let mut carried = Carried::default();
        for index in 0..=MOST as u64 {
            carried.take_on(Ripples::one(log.begin(index, Instant::now())));
            carried.follow(&Step::default(), &[Nonce(1)], false);
        }
        assert_eq!(carried.loads.len(), MOST);
        let ended = ends.lock().unwrap().clone();
        assert!(matches!(&ended[..], [Ended { index: 0, gone: true, .. }]), "{ended:?}");
    }
}
