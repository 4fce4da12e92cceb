//! `chancery version`.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::error::CliError;
use super::format::Format;
use super::program::Program;
use crate::version::{BUILD_DATE, CHANCERY_VERSION, CONSUL_INTERFACE_VERSION, REVISION};

#[derive(Args)]
#[command(after_help = "Example:\n\n    $ chancery version -format=json")]
pub(super) struct Version {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Version {
    pub fn run(&self, program: Program, out: &mut dyn Write) -> Result<(), CliError> {
        match self.format {
            Format::Pretty => out.write_all(lines(program).as_bytes())?,
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

/// Scripts take the version from the first line.
fn lines(program: Program) -> String {
    let (first, last) = match program {
        Program::Chancery => (
            format!("Chancery v{CHANCERY_VERSION}"),
            format!("Speaks the interface of Consul v{CONSUL_INTERFACE_VERSION}"),
        ),
        Program::Consul => (
            format!("Consul v{CONSUL_INTERFACE_VERSION}"),
            format!("This is Chancery v{CHANCERY_VERSION}, which speaks its interface"),
        ),
    };
    let revision = if REVISION.is_empty() { String::new() } else { format!("Revision {REVISION}\n") };
    format!("{first}\n{revision}Build Date {BUILD_DATE}\n{last}\n")
}

#[cfg(test)]
mod tests {
    use super::{Format, Program, Version, lines};

    #[test]
    fn the_version_in_json_is_a_semantic_version_new_enough_for_clients() {
        let mut out = Vec::new();
        Version { format: Format::Json }.run(Program::Consul, &mut out).expect("a vector takes everything");
        let told: serde_json::Value = serde_json::from_slice(&out).expect("it is JSON");
        let numbers: Vec<u32> =
            told["Version"].as_str().expect("text").split('.').map(|part| part.parse().expect("a number")).collect();
        assert_eq!(numbers.len(), 3);
        assert!(numbers >= vec![1, 14, 0], "Go's test harness gives a grpc_tls port from 1.14 on");
    }

    #[test]
    fn under_the_name_consul_the_first_line_is_consuls() {
        assert!(lines(Program::Consul).starts_with("Consul v1.21.4\n"));
        assert!(lines(Program::Chancery).starts_with("Chancery v0."));
    }
}
