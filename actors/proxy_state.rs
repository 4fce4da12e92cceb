//! `ProxyState`: one per proxy that a stream listens for. It gathers the facts the proxy needs, generates, and publishes
//! what came out when it differs from what was published before.
//!
//! | message | what happens |
//! |---|---|
//! | [`Ring`] | topics have new answers: learn them, watch what is needed now; complete and different: publish |
//! | [`Leave`] | nobody has listened for a while |
//!
//! There is no delay and no timer: a quiet proxy is rebuilt at once; a busy one takes all that was rung meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::{Actor, ActorContext as _, AsyncContext, Context, Handler, Message};
use tokio::time::Instant;

use chancery::generate::{Refusal, Sidecar};
use chancery::model::{ProxyId, Topic};
use chancery::resource::View;
use chancery::snapshot::Facts;

use crate::kit::{Bell, Board, Doorbell, ExitGuard, Hearing, Pinned, Post, Ripples, Stage, Ticket};
use crate::metrics;
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
pub struct ProxyParts {
    pub watches: Watches,
    pub board: Arc<Board<ProxyId, Published>>,
    /// Rung when something was published; streams hear here.
    pub snapshots: Arc<Bell<ProxyId>>,
}

pub struct ProxyState {
    parts: Arc<ProxyParts>,
    card: Pinned,
    facts: Facts,
    doorbell: Arc<Doorbell<Topic>>,
    watching: BTreeMap<Topic, Hearing<Topic>>,
    sidecar: Sidecar,
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

impl ProxyState {
    pub fn new(parts: Arc<ProxyParts>, id: ProxyId, card: Pinned, exit: ExitGuard, ctx: &mut Context<Self>) -> Self {
        let bell = Post::new(ctx.address(), card.card()).downgrade();
        let doorbell = Doorbell::new(move || bell.tell(Ring));
        // one that was rebuilt carries on from what its predecessor published
        let published = parts.board.read(&id).unwrap_or(Published {
            version: 0,
            view: None,
            refusals: Arc::new([]),
            missing: Arc::new([]),
        });
        Self {
            parts,
            card,
            facts: Facts::new(id),
            doorbell,
            watching: BTreeMap::new(),
            sidecar: Sidecar::default(),
            published,
            ticket: None,
            _exit: exit,
        }
    }

    /// Watches what the facts ask for now, and reads what is known of it; repeated, because what is read may ask for more.
    fn settle_watches(&mut self) {
        loop {
            let needs = self.facts.needs();
            let dropped: Vec<Topic> = self.watching.keys().filter(|topic| !needs.contains(topic)).cloned().collect();
            for topic in dropped {
                self.watching.remove(&topic);
                self.facts.forget(&topic);
            }
            let added: Vec<Topic> = needs.into_iter().filter(|topic| !self.watching.contains_key(topic)).collect();
            if added.is_empty() {
                return;
            }
            for topic in added {
                // listen first, read after: what is posted in between is rung
                let hearing = self.parts.watches.listen(topic.clone(), &self.doorbell);
                self.watching.insert(topic.clone(), hearing);
                self.learn(&topic);
            }
        }
    }

    fn learn(&mut self, topic: &Topic) {
        if let Some(answer) = self.parts.watches.board.read(topic) {
            self.facts.learn(topic, &answer.fact);
        }
    }

    fn rebuild(&mut self, ripples: &Ripples) {
        let began = Instant::now();
        let outcome = match self.facts.complete() {
            Err(missing) => {
                self.published.missing = missing.into();
                self.post();
                "incomplete"
            }
            Ok(snapshot) => {
                let generated = self.sidecar.generate(&snapshot);
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
                    self.parts.snapshots.ring(&self.facts.id, ripples);
                    "changed"
                }
            }
        };
        metrics::proxy_rebuild(outcome, began.elapsed());
    }

    fn post(&mut self) {
        self.card.set_version(self.published.version);
        self.ticket = Some(self.parts.board.post(self.facts.id.clone(), self.published.clone()));
    }
}

impl Actor for ProxyState {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.settle_watches();
        self.rebuild(&Ripples::default());
    }
}

impl Drop for ProxyState {
    fn drop(&mut self) {
        // one that panicked leaves what it published, for its successor and its streams
        if let (false, Some(ticket)) = (std::thread::panicking(), self.ticket) {
            self.parts.board.unpost(&self.facts.id, ticket);
        }
    }
}

impl Handler<Ring> for ProxyState {
    type Result = ();

    fn handle(&mut self, _: Ring, _: &mut Context<Self>) {
        let _turn = self.card.turn("Ring");
        let rung = self.doorbell.take();
        for topic in &rung.keys {
            if self.watching.contains_key(topic) {
                self.learn(topic);
            }
        }
        if rung.keys.iter().any(Facts::steers) {
            self.settle_watches();
        }
        self.rebuild(&rung.ripples);
    }
}

impl Handler<Leave> for ProxyState {
    type Result = ();

    fn handle(&mut self, _: Leave, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Leave");
        ctx.stop();
    }
}
