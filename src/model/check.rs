//! Health checks: what is known (a status) and how it comes to be known (a definition).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::expose::ExposedProtocol;
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
    /// Where it is asked instead, when its proxy exposes it.
    #[serde(default)]
    pub exposed: Option<Exposed>,
    /// How the agent keeps the status true; `None` for a check somebody else keeps.
    pub definition: Option<CheckDefinition>,
    pub create_index: Index,
    pub modify_index: Index,
}

/// Where a proxy listens for one check of its application.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Exposed {
    pub host: String,
    pub port: u16,
}

impl Exposed {
    fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// What a check asks of an application: a path, at a port, in a protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    pub host: String,
    pub port: u16,
    pub path: String,
    pub protocol: ExposedProtocol,
}

impl Asked {
    /// Of this machine, as itself knows it.
    pub fn is_local(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
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

/// Where every server of gRPC answers for its health.
const GRPC_HEALTH: &str = "/grpc.health.v1.Health/Check";

impl Target {
    /// In plain text over HTTP; `None` for anything else.
    pub fn asked(&self) -> Option<Asked> {
        match self {
            Self::Http(probe) => {
                let (authority, rest) = Self::split(&probe.url)?;
                let path = rest.split(['?', '#']).next().filter(|path| !path.is_empty()).unwrap_or("/");
                let (host, port) = host_and_port(authority, Some(80))?;
                Some(Asked { host, port, path: path.to_owned(), protocol: ExposedProtocol::Http })
            }
            Self::Grpc { server, .. } if server.tls.is_none() => {
                let (host, port) = host_and_port(&server.address, None)?;
                Some(Asked { host, port, path: GRPC_HEALTH.to_owned(), protocol: ExposedProtocol::Http2 })
            }
            _ => None,
        }
    }

    /// The same, asked of a proxy that exposes it.
    #[must_use]
    pub fn through(self, exposed: &Exposed) -> Self {
        match self {
            Self::Http(probe) => {
                let rest = Self::split(&probe.url).map(|(_, rest)| rest.to_owned()).unwrap_or_default();
                Self::Http(HttpProbe { url: format!("http://{}{rest}", exposed.authority()), ..probe })
            }
            Self::Grpc { server, service } => {
                Self::Grpc { server: SocketProbe { address: exposed.authority(), ..server }, service }
            }
            other => other,
        }
    }

    /// Host and port of a URL in plain text, and what follows.
    fn split(url: &str) -> Option<(&str, &str)> {
        let rest = url.strip_prefix("http://")?;
        Some(rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())))
    }

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

/// Of `host:port`, with an IPv6 address in brackets. Who has to prove who it is cannot be asked for by another.
fn host_and_port(authority: &str, default_port: Option<u16>) -> Option<(String, u16)> {
    if authority.contains('@') {
        return None;
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, default_port?),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some((bare.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_asked_of_the_proxy_with_its_path_and_query() {
        let through = |url: &str, host: &str| {
            let exposed = Exposed { host: host.to_owned(), port: 21500 };
            let target = Target::Http(HttpProbe { url: url.to_owned(), ..HttpProbe::default() }).through(&exposed);
            if let Target::Http(probe) = target { probe.url } else { String::new() }
        };
        assert_eq!(through("http://127.0.0.1:80/a?b=c", "10.0.0.1"), "http://10.0.0.1:21500/a?b=c");
        assert_eq!(through("http://[::1]", "::1"), "http://[::1]:21500");
    }

    #[test]
    fn what_is_asked_is_known_where_it_is_asked_in_plain_text() {
        let asked = |url: &str| {
            let asked = Target::Http(HttpProbe { url: url.to_owned(), ..HttpProbe::default() }).asked()?;
            Some((asked.host, asked.port, asked.path))
        };
        let found = |host: &str, port, path: &str| Some((host.to_owned(), port, path.to_owned()));
        assert_eq!(asked("http://a:81/b/c?d#e"), found("a", 81, "/b/c"));
        assert_eq!(asked("http://a"), found("a", 80, "/"));
        assert_eq!(asked("http://[::1]:81?x"), found("::1", 81, "/"));
        assert_eq!(asked("http://[::1]/x"), found("::1", 80, "/x"));
        assert_eq!((asked("https://a/"), asked("http://me@a/"), asked("http://a:b/")), (None, None, None));
    }
}
