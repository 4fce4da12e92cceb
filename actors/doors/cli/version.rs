//! `chancery version`.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::error::CliError;
use crate::version::{BUILD_DATE, CHANCERY_VERSION, CONSUL_INTERFACE_VERSION, REVISION};

#[derive(Args)]
#[command(after_help = "Example:\n\n    $ chancery version -format=json")]
pub(super) struct Version {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Pretty)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Pretty,
    Json,
}

impl Version {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        match self.format {
            Format::Pretty => {
                writeln!(out, "Chancery v{CHANCERY_VERSION}")?;
                if !REVISION.is_empty() {
                    writeln!(out, "Revision {REVISION}")?;
                }
                writeln!(out, "Build Date {BUILD_DATE}")?;
                writeln!(out, "Speaks the interface of Consul v{CONSUL_INTERFACE_VERSION}")?;
            }
            Format::Json => writeln!(
                out,
                "{:#}",
                json!({
                    "Version": CONSUL_INTERFACE_VERSION,
                    "Revision": REVISION,
                    "Prerelease": "",
                    "BuildDate": BUILD_DATE,
                    "ChanceryVersion": CHANCERY_VERSION,
                })
            )?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Version};

    #[test]
    fn the_version_in_json_is_a_semantic_version_new_enough_for_clients() {
        let mut out = Vec::new();
        Version { format: Format::Json }.run(&mut out).expect("a vector takes everything");
        let told: serde_json::Value = serde_json::from_slice(&out).expect("it is JSON");
        let numbers: Vec<u32> =
            told["Version"].as_str().expect("text").split('.').map(|part| part.parse().expect("a number")).collect();
        assert_eq!(numbers.len(), 3);
        assert!(numbers >= vec![1, 14, 0], "Go's test harness gives a grpc_tls port from 1.14 on");
    }
}
