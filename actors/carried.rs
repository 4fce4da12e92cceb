//! The changes that a stream has yet to pass on: it holds their ripples until what came of them is answered.

use chancery::delta::{Nonce, Step};

use crate::kit::{Ripples, Stage};

/// The ripples that came with snapshots, each until what came of it is answered.
#[derive(Default)]
pub(crate) struct Carried {
    /// Sent and not answered.
    in_flight: Vec<Nonce>,
    loads: Vec<Load>,
}

struct Load {
    ripples: Ripples,
    /// Part of it could not be sent yet.
    unsent: bool,
    waits_for: Vec<Nonce>,
}

impl Carried {
    pub fn take_on(&mut self, ripples: Ripples) {
        if !ripples.is_empty() {
            self.loads.push(Load { ripples, unsent: true, waits_for: Vec::new() });
        }
    }

    /// What a step did: responses went out, others were answered; `unsent` says whether something still waits.
    pub fn follow(&mut self, step: &Step, unsent: bool) {
        self.in_flight.extend(step.pushes.iter().map(|push| push.nonce));
        for rejection in &step.rejected {
            for load in self.loads.iter().filter(|load| load.unsent || load.waits_for.contains(&rejection.nonce)) {
                load.ripples.mark_rejected();
            }
        }
        let answered = |nonce: &Nonce| {
            step.acknowledged.iter().any(|ack| ack.nonce == *nonce)
                || step.rejected.iter().any(|rejection| rejection.nonce == *nonce)
        };
        self.in_flight.retain(|nonce| !answered(nonce));
        for load in &mut self.loads {
            if load.unsent && !unsent {
                load.unsent = false;
                load.waits_for.clone_from(&self.in_flight);
                if !load.waits_for.is_empty() {
                    load.ripples.pass(Stage::Push);
                }
            }
            let before = load.waits_for.len();
            load.waits_for.retain(|nonce| !answered(nonce));
            if before > 0 && load.waits_for.is_empty() {
                load.ripples.pass(Stage::Ack);
            }
        }
        self.loads.retain(|load| load.unsent || !load.waits_for.is_empty());
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.loads.iter().for_each(|load| load.ripples.mark_gone());
    }
}
