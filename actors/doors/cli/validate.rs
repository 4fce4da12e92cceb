//! `chancery validate`: whether an agent would take its configuration.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::error::CliError;
use crate::config::{AgentConfig, AgentFlags, ConfigFormat, ConfigPath, ConfigPaths};

#[derive(Args)]
#[command(after_help = "Exit code: 0 if an agent would take it, 1 if not; every problem is named.\n\nExample:\n\n    \
    $ chancery validate /etc/chancery.d")]
pub(super) struct Validate {
    /// Files and directories, as for -config-file and -config-dir
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Say nothing when nothing is wrong
    #[arg(long)]
    quiet: bool,
    /// How to read all files; by their names if not given
    #[arg(long, value_enum, value_name = "FORMAT")]
    config_format: Option<ConfigFormat>,
}

impl Validate {
    pub fn run(&self, out: &mut dyn Write) -> Result<ExitCode, CliError> {
        let paths = self.paths.iter().cloned();
        // a path that is not there is told as one
        let paths = paths.map(|path| if path.is_dir() { ConfigPath::Dir(path) } else { ConfigPath::File(path) });
        let flags = AgentFlags {
            config_paths: ConfigPaths(paths.collect()),
            config_format: self.config_format,
            ..AgentFlags::default()
        };
        match AgentConfig::validate(&flags) {
            Ok(warnings) => {
                if !self.quiet {
                    for warning in warnings {
                        eprintln!("{warning}");
                    }
                    writeln!(out, "Configuration is valid!")?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => Err(CliError::usage(format!("Config validation failed:\n{error}"))),
        }
    }
}
