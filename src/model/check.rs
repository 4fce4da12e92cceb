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
    /// Zero: the default of the probe (10 s).
    pub timeout: Duration,
    pub success_before_passing: u32,
    pub failures_before_warning: u32,
    pub failures_before_critical: u32,
    /// Zero: never.
    pub deregister_critical_service_after: Duration,
    /// Bytes of output kept; zero: the default (4 KiB).
    pub output_max_size: u32,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Probe {
    /// The application reports; silence for this long is critical.
    Ttl(Duration),
    Http(HttpProbe),
    /// `host:port`.
    Tcp(String),
    /// Mirrors the health of another instance (`service` not empty) or of a node. An empty node is the check's own.
    Alias {
        node: NodeName,
        service: ServiceId,
    },
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct HttpProbe {
    pub url: String,
    /// Empty: GET.
    pub method: String,
    pub header: BTreeMap<String, Vec<String>>,
    pub body: String,
    pub disable_redirects: bool,
    pub tls_skip_verify: bool,
    pub tls_server_name: String,
}

impl Probe {
    /// The `Type` of a check in Consul's API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ttl(_) => "ttl",
            Self::Http(_) => "http",
            Self::Tcp(_) => "tcp",
            Self::Alias { .. } => "alias",
        }
    }
}
