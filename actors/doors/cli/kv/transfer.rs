//! `chancery kv export` and `kv import`: keys as a JSON list, from one store into another.

use std::io::Write;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{path, plain};
use crate::doors::cli::error::CliError;
use crate::doors::cli::flags::HttpFlags;
use crate::doors::cli::format::{items, text};
use crate::doors::cli::given::data;

#[derive(Args)]
pub(in crate::doors::cli) struct Export {
    /// Only keys below it
    #[arg(value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(in crate::doors::cli) struct Import {
    /// The JSON: text, @file, or - for standard input
    #[arg(value_name = "DATA")]
    data: String,
    /// Set in front of every key
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
    #[command(flatten)]
    http: HttpFlags,
}

/// One key in the list.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: String,
    #[serde(default)]
    flags: u64,
    /// In base64.
    value: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    namespace: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    partition: String,
}

impl Export {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let pairs = self.http.connect()?.find(&path(plain(&self.prefix)), &[("recurse", "")])?.unwrap_or_default();
        out.write_all(&exported(&pairs)?)?;
        Ok(())
    }
}

impl Import {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        // all of it is read before the first key is set: a wrong list changes nothing
        let entries =
            imported(&data(&self.data)?, &self.prefix).map_err(|reason| CliError::file(&self.data, &reason))?;
        let api = self.http.connect()?;
        for (key, flags, value) in entries {
            let flags = flags.to_string();
            if api.put_bytes(&path(&key), &[("flags", &flags)], value.into())? == json!(false) {
                return Err(CliError::usage(format!("Error! Did not write to {key}")));
            }
            writeln!(out, "Imported: {key}")?;
        }
        Ok(())
    }
}

/// With Consul's tabs.
fn exported(pairs: &Value) -> Result<Vec<u8>, CliError> {
    let entries: Vec<Entry> = items(pairs)
        .map(|pair| Entry {
            key: text(pair, "Key"),
            flags: pair["Flags"].as_u64().unwrap_or_default(),
            value: text(pair, "Value"),
            namespace: text(pair, "Namespace"),
            partition: text(pair, "Partition"),
        })
        .collect();
    let mut list = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    entries
        .serialize(&mut serde_json::Serializer::with_formatter(&mut list, formatter))
        .map_err(|error| CliError::Output(error.into()))?;
    list.push(b'\n');
    Ok(list)
}

type Pair = (String, u64, Vec<u8>);

fn imported(list: &[u8], prefix: &str) -> Result<Vec<Pair>, String> {
    let entries: Vec<Entry> = serde_json::from_slice(list).map_err(|error| error.to_string())?;
    let pair = |entry: Entry| {
        let own = |name: &str| name.is_empty() || name == "default";
        if !own(&entry.namespace) || !own(&entry.partition) {
            return Err(format!("{}: there is one namespace and one partition, `default`", entry.key));
        }
        let value = BASE64_STANDARD
            .decode(&entry.value)
            .map_err(|error| format!("{}: its value is not base64: {error}", entry.key))?;
        Ok((format!("{prefix}{}", plain(&entry.key)), entry.flags, value))
    };
    entries.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{exported, imported};

    #[test]
    fn what_is_exported_can_be_imported() {
        let pairs = json!([{ "Key": "app/a", "Flags": 7, "Value": "aGk=" }, { "Key": "app/b", "Value": null }]);
        let list = exported(&pairs).expect("a vector takes everything");
        assert!(String::from_utf8_lossy(&list).starts_with("[\n\t{\n\t\t\"key\": \"app/a\",\n"));
        let pairs = imported(&list, "copy/").expect("it was exported");
        assert_eq!(pairs, [("copy/app/a".to_owned(), 7, b"hi".to_vec()), ("copy/app/b".to_owned(), 0, Vec::new())]);
    }

    #[test]
    fn a_list_that_is_wrong_says_where() {
        let told = |list: &str| imported(list.as_bytes(), "").expect_err("it is wrong");
        assert!(told("{}").contains("expected a sequence"));
        assert!(told(r#"[{ "key": "a", "value": "!" }]"#).starts_with("a: its value is not base64"));
        assert!(told(r#"[{ "key": "a", "value": "", "namespace": "x" }]"#).contains("one namespace"));
    }
}
