//! `chancery kv put`.

use std::io::Write;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use serde_json::json;

use super::{path, plain};
use crate::doors::cli::error::CliError;
use crate::doors::cli::flags::HttpFlags;
use crate::doors::cli::given::data;

const NO_SESSIONS: &str =
    "sessions and locks are not supported by this version of chancery: use -cas to write only what nobody else changed";

#[derive(Args)]
pub(in crate::doors::cli) struct Put {
    /// The key, then its value: text, @file, or - for standard input; nothing is an empty value
    #[arg(value_name = "KEY", required = true, num_args = 1..=2, trailing_var_arg = true)]
    words: Vec<String>,
    /// Only if the key is still at -modify-index; without one: only if there is no such key
    #[arg(long)]
    cas: bool,
    /// The ModifyIndex to compare with
    #[arg(long, value_name = "INDEX", default_value_t)]
    modify_index: u64,
    /// A number that is kept with the key
    #[arg(long, value_name = "NUMBER", default_value_t)]
    flags: u64,
    /// The value is given in base64
    #[arg(long)]
    base64: bool,
    /// Locks are not supported
    #[arg(long, hide = true)]
    acquire: bool,
    /// Locks are not supported
    #[arg(long, hide = true)]
    release: bool,
    /// Sessions are not supported
    #[arg(long, hide = true, value_name = "ID")]
    session: Option<String>,
    #[command(flatten)]
    http: HttpFlags,
}

impl Put {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        if self.acquire || self.release || self.session.is_some() {
            return Err(CliError::usage(NO_SESSIONS));
        }
        if self.modify_index > 0 && !self.cas {
            return Err(CliError::usage("-modify-index is only compared with -cas"));
        }
        let key = self.words.first().map(|key| plain(key)).filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| CliError::usage("a key needs a name"))?;
        let mut value = self.words.get(1).map(|given| data(given)).transpose()?.unwrap_or_default();
        if self.base64 {
            value = BASE64_STANDARD
                .decode(value.trim_ascii())
                .map_err(|error| CliError::usage(format!("the value is not base64: {error}")))?;
        }
        let (flags, index) = (self.flags.to_string(), self.modify_index.to_string());
        let mut query = Vec::new();
        if self.flags > 0 {
            query.push(("flags", flags.as_str()));
        }
        if self.cas {
            query.push(("cas", index.as_str()));
        }
        if self.http.connect()?.put_bytes(&path(key), &query, value.into())? == json!(false) {
            return Err(CliError::usage(format!(
                "Error! Did not write to {key}: CAS failed: it is not at -modify-index={index}"
            )));
        }
        writeln!(out, "Success! Data written to: {key}")?;
        Ok(())
    }
}
