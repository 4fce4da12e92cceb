//! Which Envoy to run, and whether it is new enough.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::doors::cli::error::CliError;

/// The oldest Envoy whose resources are the ones that are generated: major and minor.
const OLDEST: (u32, u32) = (1, 31);

/// The one named, else the first `envoy` on the search path.
pub(super) fn find(named: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(path) = named {
        return if is_program(path) {
            Ok(path.to_owned())
        } else {
            Err(CliError::usage(format!("-envoy-binary {}: there is no program there", path.display())))
        };
    }
    on_path(env::var_os("PATH").as_deref()).ok_or_else(|| {
        CliError::usage(format!(
            "No `envoy` is on the PATH: install Envoy {}.{} or newer, or name it with -envoy-binary",
            OLDEST.0, OLDEST.1
        ))
    })
}

fn on_path(path: Option<&OsStr>) -> Option<PathBuf> {
    env::split_paths(path?).map(|folder| folder.join("envoy")).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Refuses an Envoy that is too old, or that does not say how old it is.
pub(super) fn check_version(envoy: &Path) -> Result<(), CliError> {
    let output = Command::new(envoy)
        .arg("--version")
        .output()
        .map_err(CliError::system(format!("cannot run {} --version", envoy.display())))?;
    check_told(&String::from_utf8_lossy(&output.stdout)).map_err(|reason| {
        CliError::usage(format!("{}: {reason}; -ignore-envoy-compatibility runs it all the same", envoy.display()))
    })
}

/// Refuses the version that `-envoy-version` says, when an Envoy of it would be refused.
pub(super) fn check_said(version: &str) -> Result<(), CliError> {
    let wrong = |reason: String| {
        CliError::usage(format!("-envoy-version {version}: {reason}; -ignore-envoy-compatibility takes any"))
    };
    let numbers = numbers(version).ok_or_else(|| wrong("expected a version such as 1.40.0".to_owned()))?;
    check_numbers(numbers, version).map_err(wrong)
}

fn check_told(told: &str) -> Result<(), String> {
    let (numbers, version) = version(told).ok_or_else(|| format!("no version in what it says: {:?}", told.trim()))?;
    check_numbers(numbers, version)
}

fn check_numbers(numbers: (u32, u32), version: &str) -> Result<(), String> {
    if numbers < OLDEST {
        return Err(format!("Envoy {version} is too old: {}.{} or newer is needed", OLDEST.0, OLDEST.1));
    }
    Ok(())
}

/// Of `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
fn version(told: &str) -> Option<((u32, u32), &str)> {
    let (_, after) = told.split_once("version:")?;
    let version = after.trim().split('/').nth(1)?;
    Some((numbers(version)?, version))
}

/// Major and minor.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{check_said, check_told};

    #[test]
    fn a_version_that_is_said_is_held_to_what_one_that_is_asked_is() {
        assert!(check_said("1.40.0").is_ok());
        let told = |version| check_said(version).expect_err("it is refused").to_string();
        assert_eq!(
            told("1.30.9"),
            "-envoy-version 1.30.9: Envoy 1.30.9 is too old: 1.31 or newer is needed; -ignore-envoy-compatibility takes any"
        );
        assert!(told("new").starts_with("-envoy-version new: expected a version such as 1.40.0"));
    }

    #[test]
    fn an_old_envoy_is_refused_and_a_new_one_is_not() {
        let said = |version: &str| format!("\n/bin/envoy  version: 9e55/{version}/Clean/RELEASE/BoringSSL\n\n");
        assert_eq!(check_told(&said("1.31.0")), Ok(()));
        assert_eq!(check_told(&said("1.40.0-dev")), Ok(()));
        assert_eq!(check_told(&said("2.0.0")), Ok(()));
        let told = check_told(&said("1.30.9")).expect_err("it is too old");
        assert_eq!(told, "Envoy 1.30.9 is too old: 1.31 or newer is needed");
        assert!(check_told("usage: envoy").is_err_and(|told| told.starts_with("no version")));
    }
}
