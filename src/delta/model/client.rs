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

/// An Envoy-like client.
pub(super) struct Client {
    pub dialect: Dialect,
    pub sides: BTreeMap<ResourceType, Side>,
    pub inbox: VecDeque<Push>,
    pub outbox: VecDeque<Request>,
    /// Clusters accepted that still warm: the response to answer, and the endpoints it waits for.
    warming: Vec<(Nonce, BTreeSet<String>)>,
    /// Clusters that were warming when a stream ended, and still are.
    cold: BTreeSet<String>,
    /// Clusters that warm while what they replace is at work.
    backed: BTreeSet<String>,
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
            warming: Vec::new(),
            cold: BTreeSet::new(),
            backed: BTreeSet::new(),
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
        self.cold.extend(std::mem::take(&mut self.warming).into_iter().flat_map(|(_, waits)| waits));
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
        let before = self.side(kind).held.clone();
        // of a refused response, some clusters and listeners are applied
        let partly = bad && kind.has_wildcard() && push.nonce.0.is_multiple_of(2);
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
        let mut gone: Vec<String> = push.removals.iter().map(ToString::to_string).collect();
        if self.dialect == Dialect::StateOfTheWorld && kind.has_wildcard() {
            let stays: BTreeSet<&str> = push.upserts.iter().map(|resource| &*resource.name).collect();
            gone = self.side(kind).held.keys().filter(|name| !stays.contains(&***name)).cloned().collect();
        }
        for name in gone.clone() {
            let had = self.side(kind).held.remove(&name);
            if kind == Cluster {
                self.cold.remove(&name);
                self.backed.remove(&name);
            }
            if !bad {
                self.side(kind).listed.remove(&name);
            }
            if kind == Cluster && had.is_some() && !self.excused {
                for of in [Listener, Route, Cluster] {
                    // what goes along with it misses nothing
                    let staying = |other: &&Arc<Resource>| of != Cluster || !gone.contains(&other.name.to_string());
                    let mut staying = self.sides[&of].held.values().filter(staying);
                    let leaning = staying.find(|resource| leans_on(resource).any(|need| **need == *name));
                    prop_assert!(leaning.is_none(), "{:?} lost its cluster {}", leaning, name);
                }
            }
        }
        Ok(())
    }

    /// What a listener or route names is there, unless the client itself refused it; and what a cluster is made of.
    fn check_order(&self, resource: &Resource) -> Result<(), TestCaseError> {
        let held = self.sides[&resource.kind].held.get(&*resource.name);
        // it comes along with others, or again
        let is_known = held.is_some_and(|held| held.version == resource.version);
        if is_known || self.excused {
            return Ok(());
        }
        for need in leans_on(resource) {
            prop_assert!(
                self.sides[&Cluster].held.contains_key(&**need),
                "{:?} came before cluster {}",
                resource,
                need
            );
            let warms = self.warming.iter().any(|(_, waits)| waits.contains(&**need)) || self.cold.contains(&**need);
            let warm = !warms || self.backed.contains(&**need);
            prop_assert!(warm, "{:?} came before cluster {} was warm", resource, need);
        }
        Ok(())
    }

    /// Subscribes to what clusters and listeners refer to, and answers clusters when they are warm.
    fn follow(&mut self, push: &Push, before: &BTreeMap<String, Arc<Resource>>, bad: bool) {
        match push.kind {
            Some(Cluster) => {
                let fresh = push.upserts.iter().filter(|resource| content_of(resource) != BAD);
                let fresh = fresh.filter(|resource| before.get(&*resource.name) != Some(resource));
                let (own, made): (Vec<_>, Vec<_>) = fresh.partition(|resource| resource.members().next().is_none());
                // what is made of others is at work at once, in the place of whatever was warming
                for made in made {
                    self.cold.remove(&*made.name);
                    self.backed.remove(&*made.name);
                    self.warming.iter_mut().for_each(|(_, waits)| _ = waits.remove(&*made.name));
                }
                // and stays so until what follows it is warm
                let was_made = |name: &str| before.get(name).is_some_and(|before| before.members().next().is_some());
                self.backed.extend(own.iter().map(|own| own.name.to_string()).filter(|name| was_made(name)));
                let waits: BTreeSet<String> = own.into_iter().map(|resource| resource.name.to_string()).collect();
                if !bad {
                    self.warming.push((push.nonce, waits));
                }
                self.mirror(Cluster, Endpoint);
            }
            Some(Listener) => self.mirror(Listener, Route),
            Some(Endpoint) => {
                self.cold.retain(|name| push.upserts.iter().all(|resource| *resource.name != **name));
                self.backed.retain(|name| push.upserts.iter().all(|resource| *resource.name != **name));
                self.cold.retain(|name| push.removals.iter().all(|removed| **removed != *name));
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
