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

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::{Actor, ActorContext as _, AsyncContext, Context, Handler, Message};
use dashmap::DashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use chancery::delta::{self, Dialect, Event, Nonce, Rejection, Request};
use chancery::model::{EnvoyVersion, ProxyId};
use chancery::resource::ResourceType;

use crate::admission::{Admission, Crowded};
use crate::carried::Carried;
use crate::kit::{Alarm, Cells, Clock, Desk, Pinned, Post, WeakPost};
use crate::metrics;
use crate::orphans::Orphans;
use crate::outgoing::{Outgoing, Reading, Unsent, outgoing};
use crate::rejections::{Refused, Rejections};
use crate::views::{Client, Outlook, Publications, Views};
use crate::xds_settings::XdsSettings;

/// The dialects, with their words for metrics and the admin page.
pub const DIALECTS: [(Dialect, &str); 2] = [(Dialect::Delta, "delta"), (Dialect::StateOfTheWorld, "sotw")];

/// `control_plane.identifier`, which Envoy shows in its stats.
const IDENTIFIER: &str = concat!("chancery-", env!("CARGO_PKG_VERSION"));

/// Requests that may wait to be handled; beyond it the client's messages stay in the socket.
const UNHANDLED: usize = 8;

/// The open streams, and how doors open more.
#[derive(Clone)]
pub struct Streams {
    parts: Arc<StreamParts>,
}

struct StreamParts {
    publications: Publications,
    desk: Arc<Desk>,
    cells: Cells,
    clock: Clock,
    settings: XdsSettings,
    admission: Admission,
    next: AtomicU64,
    open: DashMap<u64, (Arc<Sheet>, WeakPost<XdsStream>)>,
    orphans: Orphans,
    draining: AtomicBool,
}

/// One stream as others may read it.
pub struct Sheet {
    pub id: u64,
    pub proxy: ProxyId,
    /// The client's release, of an Envoy that says it.
    pub envoy: Option<EnvoyVersion>,
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

/// The program at the other end of a stream.
pub struct Program {
    /// With its version.
    pub name: String,
    /// [`delta::Stream::accepting_wrapped`]
    pub accepts_wrapped: bool,
}

impl From<String> for Program {
    fn from(name: String) -> Self {
        Self { name, accepts_wrapped: false }
    }
}

/// A stream as its door holds it: requests go in, messages come out. The stream ends when this is dropped.
pub struct OpenStream {
    pub messages: mpsc::Receiver<delta::Message>,
    pub requests: Requests,
    pub reading: Arc<Reading>,
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
    pub fn new(
        publications: Publications,
        desk: &Arc<Desk>,
        cells: &Cells,
        clock: Clock,
        settings: XdsSettings,
    ) -> Self {
        let parts = StreamParts {
            publications,
            desk: Arc::clone(desk),
            cells: cells.clone(),
            clock,
            settings,
            admission: Admission::new(settings.new_streams_per_second),
            next: AtomicU64::new(1),
            open: DashMap::new(),
            orphans: Orphans::default(),
            draining: AtomicBool::new(false),
        };
        Self { parts: Arc::new(parts) }
    }

    pub fn settings(&self) -> &XdsSettings {
        &self.parts.settings
    }

    /// Where streams run.
    pub fn cells(&self) -> &Cells {
        &self.parts.cells
    }

    /// What clients shall hold.
    pub fn publications(&self) -> &Publications {
        &self.parts.publications
    }

    /// Returns when it is a new stream's turn.
    pub async fn admit(&self) -> Result<(), Crowded> {
        self.parts.admission.admit().await.inspect_err(|_| metrics::stream_ended("crowded"))
    }

    /// A stream that carries every type.
    pub fn open(
        &self,
        who: impl Into<Client>,
        dialect: Dialect,
        program: impl Into<Program>,
    ) -> Result<OpenStream, Draining> {
        self.open_of(None, who, dialect, program)
    }

    /// A stream that carries one type, by its URL, or every type.
    pub fn open_of(
        &self,
        type_url: Option<&str>,
        who: impl Into<Client>,
        dialect: Dialect,
        program: impl Into<Program>,
    ) -> Result<OpenStream, Draining> {
        let (who, program) = (who.into(), program.into());
        let proxy = who.id().clone();
        let parts = Arc::clone(&self.parts);
        if parts.draining.load(Ordering::SeqCst) {
            metrics::stream_ended("draining");
            return Err(Draining);
        }
        let id = parts.next.fetch_add(1, Ordering::Relaxed);
        let orphans = parts.orphans.take(&proxy, type_url);
        let sheet = Arc::new(Sheet {
            id,
            proxy: proxy.clone(),
            envoy: who.envoy(),
            dialect,
            client: program.name,
            opened: tokio::time::Instant::now(),
            protocol: Mutex::new(
                delta::Stream::with_orphans(dialect, orphans).accepting_wrapped(program.accepts_wrapped),
            ),
            rejections: Mutex::default(),
            sent: Default::default(),
        });
        let (out, messages, reading) = outgoing();
        let card = parts.desk.pin("XdsStream", format!("{proxy}#{id}"), 0);
        let (on_card, on_desk, own_parts) = (Arc::clone(card.card()), Arc::clone(&sheet), Arc::clone(&parts));
        // beside its connection: what it sends does not cross a thread
        let addr = parts.cells.start_beside_caller(&proxy, move |ctx: &mut Context<XdsStream>| {
            let post = Post::new(ctx.address(), card.card());
            let (own, bell) = (post.downgrade(), post.downgrade());
            let views = Views::new(who, &own_parts.publications, move || bell.tell(Ring));
            let carried = Carried::default();
            let alarms = Alarms::default();
            XdsStream { parts: own_parts, card, sheet, out, views, alarms, carried, own }
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

/// What will be told to a stream, unless it ends before.
#[derive(Default)]
struct Alarms {
    due: Option<Alarm>,
    unread: Option<Alarm>,
    aged: Option<Alarm>,
}

pub struct XdsStream {
    parts: Arc<StreamParts>,
    card: Pinned,
    sheet: Arc<Sheet>,
    out: Outgoing,
    views: Views,
    alarms: Alarms,
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
    /// [`Outgoing::read`] when the wait began.
    read: usize,
}

/// The stream is old enough that another replica may serve its client.
#[derive(Message)]
#[rtype(result = "()")]
struct Aged;

#[derive(Message)]
#[rtype(result = "()")]
pub struct End;

impl XdsStream {
    fn look(&mut self, ctx: &mut Context<Self>) {
        let ripples = self.views.take();
        let Some(view) = self.views.newest() else { return };
        self.carried.take_on(ripples);
        self.step(Event::View(&view), ctx);
    }

    fn step(&mut self, event: Event<'_>, ctx: &mut Context<Self>) {
        let now = self.parts.clock.elapsed();
        let (step, in_flight, unsent) = {
            let mut protocol = self.sheet.protocol();
            let step = protocol.step(event, now);
            let in_flight: Vec<Nonce> = if self.carried.is_empty() { vec![] } else { protocol.in_flight().collect() };
            (step, in_flight, protocol.has_unsent())
        };
        self.carried.follow(&step, &in_flight, unsent);
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
        self.arm(step.due, now);
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
        let message = delta::message(push, IDENTIFIER);
        let bytes = message.wire_len();
        if let Some(kind) = push.kind {
            let sent = &self.sheet.sent[kind as usize];
            sent.responses.fetch_add(1, Ordering::Relaxed);
            sent.resources.fetch_add(push.upserts.len() as u64, Ordering::Relaxed);
            sent.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            metrics::push(kind, push.upserts.len(), bytes);
        }
        match self.out.send(message) {
            Ok(()) => self.watch_reading(),
            Err(Unsent::Full) => self.give_up(ctx),
            Err(Unsent::Gone) => ctx.stop(),
        }
    }

    fn watch_reading(&mut self) {
        let (wait, read) = (self.parts.settings.read_patience, self.out.read());
        self.alarms.unread.get_or_insert_with(|| Alarm::after(wait, &self.own, Unread { read }));
    }

    fn give_up(&self, ctx: &mut Context<Self>) {
        metrics::stream_ended("unread");
        tracing::warn!(
            proxy = %self.sheet.proxy, client = %self.sheet.client, unread = self.out.unread(),
            "a client does not read what it asks for; it is dropped"
        );
        self.out.give_up();
        ctx.stop();
    }

    fn arm(&mut self, due: Option<Duration>, now: Duration) {
        self.alarms.due = due.map(|due| Alarm::after(due.saturating_sub(now), &self.own, Due));
    }
}

impl Actor for XdsStream {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let age = self.parts.settings.age_of(self.sheet.id);
        self.alarms.aged = age.map(|age| Alarm::after(age, &self.own, Aged));
        self.look(ctx);
    }
}

impl Drop for XdsStream {
    fn drop(&mut self) {
        self.parts.open.remove(&self.sheet.id);
        let orphans = self.sheet.protocol().orphans();
        self.parts.orphans.keep(&self.sheet.proxy, orphans);
    }
}

impl Handler<Received> for XdsStream {
    type Result = ();

    fn handle(&mut self, received: Received, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Received");
        let outlook = self.views.hear(&received.request);
        if outlook == Outlook::Wider {
            self.step(Event::Outdated, ctx);
        }
        self.step(Event::Request(received.request), ctx);
        if outlook != Outlook::Same {
            // another stream of the client may have asked for the same
            self.look(ctx);
        }
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
        self.alarms.unread = None;
        match self.out.unread() {
            0 => {}
            _ if self.out.read() > unread.read => self.watch_reading(),
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
