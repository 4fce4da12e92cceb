//! `chancery snapshot`: the agent's whole state in a file.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::error::CliError;
use super::flags::HttpFlags;

#[derive(Subcommand)]
pub(super) enum Snapshot {
    /// Write the state of the agent into a file; it holds private keys, so only you may read it
    #[command(after_help = "Example:\n\n    $ chancery snapshot save backup.snap")]
    Save(Save),
    /// Replace the state of the agent by that of a file
    #[command(after_help = "Example:\n\n    $ chancery snapshot restore backup.snap")]
    Restore(Restore),
}

#[derive(Args)]
pub(super) struct Save {
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(super) struct Restore {
    /// The file that `snapshot save` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    http: HttpFlags,
}

impl Snapshot {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Save(save) => save.run(out),
            Self::Restore(restore) => restore.run(out),
        }
    }
}

impl Save {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let answer = self.http.connect()?.fetch("/v1/snapshot", &[])?;
        write_whole(&self.file, &answer.body)
            .map_err(|error| CliError::file(&self.file.display().to_string(), &error))?;
        let index = answer.headers.get("x-consul-index").and_then(|index| index.to_str().ok()).unwrap_or("unknown");
        writeln!(out, "Saved snapshot to index {index}: {} ({} bytes)", self.file.display(), answer.body.len())?;
        Ok(())
    }
}

impl Restore {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let state = fs::read(&self.file).map_err(|error| CliError::file(&self.file.display().to_string(), &error))?;
        self.http.connect()?.put_bytes("/v1/snapshot", &[], state.into())?;
        writeln!(out, "Restored snapshot")?;
        Ok(())
    }
}

/// The file has all of it or is not there: an older one stays until the new one is on the disk.
fn write_whole(file: &Path, state: &[u8]) -> std::io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let unfinished = file.with_file_name(name);
    let written = || {
        let mut target = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        target.write_all(state)?;
        target.sync_all()?;
        fs::rename(&unfinished, file)
    };
    written().inspect_err(|_| _ = fs::remove_file(&unfinished))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::write_whole;

    #[test]
    fn a_snapshot_is_for_its_owner_and_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("a.snap");
        for state in [b"one".as_slice(), b"another"] {
            write_whole(&file, state).expect("it can be written");
            assert_eq!(std::fs::read(&file).expect("it is there"), state);
        }
        let mode = std::fs::metadata(&file).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing unfinished is left");
        assert!(write_whole(&folder.path().join("none/a.snap"), b"x").is_err());
    }
}
