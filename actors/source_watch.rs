//! `SourceWatch`: one per topic that anybody listens to. It holds the topic's answer on the board, listens at the places
//! the answer was read from, and rings the topic's listeners when the answer has become another.
//!
//! | message | what happens |
//! |---|---|
//! | [`Ring`] | a place it was read from was touched: look again; same answer: stop here |
//! | [`Leave`] | nobody listens any more |

use std::sync::Arc;

use actix::{Actor, ActorContext as _, AsyncContext, Context, Handler, Message, WrapFuture as _};
use arc_swap::ArcSwap;

use chancery::catalog::Tables;
use chancery::fact::{Fact, Found, look};
use chancery::model::{Index, Place, ServiceName, Topic};

use crate::kit::{Bell, Board, Doorbell, ExitGuard, Hearing, Hearings, Pinned, Post, Ripples, Stage, Ticket, WeakPost};
use crate::metrics;

/// A topic's answer, as posted on the board.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    pub fact: Fact,
    pub index: Index,
}

/// An answer on the board, and how to tell whether it still stands.
#[derive(Clone, Debug)]
pub struct Posted {
    pub answer: Answer,
    places: Arc<[Place]>,
    /// Of the newest tables that it is known to be the answer of.
    seen: Index,
    /// Another answer than the watch's own: somebody could not wait for it.
    ahead: bool,
}

impl Posted {
    fn new(found: Found, seen: Index) -> Self {
        Self {
            answer: Answer { fact: found.fact, index: found.index },
            places: found.places.into(),
            seen,
            ahead: false,
        }
    }

    /// Of two answers to a topic the newer one; of equal ones the one that is in use.
    fn or_known(self, known: Option<&Self>) -> Self {
        match known {
            Some(known) if known.seen > self.seen => Self { ahead: false, ..known.clone() },
            Some(known) if known.answer.fact == self.answer.fact => {
                Self { answer: Answer { fact: known.answer.fact.clone(), ..self.answer }, ..self }
            }
            _ => self,
        }
    }

    /// Whether it was read before entries that were written together, one of which it may rest on.
    pub(crate) fn may_be_torn(&self, tables: &Tables) -> bool {
        self.seen < tables.together()
    }

    /// Looks again if a place of it was touched since, ahead of its watch, which has been rung or will be.
    pub(crate) fn catch_up(&mut self, tables: &Tables, topic: &Topic) {
        if self.seen >= tables.index() {
            return;
        }
        if self.places.iter().any(|place| tables.index_of(place) > self.seen) {
            let newer = Self::new(look(tables, topic), tables.index()).or_known(Some(self));
            let ahead = self.ahead || newer.answer.fact != self.answer.fact;
            *self = Self { ahead, ..newer };
        }
        self.seen = tables.index();
    }
}

/// What the watches of all topics share.
pub struct WatchParts {
    pub published: Arc<ArcSwap<Tables>>,
    pub places: Arc<Bell<Place>>,
    pub board: Arc<Board<Topic, Posted>>,
    pub topics: Arc<Bell<Topic>>,
    /// Identities that must have a certificate: heard at by the watch of each leaf, served by a `LeafKeeper` each.
    pub identities: Arc<Bell<ServiceName>>,
}

pub struct SourceWatch {
    parts: Arc<WatchParts>,
    card: Pinned,
    topic: Topic,
    doorbell: Arc<Doorbell<Place>>,
    hearings: Hearings<Place>,
    /// For a leaf: keeps its keeper.
    _identity: Option<Hearing<ServiceName>>,
    /// Already posted.
    fact: Option<Fact>,
    ticket: Option<Ticket>,
    /// Posted answers so far.
    version: u64,
    _exit: ExitGuard,
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct Ring;

#[derive(Message)]
#[rtype(result = "()")]
pub struct Leave;

impl SourceWatch {
    /// Called on the actor's own thread; the first look happens when it starts.
    pub fn new(parts: Arc<WatchParts>, topic: Topic, card: Pinned, exit: ExitGuard, ctx: &mut Context<Self>) -> Self {
        let bell: WeakPost<Self> = Post::new(ctx.address(), card.card()).downgrade();
        let doorbell = Doorbell::new(move || bell.tell(Ring));
        let identity = match &topic {
            Topic::Leaf(service) => Some(parts.identities.listen(service.clone(), &Doorbell::new(|| {}))),
            _ => None,
        };
        Self {
            parts,
            card,
            topic,
            doorbell,
            hearings: Hearings::default(),
            _identity: identity,
            fact: None,
            ticket: None,
            version: 0,
            _exit: exit,
        }
    }

    /// Looks until the places it listens at are those the answer was read from: a place it did not listen at yet may
    /// have been touched between the look and the listening.
    fn evaluate(&mut self, ripples: &Ripples, ctx: &mut Context<Self>) {
        let posted = loop {
            let tables = self.parts.published.load_full();
            let found = look(&tables, &self.topic);
            if self.listen_at(&found.places) {
                break Posted::new(found, tables.index());
            }
        };
        self.conclude(posted, ripples, ctx);
    }

    /// True when it listened at exactly these places already.
    fn listen_at(&mut self, places: &[Place]) -> bool {
        let mut added = false;
        for place in places {
            if !self.hearings.contains(place) {
                let hearing = self.parts.places.listen(place.clone(), &self.doorbell);
                self.hearings.add(hearing);
                added = true;
            }
        }
        if self.hearings.len() > places.len() {
            self.hearings.keep(|place| places.contains(place));
        }
        !added
    }

    fn conclude(&mut self, found: Posted, ripples: &Ripples, ctx: &mut Context<Self>) {
        // who looked ahead has told nobody
        let ahead = || self.parts.board.read(&self.topic).is_some_and(|known| known.ahead);
        let changed = self.fact.as_ref() != Some(&found.answer.fact) || ahead();
        metrics::watch_evaluation(self.topic.kind(), changed);
        if !changed {
            return;
        }
        ripples.pass(Stage::Watch);
        self.version += 1;
        self.card.set_version(self.version);
        let mut fact = None;
        let ticket = self.parts.board.post_over(self.topic.clone(), |known| {
            let posted = found.or_known(known);
            fact = Some(posted.answer.fact.clone());
            posted
        });
        (self.ticket, self.fact) = (Some(ticket), fact);
        let mut listeners = self.parts.topics.audience(&self.topic, ripples);
        if listeners.ring_some() {
            // the next answer waits for the end of it, and then stands for all that came meanwhile
            ctx.wait(listeners.ring_all().into_actor(self));
        }
    }
}

impl Actor for SourceWatch {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.evaluate(&Ripples::default(), ctx);
    }
}

impl Drop for SourceWatch {
    fn drop(&mut self) {
        // one that panicked leaves its last answer: what stands is better than nothing until it is rebuilt
        if let (false, Some(ticket)) = (std::thread::panicking(), self.ticket) {
            self.parts.board.unpost(&self.topic, ticket);
        }
    }
}

impl Handler<Ring> for SourceWatch {
    type Result = ();

    fn handle(&mut self, _: Ring, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Ring");
        let rung = self.doorbell.take();
        self.evaluate(&rung.ripples, ctx);
    }
}

impl Handler<Leave> for SourceWatch {
    type Result = ();

    fn handle(&mut self, _: Leave, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Leave");
        ctx.stop();
    }
}
