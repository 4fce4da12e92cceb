//! Health checks: what is known (a status) and how it comes to be known (a definition).

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::names::{CheckId, Index, NodeName, ServiceId, ServiceName};

/// Worse is greater, so the health of a whole is the maximum of its parts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Status {
    Passing,
    Warning,
    Critical,
}

impl Status {
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "passing" => Some(Self::Passing),
            "warning" => Some(Self::Warning),
            "critical" => Some(Self::Critical),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Check {
    pub node: NodeName,
    pub id: CheckId,
    pub name: String,
    pub status: Status,
    pub notes: String,
    pub output: String,
    /// Empty for a check of the node itself.
    pub service_id: ServiceId,
    pub service_name: ServiceName,
    pub service_tags: Vec<String>,
    /// How the agent keeps the status true; `None` for a check somebody else keeps.
    pub definition: Option<CheckDefinition>,
    pub create_index: Index,
    pub modify_index: Index,
}

/// Of the check that says its node is in maintenance.
pub const NODE_MAINTENANCE: &str = "_node_maintenance";
/// Before the id of a service: of the check that says the service is in maintenance.
pub const SERVICE_MAINTENANCE: &str = "_service_maintenance:";

impl Check {
    /// Its `Type` in Consul's API: how it is kept, empty for one that somebody else keeps.
    pub fn kind(&self) -> &'static str {
        let id = self.id.as_str();
        if id == NODE_MAINTENANCE || id.starts_with(SERVICE_MAINTENANCE) {
            return "maintenance";
        }
        self.definition.as_ref().map_or("", |definition| definition.probe.kind())
    }
}

/// A check the agent runs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CheckDefinition {
    pub probe: Probe,
    /// Zero for TTL and alias.
    pub interval: Duration,
    /// Zero: the default of the probe.
    pub timeout: Duration,
    pub success_before_passing: u32,
    pub failures_before_warning: u32,
    pub failures_before_critical: u32,
    /// Zero: never.
    pub deregister_critical_service_after: Duration,
    /// Bytes of output kept; zero: the default (4 KiB).
    pub output_max_size: u32,
}

/// How the status of a check comes to be known.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Probe {
    /// The application reports; silence for this long is critical.
    Ttl(Duration),
    /// Mirrors the health of another instance (`service` not empty) or of a node. An empty node is the check's own.
    Alias { node: NodeName, service: ServiceId },
    /// The agent asks every interval.
    Periodic(Target),
}

/// What is asked, and how.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Target {
    Http(HttpProbe),
    /// That it accepts a connection, and makes TLS with it if asked to.
    Tcp(SocketProbe),
    /// That nobody says there is nothing at `host:port`.
    Udp(String),
    /// gRPC's own protocol for health; an empty service is the whole server.
    Grpc {
        server: SocketProbe,
        service: String,
    },
    /// That it answers a ping of HTTP/2.
    H2Ping(SocketProbe),
    /// What a program says, which is run with these arguments, itself the first.
    Script(Vec<String>),
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct HttpProbe {
    pub url: String,
    /// Empty: GET.
    pub method: String,
    pub header: BTreeMap<String, Vec<String>>,
    pub body: String,
    pub disable_redirects: bool,
    /// For `https`.
    pub tls: TlsProbe,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SocketProbe {
    /// `host:port`; an IPv6 address stands in brackets.
    pub address: String,
    /// `None`: plain text.
    pub tls: Option<TlsProbe>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct TlsProbe {
    /// Empty: the host of the address.
    pub server_name: String,
    pub skip_verify: bool,
}

impl CheckDefinition {
    /// With nothing but what is asked.
    pub fn new(probe: Probe) -> Self {
        Self {
            probe,
            interval: Duration::ZERO,
            timeout: Duration::ZERO,
            success_before_passing: 0,
            failures_before_warning: 0,
            failures_before_critical: 0,
            deregister_critical_service_after: Duration::ZERO,
            output_max_size: 0,
        }
    }
}

impl Probe {
    /// The `Type` of a check in Consul's API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ttl(_) => "ttl",
            Self::Alias { .. } => "alias",
            Self::Periodic(target) => target.kind(),
        }
    }
}

impl Target {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Tcp(_) => "tcp",
            Self::Udp(_) => "udp",
            Self::Grpc { .. } => "grpc",
            Self::H2Ping(_) => "h2ping",
            Self::Script(_) => "script",
        }
    }
}
