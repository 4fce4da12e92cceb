//! `chancery connect`: runs Envoy beside a service, and looks after the certificate authority.

mod binary;
mod ca;
mod environment;
mod envoy;
mod launch;
mod proxy;

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
    /// Read and change the configuration of the certificate authority
    #[command(subcommand)]
    Ca(Box<ca::Ca>),
}

impl Connect {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Envoy(envoy) => envoy.run(out),
            Self::Ca(ca) => ca.run(out),
        }
    }
}
