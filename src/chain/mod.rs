//! The discovery-chain compiler: from config entries to the graph of where a request for a service may go.
//!
//! ```text
//! service-router     the first route that matches     -> a splitter or a resolver
//! service-splitter   a share for each split            -> resolvers (splitters behind splitters are made one)
//! service-resolver   redirect, default subset          -> one target, and those that stand in for it
//! ```
//!
//! The graph has no circle, every node in it can be reached from its start, and its bytes depend on nothing but the
//! entries.

mod compile;
mod customization;
mod error;
mod explain;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
pub(crate) mod properties;
mod resolve;
mod split;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use compile::compile;
pub use error::ChainError;
pub use explain::{Cause, explain};

use crate::model::entry::service_resolver::{LoadBalancer, Subset};
use crate::model::entry::service_router::{RouteDestination, RouteMatch};
use crate::model::entry::service_splitter::Weight;
use crate::model::extension::AwsLambda;
use crate::model::http::HeaderModifiers;
use crate::model::locality::{FailoverMode, FailoverPolicy, Locality, Prioritize};
use crate::model::topic::EndpointsKey;
use crate::model::{Datacenter, Entry, EntryKey, Protocol, ServiceName, TrustDomain};

/// The connect timeout of a target that no entry sets.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where entries are looked up.
pub trait Entries {
    fn entry(&self, key: &EntryKey) -> Option<&Entry>;
}

impl Entries for BTreeMap<EntryKey, Entry> {
    fn entry(&self, key: &EntryKey) -> Option<&Entry> {
        self.get(key)
    }
}

/// What a chain is compiled from, beside its key.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    pub datacenter: &'a Datacenter,
    pub trust_domain: &'a TrustDomain,
    pub entries: &'a dyn Entries,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Compiled {
    pub chain: Result<Chain, ChainError>,
    /// The entries that were looked for, those that are not there among them: while they stay, so does the chain.
    pub read: BTreeSet<EntryKey>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    pub service: ServiceName,
    pub datacenter: Datacenter,
    pub protocol: Protocol,
    /// Eight hex digits when an override of the downstream changed something, else empty.
    pub customization_hash: String,
    /// All requests go to the service itself, and no entry says anything about how.
    pub default: bool,
    /// Of the service's `service-defaults`.
    pub meta: BTreeMap<String, String>,
    /// One of the nodes.
    pub start: NodeId,
    pub nodes: BTreeMap<NodeId, Node>,
    pub targets: BTreeMap<TargetId, Target>,
}

/// `router:<service>.default.default`, `splitter:<service>.default.default`, `resolver:<target>`
pub type NodeId = String;

/// `[<subset>.]<service>.default.default.<datacenter>`
pub type TargetId = String;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    pub step: Step,
    /// The entries that made it what it is, sorted.
    pub entries: BTreeSet<EntryKey>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// The first that matches; the last one always does.
    Router(Vec<Route>),
    /// Their weights make [`Weight::WHOLE`].
    Splitter(Vec<Split>),
    Resolver(Resolver),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    pub matches: RouteMatch,
    pub destination: RouteDestination,
    /// A splitter or a resolver.
    pub next: NodeId,
    /// Where copies of its requests go: a resolver.
    pub mirror: Option<NodeId>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Split {
    pub weight: Weight,
    pub request_headers: HeaderModifiers,
    pub response_headers: HeaderModifiers,
    /// A resolver.
    pub next: NodeId,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolver {
    /// No entry says anything about the target.
    pub default: bool,
    pub connect_timeout: Duration,
    pub request_timeout: Option<Duration>,
    pub target: TargetId,
    /// Those that stand in for it, in this order, while it has no healthy instance.
    pub failover: Vec<TargetId>,
    /// Of these, when an entry says one.
    pub failover_policy: Option<FailoverPolicy>,
    pub load_balancer: LoadBalancer,
}

/// Instances of one service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    pub id: TargetId,
    pub service: ServiceName,
    /// Empty: all instances.
    pub subset_name: String,
    pub subset: Subset,
    pub connect_timeout: Duration,
    /// Base of the cluster's name: `[<subset>.]<service>.default.<datacenter>.internal.<trust domain>`.
    pub name: String,
    /// Server name in TLS: the name, unless the service is outside the mesh.
    pub sni: String,
    /// It is.
    pub external: bool,
    /// The identity every instance must prove.
    pub spiffe_id: String,
    /// When an entry says it.
    pub prioritize_by_locality: Option<Prioritize>,
    /// It is called instead of instances.
    pub function: Option<AwsLambda>,
}

/// One of the clusters that a resolver leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member<'a> {
    pub cluster: String,
    pub target: &'a Target,
    pub within: Within<'a>,
}

/// The instances of a target that are in one cluster, by the regions they are in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Within<'a> {
    Anywhere,
    /// The caller's region.
    Own,
    /// This one, unless it is the caller's.
    Region(&'a str),
    /// None of these, and not the caller's.
    Beyond(&'a [String]),
}

impl Target {
    /// The instances that are meant.
    pub fn endpoints(&self) -> EndpointsKey {
        EndpointsKey { service: self.service.clone(), subset: self.subset.clone() }
    }
}

impl Chain {
    /// Every one, in the order of their targets.
    pub fn resolvers(&self) -> impl Iterator<Item = &Resolver> {
        self.nodes.values().filter_map(|node| match &node.step {
            Step::Resolver(resolver) => Some(resolver),
            Step::Router(_) | Step::Splitter(_) => None,
        })
    }

    /// The node's step; the graph has all nodes that it names.
    pub fn step(&self, node: &str) -> &Step {
        &self.nodes[node].step
    }

    /// Of a router; none of a chain without one.
    pub fn routes(&self) -> &[Route] {
        match self.step(&self.start) {
            Step::Router(routes) => routes,
            Step::Splitter(_) | Step::Resolver(_) => &[],
        }
    }

    /// The only one, when requests are neither routed nor split.
    pub fn sole_resolver(&self) -> Option<&Resolver> {
        match self.step(&self.start) {
            Step::Resolver(resolver) => Some(resolver),
            Step::Router(_) | Step::Splitter(_) => None,
        }
    }

    /// Envoy's name for what a resolver leads to, and for each of its targets when there are several.
    pub fn cluster_name(&self, resolver: &Resolver) -> String {
        let name = &self.targets[&resolver.target].name;
        let hash = &self.customization_hash;
        if hash.is_empty() { name.clone() } else { format!("{hash}~{name}") }
    }
}

impl Step {
    /// The nodes that it leads to, with those that get copies.
    pub fn nexts(&self) -> Vec<&NodeId> {
        match self {
            Self::Router(routes) => routes.iter().flat_map(Route::nexts).collect(),
            Self::Splitter(splits) => splits.iter().map(|split| &split.next).collect(),
            Self::Resolver(_) => Vec::new(),
        }
    }
}

impl Route {
    /// Where its requests go, and where copies of them do.
    pub fn nexts(&self) -> impl Iterator<Item = &NodeId> {
        std::iter::once(&self.next).chain(&self.mirror)
    }
}

impl Resolver {
    /// The first choice, and those that stand in for it.
    pub fn targets(&self) -> impl Iterator<Item = &TargetId> {
        std::iter::once(&self.target).chain(&self.failover)
    }

    /// Its clusters, the first choice first.
    pub fn members<'a>(&'a self, chain: &'a Chain) -> impl Iterator<Item = Member<'a>> {
        let base = chain.cluster_name(self);
        let parts = self.withins().flat_map(|within| self.targets().map(move |id| (within, id)));
        parts.enumerate().map(move |(at, (within, id))| {
            let cluster = if self.failover.is_empty() { base.clone() } else { format!("failover-target~{at}~{base}") };
            Member { cluster, target: &chain.targets[id], within }
        })
    }

    /// What its targets are divided into, the first choice first.
    fn withins(&self) -> impl Iterator<Item = Within<'_>> {
        let by_region = |policy: &&FailoverPolicy| policy.mode == FailoverMode::OrderByLocality;
        let policy = self.failover_policy.as_ref().filter(|_| !self.failover.is_empty()).filter(by_region);
        let regions = policy.map_or(&[][..], |policy| &policy.regions);
        let (first, last) = match policy {
            None => (Within::Anywhere, None),
            Some(_) => (Within::Own, Some(Within::Beyond(regions))),
        };
        std::iter::once(first).chain(regions.iter().map(|region| Within::Region(region))).chain(last)
    }
}

impl Within<'_> {
    /// Whether an instance is there, for a caller that is where `own` says.
    pub fn has(self, own: Option<&Locality>, instance: Option<&Locality>) -> bool {
        let region = instance.map(|locality| locality.region.as_str());
        let near = region.is_some() && own.map(|own| own.region.as_str()) == region;
        match self {
            Self::Anywhere => true,
            Self::Own => near,
            Self::Region(wanted) => !near && region == Some(wanted),
            Self::Beyond(regions) => !near && !regions.iter().any(|known| region == Some(known)),
        }
    }
}
