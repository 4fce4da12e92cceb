//! What Consul's command takes for gateways: refused by name.

use clap::Args;

use crate::doors::cli::error::CliError;

#[derive(Args, Default)]
pub(super) struct GatewayFlags {
    /// The kind of a gateway
    #[arg(long, value_name = "KIND", hide = true)]
    gateway: Option<String>,
    /// The older spelling of `-gateway mesh`
    #[arg(long, hide = true)]
    mesh_gateway: bool,
    /// Register the gateway
    #[arg(long, hide = true)]
    register: bool,
    /// The name to register it by
    #[arg(long, value_name = "NAME", hide = true)]
    service: Option<String>,
    /// Where it is reached in its datacenter
    #[arg(long, value_name = "ADDRESS", hide = true)]
    address: Option<String>,
    /// Where it is reached from others
    #[arg(long, value_name = "ADDRESS", hide = true)]
    wan_address: Option<String>,
    /// Where it listens
    #[arg(long, value_name = "NAME=ADDRESS", hide = true)]
    bind_address: Vec<String>,
    /// Lead to the servers through it
    #[arg(long, hide = true)]
    expose_servers: bool,
    /// When to deregister it
    #[arg(long, value_name = "DURATION", hide = true)]
    deregister_after_critical: Option<String>,
}

impl GatewayFlags {
    pub fn refuse(&self) -> Result<(), CliError> {
        let given = [
            ("gateway", self.gateway.is_some()),
            ("mesh-gateway", self.mesh_gateway),
            ("register", self.register),
            ("service", self.service.is_some()),
            ("address", self.address.is_some()),
            ("wan-address", self.wan_address.is_some()),
            ("bind-address", !self.bind_address.is_empty()),
            ("expose-servers", self.expose_servers),
            ("deregister-after-critical", self.deregister_after_critical.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((flag, _)) => Err(CliError::usage(format!(
                "-{flag}: gateways are not supported yet, only sidecars are: register a service with \
                 `connect {{ sidecar_service {{}} }}` and name it with -sidecar-for"
            ))),
        }
    }
}
