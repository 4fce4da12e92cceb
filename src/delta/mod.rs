//! The xDS protocol as a value: what one client's stream has asked for, what it was sent, what it accepted, and
//! therefore what goes out next. No socket, no clock, no knowledge of how resources are made.
//!
//! A [`Stream`] is stepped with an [`Event`] and says which [`Push`]es to write. It works by levels, not by edges: what
//! the client shall hold (the [`View`], as far as it is subscribed to) is compared with what it was sent, and the
//! difference goes out as soon as order allows. Newer state therefore only replaces older state, and a slow client
//! costs no queue.
//!
//! | file | decides |
//! |---|---|
//! | `request.rs` | what a client's message says, in either dialect |
//! | `subscription.rs` | which names of one type a client wants |
//! | `entry.rs` | what is known of one name |
//! | `collection.rs` | globs and aliases: names that stand for others |
//! | `plan.rs` | what of one type differs and goes out now |
//! | `order.rs` | make before break: what must wait for what |
//! | `heartbeat.rs` | what has a time to live and must be confirmed |
//! | `push.rs` | the responses, and the note of what went out in them |
//! | `answer.rs` | what an ACK or a NACK settles |
//! | `partial.rs` | a NACK that says which resources it means |
//! | `status.rs` | the stream as operators see it |
//! | `encode.rs` | a push as bytes |

mod answer;
mod collection;
#[cfg(test)]
mod conversation;
mod encode;
mod entry;
mod heartbeat;
#[cfg(test)]
mod model;
mod order;
mod partial;
mod plan;
mod push;
mod request;
mod status;
mod subscription;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::service::discovery::v3::Resource as Wrapper;

use crate::resource::{Resource, ResourceHash, ResourceType, View};

pub use answer::{Acknowledgement, Rejection};
pub use encode::{Message, message};
pub use request::{Change, Nack, Request};
pub use status::{ResourceStatus, SyncState, TypeStatus};

use entry::Holding;
use subscription::Subscription;

/// How long a listener or route waits for a client to accept the clusters it leans on, and how long an unanswered
/// response counts against the window. Envoy's own limit for a cluster's first endpoints is the same.
pub const ACK_TIMEOUT: Duration = Duration::from_secs(15);

/// After a reconnect, how long clusters that are gone stay with the client, so that it has time to subscribe to the
/// listeners and routes that may still refer to them. Envoy subscribes to everything in one burst.
pub const RECONNECT_GRACE: Duration = Duration::from_millis(500);

/// So long a cluster stays after the client has accepted the listener that no longer leads to it: calls on connections
/// that came before are still answered by the listener's older state. `chancery connect envoy` lets Envoy drain those for
/// ten seconds.
pub const DRAIN_TIME: Duration = Duration::from_secs(11);

/// The form of the messages on a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// `DeltaAggregatedResources`: changes and removals.
    Delta,
    /// `StreamAggregatedResources`: of listeners and clusters the full set each time.
    StateOfTheWorld,
}

impl Dialect {
    /// Each response holds everything of this type.
    fn is_full(self, kind: ResourceType) -> bool {
        self == Self::StateOfTheWorld && kind.has_wildcard()
    }

    /// State of the world has no word for the end of a resource that is subscribed to by name: the client keeps it.
    fn can_remove(self, kind: ResourceType) -> bool {
        self == Self::Delta || kind.has_wildcard()
    }
}

/// Names one response on a stream, over all types. Its wire text is the number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Nonce(pub u64);

impl fmt::Display for Nonce {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// What may happen to a stream.
#[derive(Debug)]
pub enum Event<'a> {
    /// The client has said something.
    Request(Request),
    /// There is a new state of everything this client shall hold. Before the first, requests are only recorded.
    View(&'a Arc<View>),
    /// The view does not cover what the client is about to ask for: until the next, requests are only recorded. To say
    /// nothing is better than to say of something that exists that it does not.
    Outdated,
    /// The time has come that [`Step::due`] named.
    Due,
}

/// What follows from an event.
#[derive(Default, Debug)]
pub struct Step {
    /// Responses to write, in this order.
    pub pushes: Vec<Push>,
    pub acknowledged: Vec<Acknowledgement>,
    pub rejected: Vec<Rejection>,
    /// Step again with [`Event::Due`] at this moment; replaces what an earlier step asked for.
    pub due: Option<Duration>,
}

/// One response.
#[derive(Clone, Debug)]
pub struct Push {
    pub dialect: Dialect,
    /// `None`: the answer to a subscription of a type that is not served.
    pub kind: Option<ResourceType>,
    pub type_url: Cow<'static, str>,
    pub nonce: Nonce,
    /// `system_version_info` (the version of the whole view), or `version_info` (of what the client shall hold of
    /// this type).
    pub version: ResourceHash,
    /// Sorted by name, as every list here; under the spelling that the client gave it.
    pub upserts: Vec<Arc<Resource>>,
    /// State of the world: what has a time to live goes out in a wrapper that says so.
    pub wrapped: bool,
    /// Delta: resources without their bodies, which are heartbeats or virtual hosts that do not exist; alone in a
    /// response.
    pub bodiless: Vec<Wrapper>,
    /// Sorted; no name is in both lists. Empty in state of the world, which has no removals.
    pub removals: Vec<Arc<str>>,
    /// State of the world: names that the client asked for and that do not exist (any longer); sorted, each told once.
    pub missing: Vec<Arc<str>>,
}

/// All that is known of one client's stream.
#[derive(Debug)]
pub struct Stream {
    dialect: Dialect,
    accepts_wrapped: bool,
    view: Option<Arc<View>>,
    subscriptions: [Subscription; ResourceType::ALL.len()],
    last_nonce: Nonce,
    /// When clusters may first be removed: see [`RECONNECT_GRACE`].
    removals_from: Duration,
    /// Listeners that the client has replaced, each until its connections have gone: see [`DRAIN_TIME`].
    draining: Vec<(Holding, Duration)>,
    /// Names of an earlier stream of which nobody knows what the client holds; each goes with the first request of its
    /// type.
    orphans: Vec<(ResourceType, Arc<str>)>,
}

/// The order in which types are looked at within a step: what is referred to before what refers.
const ORDER: [ResourceType; ResourceType::ALL.len()] =
    [ResourceType::Cluster, ResourceType::Endpoint, ResourceType::Secret, ResourceType::Listener, ResourceType::Route];

impl Stream {
    pub fn new(dialect: Dialect) -> Self {
        Self::with_orphans(dialect, Vec::new())
    }

    /// For a client that was here before: `orphans` is what [`Stream::orphans`] said of its last stream.
    pub fn with_orphans(dialect: Dialect, orphans: Vec<(ResourceType, Arc<str>)>) -> Self {
        Self {
            dialect,
            accepts_wrapped: false,
            view: None,
            subscriptions: Default::default(),
            last_nonce: Nonce::default(),
            removals_from: Duration::ZERO,
            draining: Vec::new(),
            orphans,
        }
    }

    /// State of the world: the client takes resources in wrappers too, and so learns their time to live. To others it
    /// is not told, and what they hold lasts.
    #[must_use]
    pub fn accepting_wrapped(mut self, accepts: bool) -> Self {
        self.accepts_wrapped = accepts && self.dialect == Dialect::StateOfTheWorld;
        self
    }

    /// Takes `event` in and says what follows. `now` is the time since any fixed moment; it never goes back.
    pub fn step(&mut self, event: Event<'_>, now: Duration) -> Step {
        let mut step = Step::default();
        match event {
            Event::Request(request) => self.hear(request, now, &mut step),
            Event::View(view) => self.look(view),
            Event::Outdated => self.view = None,
            Event::Due => {}
        }
        self.push(now, &mut step);
        step
    }

    /// The client has accepted all of the newest view it is subscribed to (or refused it, which ends the matter too).
    /// It may hold more for a while: clusters that nothing leads to any longer. False before the first view.
    pub fn settled(&self) -> bool {
        self.view.is_some() && self.subscriptions.iter().all(Subscription::is_settled)
    }

    /// The responses that were not answered yet, in the order of their types.
    pub fn in_flight(&self) -> impl Iterator<Item = Nonce> {
        self.subscriptions.iter().flat_map(|of| of.in_flight.iter().map(|response| response.nonce))
    }

    /// Something of the newest view waits for its turn.
    pub fn has_unsent(&self) -> bool {
        self.subscriptions.iter().any(|of| of.started && of.has_unsent() && !of.only_lingers)
    }

    /// The version of the newest view.
    pub fn view_version(&self) -> Option<ResourceHash> {
        self.view.as_ref().map(|view| view.version)
    }

    /// Names in responses that the client refused, or had not answered when the stream ended. It may have taken them
    /// in part, and does not say so when it comes back: its next stream must be told.
    pub fn orphans(&self) -> Vec<(ResourceType, Arc<str>)> {
        let mut orphans: BTreeSet<_> = self.orphans.iter().cloned().collect();
        for kind in ResourceType::ALL {
            orphans.extend(self.of(kind).unsure().map(|name| (kind, Arc::clone(name))));
        }
        orphans.into_iter().collect()
    }

    fn of(&self, kind: ResourceType) -> &Subscription {
        &self.subscriptions[kind as usize]
    }

    fn of_mut(&mut self, kind: ResourceType) -> &mut Subscription {
        &mut self.subscriptions[kind as usize]
    }

    fn hear(&mut self, request: Request, now: Duration, step: &mut Step) {
        let kind = match &request.kind {
            Ok(kind) => *kind,
            Err(type_url) => {
                let type_url = type_url.clone();
                return step.pushes.extend(self.answer_unknown(type_url, request));
            }
        };
        let dialect = self.dialect;
        if let Some(nonce) = request.nonce {
            let replaced = self.of_mut(kind).hear_answer(kind, dialect, nonce, request.error, step);
            self.draining.retain(|(_, until)| *until > now);
            if kind == ResourceType::Listener {
                self.draining.extend(replaced.into_iter().map(|holding| (holding, now + DRAIN_TIME)));
            }
        }
        let first = !self.of(kind).started;
        let returns = first && request.change.is_return();
        self.of_mut(kind).change(kind, request.change);
        if !first {
            return;
        }
        if returns && kind == ResourceType::Cluster {
            self.removals_from = now + RECONNECT_GRACE;
        }
        self.adopt_orphans(kind);
        if kind == ResourceType::Endpoint {
            order::owe_endpoints_of_sent_clusters(&mut self.subscriptions);
        }
    }

    fn adopt_orphans(&mut self, kind: ResourceType) {
        let mine: Vec<Arc<str>> = self.orphans.extract_if(.., |(of, _)| *of == kind).map(|(_, name)| name).collect();
        self.of_mut(kind).adopt_orphans(&mine);
    }

    fn look(&mut self, view: &Arc<View>) {
        for kind in ResourceType::ALL {
            let before = self.view.as_ref().map(|view| view.list(kind));
            if !before.is_some_and(|before| Arc::ptr_eq(before, view.list(kind))) {
                self.subscriptions[kind as usize].list_replaced(before);
            }
        }
        self.view = Some(Arc::clone(view));
    }

    fn next_nonce(&mut self) -> Nonce {
        self.last_nonce.0 += 1;
        self.last_nonce
    }
}
