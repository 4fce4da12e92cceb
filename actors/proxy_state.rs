//! `ProxyState`: one per proxy that a stream listens for. It gathers the facts the proxy needs, generates, and publishes
//! what came out when it differs from what was published before. What it is a proxy of, its [`Subject`] knows.
//!
//! | message | what happens |
//! |---|---|
//! | [`Ring`] | topics have new answers: learn them, watch what is needed now; complete and different: publish |
//! | [`Leave`] | nobody has listened for a while |
//!
//! There is no delay and no timer: a quiet proxy is rebuilt at once; a busy one takes all that was rung meanwhile.

use std::sync::Arc;

use actix::{Actor, ActorContext as _, AsyncContext, Context, Handler, Message};
use tokio::time::Instant;

use chancery::generate::Refusal;
use chancery::model::{Index, Topic};
use chancery::resource::View;

use crate::kit::registry::Key;
use crate::kit::{Bell, Board, Doorbell, ExitGuard, Hearings, Pinned, Post, Ripples, Stage, Ticket};
use crate::metrics;
use crate::subject::Subject;
use crate::watch_registry::Watches;

/// What stands on the board for one proxy.
#[derive(Clone, Debug)]
pub struct Published {
    /// Counts this proxy's snapshots.
    pub version: u64,
    /// `None` until all facts are known.
    pub view: Option<Arc<View>>,
    /// What could not be generated, and why.
    pub refusals: Arc<[Refusal]>,
    /// Topics that have not answered; while there are any, the view stays what it was.
    pub missing: Arc<[Topic]>,
}

/// What the proxies share.
pub struct ProxyParts<K: Key> {
    pub watches: Watches,
    pub board: Arc<Board<K, Published>>,
    /// Rung when something was published; streams hear here.
    pub snapshots: Arc<Bell<K>>,
}

pub struct ProxyState<S: Subject> {
    parts: Arc<ProxyParts<S::Key>>,
    card: Pinned,
    subject: S,
    doorbell: Arc<Doorbell<Topic>>,
    watching: Hearings<Topic>,
    /// All that it knows is of this index at least, where entries came together.
    together: Index,
    published: Published,
    ticket: Option<Ticket>,
    _exit: ExitGuard,
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct Ring;

#[derive(Message)]
#[rtype(result = "()")]
pub struct Leave;

impl<S: Subject> ProxyState<S> {
    pub fn new(
        parts: Arc<ProxyParts<S::Key>>,
        key: S::Key,
        card: Pinned,
        exit: ExitGuard,
        ctx: &mut Context<Self>,
    ) -> Self {
        let bell = Post::new(ctx.address(), card.card()).downgrade();
        let doorbell = Doorbell::new(move || bell.tell(Ring));
        // one that was rebuilt carries on from what its predecessor published
        let published = parts.board.read(&key).unwrap_or(Published {
            version: 0,
            view: None,
            refusals: Arc::new([]),
            missing: Arc::new([]),
        });
        Self {
            parts,
            card,
            subject: S::new(key),
            doorbell,
            watching: Hearings::default(),
            together: Index::default(),
            published,
            ticket: None,
            _exit: exit,
        }
    }

    /// Watches what the facts ask for now, and reads what is known of it; repeated, because what is read may ask for more.
    fn settle_watches(&mut self) {
        loop {
            let needs = self.subject.needs();
            for topic in self.watching.keep(|topic| needs.contains(topic)) {
                self.subject.forget(&topic);
            }
            let added: Vec<Topic> = needs.into_iter().filter(|topic| !self.watching.contains(topic)).collect();
            if added.is_empty() {
                return;
            }
            for topic in added {
                // listen first, read after: what is posted in between is rung
                let hearing = self.parts.watches.listen(topic.clone(), &self.doorbell);
                self.watching.add(hearing);
                self.learn(&topic);
            }
        }
    }

    fn learn(&mut self, topic: &Topic) {
        if let Some(fact) = self.parts.watches.known(topic) {
            self.subject.learn(topic, &fact);
        }
    }

    /// What was written together is seen together: when one answer is of after it, so are all, however far the watches
    /// of the others are.
    fn agree(&mut self) {
        loop {
            let newest = self.parts.watches.published.load().together();
            if newest == self.together {
                return;
            }
            self.together = newest;
            let watching: Vec<Topic> = self.watching.keys().cloned().collect();
            for topic in watching {
                self.learn(&topic);
            }
            self.settle_watches();
        }
    }

    fn rebuild(&mut self, ripples: &Ripples) {
        let began = Instant::now();
        let outcome = match self.subject.generate() {
            Err(missing) => {
                self.published.missing = missing.into();
                self.post();
                "incomplete"
            }
            Ok(generated) => {
                let known = self.published.view.as_ref().is_some_and(|view| view.version == generated.view.version);
                let reported = *self.published.refusals == *generated.refusals && self.published.missing.is_empty();
                self.published.refusals = generated.refusals.into();
                self.published.missing = Arc::new([]);
                if known {
                    if !reported {
                        self.post();
                    }
                    "unchanged"
                } else {
                    self.published.version += 1;
                    let view = match &self.published.view {
                        Some(earlier) => generated.view.reusing(earlier),
                        None => generated.view,
                    };
                    self.published.view = Some(Arc::new(view));
                    self.post();
                    ripples.pass(Stage::Rebuild);
                    self.parts.snapshots.ring(self.subject.key(), ripples);
                    "changed"
                }
            }
        };
        metrics::proxy_rebuild(outcome, began.elapsed());
    }

    fn post(&mut self) {
        self.card.set_version(self.published.version);
        self.ticket = Some(self.parts.board.post(self.subject.key().clone(), self.published.clone()));
    }
}

impl<S: Subject> Actor for ProxyState<S> {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.together = self.parts.watches.published.load().together();
        self.settle_watches();
        self.agree();
        self.rebuild(&Ripples::default());
    }
}

impl<S: Subject> Drop for ProxyState<S> {
    fn drop(&mut self) {
        // one that panicked leaves what it published, for its successor and its streams
        if let (false, Some(ticket)) = (std::thread::panicking(), self.ticket) {
            self.parts.board.unpost(self.subject.key(), ticket);
        }
    }
}

impl<S: Subject> Handler<Ring> for ProxyState<S> {
    type Result = ();

    fn handle(&mut self, _: Ring, _: &mut Context<Self>) {
        let _turn = self.card.turn("Ring");
        let rung = self.doorbell.take();
        for topic in &rung.keys {
            if self.watching.contains(topic) {
                self.learn(topic);
            }
        }
        if rung.keys.iter().any(|topic| S::steers(topic)) {
            self.settle_watches();
        }
        self.agree();
        self.rebuild(&rung.ripples);
    }
}

impl<S: Subject> Handler<Leave> for ProxyState<S> {
    type Result = ();

    fn handle(&mut self, _: Leave, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Leave");
        ctx.stop();
    }
}
