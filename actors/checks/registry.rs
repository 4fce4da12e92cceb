//! `CheckRegistry`: the parent of all running checks. It keeps one child for each check of this node that has a
//! definition, rebuilds one that panicked, and removes an instance that has been critical for longer than it may be.
//!
//! | message | what happens |
//! |---|---|
//! | [`Ring`] | something on the node changed: start, replace and end children, note what has become critical |
//! | `Down` | a child ended: rebuild it, with back-off, if its check is still there |
//! | `Sweep` | a wait is over: rebuild what waited long enough, deregister what was critical long enough |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, SpawnHandle};
use tokio::time::Instant;

use chancery::catalog::{Tables, Write, query};
use chancery::model::{Check, CheckId, Place, Probe, Status};

use crate::kit::{Backoff, Doorbell, ExitGuard, Hearing, Leave, Pinned, Post, Seat};

use super::CheckParts;
use super::active::ActiveCheck;
use super::alias::{AliasCheck, Mirrored};
use super::ttl::{self, TtlCheck};

/// The least time an instance may be critical before it is deregistered.
const MIN_CRITICAL: Duration = Duration::from_secs(60);

/// When to try again after an instance could not be deregistered.
const DEREGISTER_AGAIN: Duration = Duration::from_secs(30);

/// A child that has run this long starts with a fresh back-off.
const STEADY: Duration = Duration::from_secs(60);

pub struct CheckRegistry {
    parts: Arc<CheckParts>,
    seat: Seat<Self>,
    card: Pinned,
    doorbell: Arc<Doorbell<Place>>,
    _hearing: Hearing<Place>,
    /// What the children were last brought in line with.
    seen: Option<Arc<Tables>>,
    children: BTreeMap<CheckId, Child>,
    /// Children that wait for something, by when.
    due: BTreeSet<(Instant, CheckId)>,
    generation: u64,
    /// One for all that waits, set to the earliest.
    timer: Option<(Instant, SpawnHandle)>,
    _exit: ExitGuard,
}

struct Child {
    /// As it was at the last look.
    check: Arc<Check>,
    generation: u64,
    backoff: Backoff,
    standing: Standing,
    /// When its instance goes, if the check stays critical.
    deregister_at: Option<Instant>,
}

enum Standing {
    Running { leave: Leave, since: Instant },
    Waiting { until: Instant },
}

#[derive(Message)]
#[rtype(result = "()")]
struct Ring;

#[derive(Message)]
#[rtype(result = "()")]
struct Down {
    id: CheckId,
    generation: u64,
    panicked: bool,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Sweep;

impl CheckRegistry {
    /// Starts the registry in its seat; it is rebuilt there, with new children, if it panics.
    pub fn start(parts: Arc<CheckParts>, seat: &Seat<Self>, restarts: u32) {
        let card = parts.desk.pin("CheckRegistry", "", restarts);
        let on_card = Arc::clone(card.card());
        let (again, again_in) = (Arc::clone(&parts), seat.clone());
        let exit = ExitGuard::new(move |panicked| {
            if panicked {
                Self::start(again, &again_in, restarts + 1);
            }
        });
        let own_seat = seat.clone();
        let addr = parts.cells.clone().start(&"CheckRegistry", move |ctx: &mut Context<Self>| {
            let bell = Post::new(ctx.address(), card.card()).downgrade();
            let doorbell = Doorbell::new(move || bell.tell(Ring));
            let hearing = parts.places.listen(Place::Node(parts.node.clone()), &doorbell);
            Self {
                parts,
                seat: own_seat,
                card,
                doorbell,
                _hearing: hearing,
                seen: None,
                children: BTreeMap::new(),
                due: BTreeSet::new(),
                generation: 0,
                timer: None,
                _exit: exit,
            }
        });
        seat.take(Post::new(addr, &on_card));
    }

    /// Brings the children in line with the tables; costs as much as has changed since the last look.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let tables = self.parts.catalog.tables();
        let changed = match &self.seen {
            Some(seen) => query::changed_checks(seen, &tables, &self.parts.node),
            None => {
                let (_, checks) = query::on_node(&tables, &self.parts.node);
                checks.into_iter().map(|check| (check.id.clone(), Some(check))).collect()
            }
        };
        self.seen = Some(tables);
        for (id, check) in changed {
            self.align(&id, check);
        }
        self.arm(ctx);
    }

    fn align(&mut self, id: &CheckId, check: Option<Arc<Check>>) {
        let child = self.remove(id);
        let runs = check.filter(|check| check.definition.is_some());
        match (child, runs) {
            (Some(child), Some(check)) if is_same(&child.check, &check) => {
                let deregister_at = deregister_at(&check, child.deregister_at);
                self.insert(Child { check, deregister_at, ..child });
            }
            (child, runs) => {
                if let Some(stale) = child {
                    self.end(&stale);
                }
                if let Some(check) = runs {
                    let deregister_at = deregister_at(&check, None);
                    self.launch(check, Backoff::default(), deregister_at);
                }
            }
        }
    }

    fn insert(&mut self, child: Child) {
        let id = child.check.id.clone();
        if let Some(due) = child.due() {
            self.due.insert((due, id.clone()));
        }
        self.children.insert(id, child);
    }

    fn remove(&mut self, id: &CheckId) -> Option<Child> {
        let child = self.children.remove(id)?;
        if let Some(due) = child.due() {
            self.due.remove(&(due, id.clone()));
        }
        Some(child)
    }

    fn launch(&mut self, check: Arc<Check>, backoff: Backoff, deregister_at: Option<Instant>) {
        self.generation += 1;
        let (generation, seat, id) = (self.generation, self.seat.clone(), check.id.clone());
        let exit = ExitGuard::new(move |panicked| seat.tell(Down { id, generation, panicked }));
        let leave = start(&self.parts, &check, backoff.restarts(), exit);
        let standing = Standing::Running { leave, since: Instant::now() };
        self.insert(Child { check, generation, backoff, standing, deregister_at });
    }

    fn end(&self, child: &Child) {
        self.parts.ttls.clear(&child.check.id);
        self.parts.newest.clear(&child.check.id);
        if let Standing::Running { leave, .. } = &child.standing {
            leave();
        }
    }

    fn down(&mut self, down: &Down, ctx: &mut Context<Self>) {
        if self.children.get(&down.id).is_none_or(|child| child.generation != down.generation) {
            return;
        }
        let Some(mut child) = self.remove(&down.id) else { return };
        if let Standing::Running { since, .. } = child.standing
            && since.elapsed() > STEADY
        {
            child.backoff = Backoff::default();
        }
        let delay = child.backoff.next_delay();
        tracing::warn!(check = %down.id, panicked = down.panicked, ?delay, "a health check ended and is rebuilt");
        if delay.is_zero() {
            self.launch(child.check, child.backoff, child.deregister_at);
        } else {
            self.insert(Child { standing: Standing::Waiting { until: Instant::now() + delay }, ..child });
        }
        self.arm(ctx);
    }

    fn arm(&mut self, ctx: &mut Context<Self>) {
        let earliest = self.due.first().map(|(until, _)| *until);
        if self.timer.as_ref().map(|(until, _)| *until) == earliest {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(until) = earliest {
            let seat = self.seat.clone();
            let wait = until.saturating_duration_since(Instant::now());
            self.timer = Some((until, ctx.run_later(wait, move |_, _| seat.tell(Sweep))));
        }
    }

    fn sweep(&mut self, ctx: &mut Context<Self>) {
        self.timer = None;
        let now = Instant::now();
        while let Some((_, id)) = self.due.first().filter(|(until, _)| *until <= now).cloned() {
            let Some(mut child) = self.remove(&id) else { break };
            if child.deregister_at.is_some_and(|at| at <= now) {
                self.deregister(&child.check);
                child.deregister_at = Some(now + DEREGISTER_AGAIN);
            }
            match child.standing {
                Standing::Waiting { until } if until <= now => {
                    self.launch(child.check, child.backoff, child.deregister_at);
                }
                _ => self.insert(child),
            }
        }
        self.arm(ctx);
    }

    fn deregister(&self, check: &Check) {
        let (node, id) = (check.node.clone(), check.service_id.clone());
        tracing::info!(service = %id, check = %check.id, "critical for too long: deregistering the service");
        self.parts.catalog.commit_later("deregister a critical service", Write::DeregisterService { node, id });
    }
}

impl Child {
    fn due(&self) -> Option<Instant> {
        let rebuild_at = match self.standing {
            Standing::Waiting { until } => Some(until),
            Standing::Running { .. } => None,
        };
        rebuild_at.into_iter().chain(self.deregister_at).min()
    }
}

/// Whether the child that runs the one will do for the other: what was found may differ, not what is to be done.
fn is_same(known: &Check, check: &Check) -> bool {
    known.create_index == check.create_index && known.definition == check.definition && known.exposed == check.exposed
}

/// Counts from when the check was first seen critical, which is `known` if it was so before.
fn deregister_at(check: &Check, known: Option<Instant>) -> Option<Instant> {
    let after = check.definition.as_ref()?.deregister_critical_service_after;
    if check.status != Status::Critical || after.is_zero() || check.service_id.is_empty() {
        return None;
    }
    known.or_else(|| Some(Instant::now() + after.max(MIN_CRITICAL)))
}

/// Starts the child that this kind of check needs.
fn start(parts: &Arc<CheckParts>, check: &Check, restarts: u32, exit: ExitGuard) -> Leave {
    let Some(definition) = &check.definition else { return Box::new(|| {}) };
    match &definition.probe {
        Probe::Ttl(ttl) => {
            let child = TtlCheck::start(parts, &check.id, *ttl, restarts, exit);
            parts.ttls.post(check.id.clone(), child.clone());
            Box::new(move || child.tell(ttl::Leave))
        }
        Probe::Alias { node, service } => {
            let node = if node.is_empty() { &check.node } else { node };
            let target = Mirrored { node: node.clone(), service: service.clone() };
            AliasCheck::start(parts, check, target, restarts, exit)
        }
        Probe::Periodic(target) => {
            let target = match &check.exposed {
                Some(exposed) => target.clone().through(exposed),
                None => target.clone(),
            };
            ActiveCheck::start(parts, check, definition, target, restarts, exit)
        }
    }
}

impl Actor for CheckRegistry {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.look(ctx);
    }
}

impl Drop for CheckRegistry {
    fn drop(&mut self) {
        for child in self.children.values() {
            self.end(child);
        }
    }
}

impl Handler<Ring> for CheckRegistry {
    type Result = ();

    fn handle(&mut self, _: Ring, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Ring");
        self.doorbell.take();
        self.look(ctx);
    }
}

impl Handler<Down> for CheckRegistry {
    type Result = ();

    fn handle(&mut self, down: Down, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Down");
        self.down(&down, ctx);
    }
}

impl Handler<Sweep> for CheckRegistry {
    type Result = ();

    fn handle(&mut self, _: Sweep, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Sweep");
        self.sweep(ctx);
    }
}
