//! What files and flags say about health checks.

use std::time::Duration;

use chancery::model::Check;
use chancery::wire::{DecodeError, Fields};

use super::definitions::Definitions;
use super::problem::Problem;
use crate::checks::settings::{CheckSettings, Scripts, programs};

/// Those keys that were given.
#[derive(Clone, Copy, Default)]
pub(super) struct CheckKeys {
    pub(super) scripts: Option<bool>,
    pub(super) scripts_of_files: Option<bool>,
    discard_output: Option<bool>,
    update_interval: Option<Duration>,
    pub(super) output_max_size: Option<u32>,
}

impl CheckKeys {
    pub(super) fn read(fields: &mut Fields<'_>, problem: &mut dyn FnMut(DecodeError)) -> Self {
        let mut keep = |read: Result<Option<bool>, DecodeError>| {
            read.unwrap_or_else(|error| {
                problem(error);
                None
            })
        };
        let scripts = keep(fields.optional_flag("enable_script_checks"));
        let scripts_of_files = keep(fields.optional_flag("enable_local_script_checks"));
        let discard_output = keep(fields.optional_flag("discard_check_output"));
        let size = fields.whole("check_output_max_size", 1..=i64::from(u32::MAX));
        let output_max_size = size.unwrap_or_else(|error| {
            problem(error);
            None
        });
        // an interval of zero has a meaning of its own: at once
        let given = fields.optional_text("check_update_interval").ok().flatten().is_some();
        let interval = fields.duration("check_update_interval").unwrap_or_else(|error| {
            problem(error);
            Duration::ZERO
        });
        Self {
            scripts,
            scripts_of_files,
            discard_output,
            update_interval: given.then_some(interval),
            output_max_size: output_max_size.and_then(|bytes| u32::try_from(bytes).ok()),
        }
    }

    /// These win over earlier ones.
    pub(super) fn over(self, earlier: Self) -> Self {
        Self {
            scripts: self.scripts.or(earlier.scripts),
            scripts_of_files: self.scripts_of_files.or(earlier.scripts_of_files),
            discard_output: self.discard_output.or(earlier.discard_output),
            update_interval: self.update_interval.or(earlier.update_interval),
            output_max_size: self.output_max_size.or(earlier.output_max_size),
        }
    }

    /// Programs that the files ask for, when none are run.
    pub(super) fn contradictions(self, definitions: &Definitions) -> Vec<Problem> {
        if self.scripts == Some(true) || self.scripts_of_files == Some(true) {
            return Vec::new();
        }
        let refused = checks(definitions).filter(|check| programs([*check]).next().is_some());
        let problem = |check: &Check| {
            Problem::new(format!(
                "check {:?} is a program: set enable_local_script_checks = true to have the programs in these files run",
                check.id.as_str()
            ))
        };
        refused.map(problem).collect()
    }

    pub(super) fn resolve(self, definitions: &Definitions) -> CheckSettings {
        let default = CheckSettings::default();
        let scripts = match (self.scripts, self.scripts_of_files) {
            (Some(true), _) => Scripts::All,
            (_, Some(true)) => Scripts::OfFiles(programs(checks(definitions)).cloned().collect()),
            _ => Scripts::None,
        };
        CheckSettings {
            scripts,
            discard_output: self.discard_output.unwrap_or(default.discard_output),
            output_every: self.update_interval.unwrap_or(default.output_every),
            output_max_bytes: self.output_max_size.unwrap_or(default.output_max_bytes),
        }
    }
}

fn checks(definitions: &Definitions) -> impl Iterator<Item = &Check> {
    let of_services = definitions
        .services
        .iter()
        .flat_map(|of| of.checks.iter().chain(of.sidecar.iter().flat_map(|sidecar| sidecar.checks.iter().flatten())));
    definitions.checks.iter().chain(of_services)
}
