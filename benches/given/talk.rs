//! One client's stream, and a client that accepts everything.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chancery::delta::{self, Change, Dialect, Event, Nonce, Request, Stream};
use chancery::model::topic::EndpointsKey;
use chancery::resource::{ResourceType, View};

use crate::facts;

/// The order in which Envoy asks.
const KINDS: [ResourceType; 4] =
    [ResourceType::Cluster, ResourceType::Endpoint, ResourceType::Secret, ResourceType::Listener];

/// A stream and what is asked of it.
pub struct Talk {
    stream: Stream,
    dialect: Dialect,
    view: Arc<View>,
    requests: VecDeque<Request>,
    /// Responses and bytes that were sent.
    pub sent: (usize, usize),
}

impl Talk {
    /// A client that has nothing and asks for everything.
    pub fn first(dialect: Dialect, view: &Arc<View>) -> Self {
        Self::new(dialect, view, false)
    }

    /// A client of the incremental dialect that comes back with everything.
    pub fn returning(view: &Arc<View>) -> Self {
        Self::new(Dialect::Delta, view, true)
    }

    fn new(dialect: Dialect, view: &Arc<View>, holds: bool) -> Self {
        let mut stream = Stream::new(dialect);
        stream.step(Event::View(view), Duration::ZERO);
        let requests = KINDS.map(|kind| first_request(dialect, kind, view, holds));
        Self { stream, dialect, view: Arc::clone(view), requests: requests.into(), sent: (0, 0) }
    }

    /// One that has been told everything and has accepted it.
    pub fn settled(view: &Arc<View>) -> Self {
        let mut talk = Self::first(Dialect::Delta, view);
        talk.run();
        talk
    }

    /// Everything that is asked is answered, as bytes, and the answers are accepted, until there is nothing more to say.
    ///
    /// # Panics
    /// When the stream then still waits for something.
    pub fn run(&mut self) {
        while let Some(request) = self.requests.pop_front() {
            self.step(Event::Request(request));
        }
        assert!(self.stream.settled(), "everything was sent and accepted");
    }

    /// A new view; what it leads to waits for [`Talk::run`].
    pub fn look(&mut self, view: &Arc<View>) {
        self.step(Event::View(view));
        self.view = Arc::clone(view);
    }

    fn step(&mut self, event: Event<'_>) {
        let step = self.stream.step(event, Duration::ZERO);
        for push in step.pushes {
            self.sent.0 += 1;
            self.sent.1 += delta::message(&push, "chancery").wire_len();
            let kind = push.kind.expect("a type that is served");
            self.requests.push_back(ack(self.dialect, kind, push.nonce, &self.view));
        }
    }
}

/// Ten, ten thousand: three resources for each upstream, and four.
pub fn view_of(resources: u16) -> Arc<View> {
    let view = View::new(facts::resources((resources - 4) / 3));
    assert_eq!(view.all().count(), usize::from(resources));
    Arc::new(view)
}

/// The same content, made again from the beginning.
pub fn made_again(view: &View) -> Arc<View> {
    view_of(u16::try_from(view.all().count()).expect("a view of this module"))
}

/// The same but for the endpoints of one upstream; the other lists are shared.
pub fn with_one_changed(view: &View) -> Arc<View> {
    let mut changed = facts::sidecar(0..1);
    changed.endpoints.insert(EndpointsKey::all(facts::service(0)), facts::endpoints(20001));
    let changed = facts::view(&changed).list(ResourceType::Endpoint)[0].clone();
    // the first of two with one name stays
    Arc::new(View::new(std::iter::once(changed).chain(view.all().cloned())).reusing(view))
}

fn names(view: &View, kind: ResourceType) -> Vec<String> {
    view.list(kind).iter().map(|resource| resource.name.to_string()).collect()
}

/// Clusters and listeners are asked for without a name.
fn wanted(view: &View, kind: ResourceType) -> Vec<String> {
    if kind.has_wildcard() { Vec::new() } else { names(view, kind) }
}

fn first_request(dialect: Dialect, kind: ResourceType, view: &View, holds: bool) -> Request {
    let version = |name: String| {
        let version = view.get(kind, &name).expect("a name of this view").version.to_string();
        (name, version)
    };
    let held = if holds { names(view, kind).into_iter().map(version).collect() } else { Vec::new() };
    let names = wanted(view, kind);
    let change = match dialect {
        Dialect::Delta => Change::Incremental { subscribe: names, unsubscribe: Vec::new(), held },
        Dialect::StateOfTheWorld => Change::Replace { names, version: String::new() },
    };
    Request { kind: Ok(kind), change, nonce: None, error: None }
}

fn ack(dialect: Dialect, kind: ResourceType, nonce: Nonce, view: &View) -> Request {
    let change = match dialect {
        Dialect::Delta => Change::Incremental { subscribe: Vec::new(), unsubscribe: Vec::new(), held: Vec::new() },
        Dialect::StateOfTheWorld => Change::Replace { names: wanted(view, kind), version: String::new() },
    };
    Request { kind: Ok(kind), change, nonce: Some(nonce), error: None }
}
