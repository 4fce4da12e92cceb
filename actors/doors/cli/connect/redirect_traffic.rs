//! `chancery connect redirect-traffic`: leads an application's connections through its proxy, with iptables.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use chancery::model::transparent::OUTBOUND_PORT;
use chancery::redirect::{self, Family, Jump, Network, Redirection, User};
use clap::Args;
use rustix::process::geteuid;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

use super::proxy;
use crate::doors::cli::error::CliError;
use crate::doors::cli::flags::HttpFlags;

/// Keys of a proxy's configuration whose ports Envoy answers on itself, past the mesh.
const OWN_LISTENERS: [&str; 2] = ["envoy_prometheus_bind_addr", "envoy_stats_bind_addr"];

const DNS_PORT: u16 = 53;

#[derive(Args)]
pub(in crate::doors::cli) struct RedirectTraffic {
    /// The user that the proxy runs as: what it sends itself is left alone
    #[arg(long, value_name = "UID")]
    proxy_uid: User,
    /// The ID of the proxy, whose registration says which ports to use and to leave alone
    #[arg(long, value_name = "ID", required_unless_present = "proxy_inbound_port")]
    proxy_id: Option<String>,
    /// The node of the proxy; must be the agent's own for now
    #[arg(long, value_name = "NAME")]
    node_name: Option<String>,
    /// The port of the proxy's public listener, if not the one it is registered with
    #[arg(long, value_name = "PORT")]
    proxy_inbound_port: Option<u16>,
    /// The port of the proxy's outbound listener [default: the registered one, or 15001]
    #[arg(long, value_name = "PORT")]
    proxy_outbound_port: Option<u16>,
    /// Where name lookups go [default: 127.0.0.1, if a port is given]
    #[arg(long, value_name = "ADDRESS")]
    consul_dns_ip: Option<IpAddr>,
    /// The port to which name lookups go [default: 53, if an address is given]
    #[arg(long, value_name = "PORT")]
    consul_dns_port: Option<u16>,
    /// A port that is called without the proxy; may be repeated
    #[arg(long, value_name = "PORT")]
    exclude_inbound_port: Vec<u16>,
    /// A port that the application calls without the proxy; may be repeated
    #[arg(long, value_name = "PORT")]
    exclude_outbound_port: Vec<u16>,
    /// Addresses that the application calls without the proxy; may be repeated
    #[arg(long, value_name = "CIDR")]
    exclude_outbound_cidr: Vec<Network>,
    /// A user whose connections go out without the proxy; may be repeated
    #[arg(long, value_name = "UID")]
    exclude_uid: Vec<User>,
    /// Lead connections over IPv6 too; done by itself for a proxy that is registered to listen at an address of IPv6
    #[arg(long)]
    ipv6: bool,
    /// The network namespace to do it in, such as /var/run/netns/web
    #[arg(long, value_name = "PATH")]
    netns: Option<PathBuf>,
    /// Print the rules, for iptables-restore --noflush (and ip6tables-restore), and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    http: HttpFlags,
}

impl RedirectTraffic {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let (redirection, families) = self.redirection()?;
        if self.dry_run {
            for family in families {
                // each is read by the program of its own
                if families.len() > 1 {
                    writeln!(out, "# {}-restore --noflush", family.program())?;
                }
                write!(out, "{}", redirect::document(&redirection, *family, &BTreeSet::new()))?;
            }
            return Ok(());
        }
        if !geteuid().is_root() {
            return Err(CliError::usage(
                "only root may change the rules of iptables: run this as root (sudo), or print them with -dry-run",
            ));
        }
        if let Some(path) = &self.netns {
            enter(path)?;
        }
        families.iter().try_for_each(|family| apply(&redirection, *family))
    }

    /// What to lead where, and which families of addresses there are.
    fn redirection(&self) -> Result<(Redirection, &'static [Family]), CliError> {
        let registered = self.proxy_id.as_deref().map(|id| self.registered(id)).transpose()?.unwrap_or_default();
        let inbound_port = self.proxy_inbound_port.or(registered.inbound_port).filter(|port| *port != 0);
        let inbound_port = inbound_port.ok_or_else(|| {
            CliError::usage("the proxy has no port that connections could be led to: give -proxy-inbound-port")
        })?;
        let given = |ports: &[u16]| ports.iter().copied().collect::<BTreeSet<u16>>();
        let ipv6 = self.ipv6 || registered.ipv6 || self.consul_dns_ip.is_some_and(|address| address.is_ipv6());
        let families: &[Family] = if ipv6 { &[Family::V4, Family::V6] } else { &[Family::V4] };
        let redirection = Redirection {
            proxy_user: self.proxy_uid.clone(),
            inbound_port,
            outbound_port: self.proxy_outbound_port.or(registered.outbound_port).unwrap_or(OUTBOUND_PORT),
            dns: match (self.consul_dns_ip, self.consul_dns_port) {
                (None, None) => None,
                (address, port) => Some((address.unwrap_or(Ipv4Addr::LOCALHOST.into()), port.unwrap_or(DNS_PORT))),
            },
            exclude_inbound_ports: &given(&self.exclude_inbound_port) | &registered.exclude_inbound_ports,
            exclude_outbound_ports: given(&self.exclude_outbound_port),
            exclude_outbound_networks: self.exclude_outbound_cidr.iter().cloned().collect(),
            exclude_users: self.exclude_uid.iter().cloned().collect(),
        };
        Ok((redirection, families))
    }

    fn registered(&self, id: &str) -> Result<Registered, CliError> {
        let api = self.http.connect()?;
        if let Some(name) = &self.node_name {
            proxy::on_own_node(&proxy::agent(&api)?, name)?;
        }
        let found = proxy::found(&api, id)?;
        proxy::of_registration(id, &found)?;
        let mut registered = Registered::of(&found);
        let checks = api.get("/v1/agent/checks", &[])?;
        let of = &found["Proxy"]["DestinationServiceID"];
        let checks = checks.as_object().into_iter().flat_map(|checks| checks.values());
        let exposed = checks.filter(|check| check["ServiceID"] == *of).filter_map(|check| port(&check["ExposedPort"]));
        registered.exclude_inbound_ports.extend(exposed);
        Ok(registered)
    }
}

/// What a proxy's registration says, with central configuration merged in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Registered {
    inbound_port: Option<u16>,
    outbound_port: Option<u16>,
    /// The public listener is at an address of IPv6, and so is the outbound one.
    ipv6: bool,
    /// Where somebody calls in plain text, past the mesh.
    exclude_inbound_ports: BTreeSet<u16>,
}

impl Registered {
    fn of(found: &Value) -> Self {
        let proxy = &found["Proxy"];
        let config = &proxy["Config"];
        let own = OWN_LISTENERS.iter().filter_map(|key| config[*key].as_str()?.parse::<SocketAddr>().ok());
        let exposed = proxy["Expose"]["Paths"].as_array().into_iter().flatten();
        let exposed = exposed.filter_map(|path| port(&path["ListenerPort"]));
        let given = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let bound = given(&config["bind_address"]).or_else(|| given(&found["Address"])).unwrap_or_default();
        Self {
            inbound_port: port(&config["bind_port"]).or_else(|| port(&found["Port"])),
            outbound_port: port(&proxy["TransparentProxy"]["OutboundListenerPort"]),
            ipv6: bound.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()),
            exclude_inbound_ports: own.map(|socket| socket.port()).chain(exposed).collect(),
        }
    }
}

/// `None` for 0, and for what is no port.
fn port(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| u64::from_str(value.as_str()?).ok())?;
    u16::try_from(number).ok().filter(|port| *port != 0)
}

/// Takes this thread, and the programs it starts, into the network namespace.
fn enter(path: &Path) -> Result<(), CliError> {
    let cannot = || format!("cannot enter the network namespace {}", path.display());
    let namespace = File::open(path).map_err(CliError::system(cannot()))?;
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| CliError::system(cannot())(error.into()))
}

fn apply(redirection: &Redirection, family: Family) -> Result<(), CliError> {
    let mut standing = BTreeSet::new();
    for jump in Jump::ALL {
        if stands(&jump, family)? {
            standing.insert(jump);
        }
    }
    let document = redirect::document(redirection, family, &standing);
    let restore = format!("{}-restore", family.program());
    let mut program = Command::new(&restore);
    let mut child = program
        .args(["--noflush", "--wait"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(missing(&restore))?;
    // a program that ends before it has read everything says why below
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(document.as_bytes()));
    let ended = child.wait_with_output().map_err(CliError::system(format!("cannot wait for {restore}")))?;
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr);
        return Err(CliError::usage(format!("{restore} took none of the rules: {}", said.trim())));
    }
    written.map_err(CliError::system(format!("cannot hand the rules to {restore}")))
}

/// Whether a rule of an earlier time is there already. A chain that is not there counts as no.
fn stands(jump: &Jump, family: Family) -> Result<bool, CliError> {
    let program = family.program();
    let asked = Command::new(program)
        .args(["--wait", "-t", "nat", "-C"])
        .args(jump.words())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    Ok(asked.map_err(missing(program))?.success())
}

fn missing(program: &str) -> impl FnOnce(std::io::Error) -> CliError {
    move |error| match error.kind() {
        std::io::ErrorKind::NotFound => CliError::usage(format!(
            "there is no `{program}` on the PATH: install iptables, or print the rules with -dry-run and apply them elsewhere"
        )),
        _ => CliError::system(format!("cannot run {program}"))(error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_registration_says_which_ports_to_use_and_to_leave_alone() {
        let found = json!({
            "Kind": "connect-proxy",
            "Port": 21000,
            "Proxy": {
                "Config": { "envoy_prometheus_bind_addr": "0.0.0.0:9102", "envoy_stats_bind_addr": "0.0.0.0:9103", "bind_port": "20000" },
                "Expose": { "Paths": [{ "ListenerPort": 21500, "Path": "/health" }] },
                "TransparentProxy": { "OutboundListenerPort": 15002 },
            },
        });
        let expected = Registered {
            inbound_port: Some(20000),
            outbound_port: Some(15002),
            exclude_inbound_ports: BTreeSet::from([9102, 9103, 21500]),
            ..Registered::default()
        };
        assert_eq!(Registered::of(&found), expected);
        let plain = json!({ "Kind": "connect-proxy", "Port": 21000, "Proxy": {} });
        let expected = Registered { inbound_port: Some(21000), ..Registered::default() };
        assert_eq!(Registered::of(&plain), expected);
        // where the public listener is decides which families of addresses are led
        for (address, bound, ipv6) in [
            ("fd00::1", "", true),
            ("10.0.0.1", "::", true),
            ("fd00::1", "0.0.0.0", false),
            ("host.example", "", false),
        ] {
            let found = json!({ "Address": address, "Proxy": { "Config": { "bind_address": bound } } });
            assert_eq!(Registered::of(&found).ipv6, ipv6, "{address}, {bound}");
        }
    }

    #[test]
    fn a_missing_program_is_named_with_what_to_do() {
        let told = missing("iptables")(std::io::ErrorKind::NotFound.into()).to_string();
        assert!(told.contains("install iptables") && told.contains("-dry-run"), "{told}");
    }
}
