//! An Envoy-like client: subscribes to what it is referred to, warms, refuses in whole or in part, and remembers over
//! streams.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;

use super::super::conversation::content_of;
use super::super::{Change, Dialect, Nack, Nonce, Push, Request};
use super::KINDS;
use super::world::BAD;
use crate::resource::ResourceType::{Cluster, Endpoint, Listener, Route};
use crate::resource::{Resource, ResourceHash, ResourceType};

/// One type as the client knows it.
#[derive(Default)]
pub(super) struct Side {
    pub names: BTreeSet<String>,
    pub wildcard: bool,
    pub held: BTreeMap<String, Arc<Resource>>,
    /// What it lists when it comes back: not what it kept of a response it refused.
    listed: BTreeMap<String, ResourceHash>,
    /// Of the last response that it accepted.
    version: Option<ResourceHash>,
}

/// A cluster at work.
struct Active {
    resource: Arc<Resource>,
    /// It has endpoints, or is made of others.
    filled: bool,
}

/// An Envoy-like client.
pub(super) struct Client {
    pub dialect: Dialect,
    pub sides: BTreeMap<ResourceType, Side>,
    pub inbox: VecDeque<Push>,
    pub outbox: VecDeque<Request>,
    /// Clusters that wait for their endpoints. Those that they shall replace are still at work.
    warming: BTreeMap<String, Arc<Resource>>,
    /// Those of them that an earlier stream has sent: their endpoints may be gone.
    left_cold: BTreeSet<String>,
    /// Clusters that carry requests now.
    active: BTreeMap<String, Active>,
    /// Responses with clusters are answered when no cluster is warming any longer; and whether with an error.
    answers: Vec<(Nonce, bool)>,
    /// Order may have given way: a cluster was refused, or a client in state of the world came back, of which nobody
    /// knows what it holds.
    pub excused: bool,
}

impl Client {
    pub fn new(dialect: Dialect) -> Self {
        let sides = KINDS.into_iter().map(|kind| (kind, Side { wildcard: kind.has_wildcard(), ..Side::default() }));
        let mut client = Self {
            dialect,
            sides: sides.collect(),
            inbox: VecDeque::new(),
            outbox: VecDeque::new(),
            warming: BTreeMap::new(),
            left_cold: BTreeSet::new(),
            active: BTreeMap::new(),
            answers: Vec::new(),
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
    pub fn come_back(&mut self) {
        self.inbox.clear();
        self.outbox.clear();
        self.answers.clear();
        self.left_cold = self.warming.keys().cloned().collect();
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

    pub fn subscribe(&mut self, kind: ResourceType, name: &str, on: bool) {
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

    pub fn read(&mut self, push: &Push) -> Result<(), TestCaseError> {
        let kind = push.kind.expect("only types that are served");
        if !push.bodiless.is_empty() {
            let listed = &self.sides[&kind].listed;
            let is_held = |name: &str, version: &str| listed.get(name).is_some_and(|held| held.to_string() == version);
            let wrong = push.bodiless.iter().any(|resource| !is_held(&resource.name, &resource.version));
            self.answer(kind, push.nonce, wrong);
            return Ok(());
        }
        let bad = push.upserts.iter().any(|resource| content_of(resource) == BAD);
        self.excused |= bad && kind == Cluster;
        // of a refused response, some clusters and listeners are applied
        if !bad || kind.has_wildcard() && push.nonce.0.is_multiple_of(2) {
            self.apply(push, bad);
        }
        self.answer(kind, push.nonce, bad);
        self.check_order(push)
    }

    fn apply(&mut self, push: &Push, bad: bool) {
        let kind = push.kind.expect("only types that are served");
        for resource in push.upserts.iter().filter(|resource| content_of(resource) != BAD) {
            let side = self.side(kind);
            if !side.wildcard && !side.names.contains(&*resource.name) {
                continue;
            }
            let before = side.held.insert(resource.name.to_string(), Arc::clone(resource));
            if !bad {
                side.listed.insert(resource.name.to_string(), resource.version);
            }
            match kind {
                Cluster if before.as_ref() != Some(resource) => self.warm(resource),
                Endpoint => self.fill(&resource.name, true),
                _ => {}
            }
        }
        for name in self.removed(push) {
            self.side(kind).held.remove(&name);
            if !bad {
                self.side(kind).listed.remove(&name);
            }
            match kind {
                Cluster => {
                    self.warming.remove(&name);
                    self.active.remove(&name);
                }
                // the end of endpoints ends the wait for them too
                Endpoint => self.fill(&name, false),
                _ => {}
            }
        }
        if !bad {
            self.side(kind).version = Some(push.version);
        }
        match kind {
            Cluster => self.mirror(Cluster, Endpoint),
            Listener => self.mirror(Listener, Route),
            _ => {}
        }
    }

    fn removed(&self, push: &Push) -> Vec<String> {
        let kind = push.kind.expect("only types that are served");
        if self.dialect == Dialect::StateOfTheWorld && kind.has_wildcard() {
            let stays: BTreeSet<&str> = push.upserts.iter().map(|resource| &*resource.name).collect();
            return self.sides[&kind].held.keys().filter(|name| !stays.contains(&***name)).cloned().collect();
        }
        push.removals.iter().map(ToString::to_string).collect()
    }

    /// What is made of others is at work at once, in the place of whatever is warming; all else waits for endpoints.
    fn warm(&mut self, cluster: &Arc<Resource>) {
        let name = cluster.name.to_string();
        if cluster.members().next().is_some() {
            self.warming.remove(&name);
            self.active.insert(name, Active { resource: Arc::clone(cluster), filled: true });
        } else {
            self.warming.insert(name, Arc::clone(cluster));
        }
    }

    /// Endpoints of this name came, or their end.
    fn fill(&mut self, name: &str, filled: bool) {
        if let Some(resource) = self.warming.remove(name) {
            self.excused |= !filled && self.left_cold.contains(name);
            self.active.insert(name.to_owned(), Active { resource, filled });
        } else if let Some(active) = self.active.get_mut(name) {
            active.filled |= filled;
        }
    }

    /// Envoy waits for endpoints for 15 seconds, then the clusters are at work without any. That happens only to those that
    /// an earlier stream has sent, or after a refusal.
    pub fn give_up_waiting(&mut self) -> Result<(), TestCaseError> {
        let cold: Vec<String> = self.warming.keys().cloned().collect();
        let mut expected = cold.iter().filter(|name| !self.left_cold.contains(*name));
        prop_assert!(self.excused || expected.next().is_none(), "the endpoints of {:?} do not come", cold);
        self.excused |= !cold.is_empty();
        cold.iter().for_each(|name| self.fill(name, false));
        self.answer_warm();
        Ok(())
    }

    /// What a listener or route names can carry requests, unless the client itself refused it; and so can what a cluster
    /// is made of.
    fn check_order(&self, push: &Push) -> Result<(), TestCaseError> {
        if self.excused {
            return Ok(());
        }
        let made = self.active.values().map(|active| &active.resource);
        let made = made.filter(|cluster| cluster.members().next().is_some());
        let referrers = [Listener, Route].into_iter().flat_map(|kind| self.sides[&kind].held.values());
        for resource in made.chain(referrers) {
            for need in leans_on(resource) {
                let active = self.active.get(&**need);
                prop_assert!(active.is_some(), "{:?} is without cluster {} after {:?}", resource, need, push);
                let filled = active.is_some_and(|active| active.filled);
                prop_assert!(filled, "{:?} leads to cluster {}, empty after {:?}", resource, need, push);
            }
        }
        Ok(())
    }

    /// Each `parent` refers to the `child` of its own name, but for clusters that are made of others.
    fn mirror(&mut self, parent: ResourceType, child: ResourceType) {
        let held = self.side(parent).held.values().filter(|resource| resource.members().next().is_none());
        let parents: BTreeSet<String> = held.map(|resource| resource.name.to_string()).collect();
        let known = self.side(child).names.clone();
        for name in known.symmetric_difference(&parents) {
            self.subscribe(child, name, parents.contains(name));
        }
    }

    fn answer(&mut self, kind: ResourceType, nonce: Nonce, bad: bool) {
        if kind == Cluster {
            self.answers.push((nonce, bad));
        } else {
            self.say_answer(kind, nonce, bad);
        }
        self.answer_warm();
    }

    fn answer_warm(&mut self) {
        if self.warming.is_empty() {
            for (nonce, bad) in std::mem::take(&mut self.answers) {
                self.say_answer(Cluster, nonce, bad);
            }
        }
    }

    fn say_answer(&mut self, kind: ResourceType, nonce: Nonce, bad: bool) {
        let change = match self.dialect {
            Dialect::Delta => Change::Incremental { subscribe: vec![], unsubscribe: vec![], held: vec![] },
            Dialect::StateOfTheWorld => self.all_names(kind),
        };
        let error = bad.then(|| Nack { code: 13, message: "bad".to_owned() });
        self.say(kind, change, Some(nonce), error);
    }
}

/// The clusters that must be there before it, and as long as it is.
fn leans_on(resource: &Resource) -> impl Iterator<Item = &Arc<str>> {
    let all = if matches!(resource.kind, Listener | Route) { &*resource.needs } else { &[] };
    all.iter().chain(resource.members())
}
