//! `chancery config`: the config entries.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::api::{AgentApi, percent_encoded};
use super::definition::{self, text_field};
use super::entries_together::{self, Named};
use super::error::CliError;
use super::flags::HttpFlags;
use super::format::json;
use super::given::expression;

#[derive(Subcommand)]
pub(super) enum Config {
    /// Create or replace config entries; several are written together, all or none
    #[command(
        name = "write",
        after_help = "Examples:\n\n    $ chancery config write web-defaults.hcl\n    \
            $ echo 'Kind = \"service-defaults\" Name = \"web\" Protocol = \"http\"' | chancery config write -\n    \
            $ chancery config write web-router.hcl web-resolver.hcl\n\n\
            Entries that are written together may lean on each other in any order, and no proxy sees some of them without \
            the others. A file may also hold several: config_entries { bootstrap = [{ ... }, { ... }] }."
    )]
    Put(Put),
    /// Print a config entry as JSON
    #[command(after_help = "Example:\n\n    $ chancery config read -kind service-defaults -name web")]
    Read(Read),
    /// Print the names of all config entries of a kind
    #[command(after_help = "Examples:\n\n    $ chancery config list -kind service-intentions\n    \
            $ chancery config list -kind service-defaults -filter 'MutualTLSMode == permissive'")]
    List(List),
    /// Delete a config entry
    #[command(after_help = "Example:\n\n    $ chancery config delete -kind service-defaults -name web")]
    Delete(Delete),
}

#[derive(Args)]
pub(super) struct Put {
    /// HCL or JSON; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    #[command(flatten)]
    cas: Cas,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(super) struct Read {
    /// The kind of the entry
    #[arg(long)]
    kind: String,
    /// The name of the entry
    #[arg(long)]
    name: String,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(super) struct List {
    /// The kind of the entries
    #[arg(long)]
    kind: String,
    /// Only those that this expression selects
    #[arg(long, value_name = "EXPRESSION", value_parser = expression)]
    filter: Option<String>,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(super) struct Delete {
    /// The kind of the entry
    #[arg(long, requires = "name", required_unless_present = "filename")]
    kind: Option<String>,
    /// The name of the entry
    #[arg(long, requires = "kind")]
    name: Option<String>,
    /// A file with the entry: its kind and name are read from it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "name"])]
    filename: Option<String>,
    #[command(flatten)]
    cas: Cas,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
struct Cas {
    /// Only if the entry is still at -modify-index
    #[arg(long)]
    cas: bool,
    /// The ModifyIndex to compare with; when writing, 0 means that the entry must not exist
    #[arg(long, value_name = "INDEX")]
    modify_index: Option<u64>,
}

impl Cas {
    /// The index to compare with, as a parameter of the request.
    fn index(&self, for_delete: bool) -> Result<Option<String>, CliError> {
        match (self.cas, self.modify_index) {
            (false, None) => Ok(None),
            (false, Some(_)) => Err(CliError::usage("-modify-index is only compared with -cas")),
            (true, None | Some(0)) if for_delete => {
                Err(CliError::usage("-cas needs the -modify-index of the entry that is to be deleted"))
            }
            (true, index) => Ok(Some(index.unwrap_or(0).to_string())),
        }
    }
}

impl Config {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Put(command) => command.run(out),
            Self::Read(command) => command.run(out),
            Self::List(command) => command.run(out),
            Self::Delete(command) => command.run(out),
        }
    }
}

impl Put {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let index = self.cas.index(false)?;
        let entries = self.entries()?;
        let api = self.http.connect()?;
        match (&entries[..], &index) {
            ([one], _) => put(&api, one, index.as_deref())?,
            (_, Some(_)) => return Err(CliError::usage("-cas compares one entry: write the others without it")),
            (several, None) => entries_together::put(&api, several)?,
        }
        for Named { kind, name, .. } in &entries {
            writeln!(out, "Config entry written: {kind}/{name}")?;
        }
        Ok(())
    }

    /// Of all files, in the order given.
    fn entries(&self) -> Result<Vec<Named>, CliError> {
        let mut entries = Vec::new();
        for file in &self.files {
            let found = definition::entries(definition::read(file)?).map_err(|reason| CliError::file(file, &reason))?;
            for entry in found {
                let (kind, name) = key(&entry, file)?;
                entries.push(Named { file: file.clone(), kind, name, entry });
            }
        }
        Ok(entries)
    }
}

fn put(api: &AgentApi, one: &Named, index: Option<&str>) -> Result<(), CliError> {
    let query: Vec<_> = index.iter().map(|index| ("cas", *index)).collect();
    let written = api.put("/v1/config", &query, Some(&one.entry))?;
    if written == Value::Bool(false) { Err(outdated("written", &one.kind, &one.name)) } else { Ok(()) }
}

impl Read {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let entry = self.http.connect()?.get(&path(&self.kind, &self.name), &[])?;
        json(out, &entry)
    }
}

impl List {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let query: Vec<_> = self.filter.iter().map(|filter| ("filter", filter.as_str())).collect();
        let entries = self.http.connect()?.get(&format!("/v1/config/{}", percent_encoded(&self.kind)), &query)?;
        for entry in entries.as_array().into_iter().flatten() {
            // entries of a kind that has only one name may come without it
            writeln!(out, "{}", text_field(entry, "Name").unwrap_or(&self.kind))?;
        }
        Ok(())
    }
}

impl Delete {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let index = self.cas.index(true)?;
        let (kind, name) = match (&self.filename, &self.kind, &self.name) {
            (Some(file), _, _) => key(&Value::Object(definition::read(file)?), file)?,
            (None, Some(kind), Some(name)) => (kind.clone(), name.clone()),
            _ => return Err(CliError::usage("name the entry: -kind and -name, or -filename")),
        };
        let query: Vec<_> = index.iter().map(|index| ("cas", index.as_str())).collect();
        let deleted = self.http.connect()?.delete(&path(&kind, &name), &query)?;
        if deleted == Value::Bool(false) {
            return Err(outdated("deleted", &kind, &name));
        }
        writeln!(out, "Config entry deleted: {kind}/{name}")?;
        Ok(())
    }
}

fn path(kind: &str, name: &str) -> String {
    format!("/v1/config/{}/{}", percent_encoded(kind), percent_encoded(name))
}

fn outdated(done: &str, kind: &str, name: &str) -> CliError {
    CliError::usage(format!("Config entry not {done}: {kind}/{name} is not at that -modify-index: read it again"))
}

/// Kind and name of the entry in a file. `mesh` is the one kind whose name need not be said.
fn key(entry: &Value, file: &str) -> Result<(String, String), CliError> {
    let kind = text_field(entry, "Kind").ok_or_else(|| CliError::file(file, &"an entry needs a Kind"))?;
    let name = text_field(entry, "Name").or((kind == "mesh").then_some("mesh"));
    let name = name.ok_or_else(|| CliError::file(file, &"an entry needs a Name"))?;
    Ok((kind.to_owned(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Cas, key};

    #[test]
    fn an_index_is_compared_only_when_asked() {
        let index =
            |cas, modify_index, delete| Cas { cas, modify_index }.index(delete).map_err(|error| error.to_string());
        assert_eq!(index(false, None, false), Ok(None));
        assert_eq!(index(true, None, false), Ok(Some("0".to_owned())), "the entry must not exist");
        assert_eq!(index(true, Some(7), true), Ok(Some("7".to_owned())));
        assert!(index(false, Some(7), false).is_err_and(|told| told.contains("-cas")));
        assert!(index(true, None, true).is_err_and(|told| told.contains("-modify-index")));
    }

    #[test]
    fn kind_and_name_are_found_in_any_spelling() {
        let found = |entry| key(&entry, "a.hcl").map_err(|error| error.to_string());
        assert_eq!(found(json!({ "kind": "mesh" })), Ok(("mesh".to_owned(), "mesh".to_owned())));
        let both = json!({ "Kind": "service-defaults", "Name": "web" });
        assert_eq!(found(both), Ok(("service-defaults".to_owned(), "web".to_owned())));
        assert_eq!(found(json!({ "Kind": "service-defaults" })), Err("a.hcl: an entry needs a Name".to_owned()));
        assert_eq!(found(json!({})), Err("a.hcl: an entry needs a Kind".to_owned()));
    }
}
