//! The room against a model: an Envoy-like client that answers late, refuses, warms, leaves and comes back, over random
//! views, in both dialects. Whatever happens, order holds at every moment, and in the end the client holds the view.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::conversation::{content_of, resource};
use super::{Change, Dialect, Event, Nack, Nonce, Push, Request, Step, Stream};
use crate::resource::{Resource, ResourceHash, ResourceType, View};

use ResourceType::{Cluster, Endpoint, Listener, Route};

const KINDS: [ResourceType; 4] = [Cluster, Endpoint, Listener, Route];
const CLUSTERS: [&str; 4] = ["a", "b", "c", "d"];
const REFERRERS: [&str; 3] = ["x", "y", "z"];

/// What may happen.
#[derive(Clone, Debug)]
enum Move {
    /// The world becomes this one.
    View(World),
    /// The client's next message arrives.
    Hear,
    /// The client reads its next response.
    Read,
    /// Everything under way arrives.
    Calm,
    /// The stream ends; the client comes back with what it holds.
    Reconnect,
    /// The client asks for a cluster by name, or no longer.
    Name(usize, bool),
}

/// Contents by name; 0: absent, 4: a content the client refuses. Listeners and routes refer to clusters by bits.
#[derive(Clone)]
struct World {
    clusters: [u8; CLUSTERS.len()],
    endpoints: [u8; CLUSTERS.len()],
    listeners: [(u8, u8); REFERRERS.len()],
    routes: [(u8, u8); REFERRERS.len()],
}

const BAD: &str = "4";

impl fmt::Debug for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let World { clusters, endpoints, listeners, routes } = self;
        write!(out, "C{clusters:?} E{endpoints:?} L{listeners:?} R{routes:?}")
    }
}

impl World {
    fn view(&self) -> Arc<View> {
        let mut resources = Vec::new();
        for (at, name) in CLUSTERS.iter().enumerate() {
            if self.clusters[at] > 0 {
                resources.push(resource(Cluster, name, &self.clusters[at].to_string(), &[name]));
                resources.push(resource(Endpoint, name, &self.endpoints[at].to_string(), &[]));
            }
        }
        // a listener refers to the route of its own name
        let mut routes = self.routes;
        for (route, listener) in routes.iter_mut().zip(&self.listeners) {
            route.0 = if listener.0 > 0 { route.0.max(1) } else { 0 };
        }
        for (kind, referrers) in [(Listener, &self.listeners), (Route, &routes)] {
            for (name, (content, bits)) in REFERRERS.iter().zip(referrers) {
                let needs = CLUSTERS.iter().enumerate();
                let needs = needs.filter(|(at, _)| bits & (1 << at) != 0 && self.clusters[*at] > 0);
                let needs: Vec<&str> = needs.map(|(_, name)| *name).collect();
                if *content > 0 {
                    // what it refers to is a part of its content, as it is of a real listener
                    let content =
                        if content.to_string() == BAD { BAD.to_owned() } else { format!("{content}{needs:?}") };
                    resources.push(resource(kind, name, &content, &needs));
                }
            }
        }
        Arc::new(View::new(resources))
    }

    /// The same without anything that the client refuses.
    fn repaired(&self) -> Self {
        let good = |content: u8| if content.to_string() == BAD { 5 } else { content };
        Self {
            clusters: self.clusters.map(good),
            endpoints: self.endpoints.map(good),
            listeners: self.listeners.map(|(content, bits)| (good(content), bits)),
            routes: self.routes.map(|(content, bits)| (good(content), bits)),
        }
    }
}

fn worlds() -> impl Strategy<Value = World> {
    let contents = || prop::array::uniform4(prop_oneof![3 => Just(0u8), 12 => 1..4u8, 1 => Just(4)]);
    let endpoints = prop::array::uniform4(1..4u8);
    let referrers = || prop::array::uniform3((prop_oneof![3 => Just(0u8), 12 => 1..4u8, 1 => Just(4)], 0..16u8));
    (contents(), endpoints, referrers(), referrers()).prop_map(|(clusters, endpoints, listeners, routes)| World {
        clusters,
        endpoints,
        listeners,
        routes,
    })
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => worlds().prop_map(Move::View),
        8 => Just(Move::Hear),
        8 => Just(Move::Read),
        2 => Just(Move::Calm),
        1 => Just(Move::Reconnect),
        1 => (0..CLUSTERS.len(), any::<bool>()).prop_map(|(at, on)| Move::Name(at, on)),
    ]
}

/// One type as the client knows it.
#[derive(Default)]
struct Side {
    names: BTreeSet<String>,
    wildcard: bool,
    held: BTreeMap<String, Arc<Resource>>,
    /// What it lists when it comes back: not what it kept of a response it refused.
    listed: BTreeMap<String, ResourceHash>,
    /// Of the last response that it accepted.
    version: Option<ResourceHash>,
}

/// An Envoy-like client.
struct Client {
    dialect: Dialect,
    sides: BTreeMap<ResourceType, Side>,
    inbox: VecDeque<Push>,
    outbox: VecDeque<Request>,
    /// Clusters accepted that still warm: the response to answer, and the endpoints it waits for.
    warming: Vec<(Nonce, BTreeSet<String>)>,
    /// Order may have given way: a cluster was refused, or a client in state of the world came back, of which nobody
    /// knows what it holds.
    excused: bool,
}

impl Client {
    fn new(dialect: Dialect) -> Self {
        let sides = KINDS.into_iter().map(|kind| (kind, Side { wildcard: kind.has_wildcard(), ..Side::default() }));
        let mut client = Self {
            dialect,
            sides: sides.collect(),
            inbox: VecDeque::new(),
            outbox: VecDeque::new(),
            warming: Vec::new(),
            excused: false,
        };
        client.come_back();
        client
    }

    fn side(&mut self, kind: ResourceType) -> &mut Side {
        self.sides.get_mut(&kind).expect("all kinds have a side")
    }

    fn say(&mut self, kind: ResourceType, change: Change, nonce: Option<Nonce>, error: Option<Nack>) {
        self.outbox.push_back(Request { kind: Ok(kind), change, nonce, error });
    }

    /// The first requests of a stream, all types in one burst.
    fn come_back(&mut self) {
        self.inbox.clear();
        self.outbox.clear();
        self.warming.clear();
        for kind in KINDS {
            let side = self.side(kind);
            let held = side.listed.iter().map(|(name, version)| (name.clone(), version.to_string())).collect();
            let change = match self.dialect {
                Dialect::Delta => {
                    let side = self.side(kind);
                    let star = (side.wildcard && !side.names.is_empty()).then(|| "*".to_owned());
                    Change::Incremental {
                        subscribe: star.into_iter().chain(side.names.clone()).collect(),
                        unsubscribe: vec![],
                        held,
                    }
                }
                Dialect::StateOfTheWorld => self.all_names(kind),
            };
            self.say(kind, change, None, None);
        }
    }

    fn all_names(&mut self, kind: ResourceType) -> Change {
        let side = self.side(kind);
        let star = (side.wildcard && !side.names.is_empty()).then(|| "*".to_owned());
        let version = side.version.map(|version| version.to_string()).unwrap_or_default();
        Change::Replace { names: star.into_iter().chain(side.names.clone()).collect(), version }
    }

    fn subscribe(&mut self, kind: ResourceType, name: &str, on: bool) {
        let changed =
            if on { self.side(kind).names.insert(name.to_owned()) } else { self.side(kind).names.remove(name) };
        if !changed {
            return;
        }
        if !on && !self.side(kind).wildcard {
            self.side(kind).held.remove(name);
            self.side(kind).listed.remove(name);
        }
        let change = match self.dialect {
            Dialect::Delta => {
                let name = vec![name.to_owned()];
                let (subscribe, unsubscribe) = if on { (name, vec![]) } else { (vec![], name) };
                Change::Incremental { subscribe, unsubscribe, held: vec![] }
            }
            // an Envoy in state of the world has no name beside the wildcard
            Dialect::StateOfTheWorld => self.all_names(kind),
        };
        self.say(kind, change, None, None);
    }

    fn read(&mut self, push: &Push) -> Result<(), TestCaseError> {
        let kind = push.kind.expect("only types that are served");
        let bad = push.upserts.iter().any(|resource| content_of(resource) == BAD);
        let before: BTreeMap<String, ResourceHash> =
            self.side(kind).held.iter().map(|(name, resource)| (name.clone(), resource.version)).collect();
        // of a refused response, some clusters and listeners are applied
        let partly = bad && kind.has_wildcard() && push.nonce.0 % 2 == 0;
        if bad && !partly {
            self.excused |= kind == Cluster;
            self.answer(kind, push.nonce, true);
            return Ok(());
        }
        for resource in push.upserts.iter().filter(|resource| content_of(resource) != BAD) {
            self.check_order(resource)?;
            let side = self.side(kind);
            if !side.wildcard && !side.names.contains(&*resource.name) {
                continue;
            }
            side.held.insert(resource.name.to_string(), Arc::clone(resource));
            if !bad {
                side.listed.insert(resource.name.to_string(), resource.version);
            }
        }
        self.drop_removed(push, bad)?;
        if !bad {
            self.side(kind).version = Some(push.version);
        }
        if bad {
            self.excused |= kind == Cluster;
            self.answer(kind, push.nonce, true);
        } else if kind != Cluster {
            self.answer(kind, push.nonce, false);
        }
        self.follow(push, &before, bad);
        Ok(())
    }

    fn drop_removed(&mut self, push: &Push, bad: bool) -> Result<(), TestCaseError> {
        let kind = push.kind.expect("only types that are served");
        let mut gone: Vec<String> = push.removals.iter().map(|name| name.to_string()).collect();
        if self.dialect == Dialect::StateOfTheWorld && kind.has_wildcard() {
            let stays: BTreeSet<&str> = push.upserts.iter().map(|resource| &*resource.name).collect();
            gone = self.side(kind).held.keys().filter(|name| !stays.contains(&***name)).cloned().collect();
        }
        for name in gone {
            let had = self.side(kind).held.remove(&name);
            if !bad {
                self.side(kind).listed.remove(&name);
            }
            if kind == Cluster && had.is_some() && !self.excused {
                for of in [Listener, Route] {
                    let leaning = self.sides[&of]
                        .held
                        .values()
                        .find(|resource| resource.needs.iter().any(|need| **need == *name));
                    prop_assert!(leaning.is_none(), "{:?} lost its cluster {}", leaning, name);
                }
            }
        }
        Ok(())
    }

    /// What a listener or route names is there, unless the client itself refused it.
    fn check_order(&self, resource: &Resource) -> Result<(), TestCaseError> {
        if !matches!(resource.kind, Listener | Route) || self.excused {
            return Ok(());
        }
        for need in &resource.needs {
            prop_assert!(
                self.sides[&Cluster].held.contains_key(&**need),
                "{:?} came before cluster {}",
                resource,
                need
            );
            let warm = self.warming.iter().all(|(_, waits)| !waits.contains(&**need));
            prop_assert!(warm, "{:?} came before cluster {} was warm", resource, need);
        }
        Ok(())
    }

    /// Subscribes to what clusters and listeners refer to, and answers clusters when they are warm.
    fn follow(&mut self, push: &Push, before: &BTreeMap<String, ResourceHash>, bad: bool) {
        match push.kind {
            Some(Cluster) => {
                let fresh = push.upserts.iter().filter(|resource| content_of(resource) != BAD);
                let fresh = fresh.filter(|resource| before.get(&*resource.name) != Some(&resource.version));
                let waits: BTreeSet<String> = fresh.map(|resource| resource.name.to_string()).collect();
                if !bad {
                    self.warming.push((push.nonce, waits));
                }
                self.mirror(Cluster, Endpoint);
            }
            Some(Listener) => self.mirror(Listener, Route),
            Some(Endpoint) => {
                for (_, waits) in &mut self.warming {
                    // the end of endpoints ends the wait for them too
                    waits.retain(|name| push.upserts.iter().all(|resource| *resource.name != **name));
                    waits.retain(|name| push.removals.iter().all(|removed| **removed != **name));
                }
            }
            _ => {}
        }
        self.answer_warm();
    }

    fn answer_warm(&mut self) {
        let held: BTreeSet<String> = self.side(Cluster).held.keys().cloned().collect();
        let (warm, cold): (Vec<_>, Vec<_>) = std::mem::take(&mut self.warming)
            .into_iter()
            .partition(|(_, waits)| waits.iter().all(|name| !held.contains(name)));
        self.warming = cold;
        for (nonce, _) in warm {
            self.answer(Cluster, nonce, false);
        }
    }

    /// Each `parent` refers to the `child` of its own name.
    fn mirror(&mut self, parent: ResourceType, child: ResourceType) {
        let parents: BTreeSet<String> = self.side(parent).held.keys().cloned().collect();
        let known = self.side(child).names.clone();
        for name in known.symmetric_difference(&parents) {
            self.subscribe(child, name, parents.contains(name));
        }
    }

    fn answer(&mut self, kind: ResourceType, nonce: Nonce, bad: bool) {
        let change = match self.dialect {
            Dialect::Delta => Change::Incremental { subscribe: vec![], unsubscribe: vec![], held: vec![] },
            Dialect::StateOfTheWorld => self.all_names(kind),
        };
        let error = bad.then(|| Nack { code: 13, message: "bad".to_owned() });
        self.say(kind, change, Some(nonce), error);
    }
}

/// The stream, the client, and what the test knows of both.
struct Run {
    stream: Stream,
    client: Client,
    world: World,
    now: Duration,
    due: Option<Duration>,
    last_nonce: Nonce,
    sent: BTreeMap<Nonce, Push>,
    /// Accepted on this stream, and not asked for since.
    needless: BTreeMap<(ResourceType, String), ResourceHash>,
    /// The last response before a name was asked for, by itself or by its cluster.
    asked: BTreeMap<(ResourceType, String), Nonce>,
    /// State of the world: the names of the last request.
    names: BTreeMap<ResourceType, Vec<String>>,
}

impl Run {
    fn new(dialect: Dialect, world: World) -> Self {
        Self {
            stream: Stream::new(dialect),
            client: Client::new(dialect),
            world,
            now: Duration::ZERO,
            due: None,
            last_nonce: Nonce::default(),
            sent: BTreeMap::new(),
            needless: BTreeMap::new(),
            asked: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    fn step(&mut self, event: Event<'_>) -> Result<(), TestCaseError> {
        let before = self.stream.view_version();
        let Step { pushes, due, .. } = self.stream.step(event, self.now);
        prop_assert!(before.is_some() || self.stream.view_version().is_some() || pushes.is_empty());
        self.due = due;
        for push in pushes {
            self.check(&push)?;
            self.sent.insert(push.nonce, push.clone());
            self.client.inbox.push_back(push);
        }
        Ok(())
    }

    fn check(&mut self, push: &Push) -> Result<(), TestCaseError> {
        prop_assert!(push.nonce > self.last_nonce, "nonces grow");
        self.last_nonce = push.nonce;
        let kind = push.kind.expect("only types that are served");
        let names = push.upserts.iter().map(|resource| &*resource.name).chain(push.removals.iter().map(|name| &**name));
        let unique: BTreeSet<&str> = names.clone().collect();
        prop_assert_eq!(unique.len(), names.count(), "a name twice in {:?}", push);
        prop_assert!(push.upserts.iter().all(|resource| resource.kind == kind));
        for name in &push.removals {
            self.needless.remove(&(kind, name.to_string()));
        }
        let full = self.client.dialect == Dialect::StateOfTheWorld && kind.has_wildcard();
        for resource in &push.upserts {
            let key = (kind, resource.name.to_string());
            let needless = self.needless.remove(&key) == Some(resource.version);
            prop_assert!(full || !needless, "{:?} is sent needlessly", resource);
            if kind == Cluster {
                self.ask(Endpoint, &resource.name);
            }
        }
        Ok(())
    }

    fn ask(&mut self, kind: ResourceType, name: &str) {
        self.needless.remove(&(kind, name.to_owned()));
        self.asked.insert((kind, name.to_owned()), self.last_nonce);
    }

    fn hear(&mut self) -> Result<(), TestCaseError> {
        let Some(request) = self.client.outbox.pop_front() else { return Ok(()) };
        let kind = request.kind.clone().expect("only types that are served");
        if let Some(push) = request.nonce.and_then(|nonce| self.sent.get(&nonce)) {
            for resource in &push.upserts {
                let key = (kind, resource.name.to_string());
                // a response sent since may hold it again, or something else
                let newest = self.sent.values().rev().find(|later| {
                    let mut names = later.upserts.iter().map(|other| &other.name).chain(&later.removals);
                    later.kind == push.kind && names.any(|name| *name == resource.name)
                });
                let asked = self.asked.get(&key).is_some_and(|last| *last >= push.nonce);
                if !asked && request.error.is_none() && newest.is_some_and(|newest| newest.nonce == push.nonce) {
                    self.needless.insert(key, resource.version);
                } else {
                    self.needless.remove(&key);
                }
            }
            for name in &push.removals {
                self.needless.remove(&(kind, name.to_string()));
            }
        }
        match &request.change {
            Change::Incremental { subscribe, unsubscribe, .. } => {
                for name in subscribe.clone().iter().chain(&unsubscribe.clone()) {
                    self.ask(kind, name);
                }
            }
            Change::Replace { names, .. } => {
                let (names, had) = (names.clone(), self.names.insert(kind, names.clone()).unwrap_or_default());
                for name in names.iter().filter(|name| !had.contains(name)) {
                    self.ask(kind, name);
                }
            }
        }
        self.step(Event::Request(request))
    }

    fn read(&mut self) -> Result<(), TestCaseError> {
        let Some(push) = self.client.inbox.pop_front() else { return Ok(()) };
        self.client.read(&push)
    }

    fn calm(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..10_000 {
            if !self.client.outbox.is_empty() {
                self.hear()?;
            } else if !self.client.inbox.is_empty() {
                self.read()?;
            } else {
                return Ok(());
            }
        }
        Err(TestCaseError::fail("no end of messages"))
    }

    fn play(&mut self, next: Move) -> Result<(), TestCaseError> {
        self.now += Duration::from_millis(1);
        match next {
            Move::View(world) => {
                // what is deleted and comes back is not sent needlessly
                let view = world.view();
                self.needless.retain(|(kind, name), _| view.get(*kind, name).is_some());
                self.world = world;
                self.step(Event::View(&view))
            }
            Move::Hear => self.hear(),
            Move::Read => self.read(),
            Move::Calm => {
                self.calm()?;
                self.client.excused &= !self.stream.settled() || self.world.clusters.contains(&4);
                Ok(())
            }
            Move::Reconnect => {
                self.stream = Stream::with_orphans(self.client.dialect, self.stream.orphans());
                self.last_nonce = Nonce::default();
                self.sent.clear();
                self.needless.clear();
                self.asked.clear();
                self.names.clear();
                self.client.excused |= self.client.dialect == Dialect::StateOfTheWorld;
                self.client.come_back();
                let view = self.world.view();
                self.step(Event::View(&view))?;
                // the burst arrives well within the time for it
                for _ in KINDS {
                    self.hear()?;
                }
                Ok(())
            }
            Move::Name(at, on) => {
                if self.client.dialect == Dialect::Delta {
                    self.client.subscribe(Cluster, CLUSTERS[at], on);
                }
                Ok(())
            }
        }
    }

    /// Everything arrives, and every time that the stream asks for passes.
    fn finish(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..100 {
            self.calm()?;
            let Some(due) = self.due else { return Ok(()) };
            self.now = self.now.max(due);
            self.step(Event::Due)?;
        }
        Err(TestCaseError::fail("something is due for ever"))
    }

    /// The client holds the view, no more and no less; of what it refuses, anything older.
    fn check_end(&self, view: &View) -> Result<(), TestCaseError> {
        prop_assert!(self.stream.settled(), "not settled: {:#?}", self.stream.status());
        for kind in KINDS {
            let side = &self.client.sides[&kind];
            let wanted = |name: &str| side.wildcard || side.names.contains(name);
            for resource in view.list(kind).iter().filter(|resource| wanted(&resource.name)) {
                let held = side.held.get(&*resource.name).map(|held| held.version);
                prop_assert_eq!(held, Some(resource.version), "{:?} is missing or old", resource);
            }
            // no message of the state of the world removes the rest
            if self.client.dialect == Dialect::Delta || kind.has_wildcard() {
                for name in side.held.keys() {
                    prop_assert!(view.get(kind, name).is_some(), "{} {} is left behind", kind, name);
                }
            }
        }
        Ok(())
    }
}

fn story(dialect: Dialect, world: World, moves: Vec<Move>) -> Result<(), TestCaseError> {
    let mut run = Run::new(dialect, world.clone());
    run.play(Move::View(world))?;
    for next in moves {
        run.play(next)?;
    }
    run.finish()?;
    // with what was refused repaired, everything converges
    let world = run.world.repaired();
    let view = world.view();
    run.play(Move::View(world))?;
    run.finish()?;
    run.check_end(&view)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_delta_client_ends_with_the_view_and_never_out_of_order(world in worlds(), moves in vec(moves(), 0..60)) {
        story(Dialect::Delta, world, moves)?;
    }

    #[test]
    fn a_state_of_the_world_client_ends_with_the_view_and_never_out_of_order(
        world in worlds(),
        moves in vec(moves(), 0..60),
    ) {
        story(Dialect::StateOfTheWorld, world, moves)?;
    }
}
