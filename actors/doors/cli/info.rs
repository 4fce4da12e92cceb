//! `chancery info`: what an agent says about its own work.

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use serde_json::Value;

use super::error::CliError;
use super::flags::HttpFlags;
use super::format::{Format, json};

#[derive(Args)]
#[command(after_help = "Example:\n\n    $ chancery info")]
pub(super) struct Info {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    http: HttpFlags,
}

impl Info {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let stats = &self.http.connect()?.get("/v1/agent/self", &[])?["Stats"];
        match self.format {
            Format::Pretty => out.write_all(lines(stats).as_bytes())?,
            Format::Json => json(out, stats)?,
        }
        Ok(())
    }
}

fn lines(stats: &Value) -> String {
    let mut told = String::new();
    for (part, figures) in sorted(stats) {
        told.push_str(&format!("{part}:\n"));
        for (name, value) in sorted(figures) {
            told.push_str(&format!("\t{name} = {}\n", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
    }
    told
}

fn sorted(object: &Value) -> BTreeMap<&String, &Value> {
    object.as_object().into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lines;

    #[test]
    fn figures_stand_below_their_part() {
        let stats = json!({ "consul": { "server": "true", "leader": "true" }, "agent": { "services": 2 } });
        assert_eq!(lines(&stats), "agent:\n\tservices = 2\nconsul:\n\tleader = true\n\tserver = true\n");
    }
}
