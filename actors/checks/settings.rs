//! What the agent's configuration says about all checks.

use std::collections::BTreeSet;
use std::time::Duration;

use chancery::model::{Check, Probe, Target};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckSettings {
    pub scripts: Scripts,
    /// What checks say is not kept, only how they are.
    pub discard_output: bool,
    /// What a check says is told to the catalog at most this often while its status stays.
    pub output_every: Duration,
    /// Bytes of output kept of a check that sets no limit, and the most that one may set.
    pub output_max_bytes: u32,
}

/// Which programs are run for checks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Scripts {
    #[default]
    None,
    /// Those that the agent's own files define, by their arguments.
    OfFiles(BTreeSet<Vec<String>>),
    /// Those of registrations over HTTP too.
    All,
}

impl Default for CheckSettings {
    fn default() -> Self {
        Self {
            scripts: Scripts::None,
            discard_output: false,
            output_every: Duration::from_secs(300),
            output_max_bytes: 4096,
        }
    }
}

/// Why a program is not run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotRun {
    #[error(
        "script checks are switched off on this agent: set enable_local_script_checks for those in its files, or \
        enable_script_checks for all; or run the program yourself and report what it says to a TTL check"
    )]
    Off,
    #[error(
        "script checks are run for this agent's own files alone: put the check into one, or set enable_script_checks, \
        which lets everybody who reaches the HTTP API run programs here"
    )]
    OfFilesAlone,
}

impl Scripts {
    /// # Errors
    /// When the check is a program that is not to be run.
    pub fn runs(&self, target: &Target) -> Result<(), NotRun> {
        match (target, self) {
            (Target::Script(_), Self::None) => Err(NotRun::Off),
            (Target::Script(args), Self::OfFiles(known)) if !known.contains(args) => Err(NotRun::OfFilesAlone),
            _ => Ok(()),
        }
    }

    /// Of checks that come over HTTP.
    ///
    /// # Errors
    /// When one of them is a program.
    pub fn take<'a>(&self, checks: impl IntoIterator<Item = &'a Check>) -> Result<(), NotRun> {
        match (self, programs(checks).next()) {
            (Self::None, Some(_)) => Err(NotRun::Off),
            (Self::OfFiles(_), Some(_)) => Err(NotRun::OfFilesAlone),
            _ => Ok(()),
        }
    }
}

/// The arguments of those that are programs.
pub fn programs<'a>(checks: impl IntoIterator<Item = &'a Check>) -> impl Iterator<Item = &'a Vec<String>> {
    let probes = checks.into_iter().filter_map(|check| Some(&check.definition.as_ref()?.probe));
    probes.filter_map(|probe| if let Probe::Periodic(Target::Script(args)) = probe { Some(args) } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_run_as_far_as_programs_are_let_in() {
        let script = |word: &str| vec![word.to_owned()];
        let of = |scripts: &Scripts, word: &str| scripts.runs(&Target::Script(script(word)));
        assert_eq!(of(&Scripts::None, "a"), Err(NotRun::Off));
        let files = Scripts::OfFiles([script("a")].into());
        assert_eq!((of(&files, "a"), of(&files, "b")), (Ok(()), Err(NotRun::OfFilesAlone)));
        assert_eq!(of(&Scripts::All, "b"), Ok(()));
        assert_eq!(Scripts::None.runs(&Target::Udp("x:1".to_owned())), Ok(()));
    }
}
