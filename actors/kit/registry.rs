//! A parent of many children of one kind: one child for each key that somebody listens at. It starts a child when the
//! first listener comes, ends it when the last has been gone for a while, and rebuilds one that panicked.
//!
//! | message | what happens |
//! |---|---|
//! | [`Reconcile`] | a key's first listener came or its last left: start the child, or let it linger |
//! | [`Down`] | a child ended: rebuild it, with back-off, if it is still wanted |
//! | `Sweep` | a wait is over: end what lingered long enough, rebuild what waited long enough |

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, SpawnHandle};
use tokio::time::Instant;

use super::bell::Bell;
use super::cells::Cells;
use super::children::{Backoff, ExitGuard};
use super::desk::{Desk, Pinned};
use super::post::{Post, Seat};

/// A child that has run this long starts with a fresh back-off.
const STEADY: Duration = Duration::from_secs(60);

pub trait Key: Clone + Ord + Hash + Debug + Display + Send + Sync + Unpin + 'static {}
impl<K: Clone + Ord + Hash + Debug + Display + Send + Sync + Unpin + 'static> Key for K {}

/// Ends a child.
pub type Leave = Box<dyn Fn() + Send>;

/// Starts the child of a key; `restarts` counts how often it was rebuilt. The guard goes into the child.
pub type Start<K> = Arc<dyn Fn(&K, u32, ExitGuard) -> Leave + Send + Sync>;

pub struct RegistryParts<K: Key> {
    /// The registry's kind on its card.
    pub kind: &'static str,
    pub bell: Arc<Bell<K>>,
    pub seat: Seat<Registry<K>>,
    pub start: Start<K>,
    /// Told of a key whose child panicked and is not wanted any more: what the child left behind goes.
    pub gone: Box<dyn Fn(&K) + Send + Sync>,
    /// How long a child outlives its last listener.
    pub linger: Duration,
    pub desk: Arc<Desk>,
    pub cells: Cells,
    /// Numbers children over all rebuilds of the registry, so that the end of one it no longer has means nothing.
    pub launched: AtomicU64,
}

pub struct Registry<K: Key> {
    parts: Arc<RegistryParts<K>>,
    card: Pinned,
    children: BTreeMap<K, Child>,
    /// Children that linger or wait for their rebuild, by when that is over.
    due: BTreeSet<(Instant, K)>,
    sweep: Option<SpawnHandle>,
    _exit: ExitGuard,
}

struct Child {
    generation: u64,
    backoff: Backoff,
    standing: Standing,
}

enum Standing {
    Running { leave: Leave, since: Instant },
    Lingering { leave: Leave, since: Instant, until: Instant },
    Waiting { until: Instant },
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct Reconcile<K>(pub K);

#[derive(Message)]
#[rtype(result = "()")]
pub struct Down<K> {
    key: K,
    generation: u64,
    panicked: bool,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Sweep;

impl<K: Key> Registry<K> {
    /// Starts the registry in its seat; it is rebuilt there, with children for all keys that are heard, if it panics.
    pub fn start(parts: &Arc<RegistryParts<K>>, restarts: u32) {
        let card = parts.desk.pin(parts.kind, "", restarts);
        let (again, own, on_card) = (Arc::clone(parts), Arc::clone(parts), Arc::clone(card.card()));
        let exit = ExitGuard::new(move |panicked| {
            if panicked {
                Self::start(&again, restarts + 1);
            }
        });
        let addr = parts.cells.start(&parts.kind, move |_: &mut Context<Self>| Self {
            parts: own,
            card,
            children: BTreeMap::new(),
            due: BTreeSet::new(),
            sweep: None,
            _exit: exit,
        });
        parts.seat.take(Post::new(addr, &on_card));
        // what was wanted before there was anybody to ask
        for key in parts.bell.keys() {
            parts.seat.tell(Reconcile(key));
        }
    }

    fn launch(&mut self, key: &K, mut backoff: Backoff, restart: bool) {
        if !restart {
            backoff = Backoff::default();
        }
        let generation = self.parts.launched.fetch_add(1, Ordering::Relaxed);
        let (seat, child) = (self.parts.seat.clone(), key.clone());
        let guard = ExitGuard::new(move |panicked| seat.tell(Down { key: child, generation, panicked }));
        let leave = (self.parts.start)(key, backoff.restarts(), guard);
        let standing = Standing::Running { leave, since: Instant::now() };
        self.children.insert(key.clone(), Child { generation, backoff, standing });
    }

    fn reconcile(&mut self, key: &K, ctx: &mut Context<Self>) {
        let wanted = self.parts.bell.is_heard(key);
        let Some(mut child) = self.children.remove(key) else {
            if wanted {
                self.launch(key, Backoff::default(), false);
            }
            return;
        };
        child.standing = match (wanted, child.standing) {
            (true, Standing::Lingering { leave, since, until }) => {
                self.due.remove(&(until, key.clone()));
                Standing::Running { leave, since }
            }
            (false, Standing::Running { leave, since }) => {
                if self.parts.linger.is_zero() {
                    leave();
                    return;
                }
                let until = Instant::now() + self.parts.linger;
                self.wait_until(until, key, ctx);
                Standing::Lingering { leave, since, until }
            }
            (false, Standing::Waiting { until }) => {
                self.due.remove(&(until, key.clone()));
                (self.parts.gone)(key);
                return;
            }
            (_, same) => same,
        };
        self.children.insert(key.clone(), child);
    }

    fn down(&mut self, down: &Down<K>, ctx: &mut Context<Self>) {
        if self.children.get(&down.key).is_some_and(|child| child.generation != down.generation) {
            return;
        }
        let Some(mut child) = self.children.remove(&down.key) else {
            // it was told to leave, and panicked instead
            if down.panicked {
                (self.parts.gone)(&down.key);
            }
            return;
        };
        if let Standing::Lingering { until, .. } = child.standing {
            self.due.remove(&(until, down.key.clone()));
        }
        if !self.parts.bell.is_heard(&down.key) {
            (self.parts.gone)(&down.key);
            return;
        }
        if let Standing::Running { since, .. } = child.standing
            && since.elapsed() > STEADY
        {
            child.backoff = Backoff::default();
        }
        let delay = child.backoff.next_delay();
        tracing::warn!(child = %down.key, panicked = down.panicked, ?delay, "a child ended and is rebuilt");
        if delay.is_zero() {
            self.launch(&down.key, child.backoff, true);
        } else {
            let until = Instant::now() + delay;
            child.standing = Standing::Waiting { until };
            self.children.insert(down.key.clone(), child);
            self.wait_until(until, &down.key, ctx);
        }
    }

    fn wait_until(&mut self, until: Instant, key: &K, ctx: &mut Context<Self>) {
        self.due.insert((until, key.clone()));
        self.arm(ctx);
    }

    /// One timer for all that waits, set to the earliest.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        if let Some(handle) = self.sweep.take() {
            ctx.cancel_future(handle);
        }
        if let Some((until, _)) = self.due.first() {
            let seat = self.parts.seat.clone();
            let wait = until.saturating_duration_since(Instant::now());
            self.sweep = Some(ctx.run_later(wait, move |_, _| seat.tell(Sweep)));
        }
    }

    fn sweep(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        while self.due.first().is_some_and(|(until, _)| *until <= now) {
            let Some((_, key)) = self.due.pop_first() else { break };
            let Some(child) = self.children.remove(&key) else { continue };
            match child.standing {
                Standing::Lingering { leave, .. } => leave(),
                Standing::Waiting { .. } if self.parts.bell.is_heard(&key) => self.launch(&key, child.backoff, true),
                Standing::Waiting { .. } => (self.parts.gone)(&key),
                Standing::Running { .. } => {
                    self.children.insert(key, child);
                }
            }
        }
        self.arm(ctx);
    }
}

impl<K: Key> Actor for Registry<K> {
    type Context = Context<Self>;
}

impl<K: Key> Drop for Registry<K> {
    fn drop(&mut self) {
        for child in self.children.values() {
            if let Standing::Running { leave, .. } | Standing::Lingering { leave, .. } = &child.standing {
                leave();
            }
        }
    }
}

impl<K: Key> Handler<Reconcile<K>> for Registry<K> {
    type Result = ();

    fn handle(&mut self, Reconcile(key): Reconcile<K>, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Reconcile");
        self.reconcile(&key, ctx);
    }
}

impl<K: Key> Handler<Down<K>> for Registry<K> {
    type Result = ();

    fn handle(&mut self, down: Down<K>, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Down");
        self.down(&down, ctx);
    }
}

impl<K: Key> Handler<Sweep> for Registry<K> {
    type Result = ();

    fn handle(&mut self, _: Sweep, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Sweep");
        self.sweep(ctx);
    }
}
