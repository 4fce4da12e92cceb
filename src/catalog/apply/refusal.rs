//! Why a write was refused, in words for whoever asked for it.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use thiserror::Error;

use crate::catalog::record::RecordKey;
use crate::chain::ChainError;
use crate::filter::FilterError;
use crate::model::virtual_ip::MANUAL_MAX;
use crate::model::{
    CheckId, Datacenter, EntryKey, EntryKind, Index, KvKey, NodeName, Protocol, ServiceId, ServiceName,
};

/// A refused write has changed nothing.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Refusal {
    #[error("Unknown node {0:?}: register the node before what runs on it")]
    UnknownNode(NodeName),
    #[error("Unknown service ID {id:?} on node {node:?}: give the id of an instance, not the name of its service")]
    UnknownService { node: NodeName, id: ServiceId },
    #[error("Unknown check ID {id:?} on node {node:?}: register the check first")]
    UnknownCheck { node: NodeName, id: CheckId },
    /// Holds what has no name, such as `service id`.
    #[error("a {0} must not be empty")]
    Empty(&'static str),
    #[error("service {0:?}: kind connect-proxy and a Proxy block go together, one came without the other")]
    ProxyWithoutKind(ServiceId),
    #[error("service {0:?}: a connect-proxy needs Proxy.DestinationServiceName, the one service it stands for")]
    ProxyWithoutDestination(ServiceId),
    #[error(
        "service {id:?}: upstream {upstream:?} is asked of datacenter {datacenter:?}; this one is {own:?}, and others \
        are not supported by this version of chancery"
    )]
    OtherDatacenter { id: ServiceId, upstream: ServiceName, datacenter: String, own: Datacenter },
    #[error(
        "service {0:?}: proxies and native services are of the mesh, and connect.enabled is false in this agent's \
        configuration: switch it on, or register the service by itself"
    )]
    NoMesh(ServiceId),
    #[error("service {0:?}: a sidecar cannot have a sidecar of its own")]
    NestedSidecar(ServiceId),
    #[error("service {0:?}: the sidecar needs an id of its own, not its service's")]
    SidecarHasServiceId(ServiceId),
    #[error(
        "no port for sidecar {id:?}: none left in its range [{first}, {last}]; give Connect.SidecarService.Port",
        first = range.start(),
        last = range.end()
    )]
    NoSidecarPort { id: ServiceId, range: RangeInclusive<u16> },
    #[error(
        "no port to expose check {id:?} at: none left in the range [{first}, {last}]; widen it with ports.expose_min_port \
        and ports.expose_max_port",
        first = range.start(),
        last = range.end()
    )]
    NoExposedPort { id: CheckId, range: RangeInclusive<u16> },
    #[error(
        "check {id:?}: by way of other aliases it would mirror itself; alias an instance that does not depend on it"
    )]
    AliasCycle { id: CheckId },
    #[error(
        "service-intentions {destination:?}: refers to the jwt-provider {provider:?}, which is not there; an intention \
        needs its providers as long as it names them"
    )]
    UnknownProvider { destination: ServiceName, provider: String },
    #[error(
        "service-intentions {destination:?}: Permissions and JWT look at requests, and {destination} speaks {protocol}; \
        its service-defaults must say Protocol http, http2 or grpc as long as it has them"
    )]
    NeedsRequests { destination: ServiceName, protocol: Protocol },
    #[error(
        "service-defaults {service:?}: RateLimits count requests, and {service} speaks {protocol}; say Protocol http, http2 \
        or grpc beside them"
    )]
    NoRequestsToLimit { service: ServiceName, protocol: Protocol },
    #[error(
        "{0}: MutualTLSMode permissive lets callers in without a certificate, and the mesh entry does not say \
        AllowEnablingPermissiveMutualTLS"
    )]
    PermissiveNotAllowed(EntryKey),
    #[error("{0}")]
    Chain(Box<ChainError>),
    #[error("{entry}: subset {subset:?}: {error}")]
    Filter { entry: EntryKey, subset: String, error: FilterError },
    #[error("a {kind} entry is always named {expected:?}, not {name:?}")]
    EntryName { kind: EntryKind, expected: &'static str, name: String },
    #[error("no virtual address is left in 240.0.0.0/4: deregister services that are not in use")]
    NoVirtualIp,
    #[error("{given} manual virtual addresses were given; a service can have {MANUAL_MAX}")]
    ManualVirtualIps { given: usize },
    #[error("{0} is in 240.0.0.0/4, from which services are given their addresses: choose one outside of it")]
    GivenVirtualIp(IpAddr),
    #[error("no instance of {0:?} accepts mesh connections: register its sidecar first")]
    NotInMesh(ServiceName),
    #[error("the key {:.40}… has {} bytes, {longest} are the most", .key.as_str(), .key.as_str().len())]
    LongKey { key: KvKey, longest: usize },
    #[error("{0} doesn't exist")]
    Missing(RecordKey),
    #[error("{key}: index is stale: {expected} was expected, it is {found}")]
    Stale { key: RecordKey, expected: Index, found: Index },
    #[error("an index in the batch is stale")]
    StaleBatch,
    #[error("the snapshot {0}: nothing was restored")]
    Snapshot(String),
    #[error("a snapshot is restored alone, not among other writes")]
    RestoreAmongOthers,
    #[error("the transaction was not done: {}", all(.0))]
    Transaction(Vec<Failed>),
}

/// A step of a transaction that could not be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// Of the step, from 0.
    pub position: usize,
    pub refusal: Refusal,
}

fn all(failures: &[Failed]) -> String {
    let lines: Vec<String> =
        failures.iter().map(|failed| format!("operation {}: {}", failed.position, failed.refusal)).collect();
    lines.join("; ")
}

impl Refusal {
    /// The status that HTTP has for it.
    pub fn status(&self) -> u16 {
        match self {
            Self::UnknownNode(_) | Self::UnknownService { .. } | Self::UnknownCheck { .. } | Self::NotInMesh(_) => 404,
            Self::Transaction(_) => 409,
            _ => 400,
        }
    }
}
