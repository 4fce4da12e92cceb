//! What can be watched, and what a write can touch.
//!
//! A [`Place`] is a corner of the tables; a write names the places it touched. A [`Topic`] is a question whose answer
//! somebody may hold; one `SourceWatch` keeps each answer, listens at the places it was read from, and stays silent
//! when the answer came out the same.

use std::fmt;
use std::time::Duration;

use super::check::Status;
use super::entry::service_resolver::Subset;
use super::entry::{EntryKey, EntryKind};
use super::names::{KvKey, NodeName, ProxyId, ServiceName};
use super::proxy::Protocol;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// The set of nodes or any node's own record.
    Nodes,
    /// A node's record, or any service or check on it.
    Node(NodeName),
    /// The set of service names and their tags.
    ServiceNames,
    /// Instances of the name: records, health, their nodes' records and checks.
    Service(ServiceName),
    /// Instances that accept mesh connections for the name, in the same sense.
    Connect(ServiceName),
    /// The registration of one proxy, or of an instance that needs none.
    Proxy(ProxyId),
    Entry(EntryKey),
    /// Any entry of the kind.
    Entries(EntryKind),
    Roots,
    /// The certificate of one service.
    Leaf(ServiceName),
    /// The virtual addresses of one service.
    VirtualIp(ServiceName),
    /// The value of one key.
    Kv(KvKey),
    /// Any key in the folder or below it. A folder ends in `/`; the outermost is empty.
    KvFolder(KvKey),
    /// Any check.
    Checks,
    /// Any instance's record.
    Instances,
    /// The set of services that have virtual addresses.
    InMesh,
    /// The intentions that name the source.
    IntentionsFrom(ServiceName),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Topic {
    // What clients of the HTTP API read.
    Nodes,
    Node(NodeName),
    Services,
    Service(ServiceName),
    Connect(ServiceName),
    /// Every instance of every service.
    Instances,
    /// Every check, or those of one status.
    Checks(Option<Status>),
    Entry(EntryKey),
    Entries(EntryKind),
    IntentionList,
    /// The certificate authority as it is set.
    Authority,
    Kv(KvKey),
    /// All keys that begin with this.
    KvTree(KvKey),

    // What proxies are made of.
    /// The proxy's registration with central configuration merged in.
    Proxy(ProxyId),
    Roots,
    Leaf(ServiceName),
    /// Who may call the service.
    Intentions(ServiceName),
    Mesh,
    Chain(ChainKey),
    /// Whom a transparent proxy of the service is led to.
    Reachable(ServiceName),
    /// At which addresses transparent proxies know the service.
    Addresses(ServiceName),
    Endpoints(EndpointsKey),

    // What gRPC programs without a proxy are made of, beside what proxies are.
    /// What the program's registration stands for, if that is native.
    Native(ProxyId),
    /// Where the instances themselves listen, whatever stands before them.
    PlainEndpoints(EndpointsKey),
}

/// Instances of a service.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EndpointsKey {
    pub service: ServiceName,
    pub subset: Subset,
}

impl EndpointsKey {
    /// All of them.
    pub fn all(service: ServiceName) -> Self {
        Self { service, subset: Subset::default() }
    }
}

impl fmt::Display for EndpointsKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, subset } = self;
        write!(out, "{service}")?;
        if subset.only_passing {
            out.write_str("?passing")?;
        }
        if !subset.filter.is_empty() {
            write!(out, "{}filter={}", if subset.only_passing { '&' } else { '?' }, subset.filter)?;
        }
        Ok(())
    }
}

/// A discovery chain as one downstream asks for it: the service and what the downstream overrides.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChainKey {
    pub service: ServiceName,
    pub protocol: Option<Protocol>,
    pub connect_timeout: Option<Duration>,
}

impl ChainKey {
    pub fn plain(service: ServiceName) -> Self {
        Self { service, protocol: None, connect_timeout: None }
    }
}

impl Topic {
    /// Every kind there is, for metrics.
    pub const KINDS: [&'static str; 23] = [
        "nodes",
        "node",
        "services",
        "service",
        "connect",
        "instances",
        "checks",
        "entry",
        "entries",
        "intention-list",
        "kv",
        "kv-tree",
        "proxy",
        "roots",
        "leaf",
        "intentions",
        "mesh",
        "chain",
        "reachable",
        "addresses",
        "endpoints",
        "native",
        "plain-endpoints",
    ];

    /// The kind alone, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Node(_) => "node",
            Self::Services => "services",
            Self::Service(_) => "service",
            Self::Connect(_) => "connect",
            Self::Instances => "instances",
            Self::Checks(_) => "checks",
            Self::Entry(_) => "entry",
            Self::Entries(_) => "entries",
            Self::IntentionList => "intention-list",
            Self::Authority => "authority",
            Self::Kv(_) => "kv",
            Self::KvTree(_) => "kv-tree",
            Self::Proxy(_) => "proxy",
            Self::Roots => "roots",
            Self::Leaf(_) => "leaf",
            Self::Intentions(_) => "intentions",
            Self::Mesh => "mesh",
            Self::Chain(_) => "chain",
            Self::Reachable(_) => "reachable",
            Self::Addresses(_) => "addresses",
            Self::Endpoints(_) => "endpoints",
            Self::Native(_) => "native",
            Self::PlainEndpoints(_) => "plain-endpoints",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.kind())?;
        match self {
            Self::Checks(Some(status)) => write!(out, ":{status}"),
            Self::Checks(None)
            | Self::Instances
            | Self::Nodes
            | Self::Services
            | Self::IntentionList
            | Self::Authority
            | Self::Roots
            | Self::Mesh => Ok(()),
            Self::Node(name) => write!(out, ":{name}"),
            Self::Service(name)
            | Self::Connect(name)
            | Self::Leaf(name)
            | Self::Intentions(name)
            | Self::Reachable(name)
            | Self::Addresses(name) => write!(out, ":{name}"),
            Self::Endpoints(key) | Self::PlainEndpoints(key) => write!(out, ":{key}"),
            Self::Kv(key) | Self::KvTree(key) => write!(out, ":{key}"),
            Self::Entry(key) => write!(out, ":{key}"),
            Self::Entries(kind) => write!(out, ":{kind}"),
            Self::Proxy(id) | Self::Native(id) => write!(out, ":{id}"),
            Self::Chain(key) => {
                write!(out, ":{}", key.service)?;
                if let Some(protocol) = key.protocol {
                    write!(out, "?protocol={protocol}")?;
                }
                if let Some(timeout) = key.connect_timeout {
                    write!(out, "?connect_timeout={}ms", timeout.as_millis())?;
                }
                Ok(())
            }
        }
    }
}
