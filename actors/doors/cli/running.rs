//! `chancery reload`, `leave`, `force-leave`: what a running agent is told to do.

use std::io::Write;

use clap::Args;

use super::api::percent_encoded;
use super::error::CliError;
use super::flags::HttpFlags;

#[derive(Args)]
#[command(after_help = "Example:\n\n    $ chancery reload")]
pub(super) struct Reload {
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
#[command(after_help = "Example:\n\n    $ chancery leave")]
pub(super) struct Leave {
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
#[command(after_help = "Example:\n\n    $ chancery force-leave old-node")]
pub(super) struct ForceLeave {
    /// The name of the node
    #[arg(value_name = "NODE")]
    node: String,
    /// Forget the node wholly
    #[arg(long)]
    prune: bool,
    /// The servers of all datacenters: here there is one
    #[arg(long, hide = true)]
    wan: bool,
    #[command(flatten)]
    http: HttpFlags,
}

impl Reload {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        self.http.connect()?.put("/v1/agent/reload", &[], None)?;
        writeln!(out, "Configuration reload triggered")?;
        Ok(())
    }
}

impl Leave {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        self.http.connect()?.put("/v1/agent/leave", &[], None)?;
        writeln!(out, "Graceful leave complete")?;
        Ok(())
    }
}

impl ForceLeave {
    pub fn run(&self) -> Result<(), CliError> {
        let mut query = Vec::new();
        query.extend(self.prune.then_some(("prune", "")));
        query.extend(self.wan.then_some(("wan", "")));
        self.http.connect()?.put(&format!("/v1/agent/force-leave/{}", percent_encoded(&self.node)), &query, None)?;
        Ok(())
    }
}
