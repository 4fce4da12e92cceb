//! `chancery snapshot`: the agent's whole state in a file.

mod decode;
mod inspect;

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::error::CliError;
use super::flags::HttpFlags;
use decode::Decode;
use inspect::Inspect;

#[derive(Subcommand)]
pub(super) enum Snapshot {
    /// Write the state of the agent into a file; it holds private keys, so only you may read it
    #[command(after_help = "Examples:\n\n    $ chancery snapshot save backup.snap\n    $ chancery snapshot save \
                            -append-filename=version,dc backup.snap")]
    Save(Save),
    /// Replace the state of the agent by that of a file
    #[command(after_help = "Example:\n\n    $ chancery snapshot restore backup.snap")]
    Restore(Restore),
    Inspect(Inspect),
    Decode(Decode),
}

#[derive(Args)]
pub(super) struct Save {
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the name of the file tells of the agent, too, before its extension; several with commas between them
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    append_filename: Vec<Told>,
    #[command(flatten)]
    http: HttpFlags,
}

/// In the order in which a name tells it, however it was asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Told {
    Version,
    Dc,
    Node,
    Status,
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
            Self::Inspect(inspect) => inspect.run(out),
            Self::Decode(decode) => decode.run(out),
        }
    }
}

impl Save {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let agent = self.http.connect()?;
        let file = match &self.append_filename[..] {
            [] => self.file.clone(),
            asked => telling(&self.file, asked, &agent.get("/v1/agent/self", &[])?),
        };
        let answer = agent.fetch("/v1/snapshot", &[])?;
        write_whole(&file, &answer.body).map_err(|error| CliError::file(&file.display().to_string(), &error))?;
        let index = answer.headers.get("x-consul-index").and_then(|index| index.to_str().ok()).unwrap_or("unknown");
        writeln!(out, "Saved snapshot to index {index}: {} ({} bytes)", file.display(), answer.body.len())?;
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

/// The name of a file with what was asked for of an agent, as it describes itself, before the extension.
fn telling(file: &Path, asked: &[Told], agent: &Value) -> PathBuf {
    let config = |field: &str| agent["Config"][field].as_str().unwrap_or_default().to_owned();
    let leads = agent["Stats"]["consul"]["leader"] == "true";
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    for told in asked.iter().collect::<BTreeSet<_>>() {
        let text = match told {
            Told::Version => config("Version"),
            Told::Dc => config("Datacenter"),
            Told::Node => config("NodeName"),
            Told::Status => if leads { "leader" } else { "follower" }.to_owned(),
        };
        name.push(format!("-{text}"));
    }
    if let Some(extension) = file.extension() {
        name.push(".");
        name.push(extension);
    }
    file.with_file_name(name)
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
    use std::path::Path;

    use serde_json::json;

    use super::{Told, telling, write_whole};

    #[test]
    fn a_name_tells_what_was_asked_for_before_its_extension_in_one_order() {
        let agent = json!({
            "Config": { "Version": "1.21.0", "Datacenter": "dc1", "NodeName": "n.1" },
            "Stats": { "consul": { "leader": "true" } },
        });
        let name = |file: &str, asked: &[Told]| telling(Path::new(file), asked, &agent).display().to_string();
        let all = [Told::Status, Told::Node, Told::Dc, Told::Version, Told::Dc];
        assert_eq!(name("/b/a.snap", &all), "/b/a-1.21.0-dc1-n.1-leader.snap");
        assert_eq!(name("a", &[Told::Dc]), "a-dc1");
        assert_eq!(name("a.b.snap", &[Told::Node]), "a.b-n.1.snap");
    }

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
