//! All that one proxy needs. [`Facts`] fill up as watches answer; [`Facts::needs`] says which topics to watch, given
//! what is known so far; [`Facts::complete`] says whether that is enough to generate from.

pub mod grpc;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::chain::{Chain, Target};
use crate::fact::{Fact, FoundChain};
use crate::model::entry::Mesh;
use crate::model::intention::Intentions;
use crate::model::topic::{ChainKey, EndpointsKey, Topic};
use crate::model::{Addresses, Endpoints, EnvoyVersion, Leaf, ProxyConfig, Reachable, Roots, ServiceName, SidecarNode};
use crate::resource::Shared;

/// What is known of one proxy's world. A topic that has not answered is absent.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    pub node: SidecarNode,
    pub proxy: Option<Arc<ProxyConfig>>,
    pub roots: Option<Arc<Shared<Roots>>>,
    pub leaf: Option<Arc<Shared<Leaf>>>,
    pub intentions: Option<Arc<Shared<Intentions>>>,
    pub mesh: Option<Arc<Mesh>>,
    pub chains: BTreeMap<ChainKey, FoundChain>,
    pub endpoints: BTreeMap<EndpointsKey, Arc<Shared<Endpoints>>>,
    /// Of a transparent proxy.
    pub reachable: Option<Arc<Shared<Reachable>>>,
    pub addresses: BTreeMap<ServiceName, Arc<Addresses>>,
}

/// Facts that are enough to generate from, lent by [`Facts`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Snapshot<'a> {
    /// The release of the Envoy, if it says.
    pub envoy: Option<EnvoyVersion>,
    pub proxy: &'a Arc<ProxyConfig>,
    pub roots: &'a Arc<Shared<Roots>>,
    pub leaf: &'a Arc<Shared<Leaf>>,
    pub intentions: &'a Arc<Shared<Intentions>>,
    pub mesh: &'a Arc<Mesh>,
    /// One for each of the proxy's upstreams, and for each service that it is led to.
    pub chains: &'a BTreeMap<ChainKey, FoundChain>,
    /// One for each target of the chains.
    pub endpoints: &'a BTreeMap<EndpointsKey, Arc<Shared<Endpoints>>>,
    /// Whom a transparent proxy is led to; `None` for another.
    pub reachable: Option<&'a Arc<Shared<Reachable>>>,
    /// One for each service that it is led to.
    pub addresses: &'a BTreeMap<ServiceName, Arc<Addresses>>,
}

impl Facts {
    pub fn new(node: impl Into<SidecarNode>) -> Self {
        Self {
            node: node.into(),
            proxy: None,
            roots: None,
            leaf: None,
            intentions: None,
            mesh: None,
            chains: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            reachable: None,
            addresses: BTreeMap::new(),
        }
    }

    /// The topics to watch now. Grows as facts arrive: the registration names the upstreams, a chain its targets.
    pub fn needs(&self) -> BTreeSet<Topic> {
        let mut needs = BTreeSet::from([Topic::Proxy(self.node.id.clone())]);
        let Some(proxy) = &self.proxy else { return needs };
        needs.extend([
            Topic::Roots,
            Topic::Mesh,
            Topic::Leaf(proxy.destination.clone()),
            Topic::Intentions(proxy.destination.clone()),
        ]);
        for upstream in &proxy.upstreams {
            self.needs_of_chain(&upstream.chain, &mut needs);
        }
        if proxy.outbound_port.is_some() {
            needs.insert(Topic::Reachable(proxy.destination.clone()));
            for service in self.led_to() {
                needs.insert(Topic::Addresses(service.clone()));
                self.needs_of_chain(&proxy.led_to(service).chain, &mut needs);
            }
        }
        needs
    }

    fn needs_of_chain(&self, key: &ChainKey, needs: &mut BTreeSet<Topic>) {
        needs.insert(Topic::Chain(key.clone()));
        if let Some(Ok(chain)) = self.chains.get(key) {
            needs.extend(chain.targets.values().map(|target| Topic::Endpoints(target.endpoints())));
        }
    }

    /// The services that a transparent proxy is led to, as far as they are known.
    fn led_to(&self) -> impl Iterator<Item = &ServiceName> {
        self.reachable.iter().flat_map(|reachable| &reachable.services)
    }

    /// What is needed beside the answers themselves hangs on these topics alone: another answer to any other leaves
    /// [`Facts::needs`] as it was.
    pub fn steers(topic: &Topic) -> bool {
        matches!(topic, Topic::Proxy(_) | Topic::Chain(_) | Topic::Reachable(_))
    }

    /// Takes the answer of a topic in; an answer of another shape than its topic's cannot be built, and is ignored.
    pub fn learn(&mut self, topic: &Topic, fact: &Fact) {
        match (topic, fact) {
            (Topic::Proxy(_), Fact::Proxy(proxy)) => self.proxy.clone_from(proxy),
            (Topic::Roots, Fact::Roots(roots)) => self.roots.clone_from(roots),
            (Topic::Leaf(_), Fact::Leaf(leaf)) => self.leaf.clone_from(leaf),
            (Topic::Intentions(_), Fact::Intentions(intentions)) => self.intentions = Some(Arc::clone(intentions)),
            (Topic::Mesh, Fact::Mesh(mesh)) => self.mesh = Some(Arc::clone(mesh)),
            (Topic::Chain(key), Fact::Chain(Some(chain))) => {
                self.chains.insert(key.clone(), chain.clone());
            }
            (Topic::Chain(key), Fact::Chain(None)) => {
                self.chains.remove(key);
            }
            (Topic::Endpoints(key), Fact::Endpoints(endpoints)) => {
                self.endpoints.insert(key.clone(), Arc::clone(endpoints));
            }
            (Topic::Reachable(_), Fact::Reachable(reachable)) => self.reachable = Some(Arc::clone(reachable)),
            (Topic::Addresses(service), Fact::Addresses(addresses)) => {
                self.addresses.insert(service.clone(), Arc::clone(addresses));
            }
            _ => debug_assert!(false, "{topic} cannot be answered by {fact:?}"),
        }
    }

    /// Drops what a topic had answered, when it is needed no longer.
    pub fn forget(&mut self, topic: &Topic) {
        match topic {
            Topic::Leaf(_) => self.leaf = None,
            Topic::Intentions(_) => self.intentions = None,
            Topic::Chain(key) => drop(self.chains.remove(key)),
            Topic::Endpoints(key) => drop(self.endpoints.remove(key)),
            Topic::Reachable(_) => self.reachable = None,
            Topic::Addresses(service) => drop(self.addresses.remove(service)),
            _ => {}
        }
    }

    /// Everything, or the topics that have not answered yet.
    pub fn complete(&self) -> Result<Snapshot<'_>, Vec<Topic>> {
        self.snapshot().ok_or_else(|| self.needs().into_iter().filter(|topic| !self.knows(topic)).collect())
    }

    /// Asked at every rebuild, so it looks without listing what is needed.
    fn snapshot(&self) -> Option<Snapshot<'_>> {
        let snapshot = Snapshot {
            envoy: self.node.envoy,
            proxy: self.proxy.as_ref()?,
            roots: self.roots.as_ref()?,
            leaf: self.leaf.as_ref()?,
            intentions: self.intentions.as_ref()?,
            mesh: self.mesh.as_ref()?,
            chains: &self.chains,
            endpoints: &self.endpoints,
            reachable: self
                .reachable
                .as_ref()
                .filter(|_| self.proxy.as_ref().is_some_and(|proxy| proxy.outbound_port.is_some())),
            addresses: &self.addresses,
        };
        let known = |key: &ChainKey| {
            let targets = |chain: &Chain| {
                let mut keys = chain.targets.values().map(Target::endpoints);
                keys.all(|key| self.endpoints.contains_key(&key))
            };
            let chain = self.chains.get(key);
            chain.is_some_and(|chain| chain.as_ref().map_or(true, |chain| targets(chain)))
        };
        let upstreams = || snapshot.proxy.upstreams.iter().all(|upstream| known(&upstream.chain));
        let whole = snapshot.leaf.service == snapshot.proxy.destination && upstreams() && self.knows_led_to(known);
        whole.then_some(snapshot)
    }

    fn knows_led_to(&self, chain: impl Fn(&ChainKey) -> bool) -> bool {
        let Some(proxy) = self.proxy.as_ref().filter(|proxy| proxy.outbound_port.is_some()) else { return true };
        let known = |service: &ServiceName| self.addresses.contains_key(service) && chain(&proxy.led_to(service).chain);
        self.reachable.is_some() && self.led_to().all(known)
    }

    fn knows(&self, topic: &Topic) -> bool {
        match topic {
            Topic::Proxy(_) => self.proxy.is_some(),
            Topic::Roots => self.roots.is_some(),
            // a leaf of a service that the proxy no longer stands for is not an answer
            Topic::Leaf(service) => self.leaf.as_ref().is_some_and(|leaf| leaf.service == *service),
            Topic::Intentions(_) => self.intentions.is_some(),
            Topic::Mesh => self.mesh.is_some(),
            Topic::Chain(key) => self.chains.contains_key(key),
            Topic::Endpoints(key) => self.endpoints.contains_key(key),
            Topic::Reachable(_) => self.reachable.is_some(),
            Topic::Addresses(service) => self.addresses.contains_key(service),
            _ => true,
        }
    }
}
