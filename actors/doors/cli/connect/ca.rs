//! `chancery connect ca`: the certificate authority's configuration.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::doors::cli::definition;
use crate::doors::cli::error::CliError;
use crate::doors::cli::flags::HttpFlags;
use crate::doors::cli::format::json;

const PATH: &str = "/v1/connect/ca/configuration";

#[derive(Subcommand)]
pub(in crate::doors::cli) enum Ca {
    /// Print the configuration as JSON
    #[command(after_help = "Example:\n\n    $ chancery connect ca get-config")]
    GetConfig(GetConfig),
    /// Replace the configuration; another key or root begins a rotation
    #[command(after_help = "Example:\n\n    $ chancery connect ca set-config -config-file ca.json")]
    SetConfig(SetConfig),
}

#[derive(Args)]
pub(in crate::doors::cli) struct GetConfig {
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(in crate::doors::cli) struct SetConfig {
    /// HCL or JSON with `Provider` and `Config`; `-` is standard input
    #[arg(long, value_name = "FILE")]
    config_file: String,
    /// Change the root though the new one cannot be signed by the old one
    #[arg(long)]
    force_without_cross_signing: bool,
    #[command(flatten)]
    http: HttpFlags,
}

impl Ca {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::GetConfig(get) => json(out, &get.http.connect()?.get(PATH, &[])?),
            Self::SetConfig(set) => {
                let mut config = definition::read(&set.config_file)?;
                if set.force_without_cross_signing {
                    config.insert("ForceWithoutCrossSigning".to_owned(), Value::Bool(true));
                }
                set.http.connect()?.put(PATH, &[], Some(&Value::Object(config)))?;
                writeln!(out, "Configuration updated!")?;
                Ok(())
            }
        }
    }
}
