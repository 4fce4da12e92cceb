//! The answer to a topic. Equal answers compare equal, which is how a `SourceWatch` knows to stay silent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::{AuthorityState, Tables, query};
use crate::chain::{Chain, ChainError};
use crate::model::entry::Mesh;
use crate::model::intention::{Intentions, WILDCARD};
use crate::model::topic::{ChainKey, Place, Topic};
use crate::model::{Addresses, NodeName, Reachable};
use crate::model::{Check, Endpoints, Entry, EntryKey, EntryKind, Index, Instance, Intention, KvPair, Leaf, Node};
use crate::model::{ProxyConfig, ProxyId, Roots, Service, ServiceName};
use crate::resource::Shared;

#[derive(Clone, PartialEq, Debug)]
pub enum Fact {
    Nodes(Arc<Vec<Arc<Node>>>),
    /// `None`: there is no such node.
    Node(Option<Arc<NodeServices>>),
    /// Names with the tags of all their instances.
    Services(Arc<BTreeMap<ServiceName, BTreeSet<String>>>),
    /// For `Service`, `Connect` and `Instances`.
    Instances(Arc<Vec<Instance>>),
    Checks(Arc<Vec<Arc<Check>>>),
    Entry(Option<Arc<Entry>>),
    Entries(Arc<Vec<Arc<Entry>>>),
    IntentionList(Arc<Vec<Intention>>),
    /// `None`: there is none yet.
    Authority(Option<Arc<AuthorityState>>),
    /// `None`: the key has no value.
    Kv(Option<Arc<KvPair>>),
    KvTree(Arc<Vec<Arc<KvPair>>>),
    /// `None`: no such proxy is registered.
    Proxy(Option<Arc<ProxyConfig>>),
    /// `None`: there is no certificate authority yet.
    Roots(Option<Arc<Shared<Roots>>>),
    /// `None`: its keeper has not issued it yet.
    Leaf(Option<Arc<Shared<Leaf>>>),
    Intentions(Arc<Shared<Intentions>>),
    Mesh(Arc<Mesh>),
    /// `None`: there is no trust domain yet.
    Chain(Option<FoundChain>),
    Reachable(Arc<Shared<Reachable>>),
    Addresses(Arc<Addresses>),
    /// For `Endpoints` and `PlainEndpoints`.
    Endpoints(Arc<Shared<Endpoints>>),
    /// `None`: no native service is registered under that id.
    Native(Option<ServiceName>),
}

/// The entries make a chain, or it is known why not. Writes that lead to the second are refused, so it is rare.
pub type FoundChain = Result<Arc<Shared<Chain>>, ChainError>;

/// A node and everything registered on it, sorted by id.
#[derive(Clone, PartialEq, Debug)]
pub struct NodeServices {
    pub node: Arc<Node>,
    pub services: Vec<Arc<Service>>,
    pub checks: Vec<Arc<Check>>,
}

/// An answer, the index at which its places were last touched, and the places it was read from.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    pub fact: Fact,
    pub index: Index,
    pub places: Vec<Place>,
}

/// Answers a topic from the tables.
pub fn look(tables: &Tables, topic: &Topic) -> Found {
    let (fact, places) = read(tables, topic);
    let index = match topic {
        // heard of in the folder, but only as new as what begins with the prefix
        Topic::KvTree(prefix) => tables.index_of(&Place::KvFolder(prefix.clone())),
        _ => places.iter().map(|place| tables.index_of(place)).max().unwrap_or_default(),
    };
    Found { fact, index, places }
}

fn read(tables: &Tables, topic: &Topic) -> (Fact, Vec<Place>) {
    match topic {
        Topic::Nodes => (Fact::Nodes(Arc::new(query::nodes(tables))), vec![Place::Nodes]),
        Topic::Node(name) => (Fact::Node(on_node(tables, name)), vec![Place::Node(name.clone())]),
        Topic::Services => (Fact::Services(Arc::new(query::services(tables))), vec![Place::ServiceNames]),
        Topic::Service(name) => {
            (Fact::Instances(Arc::new(query::instances(tables, name))), vec![Place::Service(name.clone())])
        }
        Topic::Connect(name) => {
            (Fact::Instances(Arc::new(query::connect_instances(tables, name))), vec![Place::Connect(name.clone())])
        }
        Topic::Instances => (
            Fact::Instances(Arc::new(query::all_instances(tables))),
            vec![Place::Nodes, Place::Instances, Place::Checks],
        ),
        Topic::Checks(status) => (Fact::Checks(Arc::new(query::checks(tables, *status))), vec![Place::Checks]),
        Topic::Entry(key) => (Fact::Entry(query::entry(tables, key)), vec![Place::Entry(key.clone())]),
        Topic::Entries(kind) => (Fact::Entries(Arc::new(query::entries(tables, *kind))), vec![Place::Entries(*kind)]),
        Topic::IntentionList => (
            Fact::IntentionList(Arc::new(query::intention_list(tables))),
            vec![Place::Entries(EntryKind::ServiceIntentions)],
        ),
        Topic::Authority => (Fact::Authority(tables.authority().cloned()), vec![Place::Roots]),
        Topic::Kv(key) => (Fact::Kv(query::kv(tables, key)), vec![Place::Kv(key.clone())]),
        Topic::KvTree(prefix) => {
            let folder = Place::KvFolder(prefix.folder().into());
            (Fact::KvTree(Arc::new(query::kv_tree(tables, prefix))), vec![folder])
        }
        Topic::Proxy(id) => proxy(tables, id),
        Topic::Roots => {
            let roots = tables.roots().map(|roots| Arc::new(Shared::new(Roots::clone(roots))));
            (Fact::Roots(roots), vec![Place::Roots])
        }
        Topic::Leaf(service) => {
            let leaf = query::leaf(tables, service).map(|leaf| Arc::new(Shared::new(Leaf::clone(&leaf))));
            (Fact::Leaf(leaf), vec![Place::Leaf(service.clone())])
        }
        Topic::Intentions(destination) => intentions(tables, destination),
        Topic::Mesh => {
            (Fact::Mesh(Arc::new(query::mesh(tables))), vec![Place::Entry(EntryKey::new(EntryKind::Mesh, "mesh"))])
        }
        Topic::Chain(key) => chain(tables, key),
        Topic::Reachable(source) => (
            Fact::Reachable(Arc::new(Shared::new(query::reachable(tables, source)))),
            vec![Place::InMesh, Place::IntentionsFrom(source.clone()), Place::IntentionsFrom(WILDCARD.into())],
        ),
        Topic::Addresses(service) => (
            Fact::Addresses(Arc::new(query::addresses(tables, service))),
            vec![
                Place::VirtualIp(service.clone()),
                Place::Connect(service.clone()),
                proxy_defaults(),
                service_defaults(service),
            ],
        ),
        Topic::Endpoints(key) => (
            Fact::Endpoints(Arc::new(Shared::new(query::endpoints(tables, key)))),
            vec![Place::Connect(key.service.clone())],
        ),
        Topic::Native(id) => (Fact::Native(query::native(tables, id)), vec![Place::Proxy(id.clone())]),
        Topic::PlainEndpoints(key) => (
            Fact::Endpoints(Arc::new(Shared::new(query::plain_endpoints(tables, key)))),
            vec![Place::Service(key.service.clone())],
        ),
    }
}

fn on_node(tables: &Tables, name: &NodeName) -> Option<Arc<NodeServices>> {
    query::node(tables, name).map(|node| {
        let (services, checks) = query::on_node(tables, name);
        Arc::new(NodeServices { node, services, checks })
    })
}

fn intentions(tables: &Tables, destination: &ServiceName) -> (Fact, Vec<Place>) {
    let intentions = query::intentions(tables, destination);
    let entry = |kind, name: &str| Place::Entry(EntryKey::new(kind, name));
    let mut places =
        vec![entry(EntryKind::ServiceIntentions, destination.as_str()), entry(EntryKind::ServiceIntentions, WILDCARD)];
    // those that are not there too: they may come
    let providers: BTreeSet<&str> = intentions.matching.iter().flat_map(Intention::providers).collect();
    places.extend(providers.into_iter().map(|name| entry(EntryKind::JwtProvider, name)));
    (Fact::Intentions(Arc::new(Shared::new(intentions))), places)
}

fn proxy(tables: &Tables, id: &ProxyId) -> (Fact, Vec<Place>) {
    let proxy = query::proxy(tables, id);
    let mut places = vec![Place::Proxy(id.clone()), proxy_defaults()];
    if let Some(proxy) = &proxy {
        places.push(service_defaults(&proxy.destination));
    }
    (Fact::Proxy(proxy.map(Arc::new)), places)
}

fn chain(tables: &Tables, key: &ChainKey) -> (Fact, Vec<Place>) {
    let Some(roots) = tables.roots() else { return (Fact::Chain(None), vec![Place::Roots]) };
    let compiled = query::chain(tables, key, &roots.trust_domain);
    let places = compiled.read.into_iter().map(Place::Entry).chain([Place::Roots]).collect();
    (Fact::Chain(Some(compiled.chain.map(|chain| Arc::new(Shared::new(chain))))), places)
}

fn proxy_defaults() -> Place {
    Place::Entry(EntryKey::new(EntryKind::ProxyDefaults, "global"))
}

fn service_defaults(service: &ServiceName) -> Place {
    Place::Entry(EntryKey::new(EntryKind::ServiceDefaults, service.as_str()))
}
