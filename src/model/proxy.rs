//! The proxy block of a registration.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::access_logs::AccessLogs;
use super::expose::Expose;
use super::extension::Extension;
use super::names::{ServiceId, ServiceName};
use super::transparent::TransparentProxy;
use super::upstream_settings::UpstreamSettings;
use super::words::words;

/// Configuration that passes through as the user wrote it (`Proxy.Config`, an upstream's `Config`).
pub type Opaque = serde_json::Map<String, serde_json::Value>;

/// What a service speaks. An unknown word counts as `tcp`, as in Consul.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Protocol {
    #[default]
    Tcp,
    Http,
    Http2,
    Grpc,
}

impl Protocol {
    /// From a word of any case; `None` when it names no protocol.
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "tcp" => Some(Self::Tcp),
            "http" => Some(Self::Http),
            "http2" => Some(Self::Http2),
            "grpc" => Some(Self::Grpc),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
        }
    }

    /// Envoy sees requests, not only bytes.
    pub fn is_http_like(self) -> bool {
        self != Self::Tcp
    }

    /// HTTP/2 to the application.
    pub fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Grpc)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

words! {
    /// Whether callers without a certificate are let in, where they call the application's own port.
    MutualTls { Strict = "strict", Permissive = "permissive" }
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Proxy {
    /// The service this proxy stands for.
    pub destination_name: ServiceName,
    /// The instance it stands beside; empty when none was named.
    pub destination_id: ServiceId,
    /// Where the application listens; empty: 127.0.0.1.
    pub local_address: String,
    pub local_port: u16,
    /// Set instead of address and port when the application listens on a unix socket.
    pub local_socket_path: String,
    pub config: Opaque,
    pub upstreams: Vec<Upstream>,
    #[serde(default)]
    pub expose: Expose,
    #[serde(default)]
    pub transparent: TransparentProxy,
    /// Nobody without a certificate is let in here, whatever is said of the service.
    #[serde(default)]
    pub strict: bool,
    /// Empty until central configuration was merged in.
    #[serde(skip)]
    pub central: CentralSettings,
}

/// What only central configuration says of a proxy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CentralSettings {
    pub mutual_tls: Option<MutualTls>,
    pub access_logs: AccessLogs,
    /// Those of all proxies, then those of the service.
    pub extensions: Vec<Extension>,
}

/// A service that the application reaches through a local address.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Upstream {
    pub destination_name: ServiceName,
    /// Empty: the agent's own.
    pub datacenter: String,
    /// Empty: 127.0.0.1.
    pub local_bind_address: String,
    pub local_bind_port: u16,
    pub local_bind_socket_path: String,
    /// Octal text such as `0644`, or empty.
    pub local_bind_socket_mode: String,
    pub config: Opaque,
    /// What the configuration says of calls and connections.
    #[serde(default)]
    pub settings: UpstreamSettings,
    /// It came with central configuration that was merged in, and has no listener of its own.
    #[serde(skip)]
    pub centrally_configured: bool,
}
