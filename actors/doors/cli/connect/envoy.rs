//! `chancery connect envoy`: from flags, environment and agent to a bootstrap, then to an Envoy.

use std::ffi::OsString;
use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use chancery::bootstrap::{self, Inputs, XdsAddress};
use chancery::model::Opaque;
use clap::{Args, Subcommand};

use super::{binary, environment, launch, proxy};
use crate::doors::cli::api::{AgentApi, HttpAddress};
use crate::doors::cli::error::CliError;
use crate::doors::cli::flags::{HttpFlags, env, prefixed};

const DEFAULT_XDS_PORT: u16 = 8502;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::doors::cli) struct Envoy {
    #[command(subcommand)]
    part: Option<Part>,
    /// The ID of the instance whose sidecar to run [env: CONNECT_SIDECAR_FOR]
    #[arg(long, value_name = "SERVICE-ID", conflicts_with = "proxy_id")]
    sidecar_for: Option<String>,
    /// The ID of the proxy to run [env: CONNECT_PROXY_ID]
    #[arg(long, value_name = "ID")]
    proxy_id: Option<String>,
    /// Gateways are not supported yet
    #[arg(long, value_name = "KIND", hide = true)]
    gateway: Option<String>,
    /// The node of the proxy; must be the agent's own for now
    #[arg(long, value_name = "NAME")]
    node_name: Option<String>,
    /// Print the bootstrap and do not run Envoy; it holds the token
    #[arg(long)]
    bootstrap: bool,
    /// Do not read the proxy's registration: flags only
    #[arg(long)]
    no_central_config: bool,
    /// The xDS server: host:port, http://host:port or unix:///path [env: CONSUL_GRPC_ADDR] [default: where the agent says it is]
    #[arg(long, value_name = "ADDRESS")]
    grpc_addr: Option<String>,
    /// Where Envoy's admin interface listens
    #[arg(long, value_name = "HOST:PORT", default_value = "localhost:19000")]
    admin_bind: String,
    /// Where Envoy's admin interface logs who used it
    #[arg(long, value_name = "PATH", default_value = "/dev/null")]
    admin_access_log_path: String,
    /// The Envoy to run; the first `envoy` on the PATH if not given
    #[arg(long, value_name = "PATH")]
    envoy_binary: Option<PathBuf>,
    /// Run an Envoy of any version
    #[arg(long)]
    ignore_envoy_compatibility: bool,
    /// Where to answer /ready
    #[arg(long, value_name = "ADDRESS", requires = "envoy_ready_bind_port")]
    envoy_ready_bind_address: Option<String>,
    /// The port on which to answer /ready
    #[arg(long, value_name = "PORT", requires = "envoy_ready_bind_address")]
    envoy_ready_bind_port: Option<u16>,
    /// A local port that merges Envoy's metrics with the application's
    #[arg(long, value_name = "PORT")]
    prometheus_backend_port: Option<u16>,
    /// The path that Prometheus scrapes on `envoy_prometheus_bind_addr`
    #[arg(long, value_name = "PATH", default_value = "/metrics")]
    prometheus_scrape_path: String,
    /// Leave out the statistics tags that Consul 1.9 renamed
    #[arg(long)]
    omit_deprecated_tags: bool,
    /// Passed on to Envoy
    #[arg(last = true, value_name = "ENVOY-FLAG")]
    passed_on: Vec<OsString>,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Subcommand)]
enum Part {
    /// Writes standard input into a named pipe
    #[command(hide = true)]
    PipeBootstrap {
        /// The pipe
        pipe: PathBuf,
    },
}

impl Envoy {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        if let Some(Part::PipeBootstrap { pipe }) = &self.part {
            return launch::pipe_bootstrap(pipe);
        }
        if let Some(kind) = &self.gateway {
            return Err(CliError::usage(format!("-gateway {kind}: gateways are not supported yet, only sidecars are")));
        }
        if self.bootstrap {
            writeln!(out, "{:#}", self.make_bootstrap()?)?;
            return Ok(());
        }
        let bootstrap = self.make_bootstrap()?;
        let envoy = binary::find(self.envoy_binary.as_deref())?;
        if !self.ignore_envoy_compatibility {
            binary::check_version(&envoy)?;
        }
        Err(launch::become_envoy(&envoy, &bootstrap.to_string(), &self.passed_on))
    }

    fn make_bootstrap(&self) -> Result<serde_json::Value, CliError> {
        let api = self.http.connect()?;
        let agent = proxy::agent(&api)?;
        if let Some(name) = &self.node_name {
            proxy::on_own_node(&agent, name)?;
        }
        let mut found = self.find_proxy(&api)?;
        environment::expand_config(&mut found.config, env)?;
        let ready = match (&self.envoy_ready_bind_address, self.envoy_ready_bind_port) {
            (Some(address), Some(port)) => Some(resolve(&format!("{address}:{port}"), "-envoy-ready-bind-address")?),
            _ => None,
        };
        let inputs = Inputs {
            proxy_id: found.id,
            cluster: found.destination,
            xds: self.xds_address(&api.address, &agent)?,
            datacenter: agent.datacenter,
            node_name: self.node_name.clone(),
            token: self.http.token(env)?.unwrap_or_default(),
            admin: resolve(&self.admin_bind, "-admin-bind")?,
            admin_access_log_path: self.admin_access_log_path.clone(),
            ready,
            prometheus_scrape_path: self.prometheus_scrape_path.clone(),
            prometheus_backend_port: self.prometheus_backend_port,
            omit_deprecated_tags: self.omit_deprecated_tags,
            config: found.config,
        };
        bootstrap::bootstrap(&inputs).map_err(|error| CliError::usage(error.to_string()))
    }

    /// Flags come before the environment.
    fn find_proxy(&self, api: &AgentApi) -> Result<proxy::Proxy, CliError> {
        let (proxy_id, sidecar_for) = match (&self.proxy_id, &self.sidecar_for) {
            (None, None) => (env("CONNECT_PROXY_ID"), env("CONNECT_SIDECAR_FOR")),
            flags => (flags.0.clone(), flags.1.clone()),
        };
        let id = match (&proxy_id, &sidecar_for) {
            (Some(id), _) => id.clone(),
            (None, Some(service)) => proxy::sidecar_of(api, service)?,
            (None, None) => {
                return Err(CliError::usage(
                    "Which proxy? Name its service with -sidecar-for (or CONNECT_SIDECAR_FOR), or itself with -proxy-id (or \
                     CONNECT_PROXY_ID)",
                ));
            }
        };
        if self.no_central_config {
            return Ok(proxy::Proxy {
                destination: sidecar_for.unwrap_or_else(|| id.clone()),
                id,
                config: Opaque::new(),
            });
        }
        proxy::registered(api, &id)
    }

    /// As told, else the port that the agent names on the host that answered.
    fn xds_address(&self, http: &HttpAddress, agent: &proxy::Agent) -> Result<XdsAddress, CliError> {
        if let Some(given) = self.grpc_addr.clone().or_else(|| prefixed(env, "GRPC_ADDR")) {
            return parse_grpc(&given);
        }
        let port = match (agent.plaintext, agent.tls) {
            (Some(port), _) => port,
            (None, Some(_)) => {
                return Err(CliError::usage(
                    "the agent serves xDS with TLS only, which is not supported yet: set ports.grpc",
                ));
            }
            (None, None) => DEFAULT_XDS_PORT,
        };
        let host = match http.host() {
            v6 if v6.contains(':') => format!("[{v6}]"),
            host => host.to_owned(),
        };
        resolve(&format!("{host}:{port}"), "the agent's xDS server").map(XdsAddress::Tcp)
    }
}

fn parse_grpc(given: &str) -> Result<XdsAddress, CliError> {
    if let Some(path) = given.strip_prefix("unix://") {
        return Ok(XdsAddress::Unix(path.to_owned()));
    }
    if given.starts_with("https://") {
        return Err(CliError::usage(format!("-grpc-addr {given}: xDS over TLS is not supported yet")));
    }
    let address = given.strip_prefix("http://").unwrap_or(given).trim_end_matches('/');
    resolve(address, "-grpc-addr").map(XdsAddress::Tcp)
}

/// Envoy's bootstrap takes addresses only. Of several the first of IPv4 is taken: `localhost` is where the agent listens.
fn resolve(address: &str, what: &str) -> Result<SocketAddr, CliError> {
    let wrong = |reason: String| CliError::usage(format!("{what} {address}: {reason}"));
    let found: Vec<SocketAddr> = address.to_socket_addrs().map_err(|error| wrong(error.to_string()))?.collect();
    let first = found.iter().find(|socket| socket.is_ipv4()).or_else(|| found.first());
    first.copied().ok_or_else(|| wrong("the name has no address".to_owned()))
}

#[cfg(test)]
mod tests {
    use chancery::bootstrap::XdsAddress;

    use super::{parse_grpc, resolve};

    #[test]
    fn the_xds_address_may_have_a_scheme() {
        let tcp = XdsAddress::Tcp(([127, 0, 0, 1], 8502).into());
        for given in ["127.0.0.1:8502", "http://127.0.0.1:8502/", "localhost:8502"] {
            assert_eq!(parse_grpc(given).expect("it is an address"), tcp, "{given}");
        }
        assert_eq!(parse_grpc("unix:///run/x").expect("a socket"), XdsAddress::Unix("/run/x".to_owned()));
        let told = parse_grpc("https://a:1").expect_err("there is no TLS").to_string();
        assert!(told.contains("not supported yet"), "{told}");
    }

    #[test]
    fn a_wrong_address_names_its_flag() {
        let told = resolve("localhost", "-admin-bind").expect_err("there is no port").to_string();
        assert!(told.starts_with("-admin-bind localhost: "), "{told}");
    }
}
