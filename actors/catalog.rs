//! `Catalog`: the one writer. It applies writes to the newest tables, has the store keep them, then publishes and rings.
//!
//! | message | what happens |
//! |---|---|
//! | [`Commit`] | apply; refuse, or queue for the store. While the store is busy, more commits gather and go as one |
//! | (the store answers) | publish the tables, ring the places touched, answer whoever waits |
//! | (the store fails) | nobody knows what was kept: refuse all that waits, and reload the truth |

use std::collections::BTreeSet;
use std::sync::Arc;

use actix::fut::WrapFuture as _;
use actix::{Actor, ActorFutureExt as _, AsyncContext, Context, Handler, Message};
use arc_swap::ArcSwap;
use tokio::sync::oneshot;
use tokio::time::Instant;

use chancery::catalog::{Change, Outcome, Record, Refusal, Settings, Tables, Write, apply};
use chancery::model::{Index, Place};

use crate::kit::{Bell, Cells, Desk, ExitGuard, Pinned, Post, RippleLog, Ripples, Seat, Stage};
use crate::metrics;
use crate::stores::{Store, StoreError};

pub struct CatalogParts {
    pub settings: Settings,
    pub store: Arc<dyn Store>,
    pub published: Arc<ArcSwap<Tables>>,
    pub bell: Arc<Bell<Place>>,
    pub seat: Seat<Catalog>,
    pub desk: Arc<Desk>,
    pub cells: Cells,
    /// Where the ripples of commits begin.
    pub ripples: Arc<RippleLog>,
}

pub struct Catalog {
    parts: Arc<CatalogParts>,
    card: Pinned,
    /// The newest tables: all that was published and all that waits for the store.
    tables: Tables,
    waiting: Vec<Waiting>,
    store_is: StoreIs,
    _exit: ExitGuard,
}

enum StoreIs {
    Idle,
    Committing,
    Reloading,
}

/// A write that was applied and waits for the store.
struct Waiting {
    reply: oneshot::Sender<Result<Committed, CommitError>>,
    committed: Committed,
    received: Instant,
    places: BTreeSet<Place>,
    changes: Vec<Change>,
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct Commit {
    pub write: Write,
    pub received: Instant,
    pub reply: oneshot::Sender<Result<Committed, CommitError>>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Committed {
    pub index: Index,
    pub outcome: Outcome,
    /// Of a transaction: what each of its steps gave.
    pub results: Vec<Vec<Record>>,
}

#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("the store could not keep the write, which may or may not have taken effect; read before you retry: {0}")]
    Store(String),
    #[error("the catalog is restarting; the write may or may not have taken effect: read, then retry")]
    Stopping,
}

/// How the others reach the catalog: to read, its published tables; to write, itself.
#[derive(Clone)]
pub struct CatalogHandle {
    pub seat: Seat<Catalog>,
    pub published: Arc<ArcSwap<Tables>>,
}

impl CatalogHandle {
    pub fn tables(&self) -> Arc<Tables> {
        self.published.load_full()
    }

    /// Answers when the write is durable and published.
    pub async fn commit(&self, write: Write) -> Result<Committed, CommitError> {
        let (reply, answer) = oneshot::channel();
        self.seat.tell(Commit { write, received: Instant::now(), reply });
        answer.await.unwrap_or(Err(CommitError::Stopping))
    }

    /// Writes without waiting; a refusal or failure is only logged.
    pub fn commit_later(&self, what: &'static str, write: Write) {
        let answer = self.clone();
        tokio::spawn(async move {
            if let Err(error) = answer.commit(write).await {
                tracing::warn!(%error, "could not {what}");
            }
        });
    }
}

impl Catalog {
    /// Starts the catalog in its seat, on what was published last. Rebuilt there, from the store, if it panics.
    pub fn start(parts: &Arc<CatalogParts>, restarts: u32) {
        let card = parts.desk.pin("Catalog", "", restarts);
        let (again, own, on_card) = (Arc::clone(parts), Arc::clone(parts), Arc::clone(card.card()));
        let exit = ExitGuard::new(move |panicked| {
            if panicked {
                Self::start(&again, restarts + 1);
            }
        });
        let addr = parts.cells.start(&"Catalog", move |ctx: &mut Context<Self>| {
            let tables = Tables::clone(&own.published.load());
            let mut catalog =
                Self { parts: own, card, tables, waiting: Vec::new(), store_is: StoreIs::Idle, _exit: exit };
            if restarts > 0 {
                catalog.reload(ctx);
            }
            catalog
        });
        parts.seat.take(Post::new(addr, &on_card));
    }

    fn commit(&mut self, commit: Commit, ctx: &mut Context<Self>) {
        if matches!(self.store_is, StoreIs::Reloading) {
            _ = commit.reply.send(Err(CommitError::Stopping));
            return;
        }
        let applied = match apply(&self.tables, &commit.write, self.tables.index().next()) {
            Ok(applied) => applied,
            Err(refusal) => {
                metrics::catalog_write("refused");
                _ = commit.reply.send(Err(refusal.into()));
                return;
            }
        };
        self.tables = applied.tables;
        self.waiting.push(Waiting {
            reply: commit.reply,
            committed: Committed { index: self.tables.index(), outcome: applied.outcome, results: applied.results },
            received: commit.received,
            places: if applied.everywhere { self.parts.bell.keys().into_iter().collect() } else { applied.places },
            changes: applied.changes,
        });
        if matches!(self.store_is, StoreIs::Idle) {
            self.flush(ctx);
        }
    }

    /// Everything that waits goes to the store as one commit.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        let mut batch = std::mem::take(&mut self.waiting);
        if batch.is_empty() {
            return;
        }
        let changes: Vec<Change> = batch.iter_mut().flat_map(|waiting| std::mem::take(&mut waiting.changes)).collect();
        let tables = self.tables.clone();
        if changes.is_empty() {
            // the store is idle, so all that these answers rest on is durable already
            return self.kept(batch, tables, Ok(()), ctx);
        }
        let began = Instant::now();
        self.store_is = StoreIs::Committing;
        metrics::store_batch(batch.len());
        let kept = self.parts.store.commit(tables.index(), changes);
        ctx.spawn(kept.into_actor(self).map(move |kept, catalog, ctx| {
            metrics::store_commit(began.elapsed());
            catalog.kept(batch, tables, kept, ctx);
        }));
    }

    fn kept(&mut self, batch: Vec<Waiting>, tables: Tables, kept: Result<(), StoreError>, ctx: &mut Context<Self>) {
        self.store_is = StoreIs::Idle;
        if let Err(error) = kept {
            tracing::error!(%error, "the store failed; reloading");
            let text = error.to_string();
            for waiting in batch.into_iter().chain(std::mem::take(&mut self.waiting)) {
                metrics::catalog_write("failed");
                _ = waiting.reply.send(Err(CommitError::Store(text.clone())));
            }
            self.reload(ctx);
            return;
        }
        self.card.set_version(tables.index().0);
        self.parts.published.store(Arc::new(tables));
        for waiting in batch {
            metrics::catalog_commit(waiting.committed.outcome, waiting.received.elapsed());
            self.ring(&waiting, ctx);
            _ = waiting.reply.send(Ok(waiting.committed));
        }
        self.flush(ctx);
    }

    fn ring(&self, waiting: &Waiting, ctx: &mut Context<Self>) {
        if waiting.places.is_empty() {
            return;
        }
        let ripple = self.parts.ripples.begin(waiting.committed.index.0, waiting.received);
        ripple.pass(Stage::Commit);
        let ripples = Ripples::one(ripple);
        for place in &waiting.places {
            let mut listeners = self.parts.bell.audience(place, &ripples);
            if listeners.ring_some() {
                // the next write waits for none of it
                ctx.spawn(listeners.ring_all().into_actor(self));
            }
        }
    }

    /// Takes the truth from the store, and tells everybody, since anything may have changed.
    fn reload(&mut self, ctx: &mut Context<Self>) {
        self.store_is = StoreIs::Reloading;
        let loaded = self.parts.store.load();
        ctx.spawn(loaded.into_actor(self).map(|loaded, catalog, ctx| match loaded {
            Ok(loaded) => {
                catalog.store_is = StoreIs::Idle;
                catalog.tables = Tables::load(catalog.parts.settings.clone(), loaded.index, loaded.records);
                catalog.parts.published.store(Arc::new(catalog.tables.clone()));
                for place in catalog.parts.bell.keys() {
                    catalog.parts.bell.ring(&place, &Ripples::default());
                }
            }
            Err(error) => {
                tracing::error!(%error, "the store cannot be read; trying again");
                ctx.run_later(std::time::Duration::from_secs(1), Self::reload);
            }
        }));
    }
}

impl Actor for Catalog {
    type Context = Context<Self>;
}

impl Handler<Commit> for Catalog {
    type Result = ();

    fn handle(&mut self, commit: Commit, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Commit");
        self.commit(commit, ctx);
    }
}
