//! `chancery explain`: why calls go where they go.

use std::io::Write;

use clap::Args;
use serde_json::Value;

use super::columns::columns;
use super::error::CliError;
use super::flags::HttpFlags;
use super::format::{Format, json, text};

/// For each route, split, cluster and target of the calls to a service: where it leads, and the config entries without
/// which it would not be there or would lead elsewhere.
#[derive(Args)]
#[command(after_help = "Example:\n\n    $ chancery explain web")]
pub(super) struct Explain {
    /// The service that is called
    service: String,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    http: HttpFlags,
}

impl Explain {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        let causes = self.http.connect()?.get(&format!("/admin/explain/{}", self.service), &[])?;
        match self.format {
            Format::Json => json(out, &causes)?,
            Format::Pretty => out.write_all(table(&causes).as_bytes())?,
        }
        Ok(())
    }
}

fn table(causes: &Value) -> String {
    let mut rows = vec![["Piece", "Name", "Leads to", "Because of"].map(str::to_owned)];
    for cause in causes.as_array().into_iter().flatten() {
        let entries = list(&cause["Entries"]);
        let because = if entries.is_empty() { "(no entry)".to_owned() } else { entries };
        rows.push([text(cause, "Piece"), text(cause, "Name"), list(&cause["LeadsTo"]), because]);
    }
    columns(&rows)
}

fn list(words: &Value) -> String {
    let words = words.as_array().into_iter().flatten().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(", ")
}
