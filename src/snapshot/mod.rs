//! All that one proxy needs. [`Facts`] fill up as watches answer; [`Facts::needs`] says which topics to watch, given
//! what is known so far; [`Facts::complete`] says whether that is enough to generate from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::chain::Chain;
use crate::fact::Fact;
use crate::model::entry::Mesh;
use crate::model::intention::Intentions;
use crate::model::topic::{ChainKey, Topic};
use crate::model::{Endpoints, Leaf, ProxyConfig, ProxyId, Roots, ServiceName};
use crate::resource::Shared;

/// What is known of one proxy's world. A topic that has not answered is absent.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    pub id: ProxyId,
    pub proxy: Option<Arc<ProxyConfig>>,
    pub roots: Option<Arc<Shared<Roots>>>,
    pub leaf: Option<Arc<Shared<Leaf>>>,
    pub intentions: Option<Arc<Shared<Intentions>>>,
    pub mesh: Option<Arc<Mesh>>,
    pub chains: BTreeMap<ChainKey, Arc<Shared<Chain>>>,
    pub endpoints: BTreeMap<ServiceName, Arc<Shared<Endpoints>>>,
}

/// Facts that are enough to generate from.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    pub proxy: Arc<ProxyConfig>,
    pub roots: Arc<Shared<Roots>>,
    pub leaf: Arc<Shared<Leaf>>,
    pub intentions: Arc<Shared<Intentions>>,
    pub mesh: Arc<Mesh>,
    /// One for each of the proxy's upstreams.
    pub chains: BTreeMap<ChainKey, Arc<Shared<Chain>>>,
    /// One for each target of the chains.
    pub endpoints: BTreeMap<ServiceName, Arc<Shared<Endpoints>>>,
}

impl Facts {
    pub fn new(id: ProxyId) -> Self {
        Self {
            id,
            proxy: None,
            roots: None,
            leaf: None,
            intentions: None,
            mesh: None,
            chains: BTreeMap::new(),
            endpoints: BTreeMap::new(),
        }
    }

    /// The topics to watch now. Grows as facts arrive: the registration names the upstreams, a chain its targets.
    pub fn needs(&self) -> BTreeSet<Topic> {
        let mut needs = BTreeSet::from([Topic::Proxy(self.id.clone())]);
        let Some(proxy) = &self.proxy else { return needs };
        needs.extend([
            Topic::Roots,
            Topic::Mesh,
            Topic::Leaf(proxy.destination.clone()),
            Topic::Intentions(proxy.destination.clone()),
        ]);
        for upstream in &proxy.upstreams {
            needs.insert(Topic::Chain(upstream.chain.clone()));
            if let Some(chain) = self.chains.get(&upstream.chain) {
                needs.insert(Topic::Endpoints(chain.target.service.clone()));
            }
        }
        needs
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
                self.chains.insert(key.clone(), Arc::clone(chain));
            }
            (Topic::Chain(key), Fact::Chain(None)) => {
                self.chains.remove(key);
            }
            (Topic::Endpoints(service), Fact::Endpoints(endpoints)) => {
                self.endpoints.insert(service.clone(), Arc::clone(endpoints));
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
            Topic::Endpoints(service) => drop(self.endpoints.remove(service)),
            _ => {}
        }
    }

    /// Everything, or the topics that have not answered yet.
    pub fn complete(&self) -> Result<Snapshot, Vec<Topic>> {
        let missing: Vec<Topic> = self.needs().into_iter().filter(|topic| !self.knows(topic)).collect();
        match (&self.proxy, &self.roots, &self.leaf, &self.intentions, &self.mesh) {
            (Some(proxy), Some(roots), Some(leaf), Some(intentions), Some(mesh)) if missing.is_empty() => {
                Ok(Snapshot {
                    proxy: Arc::clone(proxy),
                    roots: Arc::clone(roots),
                    leaf: Arc::clone(leaf),
                    intentions: Arc::clone(intentions),
                    mesh: Arc::clone(mesh),
                    chains: self.chains.clone(),
                    endpoints: self.endpoints.clone(),
                })
            }
            _ => Err(missing),
        }
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
            Topic::Endpoints(service) => self.endpoints.contains_key(service),
            _ => true,
        }
    }
}
