//! The room against a model: an Envoy-like client that answers late, refuses, warms, leaves and comes back, over random
//! views, in both dialects. Whatever happens, order holds at every moment, and in the end the client holds the view.

mod client;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{Change, Dialect, Event, Nonce, Push, Step, Stream};
use crate::resource::ResourceType::{Cluster, Endpoint, Listener, Route};
use crate::resource::{ResourceHash, ResourceType, View};

use client::Client;
use world::{CLUSTERS, World, worlds};

const KINDS: [ResourceType; 4] = [Cluster, Endpoint, Listener, Route];

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
    /// The time passes that the stream has asked for.
    Wait,
    /// The stream ends; the client comes back with what it holds.
    Reconnect,
    /// The client asks for a cluster by name, or no longer.
    Name(usize, bool),
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => worlds().prop_map(Move::View),
        8 => Just(Move::Hear),
        8 => Just(Move::Read),
        2 => Just(Move::Calm),
        1 => Just(Move::Wait),
        1 => Just(Move::Reconnect),
        1 => (0..CLUSTERS.len(), any::<bool>()).prop_map(|(at, on)| Move::Name(at, on)),
    ]
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
            stream: Stream::new(dialect).accepting_wrapped(true),
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
        prop_assert!(push.bodiless.is_empty() || self.client.dialect == Dialect::Delta && unique.is_empty());
        prop_assert!(push.bodiless.iter().all(|resource| resource.ttl.is_some() && !resource.version.is_empty()));
        for name in &push.removals {
            self.needless.remove(&(kind, name.to_string()));
        }
        let full = self.client.dialect == Dialect::StateOfTheWorld && kind.has_wildcard();
        for resource in &push.upserts {
            let key = (kind, resource.name.to_string());
            let needless = self.needless.remove(&key) == Some(resource.version);
            // in state of the world, what lasts for a time is confirmed by sending it again
            let confirms = push.wrapped && resource.ttl().is_some();
            prop_assert!(full || confirms || !needless, "{:?} is sent needlessly", resource);
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
            if request.error.is_some() {
                // what was confirmed in vain is sent again
                let names: Vec<String> = push.bodiless.iter().map(|resource| resource.name.clone()).collect();
                names.iter().for_each(|name| self.ask(kind, name));
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
                // what lingers is not known to be there, nor what is held in the place of something refused
                let known = self.stream.settled() && self.due.is_none();
                self.client.excused &= !known || self.world.is_refused();
                Ok(())
            }
            Move::Wait => {
                let Some(due) = self.due else { return Ok(()) };
                self.now = self.now.max(due);
                self.client.excused = true;
                self.step(Event::Due)
            }
            Move::Reconnect => {
                let stream = Stream::with_orphans(self.client.dialect, self.stream.orphans());
                self.stream = stream.accepting_wrapped(true);
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

    /// Everything arrives, and every time that the stream asks for passes but those of heartbeats, which have no end.
    fn finish(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..100 {
            self.calm()?;
            let is_done = self.stream.settled() && KINDS.into_iter().all(|kind| !self.stream.of(kind).has_unsent());
            let Some(due) = self.due.filter(|_| !is_done) else { return Ok(()) };
            self.now = self.now.max(due);
            self.client.give_up_waiting()?;
            self.step(Event::Due)?;
        }
        let has_heartbeats = KINDS.into_iter().any(|kind| !self.stream.of(kind).heartbeats.is_empty());
        prop_assert!(has_heartbeats, "something is due for ever");
        Ok(())
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

/// The same runs each time, so that a check says the same of the same code; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` ask
/// for others, and a seed that fails fails again.
fn runs() -> ProptestConfig {
    let asked = ProptestConfig::default();
    let rng_seed = if asked.rng_seed == RngSeed::Random { RngSeed::Fixed(1) } else { asked.rng_seed };
    ProptestConfig { cases: asked.cases.max(5_000), rng_seed, failure_persistence: None, ..asked }
}

proptest! {
    #![proptest_config(runs())]

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
