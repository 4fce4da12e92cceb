//! The settings of the agent: flags over files over defaults, in Consul's spellings.

mod address;
mod agent_flags;
mod checks;
mod definitions;
mod files;
mod from_file;
mod from_flags;
mod http;
mod idle_flags;
mod keys;
mod owner;
mod problem;
mod root;
mod settings;
mod tls;
mod xds;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use chancery::catalog::{EXPOSED_PORTS, Registration, SIDECAR_PORTS};
use chancery::model::{Action, Check, Datacenter, Entry, Lifetimes, Locality, NodeName};

pub use agent_flags::{AgentFlags, ConfigFormat, ConfigPath, ConfigPaths};
pub use problem::{ConfigError, Problem};
pub use root::FirstRoot;

use address::Host;
use definitions::Definitions;
use settings::Settings;
use tls::Told;

use crate::checks::AgentTls;
use crate::checks::settings::CheckSettings;
use crate::doors::http::HttpSettings;
use crate::doors::listening::{CertificateFiles, ListenAddress, SocketOwner};
use crate::xds_settings::XdsSettings;

const HTTP_PORT: u16 = 8500;
const GRPC_PORT: u16 = 8502;

/// What the agent runs with.
#[derive(Clone, PartialEq, Debug)]
pub struct AgentConfig {
    pub datacenter: Datacenter,
    pub node_name: NodeName,
    /// A UUID; `None`: one is made and kept.
    pub node_id: Option<String>,
    /// Letters, digits, `-` and `_`.
    pub node_meta: BTreeMap<String, String>,
    /// Of this node, and so of all instances on it that say nothing else.
    pub locality: Option<Locality>,
    /// `None`: state is kept in memory (`-dev`).
    pub data_dir: Option<PathBuf>,
    pub dev: bool,
    /// Where HTTP listens in plaintext; empty when it is switched off.
    pub http: Vec<ListenAddress>,
    /// Where HTTPS listens; empty when it is switched off, or there is no certificate.
    pub https: Vec<SocketAddr>,
    /// What HTTPS is served with.
    pub certificate: Option<CertificateFiles>,
    /// Of unix sockets.
    pub socket_owner: SocketOwner,
    pub http_settings: HttpSettings,
    /// Where gRPC (xDS) listens; empty when it is switched off.
    pub grpc: Vec<SocketAddr>,
    /// Where gRPC listens with TLS; empty when it is switched off, or there is no certificate.
    pub grpc_tls: Vec<SocketAddr>,
    /// What it is served with there.
    pub grpc_certificate: Option<CertificateFiles>,
    /// `None`: checks over TLS show nothing and trust whom the system trusts.
    pub check_tls: Option<AgentTls>,
    /// Where both listen unless `addresses` says otherwise.
    pub client_addr: Vec<IpAddr>,
    pub bind_addr: IpAddr,
    /// False: there is no certificate authority, no xDS and no proxies (`connect.enabled`).
    pub mesh: bool,
    /// The address of this node in the catalog: `advertise_addr`, else `bind_addr`, else the way out of this machine.
    pub advertise_addr: IpAddr,
    /// For calls that no intention names.
    pub default_intention: Action,
    /// Where a sidecar that names no port gets one.
    pub sidecar_ports: RangeInclusive<u16>,
    /// Where proxies expose checks.
    pub exposed_ports: RangeInclusive<u16>,
    /// Holds the process's id while it runs.
    pub pid_file: Option<PathBuf>,
    /// trace, debug, info, warn or error.
    pub log_level: String,
    pub log_json: bool,
    pub services: Vec<Registration>,
    pub checks: Vec<Check>,
    /// Config entries to write when they do not exist yet.
    pub entries: Vec<Entry>,
    /// The UUID of the trust domain; `None`: one is made with the first root.
    pub cluster_id: Option<String>,
    /// What is said of the first root; `None`: nothing.
    pub first_root: Option<FirstRoot>,
    pub lifetimes: Lifetimes,
    pub xds: XdsSettings,
    /// How checks are run.
    pub checks_run: CheckSettings,
    /// How many threads proxies and their streams live on, and how many the catalog and its watches.
    pub threads: usize,
    /// What was accepted but has no effect, one line each.
    pub warnings: Vec<String>,
}

impl AgentConfig {
    /// Reads every file the flags name, in their order; later settings win, definitions add up.
    ///
    /// # Errors
    /// With every problem of every file and flag: where it is, and what is wrong.
    pub fn load(flags: &AgentFlags) -> Result<Self, ConfigError> {
        Self::read(flags, Purpose::Run)
    }

    /// Reads these paths as an agent would, whatever else its command line says.
    ///
    /// # Errors
    /// With every problem of every file.
    pub fn validate(flags: &AgentFlags) -> Result<Vec<String>, ConfigError> {
        Self::read(flags, Purpose::Validate).map(|config| config.warnings)
    }

    fn read(flags: &AgentFlags, purpose: Purpose) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let mut warnings = Vec::new();
        let files = files::read(flags, &mut problems, &mut warnings);
        let mut settings = Settings::default();
        for file in &files {
            let read = from_file::settings(file, &mut problems, &mut warnings);
            settings = read.over(settings);
        }
        let settings = from_flags::settings(flags, &mut problems, &mut warnings).over(settings);
        let node_name = NodeName::from(settings.node_name.clone().unwrap_or_else(host_name));
        let mut definitions = Definitions::default();
        for file in &files {
            definitions.add(file, &node_name, &mut problems);
        }
        let dev = flags.dev;
        if dev && settings.data_dir.is_some() {
            warnings.push("data_dir has no effect with -dev: state is kept in memory".to_owned());
        }
        if !dev && settings.data_dir.is_none() && purpose == Purpose::Run {
            problems.push(Problem::new("data_dir is required (or use -dev)"));
        }
        problems.extend(settings.contradictions());
        let on = |port: Option<u16>| port.is_some_and(|port| port != 0);
        let told = &mut Told { problems: &mut problems, warnings: &mut warnings };
        let grpc_tls = on(settings.grpc_tls_port) && settings.mesh != Some(false);
        let secure = settings.tls.clone().resolve(on(settings.https_port), grpc_tls, told);
        problems.extend(settings.checks.contradictions(&definitions));
        if !problems.is_empty() {
            return Err(ConfigError { problems });
        }
        let config = resolve(dev, settings, node_name, definitions, warnings);
        let https = if secure.https.is_some() { config.https } else { Vec::new() };
        let grpc_tls = if secure.grpc.is_some() { config.grpc_tls } else { Vec::new() };
        Ok(Self {
            certificate: secure.https,
            grpc_certificate: secure.grpc,
            check_tls: secure.checks,
            https,
            grpc_tls,
            ..config
        })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    Run,
    /// The data directory may be on the command line, which is not at hand.
    Validate,
}

/// Defaults for what was not given.
fn resolve(
    dev: bool,
    settings: Settings,
    node_name: NodeName,
    definitions: Definitions,
    warnings: Vec<String>,
) -> AgentConfig {
    let client_addr = settings.client_addr.clone().unwrap_or_else(|| vec![Ipv4Addr::LOCALHOST.into()]);
    let listen = |addresses: &Option<Vec<IpAddr>>, port: Option<u16>, default: u16| -> Vec<SocketAddr> {
        let port = port.unwrap_or(default);
        let addresses = addresses.as_ref().unwrap_or(&client_addr);
        // as in Consul, a port below 1 switches the server off
        addresses.iter().filter(|_| port != 0).map(|address| SocketAddr::new(*address, port)).collect()
    };
    let doors = |hosts: &Option<Vec<Host>>, port: Option<u16>, default: u16| -> Vec<ListenAddress> {
        let port = port.unwrap_or(default);
        let hosts = hosts.clone().unwrap_or_else(|| client_addr.iter().copied().map(Host::Ip).collect());
        // a unix socket needs no port
        hosts
            .into_iter()
            .filter_map(|host| match host {
                Host::Ip(_) if port == 0 => None,
                Host::Ip(address) => Some(ListenAddress::Port(SocketAddr::new(address, port))),
                Host::Socket(path) => Some(ListenAddress::Socket(path)),
            })
            .collect()
    };
    let mesh = settings.mesh.unwrap_or(true);
    let default_bind = if dev { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
    let bind_addr = settings.bind_addr.unwrap_or(default_bind.into());
    AgentConfig {
        lifetimes: settings.lifetimes(),
        datacenter: Datacenter::from(settings.datacenter.unwrap_or_else(|| "dc1".to_owned())),
        node_name,
        node_id: settings.node_id,
        node_meta: settings.node_meta,
        locality: settings.locality,
        data_dir: settings.data_dir.filter(|_| !dev),
        dev,
        http: doors(&settings.http_addresses, settings.http_port, HTTP_PORT),
        https: listen(&settings.https_addresses, settings.https_port, 0),
        certificate: None,
        socket_owner: settings.http.socket_owner(),
        http_settings: settings.http.resolve(),
        // all that is asked there is of the mesh
        grpc: if mesh { listen(&settings.grpc_addresses, settings.grpc_port, GRPC_PORT) } else { Vec::new() },
        grpc_tls: if mesh { listen(&settings.grpc_tls_addresses, settings.grpc_tls_port, 0) } else { Vec::new() },
        grpc_certificate: None,
        check_tls: None,
        mesh,
        bind_addr,
        advertise_addr: settings.advertise_addr.unwrap_or_else(|| reachable(bind_addr)),
        default_intention: settings.default_intention.or(settings.acl_default).unwrap_or(Action::Allow),
        sidecar_ports: settings.sidecar_min.unwrap_or(*SIDECAR_PORTS.start())
            ..=settings.sidecar_max.unwrap_or(*SIDECAR_PORTS.end()),
        exposed_ports: settings.expose_min.unwrap_or(*EXPOSED_PORTS.start())
            ..=settings.expose_max.unwrap_or(*EXPOSED_PORTS.end()),
        pid_file: settings.pid_file,
        log_level: settings.log_level.unwrap_or("info").to_owned(),
        log_json: settings.log_json.unwrap_or(false),
        checks_run: settings.checks.resolve(&definitions),
        services: definitions.services,
        checks: definitions.checks,
        entries: definitions.entries,
        cluster_id: settings.cluster_id,
        first_root: settings.first_root,
        xds: settings.xds.resolve(),
        threads: settings.threads.map_or_else(processors, usize::from),
        warnings,
        client_addr,
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// An address that others can call: of the interface that leads out, when the agent binds all of them.
fn reachable(bind: IpAddr) -> IpAddr {
    if !bind.is_unspecified() {
        return bind;
    }
    let way_out = |from: IpAddr, to: IpAddr| {
        // connecting a datagram socket sends nothing
        let socket = UdpSocket::bind((from, 0)).ok()?;
        socket.connect((to, 9)).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    };
    // these are kept for documentation and are never local
    let v4 = || way_out(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into());
    let v6 = || way_out(Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into());
    v4().or_else(v6).unwrap_or(Ipv4Addr::LOCALHOST.into())
}

#[cfg(test)]
mod tests;
