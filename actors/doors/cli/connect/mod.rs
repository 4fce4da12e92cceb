//! `chancery connect`: runs Envoy beside a service, leads connections through it, and looks after the certificate authority.

mod binary;
mod ca;
mod environment;
mod envoy;
mod gateway;
mod launch;
mod prometheus;
mod proxy;
mod redirect_traffic;
mod xds;

use std::io::Write;

use clap::Subcommand;

use super::error::CliError;

#[derive(Subcommand)]
pub(super) enum Connect {
    /// Run an Envoy as the sidecar of a service, or print its bootstrap
    #[command(after_help = "Examples:\n\n    $ chancery connect envoy -sidecar-for web\n    \
        $ chancery connect envoy -sidecar-for web -admin-bind localhost:19001 -- -l debug\n    \
        $ chancery connect envoy -sidecar-for web -bootstrap > bootstrap.json")]
    Envoy(Box<envoy::Envoy>),
    /// Lead an application's connections through its proxy, with iptables (IPv4)
    #[command(
        after_help = "Examples:\n\n    $ chancery connect redirect-traffic -proxy-id web-sidecar-proxy -proxy-uid 5678\n    \
        $ chancery connect redirect-traffic -proxy-inbound-port 20000 -proxy-uid envoy -dry-run"
    )]
    RedirectTraffic(Box<redirect_traffic::RedirectTraffic>),
    /// Read and change the configuration of the certificate authority
    #[command(subcommand)]
    Ca(Box<ca::Ca>),
}

impl Connect {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Envoy(envoy) => envoy.run(out),
            Self::Ca(ca) => ca.run(out),
            Self::RedirectTraffic(redirect) => redirect.run(out),
        }
    }
}
