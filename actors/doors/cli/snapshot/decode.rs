//! `chancery snapshot decode`: every record of a file, for programs.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use chancery::catalog::archive;
use clap::Args;
use serde_json::{Value, json};

use crate::doors::cli::error::CliError;

/// Print every record of a file as a line of JSON; no agent is asked
#[derive(Args)]
#[command(
    after_help = "The first line is about the file, each line after it a record: {\"Type\": …, \"Data\": …}, in the spelling of the \
    file. Private keys are not printed: (secret) stands in their place. Values of the key-value store are, in base64.\n\nExample:\n\n    \
    $ chancery snapshot decode backup.snap"
)]
pub(in crate::doors::cli) struct Decode {
    /// The file that `snapshot save` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Decode {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let wrong = |error: &dyn std::fmt::Display| CliError::file(&self.file.display().to_string(), error);
        let state = fs::read(&self.file).map_err(|error| wrong(&error))?;
        let (contents, records) = archive::decode(&state).map_err(|error| wrong(&error))?;
        let about =
            json!({ "ID": contents.hash, "Index": contents.index, "Version": contents.version, "Size": state.len() });
        line(out, "SnapshotHeader", &about)?;
        for record in records {
            let written = serde_json::to_value(record.without_keys()).map_err(|error| wrong(&error))?;
            // a record is an object of one field, whose name is its type
            for (name, data) in written.as_object().into_iter().flatten() {
                line(out, name, data)?;
            }
        }
        Ok(())
    }
}

fn line(out: &mut dyn Write, kind: &str, data: &Value) -> Result<(), CliError> {
    writeln!(out, "{}", json!({ "Type": kind, "Data": data }))?;
    Ok(())
}
