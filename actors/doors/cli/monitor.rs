//! `chancery monitor`: the log of an agent, as it is written.

use std::io::Write;

use clap::Args;

use super::error::CliError;
use super::flags::HttpFlags;

#[derive(Args)]
#[command(after_help = "Example:\n\n    $ chancery monitor -log-level=debug")]
pub(super) struct Monitor {
    /// trace, debug, info, warn or error
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: String,
    /// One JSON object in each line
    #[arg(long)]
    log_json: bool,
    #[command(flatten)]
    http: HttpFlags,
}

impl Monitor {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let level = self.log_level.to_lowercase();
        let mut query = vec![("loglevel", level.as_str())];
        if self.log_json {
            query.push(("logjson", "true"));
        }
        self.http.connect()?.follow("/v1/agent/monitor", &query, |piece| {
            out.write_all(piece)?;
            out.flush()
        })
    }
}
