//! `chancery kv delete`.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::{path, plain};
use crate::doors::cli::error::CliError;
use crate::doors::cli::flags::HttpFlags;

#[derive(Args)]
pub(in crate::doors::cli) struct Delete {
    /// The key, or the prefix for -recurse
    #[arg(value_name = "KEY", default_value = "", hide_default_value = true)]
    key: String,
    /// Only if the key is still at -modify-index
    #[arg(long, conflicts_with = "recurse")]
    cas: bool,
    /// The ModifyIndex to compare with
    #[arg(long, value_name = "INDEX", default_value_t)]
    modify_index: u64,
    /// Delete every key below the prefix; below nothing: all keys
    #[arg(long)]
    recurse: bool,
    #[command(flatten)]
    http: HttpFlags,
}

impl Delete {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let key = plain(&self.key);
        if key.is_empty() && !self.recurse {
            return Err(CliError::usage("name a key, or delete all of them with -recurse"));
        }
        match (self.cas, self.modify_index) {
            (true, 0) => return Err(CliError::usage("-cas needs the -modify-index of the key that is to be deleted")),
            (false, 1..) => return Err(CliError::usage("-modify-index is only compared with -cas")),
            _ => {}
        }
        let index = self.modify_index.to_string();
        let query: &[(&str, &str)] = match (self.recurse, self.cas) {
            (true, _) => &[("recurse", "")],
            (false, true) => &[("cas", &index)],
            (false, false) => &[],
        };
        if self.http.connect()?.delete(&path(key), query)? == json!(false) {
            return Err(CliError::usage(format!(
                "Error! Did not delete key {key}: CAS failed: it is not at -modify-index={index}"
            )));
        }
        let what = if self.recurse { "keys with prefix" } else { "key" };
        writeln!(out, "Success! Deleted {what}: {key}")?;
        Ok(())
    }
}
