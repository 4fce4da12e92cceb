//! `XdsStream`: one per gRPC stream. It turns what the client says and what its proxy publishes into responses, by asking
//! [`chancery::delta`].
//!
//! | message | what happens |
//! |---|---|
//! | [`Received`] | the client said something: a subscription, an ACK, a NACK |
//! | [`Ring`] | the proxy published a snapshot: look at the newest |
//! | `Due` | the protocol's own time is up (an acknowledgement that did not come) |
//! | `Unread` | the client's patience with us was tested; now ours with it: has it read anything since? |
//! | [`End`] | the client has gone, or is asked to go |
//!
//! A client that is slow has no queue here: only the newest snapshot counts, and the protocol keeps a small window of
//! responses without an answer. One that leaves what it was sent unread for too long is dropped.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::{Actor, ActorContext as _, AsyncContext, Context, Handler, Message, SpawnHandle};
use dashmap::DashMap;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};

use chancery::delta::{self, Dialect, Event, Rejection, Request};
use chancery::model::ProxyId;
use chancery::resource::ResourceType;

use crate::admission::{Admission, Crowded};
use crate::carried::Carried;
use crate::kit::{Cells, Clock, Desk, Doorbell, Hearing, Pinned, Post, WeakPost};
use crate::metrics;
use crate::proxy_registry::Proxies;
use crate::rejections::{Refused, Rejections};
use crate::xds_settings::XdsSettings;

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
    settings: XdsSettings,
    admission: Admission,
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
    rejections: Mutex<Rejections>,
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

    /// The newest refusal of a resource, if the client has ever refused it.
    pub fn refused(&self, kind: ResourceType, name: &str) -> Option<Refused> {
        self.rejections.lock().unwrap_or_else(PoisonError::into_inner).get(kind, name).cloned()
    }
}

/// A stream as its door holds it: requests go in, messages come out. The stream ends when this is dropped.
pub struct OpenStream {
    pub messages: mpsc::Receiver<delta::Message>,
    pub requests: Requests,
    pub reading: Arc<Reading>,
}

/// What a stream and its door know together of how the client reads.
#[derive(Default)]
pub struct Reading {
    in_hand: AtomicBool,
    given_up: Notify,
}

impl Reading {
    /// The door holds a message that the client has no room for yet.
    pub fn set_in_hand(&self, in_hand: bool) {
        self.in_hand.store(in_hand, Ordering::Relaxed);
    }

    /// Returns when the client has tried the stream's patience for too long: nothing that is sent would reach it, so
    /// only its connection can be closed.
    pub async fn given_up(&self) {
        self.given_up.notified().await;
    }
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
    pub fn new(proxies: Proxies, desk: &Arc<Desk>, cells: &Cells, clock: Clock, settings: XdsSettings) -> Self {
        let parts = StreamParts {
            proxies,
            desk: Arc::clone(desk),
            cells: cells.clone(),
            clock,
            settings,
            admission: Admission::new(settings.new_streams_per_second),
            next: AtomicU64::new(1),
            open: DashMap::new(),
            orphans: DashMap::new(),
            draining: AtomicBool::new(false),
        };
        Self { parts: Arc::new(parts) }
    }

    pub fn settings(&self) -> &XdsSettings {
        &self.parts.settings
    }

    /// What the proxies shall hold.
    pub fn proxies(&self) -> &Proxies {
        &self.parts.proxies
    }

    /// Returns when it is a new stream's turn.
    pub async fn admit(&self) -> Result<(), Crowded> {
        self.parts.admission.admit().await.inspect_err(|_| metrics::stream_ended("crowded"))
    }

    /// A stream that carries every type.
    pub fn open(&self, proxy: ProxyId, dialect: Dialect, client: String) -> Result<OpenStream, Draining> {
        self.open_of(None, proxy, dialect, client)
    }

    /// A stream that carries one type, by its URL, or every type.
    pub fn open_of(
        &self,
        type_url: Option<&str>,
        proxy: ProxyId,
        dialect: Dialect,
        client: String,
    ) -> Result<OpenStream, Draining> {
        let parts = Arc::clone(&self.parts);
        if parts.draining.load(Ordering::SeqCst) {
            metrics::stream_ended("draining");
            return Err(Draining);
        }
        let id = parts.next.fetch_add(1, Ordering::Relaxed);
        let orphans = parts.take_orphans(&proxy, type_url);
        let sheet = Arc::new(Sheet {
            id,
            proxy: proxy.clone(),
            dialect,
            client,
            opened: tokio::time::Instant::now(),
            protocol: Mutex::new(delta::Stream::with_orphans(dialect, orphans)),
            rejections: Mutex::default(),
            sent: Default::default(),
        });
        let (out, messages) = mpsc::channel(UNREAD);
        let card = parts.desk.pin("XdsStream", format!("{proxy}#{id}"), 0);
        let (on_card, on_desk, own_parts) = (Arc::clone(card.card()), Arc::clone(&sheet), Arc::clone(&parts));
        let reading: Arc<Reading> = Arc::default();
        let out = Out { messages: out, sent: 0, reading: Arc::clone(&reading), is_watched: false };
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
        let requests = Requests { stream, room: Arc::new(Semaphore::new(UNHANDLED)) };
        Ok(OpenStream { messages, requests, reading })
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
            metrics::stream_ended("draining");
            stream.tell(End);
            tokio::time::sleep(pause).await;
        }
    }
}

pub struct XdsStream {
    parts: Arc<StreamParts>,
    card: Pinned,
    sheet: Arc<Sheet>,
    out: Out,
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
struct Unread {
    /// [`Out::read`] when the wait began.
    read: usize,
}

/// The stream is old enough that another replica may serve its client.
#[derive(Message)]
#[rtype(result = "()")]
struct Aged;

#[derive(Message)]
#[rtype(result = "()")]
pub struct End;

/// What goes to the client, and how far it has read.
struct Out {
    messages: mpsc::Sender<delta::Message>,
    sent: usize,
    reading: Arc<Reading>,
    /// An [`Unread`] will come.
    is_watched: bool,
}

impl Out {
    /// Messages that the client has not made room for.
    fn unread(&self) -> usize {
        let queued = self.messages.max_capacity() - self.messages.capacity();
        queued + usize::from(self.reading.in_hand.load(Ordering::Relaxed))
    }

    /// Messages that have left.
    fn read(&self) -> usize {
        self.sent.saturating_sub(self.unread())
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
            self.record(rejection);
        }
        for push in &step.pushes {
            self.card.set_version(push.nonce.0);
            self.send(push, ctx);
        }
        self.arm(step.due, now, ctx);
    }

    fn record(&self, rejection: &Rejection) {
        metrics::rejected(rejection.kind);
        let status = self.sheet.protocol().status().into_iter().find(|status| status.kind == rejection.kind);
        let known: Vec<Arc<str>> =
            status.into_iter().flat_map(|status| status.resources).map(|resource| resource.name).collect();
        let mut rejections = self.sheet.rejections.lock().unwrap_or_else(PoisonError::into_inner);
        rejections.take_in(&self.sheet.proxy, rejection, self.parts.clock.now(), &known);
        for (name, version) in &rejection.resources {
            let origin = rejections.get(rejection.kind, name).map(|refused| refused.origin.as_str());
            tracing::warn!(
                proxy = %self.sheet.proxy, client = %self.sheet.client, r#type = %rejection.kind, resource = %name,
                version = version.map(tracing::field::display), origin, error = %rejection.message,
                "a client refused what it was sent"
            );
        }
    }

    fn send(&mut self, push: &delta::Push, ctx: &mut Context<Self>) {
        let message = delta::message(push, &self.parts.identifier());
        let bytes = message.wire_len();
        if let Some(kind) = push.kind {
            let sent = &self.sheet.sent[kind as usize];
            sent.responses.fetch_add(1, Ordering::Relaxed);
            sent.resources.fetch_add(push.upserts.len() as u64, Ordering::Relaxed);
            sent.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            metrics::push(kind, push.upserts.len(), bytes);
        }
        match self.out.messages.try_send(message) {
            Ok(()) => {
                self.out.sent += 1;
                self.watch_reading(ctx);
            }
            Err(mpsc::error::TrySendError::Full(_)) => self.give_up(ctx),
            Err(mpsc::error::TrySendError::Closed(_)) => ctx.stop(),
        }
    }

    fn watch_reading(&mut self, ctx: &mut Context<Self>) {
        if !self.out.is_watched {
            self.out.is_watched = true;
            let read = self.out.read();
            ctx.run_later(self.parts.settings.read_patience, move |stream, _| stream.own.tell(Unread { read }));
        }
    }

    fn give_up(&self, ctx: &mut Context<Self>) {
        metrics::stream_ended("unread");
        tracing::warn!(
            proxy = %self.sheet.proxy, client = %self.sheet.client, unread = self.out.unread(),
            "a client does not read what it asks for; it is dropped"
        );
        self.out.reading.given_up.notify_one();
        ctx.stop();
    }

    /// A tenth more or less than the age that is set, by the stream's number: streams that came together do not go
    /// together.
    fn age(&self) -> Option<Duration> {
        let age = self.parts.settings.max_stream_age?;
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((self.sheet.id, &self.sheet.proxy));
        let permille = 900 + u32::try_from(hash % 201).unwrap_or_default();
        Some(age * permille / 1000)
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
    /// Of all types, or of those that a stream of one type is told of.
    fn take_orphans(&self, proxy: &ProxyId, type_url: Option<&str>) -> Vec<(ResourceType, Arc<str>)> {
        let Some(mut all) = self.orphans.get_mut(proxy) else { return Vec::new() };
        let mine = all.extract_if(.., |(kind, _)| type_url.is_none_or(|url| kind.type_url() == url)).collect();
        let is_empty = all.is_empty();
        drop(all);
        if is_empty {
            self.orphans.remove_if(proxy, |_, orphans| orphans.is_empty());
        }
        mine
    }

    /// Several streams of one client may end with some.
    fn keep_orphans(&self, proxy: &ProxyId, orphans: Vec<(ResourceType, Arc<str>)>) {
        if !orphans.is_empty() {
            let mut all = self.orphans.entry(proxy.clone()).or_default();
            all.extend(orphans);
            all.sort();
            all.dedup();
        }
    }

    /// `control_plane.identifier`, which Envoy shows in its stats.
    fn identifier(&self) -> String {
        format!("chancery-{}", env!("CARGO_PKG_VERSION"))
    }
}

impl Actor for XdsStream {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if let Some(age) = self.age() {
            ctx.run_later(age, |stream, _| stream.own.tell(Aged));
        }
        self.look(ctx);
    }
}

impl Drop for XdsStream {
    fn drop(&mut self) {
        self.parts.open.remove(&self.sheet.id);
        let orphans = self.sheet.protocol().orphans();
        self.parts.keep_orphans(&self.sheet.proxy, orphans);
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

impl Handler<Unread> for XdsStream {
    type Result = ();

    fn handle(&mut self, unread: Unread, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Unread");
        self.out.is_watched = false;
        match self.out.unread() {
            0 => {}
            _ if self.out.read() > unread.read => self.watch_reading(ctx),
            _ => self.give_up(ctx),
        }
    }
}

impl Handler<Aged> for XdsStream {
    type Result = ();

    fn handle(&mut self, _: Aged, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Aged");
        metrics::stream_ended("aged");
        ctx.stop();
    }
}

impl Handler<End> for XdsStream {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("End");
        ctx.stop();
    }
}
