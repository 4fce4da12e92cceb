//! Settings of one source (a file, or the flags); those that were given, and how each is written.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use chancery::catalog::{EXPOSED_PORTS, SIDECAR_PORTS};
use chancery::model::{Action, Lifetimes, Locality};

use super::address::Host;
use super::checks::CheckKeys;
use super::http::HttpKeys;
use super::problem::Problem;
use super::root::FirstRoot;
use super::tls::TlsKeys;
use super::xds::XdsKeys;

#[derive(Default)]
pub(super) struct Settings {
    pub(super) datacenter: Option<String>,
    pub(super) node_name: Option<String>,
    pub(super) node_id: Option<String>,
    pub(super) node_meta: BTreeMap<String, String>,
    pub(super) locality: Option<Locality>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) client_addr: Option<Vec<IpAddr>>,
    pub(super) bind_addr: Option<IpAddr>,
    pub(super) advertise_addr: Option<IpAddr>,
    /// 0: none.
    pub(super) http_port: Option<u16>,
    pub(super) grpc_port: Option<u16>,
    pub(super) https_port: Option<u16>,
    pub(super) grpc_tls_port: Option<u16>,
    pub(super) http_addresses: Option<Vec<Host>>,
    pub(super) https_addresses: Option<Vec<IpAddr>>,
    pub(super) grpc_addresses: Option<Vec<IpAddr>>,
    pub(super) grpc_tls_addresses: Option<Vec<IpAddr>>,
    pub(super) sidecar_min: Option<u16>,
    pub(super) sidecar_max: Option<u16>,
    pub(super) expose_min: Option<u16>,
    pub(super) expose_max: Option<u16>,
    pub(super) primary_datacenter: Option<String>,
    pub(super) pid_file: Option<PathBuf>,
    pub(super) default_intention: Option<Action>,
    pub(super) acl_default: Option<Action>,
    pub(super) log_level: Option<&'static str>,
    pub(super) log_json: Option<bool>,
    pub(super) threads: Option<u16>,
    pub(super) cluster_id: Option<String>,
    pub(super) first_root: Option<FirstRoot>,
    pub(super) leaf_cert_ttl: Option<Duration>,
    pub(super) root_cert_ttl: Option<Duration>,
    pub(super) mesh: Option<bool>,
    pub(super) xds: XdsKeys,
    pub(super) http: HttpKeys,
    pub(super) tls: TlsKeys,
    pub(super) checks: CheckKeys,
}

impl Settings {
    pub(super) fn lifetimes(&self) -> Lifetimes {
        let Lifetimes { leaf, root } = Lifetimes::DEFAULT;
        Lifetimes { leaf: self.leaf_cert_ttl.unwrap_or(leaf), root: self.root_cert_ttl.unwrap_or(root) }
    }

    /// These win over earlier ones.
    pub(super) fn over(self, mut earlier: Self) -> Self {
        earlier.node_meta.extend(self.node_meta);
        Self {
            datacenter: self.datacenter.or(earlier.datacenter),
            node_name: self.node_name.or(earlier.node_name),
            node_id: self.node_id.or(earlier.node_id),
            node_meta: earlier.node_meta,
            locality: self.locality.or(earlier.locality),
            data_dir: self.data_dir.or(earlier.data_dir),
            client_addr: self.client_addr.or(earlier.client_addr),
            bind_addr: self.bind_addr.or(earlier.bind_addr),
            advertise_addr: self.advertise_addr.or(earlier.advertise_addr),
            http_port: self.http_port.or(earlier.http_port),
            grpc_port: self.grpc_port.or(earlier.grpc_port),
            https_port: self.https_port.or(earlier.https_port),
            grpc_tls_port: self.grpc_tls_port.or(earlier.grpc_tls_port),
            grpc_tls_addresses: self.grpc_tls_addresses.or(earlier.grpc_tls_addresses),
            http_addresses: self.http_addresses.or(earlier.http_addresses),
            https_addresses: self.https_addresses.or(earlier.https_addresses),
            grpc_addresses: self.grpc_addresses.or(earlier.grpc_addresses),
            sidecar_min: self.sidecar_min.or(earlier.sidecar_min),
            sidecar_max: self.sidecar_max.or(earlier.sidecar_max),
            expose_min: self.expose_min.or(earlier.expose_min),
            expose_max: self.expose_max.or(earlier.expose_max),
            primary_datacenter: self.primary_datacenter.or(earlier.primary_datacenter),
            pid_file: self.pid_file.or(earlier.pid_file),
            default_intention: self.default_intention.or(earlier.default_intention),
            acl_default: self.acl_default.or(earlier.acl_default),
            log_level: self.log_level.or(earlier.log_level),
            log_json: self.log_json.or(earlier.log_json),
            threads: self.threads.or(earlier.threads),
            cluster_id: self.cluster_id.or(earlier.cluster_id),
            first_root: self.first_root.or(earlier.first_root),
            leaf_cert_ttl: self.leaf_cert_ttl.or(earlier.leaf_cert_ttl),
            root_cert_ttl: self.root_cert_ttl.or(earlier.root_cert_ttl),
            mesh: self.mesh.or(earlier.mesh),
            xds: self.xds.over(earlier.xds),
            http: self.http.over(earlier.http),
            tls: self.tls.over(earlier.tls),
            checks: self.checks.over(earlier.checks),
        }
    }
}

impl Settings {
    /// What no single source says, once all of them are read.
    pub(super) fn contradictions(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let ranges = [
            ("sidecar", self.sidecar_min, self.sidecar_max, SIDECAR_PORTS),
            ("expose", self.expose_min, self.expose_max, EXPOSED_PORTS),
        ];
        for (what, first, last, default) in ranges {
            let (first, last) = (first.unwrap_or(*default.start()), last.unwrap_or(*default.end()));
            if first > last {
                problems.push(Problem::new(format!(
                    "ports.{what}_min_port is {first} and ports.{what}_max_port is {last}: there is no port between them"
                )));
            }
        }
        let own = self.datacenter.as_deref().unwrap_or("dc1");
        if let Some(primary) = self.primary_datacenter.as_deref().filter(|primary| *primary != own) {
            problems.push(Problem::new(format!(
                "primary_datacenter is {primary:?} and datacenter is {own:?}: other datacenters are not supported by this \
                 version of chancery, so they must be the same"
            )));
        }
        problems.extend(self.http.contradictions());
        problems
    }
}

pub(super) fn set<V, T>(
    setting: &mut Option<T>,
    given: Option<V>,
    read: impl Fn(V) -> Result<T, String>,
) -> Result<(), String> {
    if let Some(given) = given {
        *setting = Some(read(given)?);
    }
    Ok(())
}

pub(super) fn datacenter(text: &str) -> Result<String, String> {
    let lower = text.to_lowercase();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if lower.is_empty() || !lower.chars().all(plain) {
        return Err(format!("expected letters, digits, - and _, got {text:?}"));
    }
    Ok(lower)
}

pub(super) fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() { Err("must not be empty".to_owned()) } else { Ok(name.to_owned()) }
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(PathBuf::from(text)) }
}

pub(super) fn uuid(text: &str) -> Result<String, String> {
    let uuid = uuid::Uuid::try_parse(text).map_err(|_| format!("expected a UUID, got {text:?}"))?;
    Ok(uuid.hyphenated().to_string())
}

/// Below 1: none.
pub(super) fn port(number: i64) -> Result<u16, String> {
    u16::try_from(number.max(0)).map_err(|_| format!("expected a port from 1 to 65535, or -1, got {number}"))
}

pub(super) fn level(text: &str) -> Result<&'static str, String> {
    match text.to_lowercase().as_str() {
        "trace" => Ok("trace"),
        "debug" => Ok("debug"),
        "info" => Ok("info"),
        "warn" | "warning" => Ok("warn"),
        "err" | "error" => Ok("error"),
        _ => Err(format!("expected trace, debug, info, warn or error, got {text:?}")),
    }
}

pub(super) fn action(text: &str) -> Result<Action, String> {
    match text {
        "allow" => Ok(Action::Allow),
        "deny" => Ok(Action::Deny),
        _ => Err(format!("expected allow or deny, got {text:?}")),
    }
}
