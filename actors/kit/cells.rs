//! Where actors run: a few arbiters (a thread each), chosen by key, so that what belongs together shares a thread.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

use actix::{Actor, Addr, Arbiter, ArbiterHandle, Context};

#[derive(Clone)]
pub struct Cells {
    /// Empty: everything on the caller's thread, as in tests with a paused clock.
    arbiters: std::sync::Arc<[ArbiterHandle]>,
}

impl Cells {
    /// Everything on the thread that starts it, which must be inside a `LocalSet`.
    pub fn here() -> Self {
        Self { arbiters: std::sync::Arc::new([]) }
    }

    /// On these arbiters, at least one. Their owner stops and joins them.
    pub fn on(arbiters: &[Arbiter]) -> Self {
        Self { arbiters: arbiters.iter().map(Arbiter::handle).collect() }
    }

    /// The threads themselves; none when everything runs on the caller's.
    pub fn arbiters(&self) -> &[ArbiterHandle] {
        &self.arbiters
    }

    /// Starts an actor on the arbiter that this is called on; called elsewhere, on that of its key.
    pub fn start_beside_caller<A, F>(&self, key: &impl Hash, make: F) -> Addr<A>
    where
        A: Actor<Context = Context<A>>,
        F: FnOnce(&mut Context<A>) -> A + Send + 'static,
    {
        match Arbiter::try_current().filter(|_| !self.arbiters.is_empty()) {
            Some(here) => A::start_in_arbiter(&here, make),
            None => self.start(key, make),
        }
    }

    /// Starts an actor on the arbiter of its key.
    pub fn start<A, F>(&self, key: &impl Hash, make: F) -> Addr<A>
    where
        A: Actor<Context = Context<A>>,
        F: FnOnce(&mut Context<A>) -> A + Send + 'static,
    {
        if self.arbiters.is_empty() {
            return A::create(make);
        }
        // a fixed hasher: the same key lands on the same thread in every run
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(key);
        let at = usize::try_from(hash % self.arbiters.len() as u64).unwrap_or(0);
        A::start_in_arbiter(&self.arbiters[at], make)
    }
}
