//! `chancery connect envoy`: from flags, environment and agent to a bootstrap, then to an Envoy.

use std::ffi::OsString;
use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use chancery::bootstrap::{self, Inputs};
use chancery::model::Opaque;
use clap::{Args, Subcommand};

use super::gateway::GatewayFlags;
use super::prometheus::PrometheusFlags;
use super::xds::XdsFlags;
use super::{binary, environment, launch, proxy};
use crate::doors::cli::api::AgentApi;
use crate::doors::cli::error::CliError;
use crate::doors::cli::flags::{HttpFlags, env};

const CONFIG_GEN_LOGGING: &str = "-enable-config-gen-logging: nothing is logged while the bootstrap is made: leave the flag \
                                  out, -bootstrap prints the result, and what is wrong with it is always said";

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
    /// The node of the proxy; must be the agent's own for now
    #[arg(long, value_name = "NAME")]
    node_name: Option<String>,
    /// Print the bootstrap and do not run Envoy; it holds the token
    #[arg(long)]
    bootstrap: bool,
    /// Do not read the proxy's registration: flags only
    #[arg(long)]
    no_central_config: bool,
    #[command(flatten)]
    xds: XdsFlags,
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
    #[command(flatten)]
    prometheus_tls: PrometheusFlags,
    /// Leave out the statistics tags that Consul 1.9 renamed
    #[arg(long)]
    omit_deprecated_tags: bool,
    #[command(flatten)]
    gateway: GatewayFlags,
    /// The version of the Envoy that the bootstrap is for, checked like that of one which is run
    #[arg(long, value_name = "VERSION")]
    envoy_version: Option<String>,
    /// Log how the bootstrap is made
    #[arg(long, hide = true)]
    enable_config_gen_logging: bool,
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
        self.gateway.refuse()?;
        if self.enable_config_gen_logging {
            return Err(CliError::usage(CONFIG_GEN_LOGGING));
        }
        if let Some(version) = self.envoy_version.as_deref().filter(|_| !self.ignore_envoy_compatibility) {
            binary::check_said(version)?;
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
        let (xds, xds_tls) = self.xds.find(&self.http, &api.address, &agent)?;
        let inputs = Inputs {
            proxy_id: found.id,
            cluster: found.destination,
            xds,
            xds_tls,
            datacenter: agent.datacenter,
            node_name: self.node_name.clone(),
            token: self.http.token(env)?.unwrap_or_default(),
            admin: resolve(&self.admin_bind, "-admin-bind")?,
            admin_access_log_path: self.admin_access_log_path.clone(),
            ready,
            prometheus_scrape_path: self.prometheus_scrape_path.clone(),
            prometheus_backend_port: self.prometheus_backend_port,
            prometheus_tls: self.prometheus_tls.read()?,
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
}

/// Envoy's bootstrap takes addresses only. Of several the first of IPv4 is taken: `localhost` is where the agent listens.
pub(super) fn resolve(address: &str, what: &str) -> Result<SocketAddr, CliError> {
    let wrong = |reason: String| CliError::usage(format!("{what} {address}: {reason}"));
    let found: Vec<SocketAddr> = address.to_socket_addrs().map_err(|error| wrong(error.to_string()))?.collect();
    let first = found.iter().find(|socket| socket.is_ipv4()).or_else(|| found.first());
    first.copied().ok_or_else(|| wrong("the name has no address".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn a_wrong_address_names_its_flag() {
        let told = resolve("localhost", "-admin-bind").expect_err("there is no port").to_string();
        assert!(told.starts_with("-admin-bind localhost: "), "{told}");
    }
}
