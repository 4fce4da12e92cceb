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
#[command(
    after_help = "The agent is a cluster of its own, and the only member, of the wide area (-wan) too: there is no node to take out \
              but itself, which `leave` does. What was registered for a node goes with PUT /v1/catalog/deregister.\n\n\
              Example:\n\n    $ chancery force-leave old-node"
)]
pub(super) struct ForceLeave {
    /// The name of the node
    #[arg(value_name = "NODE")]
    node: String,
    /// Forget the node wholly
    #[arg(long)]
    prune: bool,
    /// Only out of the wide area: the agent alone is in it
    #[arg(long)]
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
