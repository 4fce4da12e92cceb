//! `chancery snapshot inspect`: how much of what is in a file.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use chancery::catalog::archive::{self, Contents};
use clap::{Args, value_parser};
use serde_json::{Value, json};

use crate::doors::cli::columns::columns;
use crate::doors::cli::error::CliError;
use crate::doors::cli::format::{Format, json};

const DEPTH: u16 = 2;

/// Tell what a file holds; no agent is asked
#[derive(Args)]
#[command(
    after_help = "Sizes are those of the records in the file.\n\nExamples:\n\n    $ chancery snapshot inspect backup.snap\n    \
                        $ chancery snapshot inspect -kvdetails -kvdepth=3 -kvfilter=shop/ backup.snap"
)]
pub(in crate::doors::cli) struct Inspect {
    /// The file that `snapshot save` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Tell which keys take the room
    #[arg(long)]
    kvdetails: bool,
    /// With -kvdetails: how many parts of a key, between slashes, its group is named by [default: 2]
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u16).range(1..))]
    kvdepth: Option<u16>,
    /// With -kvdetails: only keys that begin with this
    #[arg(long, value_name = "PREFIX")]
    kvfilter: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What one row counts: its name, how many records, their bytes.
type Row = (String, usize, usize);

impl Inspect {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        if !self.kvdetails && (self.kvdepth.is_some() || self.kvfilter.is_some()) {
            return Err(CliError::usage("-kvdepth and -kvfilter say which keys -kvdetails tells of: give that, too"));
        }
        let wrong = |error: &dyn std::fmt::Display| CliError::file(&self.file.display().to_string(), error);
        let state = fs::read(&self.file).map_err(|error| wrong(&error))?;
        let contents = archive::inspect(&state).map_err(|error| wrong(&error))?;
        let kinds = contents.kinds.iter().map(|(name, (count, bytes))| ((*name).to_owned(), *count, *bytes));
        let kinds = largest_first(kinds.collect());
        let keys = self
            .kvdetails
            .then(|| grouped(&contents, self.kvdepth.unwrap_or(DEPTH), self.kvfilter.as_deref().unwrap_or_default()));
        match self.format {
            Format::Json => json(out, &value(&contents, state.len(), &kinds, keys.as_deref()))?,
            Format::Pretty => out.write_all(lines(&contents, state.len(), &kinds, keys.as_deref()).as_bytes())?,
        }
        Ok(())
    }
}

/// The keys that begin with `prefix`, by their first `depth` parts.
fn grouped(of: &Contents, depth: u16, prefix: &str) -> Vec<Row> {
    let mut groups: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (key, bytes) in of.keys.iter().filter(|(key, _)| key.as_str().starts_with(prefix)) {
        let name = key.as_str().split('/').take(depth.into()).collect::<Vec<_>>().join("/");
        let (count, sum) = groups.entry(name).or_default();
        *count += 1;
        *sum += bytes;
    }
    largest_first(groups.into_iter().map(|(name, (count, sum))| (name, count, sum)).collect())
}

fn largest_first(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_key(|(_, _, bytes)| Reverse(*bytes));
    rows
}

fn total(rows: &[Row]) -> usize {
    rows.iter().map(|(_, _, bytes)| bytes).sum()
}

fn value(of: &Contents, bytes: usize, kinds: &[Row], keys: Option<&[Row]>) -> Value {
    let rows = |rows: &[Row]| -> Vec<Value> {
        rows.iter().map(|(name, count, bytes)| json!({ "Name": name, "Count": count, "Sum": bytes })).collect()
    };
    let mut value = json!({
        "Meta": { "ID": of.hash, "Size": bytes, "Index": of.index, "Version": of.version },
        "Stats": rows(kinds),
        "TotalSize": total(kinds),
    });
    if let Some(keys) = keys {
        value["StatsKV"] = rows(keys).into();
        value["TotalSizeKV"] = total(keys).into();
    }
    value
}

fn lines(of: &Contents, bytes: usize, kinds: &[Row], keys: Option<&[Row]>) -> String {
    let meta = [
        ["ID".to_owned(), of.hash.clone()],
        ["Size".to_owned(), bytes.to_string()],
        ["Index".to_owned(), of.index.to_string()],
        ["Version".to_owned(), of.version.to_string()],
    ];
    let table = |head: &str, rows: &[Row]| {
        let ruler = ["----"; 3].map(str::to_owned);
        let head = [head, "Count", "Size"].map(str::to_owned);
        let body = rows.iter().map(|(name, count, bytes)| [name.clone(), count.to_string(), readable(*bytes)]);
        let sum = ["Total".to_owned(), String::new(), readable(total(rows))];
        columns(&[head, ruler.clone()].into_iter().chain(body).chain([ruler, sum]).collect::<Vec<_>>())
    };
    let mut tables = vec![columns(&meta), table("Type", kinds)];
    tables.extend(keys.map(|keys| table("Key Name", keys)));
    tables.join("\n")
}

/// With one decimal, where it is not zero: `344B`, `1.7KB`, `5KB`.
fn readable(bytes: usize) -> String {
    let (mut whole, mut tenths, mut unit) = (bytes, 0, "B");
    for larger in ["KB", "MB", "GB", "TB"] {
        if whole < 1024 {
            break;
        }
        (whole, tenths, unit) = (whole / 1024, whole % 1024 * 10 / 1024, larger);
    }
    if tenths == 0 { format!("{whole}{unit}") } else { format!("{whole}.{tenths}{unit}") }
}

#[cfg(test)]
mod tests {
    use chancery::model::Index;

    use super::*;

    fn contents(keys: &[(&str, usize)]) -> Contents {
        let keys = keys.iter().map(|(key, bytes)| ((*key).into(), *bytes)).collect();
        Contents { version: 1, index: Index(7), hash: "ab".to_owned(), kinds: BTreeMap::new(), keys }
    }

    #[test]
    fn keys_are_grouped_by_their_first_parts_and_the_largest_group_comes_first() {
        let keys = contents(&[("a/b/c", 10), ("a/b/d", 20), ("a/bc", 40), ("z", 5), ("/x/y", 1)]);
        let rows = |depth, prefix| grouped(&keys, depth, prefix);
        let row = |name: &str, count, bytes| (name.to_owned(), count, bytes);
        assert_eq!(rows(2, ""), [row("a/bc", 1, 40), row("a/b", 2, 30), row("z", 1, 5), row("/x", 1, 1)]);
        assert_eq!(rows(1, ""), [row("a", 3, 70), row("z", 1, 5), row("", 1, 1)]);
        assert_eq!(rows(9, "a/b/"), [row("a/b/d", 1, 20), row("a/b/c", 1, 10)]);
        assert_eq!(rows(2, "none"), []);
    }

    #[test]
    fn sizes_are_readable() {
        let told = [0, 344, 1023, 1024, 1741, 5120, 1_048_576, 4_625_420_898].map(readable);
        assert_eq!(told, ["0B", "344B", "1023B", "1KB", "1.7KB", "5KB", "1MB", "4.3GB"]);
    }
}
