//! `XdsStream`: one per gRPC stream. It turns what the client says and what its proxy publishes into responses, by asking
//! [`chancery::delta`].
//!
//! | message | what happens |
//! |---|---|
//! | [`Received`] | the client said something: a subscription, an ACK, a NACK |
//! | [`Ring`] | the proxy published a snapshot: look at the newest |
//! | `Due` | the protocol's own time is up (an acknowledgement that did not come) |
//! | [`End`] | the client has gone, or is asked to go |
//!
//! A client that is slow has no queue here: only the newest snapshot counts, and the protocol keeps a small window of
//! responses without an answer. One that asks without ever reading is dropped.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::{Actor, ActorContext as _, AsyncContext, Context, Handler, Message, SpawnHandle};
use dashmap::DashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use chancery::delta::{self, Dialect, Event, Nonce, Request, Step};
use chancery::model::ProxyId;
use chancery::resource::ResourceType;

use crate::kit::{Cells, Clock, Desk, Doorbell, Hearing, Pinned, Post, Ripples, Stage, WeakPost};
use crate::metrics;
use crate::proxy_registry::Proxies;

/// The dialects, with their words for metrics and the admin page.
pub const DIALECTS: [(Dialect, &str); 2] = [(Dialect::Delta, "delta"), (Dialect::StateOfTheWorld, "sotw")];

/// Responses that may wait for the client to read them.
const UNREAD: usize = 64;
/// Requests that may wait to be handled; beyond it the client's messages stay in the socket.
const UNHANDLED: usize = 8;

/// The open streams, and how doors open more.
#[derive(Clone)]
pub struct Streams {
    parts: Arc<StreamParts>,
}

struct StreamParts {
    proxies: Proxies,
    desk: Arc<Desk>,
    cells: Cells,
    clock: Clock,
    next: AtomicU64,
    open: DashMap<u64, (Arc<Sheet>, WeakPost<XdsStream>)>,
    /// What clients whose stream ended may hold without saying so when they return.
    orphans: DashMap<ProxyId, Vec<(ResourceType, Arc<str>)>>,
    draining: AtomicBool,
}

/// One stream as others may read it.
pub struct Sheet {
    pub id: u64,
    pub proxy: ProxyId,
    pub dialect: Dialect,
    /// What the client calls itself, with its version.
    pub client: String,
    pub opened: tokio::time::Instant,
    protocol: Mutex<delta::Stream>,
    pub sent: [Sent; ResourceType::ALL.len()],
}

/// What was sent of one type on one stream.
#[derive(Default, Debug)]
pub struct Sent {
    pub responses: AtomicU64,
    pub resources: AtomicU64,
    pub bytes: AtomicU64,
}

impl Sheet {
    /// The protocol's own state; held as briefly as possible.
    pub fn protocol(&self) -> MutexGuard<'_, delta::Stream> {
        self.protocol.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream as its door holds it: requests go in, messages come out. The stream ends when this is dropped.
pub struct OpenStream {
    pub messages: mpsc::Receiver<delta::Message>,
    pub requests: Requests,
}

/// The way in; waits when the stream has more to handle than it should.
#[derive(Clone)]
pub struct Requests {
    stream: Post<XdsStream>,
    room: Arc<Semaphore>,
}

impl Requests {
    pub async fn send(&self, request: Request) {
        if let Ok(permit) = Arc::clone(&self.room).acquire_owned().await {
            self.stream.tell(Received { request, _permit: permit });
        }
    }

    /// The client will say nothing more.
    pub fn end(&self) {
        self.stream.tell(End);
    }
}

/// New streams are refused: the process is about to stop.
#[derive(Debug, thiserror::Error)]
#[error("this control plane is shutting down; connect again")]
pub struct Draining;

impl Streams {
    pub fn new(proxies: Proxies, desk: &Arc<Desk>, cells: &Cells, clock: Clock) -> Self {
        let parts = StreamParts {
            proxies,
            desk: Arc::clone(desk),
            cells: cells.clone(),
            clock,
            next: AtomicU64::new(1),
            open: DashMap::new(),
            orphans: DashMap::new(),
            draining: AtomicBool::new(false),
        };
        Self { parts: Arc::new(parts) }
    }

    pub fn open(&self, proxy: ProxyId, dialect: Dialect, client: String) -> Result<OpenStream, Draining> {
        let parts = Arc::clone(&self.parts);
        if parts.draining.load(Ordering::SeqCst) {
            return Err(Draining);
        }
        let id = parts.next.fetch_add(1, Ordering::Relaxed);
        let orphans = parts.orphans.remove(&proxy).map(|(_, orphans)| orphans).unwrap_or_default();
        let sheet = Arc::new(Sheet {
            id,
            proxy: proxy.clone(),
            dialect,
            client,
            opened: tokio::time::Instant::now(),
            protocol: Mutex::new(delta::Stream::with_orphans(dialect, orphans)),
            sent: Default::default(),
        });
        let (out, messages) = mpsc::channel(UNREAD);
        let card = parts.desk.pin("XdsStream", format!("{proxy}#{id}"), 0);
        let (on_card, on_desk, own_parts) = (Arc::clone(card.card()), Arc::clone(&sheet), Arc::clone(&parts));
        // beside its proxy: what is published to it does not cross a thread
        let addr = parts.cells.start(&proxy.clone(), move |ctx: &mut Context<XdsStream>| {
            let post = Post::new(ctx.address(), card.card());
            let (own, bell) = (post.downgrade(), post.downgrade());
            let doorbell = Doorbell::new(move || bell.tell(Ring));
            let hearing = own_parts.proxies.listen(proxy, &doorbell);
            let carried = Carried::default();
            XdsStream { parts: own_parts, card, sheet, out, doorbell, _hearing: hearing, timer: None, carried, own }
        });
        let stream = Post::new(addr, &on_card);
        parts.open.insert(id, (on_desk, stream.downgrade()));
        Ok(OpenStream { messages, requests: Requests { stream, room: Arc::new(Semaphore::new(UNHANDLED)) } })
    }

    /// The open streams, oldest first.
    pub fn sheets(&self) -> Vec<Arc<Sheet>> {
        let mut sheets: Vec<Arc<Sheet>> = self.parts.open.iter().map(|open| Arc::clone(&open.0)).collect();
        sheets.sort_by_key(|sheet| sheet.id);
        sheets
    }

    pub fn len(&self) -> usize {
        self.parts.open.len()
    }

    pub fn is_empty(&self) -> bool {
        self.parts.open.is_empty()
    }

    /// Refuses new streams and ends the open ones, spread over `window`, so that their clients do not all come to
    /// another replica at once.
    pub async fn drain(&self, window: Duration) {
        self.parts.draining.store(true, Ordering::SeqCst);
        let streams: Vec<WeakPost<XdsStream>> = self.parts.open.iter().map(|open| open.1.clone()).collect();
        let pause = window / u32::try_from(streams.len().max(1)).unwrap_or(u32::MAX);
        for stream in streams {
            stream.tell(End);
            tokio::time::sleep(pause).await;
        }
    }
}

pub struct XdsStream {
    parts: Arc<StreamParts>,
    card: Pinned,
    sheet: Arc<Sheet>,
    out: mpsc::Sender<delta::Message>,
    doorbell: Arc<Doorbell<ProxyId>>,
    _hearing: Hearing<ProxyId>,
    timer: Option<SpawnHandle>,
    carried: Carried,
    own: WeakPost<Self>,
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct Received {
    request: Request,
    _permit: OwnedSemaphorePermit,
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct Ring;

#[derive(Message)]
#[rtype(result = "()")]
struct Due;

#[derive(Message)]
#[rtype(result = "()")]
pub struct End;

/// The ripples that came with snapshots, each until what came of it is answered.
#[derive(Default)]
struct Carried {
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
    fn take_on(&mut self, ripples: Ripples) {
        if !ripples.is_empty() {
            self.loads.push(Load { ripples, unsent: true, waits_for: Vec::new() });
        }
    }

    /// What a step did: responses went out, others were answered; `unsent` says whether something still waits.
    fn follow(&mut self, step: &Step, unsent: bool) {
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

impl XdsStream {
    fn look(&mut self, ctx: &mut Context<Self>) {
        let rung = self.doorbell.take();
        let published = self.parts.proxies.board.read(&self.sheet.proxy);
        let Some(view) = published.and_then(|published| published.view) else { return };
        self.carried.take_on(rung.ripples);
        self.step(Event::View(&view), ctx);
    }

    fn step(&mut self, event: Event<'_>, ctx: &mut Context<Self>) {
        let now = self.parts.clock.elapsed();
        let (step, unsent) = {
            let mut protocol = self.sheet.protocol();
            let step = protocol.step(event, now);
            (step, protocol.has_unsent())
        };
        self.carried.follow(&step, unsent);
        for acknowledged in &step.acknowledged {
            metrics::acknowledged(acknowledged.kind);
        }
        for rejection in &step.rejected {
            metrics::rejected(rejection.kind);
            tracing::warn!(
                proxy = %self.sheet.proxy, r#type = %rejection.kind, resources = ?rejection.resources, error = %rejection.message,
                "a client refused what it was sent"
            );
        }
        for push in &step.pushes {
            self.card.set_version(push.nonce.0);
            self.send(push, ctx);
        }
        self.arm(step.due, now, ctx);
    }

    fn send(&self, push: &delta::Push, ctx: &mut Context<Self>) {
        let message = delta::message(push, &self.parts.identifier());
        let bytes = message.wire_len();
        if let Some(kind) = push.kind {
            let sent = &self.sheet.sent[kind as usize];
            sent.responses.fetch_add(1, Ordering::Relaxed);
            sent.resources.fetch_add(push.upserts.len() as u64, Ordering::Relaxed);
            sent.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            metrics::push(kind, push.upserts.len(), bytes);
        }
        if self.out.try_send(message).is_err() {
            tracing::warn!(proxy = %self.sheet.proxy, "a client does not read what it asks for, or has gone; its stream ends");
            ctx.stop();
        }
    }

    fn arm(&mut self, due: Option<Duration>, now: Duration, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(due) = due {
            let wait = due.saturating_sub(now);
            self.timer = Some(ctx.run_later(wait, |stream, _| stream.own.tell(Due)));
        }
    }
}

impl StreamParts {
    /// `control_plane.identifier`, which Envoy shows in its stats.
    fn identifier(&self) -> String {
        format!("chancery-{}", env!("CARGO_PKG_VERSION"))
    }
}

impl Actor for XdsStream {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.look(ctx);
    }
}

impl Drop for XdsStream {
    fn drop(&mut self) {
        self.parts.open.remove(&self.sheet.id);
        let orphans = self.sheet.protocol().orphans();
        if !orphans.is_empty() {
            self.parts.orphans.insert(self.sheet.proxy.clone(), orphans);
        }
    }
}

impl Handler<Received> for XdsStream {
    type Result = ();

    fn handle(&mut self, received: Received, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Received");
        self.step(Event::Request(received.request), ctx);
    }
}

impl Handler<Ring> for XdsStream {
    type Result = ();

    fn handle(&mut self, _: Ring, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Ring");
        self.look(ctx);
    }
}

impl Handler<Due> for XdsStream {
    type Result = ();

    fn handle(&mut self, _: Due, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Due");
        self.step(Event::Due, ctx);
    }
}

impl Handler<End> for XdsStream {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("End");
        ctx.stop();
    }
}
