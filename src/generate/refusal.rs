//! What could not be made, and why.

use std::fmt;
use std::net::IpAddr;

use crate::chain::ChainError;
use crate::model::extension::ExtensionName;
use crate::model::transparent::REACHABLE_MAX;
use crate::model::{EntryKey, ProxyId, ServiceName};
use crate::resource::ResourceType;

/// One resource that was left out, or left incomplete. The rest of the view is good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub kind: ResourceType,
    /// The resource's name.
    pub name: String,
    pub reason: Reason,
    /// What to change.
    pub origin: Origin,
}

impl Refusal {
    /// The extension that could not be applied, if that is why.
    pub fn extension(&self) -> Option<ExtensionName> {
        match self.reason {
            Reason::Extension { name, .. } => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}: {} (from {})", self.kind, self.name, self.reason, self.origin)
    }
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Reason {
    #[error("{0:?} is not an IP address, and Envoy binds listeners to nothing else")]
    NotAnAddress(String),
    #[error("no address to connect to")]
    NoAddress,
    #[error("no port to listen on")]
    NoPort,
    #[error("the socket path {0:?} is longer than 107 bytes")]
    SocketPathTooLong(String),
    #[error("the socket mode {0:o} is more than 777 (octal)")]
    SocketMode(u32),
    #[error("another listener of the proxy has that name")]
    NameTaken,
    #[error("the proxy's listener {0} binds there already")]
    BindTaken(String),
    #[error("a connect timeout must be more than zero")]
    NoTime,
    #[error("the socket {0:?} cannot stand beside instances that are registered by host name")]
    SocketAmongHostNames(String),
    #[error("{0:?}: a gRPC client connects to IP addresses with a port, and to nothing else")]
    NotForGrpc(String),
    #[error("{0}: gRPC does not do that, and calls as if it were not asked for")]
    BeyondGrpc(String),
    #[error("its node stands for no service registered with Connect.Native, so who may call it is not known")]
    NoIdentity,
    #[error(
        "nobody is let in: not everybody may call, and without certificate providers callers cannot prove who they are"
    )]
    CallersUnknown,
    #[error(
        "MutualTLSMode permissive is for the application's own port, and the proxy listens on that number itself: callers \
        without a certificate are not let in"
    )]
    PermissivePort,
    #[error("RateLimits count requests, and the proxy was told to see none (protocol tcp): nothing is limited")]
    NoRequestsToLimit,
    #[error("{0}: {1}")]
    Hatch(&'static str, String),
    #[error("{0:?} is no address of the form https://host:port/path")]
    NotAKeySetAddress(String),
    #[error("{0}")]
    Chain(ChainError),
    #[error("transparent proxies know another service by the address {0} already: {1}")]
    AddressTaken(IpAddr, ServiceName),
    #[error(
        "{0} more services may be called than the {REACHABLE_MAX} that a proxy is led to: say in intentions who calls whom"
    )]
    TooManyReachable(usize),
    #[error("{name}: {reason}; {}", if *.required { "it is required, so nothing is served" } else { "it is served without" })]
    Extension { name: ExtensionName, reason: String, required: bool },
    #[error("it leads to {0}, which is not served")]
    LeadsNowhere(String),
    #[error("its discovery chain or its endpoints are not known")]
    Unknown,
}

/// The registration that a resource is made from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    Proxy(ProxyId),
    Upstream {
        proxy: ProxyId,
        name: String,
    },
    /// The instances of a service.
    Instances(ServiceName),
    Entry(EntryKey),
    /// An entry `jwt-provider`.
    JwtProvider(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proxy(proxy) => write!(out, "the registration of the proxy {proxy}"),
            Self::Upstream { proxy, name } => write!(out, "the upstream {name} of the proxy {proxy}"),
            Self::JwtProvider(name) => write!(out, "the config entry jwt-provider/{name}"),
            Self::Instances(service) => write!(out, "the instances of {service}"),
            Self::Entry(entry) => write!(out, "the config entry {entry}"),
        }
    }
}
