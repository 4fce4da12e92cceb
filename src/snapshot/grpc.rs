//! All that one gRPC program without a proxy needs: of each service that it asks for, where requests go; of itself, if
//! it serves, who may call it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::chain;
use crate::fact::{Fact, FoundChain};
use crate::model::intention::Intentions;
use crate::model::topic::{ChainKey, EndpointsKey, Topic};
use crate::model::{Endpoints, GrpcSubscriber, Roots, ServiceName};
use crate::resource::Shared;

/// What is known of one program's world. A topic that has not answered is absent.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    pub subscriber: GrpcSubscriber,
    /// The service it stands for; within: there is none.
    native: Option<Option<ServiceName>>,
    roots: Option<Arc<Shared<Roots>>>,
    intentions: Option<Arc<Shared<Intentions>>>,
    chains: BTreeMap<ServiceName, FoundChain>,
    endpoints: BTreeMap<EndpointsKey, Arc<Shared<Endpoints>>>,
}

/// Facts that are enough to generate from.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    pub subscriber: GrpcSubscriber,
    /// One for each service it asks for, whether there is such a service or not.
    pub targets: BTreeMap<ServiceName, Target>,
    /// `None`: it asks for no listener of a server, or stands for no service.
    pub server: Option<Server>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Target {
    pub chain: FoundChain,
    /// Of each target of the chain, the instances that the program is able to call.
    pub endpoints: BTreeMap<EndpointsKey, Arc<Shared<Endpoints>>>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Server {
    pub roots: Arc<Shared<Roots>>,
    pub intentions: Arc<Shared<Intentions>>,
}

impl Facts {
    pub fn new(subscriber: GrpcSubscriber) -> Self {
        Self {
            subscriber,
            native: None,
            roots: None,
            intentions: None,
            chains: BTreeMap::new(),
            endpoints: BTreeMap::new(),
        }
    }

    /// The topics to watch now. Grows as facts arrive: whether there is somebody to serve at all, then a chain's target.
    pub fn needs(&self) -> BTreeSet<Topic> {
        let mut needs = BTreeSet::from([self.registration()]);
        if !self.is_to_be_served() {
            return needs;
        }
        if let Some(service) = self.serves_as() {
            needs.extend([Topic::Roots, Topic::Intentions(service.clone())]);
        }
        for service in self.subscriber.targets() {
            if let Some(Ok(chain)) = self.chains.get(&service) {
                needs.extend(chain.targets.values().map(|target| self.instances(target.endpoints())));
            }
            needs.insert(Topic::Chain(ChainKey::plain(service)));
        }
        needs
    }

    /// What is needed beside the answers themselves hangs on these topics alone.
    pub fn steers(topic: &Topic) -> bool {
        matches!(topic, Topic::Native(_) | Topic::Chain(_))
    }

    /// Takes the answer of a topic in; an answer of another shape than its topic's cannot be built, and is ignored.
    pub fn learn(&mut self, topic: &Topic, fact: &Fact) {
        match (topic, fact) {
            (Topic::Native(_), Fact::Native(native)) => self.native = Some(native.clone()),
            (Topic::Roots, Fact::Roots(roots)) => self.roots.clone_from(roots),
            (Topic::Intentions(_), Fact::Intentions(intentions)) => self.intentions = Some(Arc::clone(intentions)),
            (Topic::Chain(key), Fact::Chain(Some(chain))) => {
                self.chains.insert(key.service.clone(), chain.clone());
            }
            (Topic::Chain(key), Fact::Chain(None)) => {
                self.chains.remove(&key.service);
            }
            (Topic::Endpoints(key) | Topic::PlainEndpoints(key), Fact::Endpoints(endpoints)) => {
                self.endpoints.insert(key.clone(), Arc::clone(endpoints));
            }
            _ => debug_assert!(false, "{topic} cannot be answered by {fact:?}"),
        }
    }

    /// Drops what a topic had answered, when it is needed no longer.
    pub fn forget(&mut self, topic: &Topic) {
        match topic {
            Topic::Roots => self.roots = None,
            Topic::Intentions(_) => self.intentions = None,
            Topic::Chain(key) => drop(self.chains.remove(&key.service)),
            Topic::Endpoints(key) | Topic::PlainEndpoints(key) => drop(self.endpoints.remove(key)),
            _ => {}
        }
    }

    /// Everything, or the topics that have not answered yet: of a program that is not served, its registration.
    pub fn complete(&self) -> Result<Snapshot, Vec<Topic>> {
        if !self.is_to_be_served() {
            return Err(vec![self.registration()]);
        }
        let missing: Vec<Topic> = self.needs().into_iter().filter(|topic| !self.knows(topic)).collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        let target = |service: ServiceName| {
            let chain = self.chains.get(&service)?.clone();
            let keys = chain.iter().flat_map(|chain| chain.targets.values()).map(chain::Target::endpoints);
            let endpoints = keys.filter_map(|key| self.endpoints.get_key_value(&key));
            let endpoints = endpoints.map(|(key, endpoints)| (key.clone(), Arc::clone(endpoints))).collect();
            Some((service, Target { chain, endpoints }))
        };
        Ok(Snapshot {
            subscriber: self.subscriber.clone(),
            targets: self.subscriber.targets().into_iter().filter_map(target).collect(),
            server: self.serves_as().and(self.server()),
        })
    }

    fn server(&self) -> Option<Server> {
        Some(Server { roots: Arc::clone(self.roots.as_ref()?), intentions: Arc::clone(self.intentions.as_ref()?) })
    }

    fn is_to_be_served(&self) -> bool {
        match &self.native {
            None => false,
            Some(native) => native.is_some() || self.subscriber.node.asks,
        }
    }

    /// The service whose callers are to be told apart.
    fn serves_as(&self) -> Option<&ServiceName> {
        self.native.as_ref()?.as_ref().filter(|_| self.subscriber.serves())
    }

    fn registration(&self) -> Topic {
        Topic::Native(self.subscriber.node.id.clone())
    }

    /// With certificates it reaches whatever takes mutual TLS, sidecars too; without, only the applications themselves.
    fn instances(&self, key: EndpointsKey) -> Topic {
        match self.subscriber.node.certificates {
            Some(_) => Topic::Endpoints(key),
            None => Topic::PlainEndpoints(key),
        }
    }

    fn knows(&self, topic: &Topic) -> bool {
        match topic {
            Topic::Native(_) => self.native.is_some(),
            Topic::Roots => self.roots.is_some(),
            Topic::Intentions(_) => self.intentions.is_some(),
            Topic::Chain(key) => self.chains.contains_key(&key.service),
            Topic::Endpoints(key) | Topic::PlainEndpoints(key) => self.endpoints.contains_key(key),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::grpc::SERVER_LISTENER;
    use crate::model::{CertificateProviders, GrpcNode, ProxyId};

    fn facts(asks: bool, certificates: Option<CertificateProviders>, listeners: &[&str]) -> Facts {
        let id = ProxyId { node: "n1".into(), service: "web".into() };
        let listeners = listeners.iter().map(|&name| name.to_owned()).collect();
        let node = GrpcNode { id, asks, misses_returns: false, locality: None, certificates };
        Facts::new(GrpcSubscriber { node: Arc::new(node), listeners: Arc::new(listeners) })
    }

    fn learn_native(facts: &mut Facts, service: Option<&str>) {
        facts.learn(&facts.registration(), &Fact::Native(service.map(ServiceName::from)));
    }

    fn learn_chain(facts: &mut Facts, service: &str) {
        let key = ChainKey::plain(service.into());
        let inputs =
            chain::Inputs { datacenter: &"dc1".into(), trust_domain: &"1111.consul".into(), entries: &BTreeMap::new() };
        let chain = chain::compile(&key, &inputs).chain.map(|chain| Arc::new(Shared::new(chain)));
        facts.learn(&Topic::Chain(key), &Fact::Chain(Some(chain)));
    }

    fn needs(facts: &Facts) -> Vec<String> {
        facts.needs().iter().map(Topic::to_string).collect()
    }

    #[test]
    fn whoever_neither_asks_nor_is_registered_as_native_is_not_served() {
        let mut facts = facts(false, None, &["echo"]);
        learn_native(&mut facts, None);
        assert_eq!(needs(&facts), ["native:n1/web"]);
        assert_eq!(facts.complete(), Err(vec![facts.registration()]));
        learn_native(&mut facts, Some("web"));
        assert_eq!(needs(&facts), ["chain:echo", "native:n1/web"]);
    }

    #[test]
    fn a_program_needs_the_chain_and_the_instances_of_each_service_it_names() {
        let mut facts = facts(true, None, &["echo", "echo:80"]);
        learn_native(&mut facts, None);
        assert_eq!(facts.complete(), Err(vec![Topic::Chain(ChainKey::plain("echo".into()))]));
        learn_chain(&mut facts, "echo");
        assert_eq!(needs(&facts), ["chain:echo", "native:n1/web", "plain-endpoints:echo"]);
        let endpoints = Fact::Endpoints(Arc::new(Shared::new(Endpoints::default())));
        facts.learn(&Topic::PlainEndpoints(EndpointsKey::all("echo".into())), &endpoints);
        let snapshot = facts.complete().unwrap();
        assert_eq!(snapshot.targets.keys().map(ServiceName::as_str).collect::<Vec<_>>(), ["echo"]);
        assert_eq!(snapshot.server, None);
    }

    #[test]
    fn with_certificates_it_reaches_what_takes_mutual_tls() {
        let certificates = CertificateProviders { identity: "leaf".into(), roots: "roots".into() };
        let mut facts = facts(true, Some(certificates), &["echo"]);
        learn_native(&mut facts, None);
        learn_chain(&mut facts, "echo");
        assert_eq!(needs(&facts), ["chain:echo", "endpoints:echo", "native:n1/web"]);
    }

    #[test]
    fn a_server_needs_to_know_who_may_call_the_service_it_stands_for() {
        let mut facts = facts(true, None, &[&format!("{SERVER_LISTENER}0.0.0.0:80")]);
        learn_native(&mut facts, None);
        assert_eq!(facts.complete().unwrap().server, None);
        learn_native(&mut facts, Some("web"));
        assert_eq!(needs(&facts), ["roots", "intentions:web", "native:n1/web"]);
        assert_eq!(facts.complete(), Err(vec![Topic::Roots, Topic::Intentions("web".into())]));
    }
}
