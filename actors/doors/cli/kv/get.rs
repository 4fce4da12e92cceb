//! `chancery kv get`.

use std::io::Write;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use serde_json::Value;

use super::{missing, path, plain};
use crate::doors::cli::columns::columns;
use crate::doors::cli::error::CliError;
use crate::doors::cli::flags::HttpFlags;
use crate::doors::cli::format::{items, text};

#[derive(Args)]
pub(in crate::doors::cli) struct Get {
    /// The key, or the prefix for -recurse and -keys
    #[arg(value_name = "KEY", default_value = "", hide_default_value = true)]
    key: String,
    /// Print values in base64
    #[arg(long)]
    base64: bool,
    /// Print all that is known of a key
    #[arg(long)]
    detailed: bool,
    /// Print the names of the keys below the prefix
    #[arg(long)]
    keys: bool,
    /// Print all keys below the prefix, with their values
    #[arg(long)]
    recurse: bool,
    /// With -keys: names end at the first of these after the prefix
    #[arg(long, value_name = "TEXT", default_value = "/")]
    separator: String,
    #[command(flatten)]
    http: HttpFlags,
}

impl Get {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let key = plain(&self.key);
        if key.is_empty() && !self.keys && !self.recurse {
            return Err(CliError::usage("name a key, or ask for all of them with -keys or -recurse"));
        }
        let api = self.http.connect()?;
        if self.keys {
            let query = [("keys", ""), ("separator", self.separator.as_str())];
            let query = if self.separator.is_empty() { &query[..1] } else { &query[..] };
            let keys = api.find(&path(key), query)?.unwrap_or_default();
            for key in items(&keys).filter_map(Value::as_str) {
                writeln!(out, "{key}")?;
            }
            return Ok(());
        }
        if self.recurse {
            let pairs = api.find(&path(key), &[("recurse", "")])?.unwrap_or_default();
            for (at, pair) in items(&pairs).enumerate() {
                if self.detailed {
                    write!(out, "{}", if at > 0 { "\n" } else { "" })?;
                    self.details(pair, out)?;
                } else {
                    write!(out, "{}:", text(pair, "Key"))?;
                    out.write_all(&self.value(pair)?)?;
                    writeln!(out)?;
                }
            }
            return Ok(());
        }
        let pairs = api.find(&path(key), &[])?.ok_or_else(|| missing(key))?;
        let pair = items(&pairs).next().ok_or_else(|| missing(key))?;
        if self.detailed {
            return self.details(pair, out);
        }
        out.write_all(&self.value(pair)?)?;
        writeln!(out)?;
        Ok(())
    }

    fn value(&self, pair: &Value) -> Result<Vec<u8>, CliError> {
        let encoded = text(pair, "Value");
        if self.base64 {
            return Ok(encoded.into_bytes());
        }
        BASE64_STANDARD.decode(encoded).map_err(|error| CliError::Misread {
            request: format!("GET {}", path(&text(pair, "Key"))),
            reason: format!("`Value` is not base64: {error}"),
        })
    }

    fn details(&self, pair: &Value, out: &mut dyn Write) -> Result<(), CliError> {
        let session = text(pair, "Session");
        let value = String::from_utf8_lossy(&self.value(pair)?).into_owned();
        let mut rows: Vec<[String; 2]> = ["CreateIndex", "Flags", "Key", "LockIndex", "ModifyIndex"]
            .map(|field| [field.to_owned(), text(pair, field)])
            .to_vec();
        rows.push(["Session".to_owned(), if session.is_empty() { "-".to_owned() } else { session }]);
        rows.push(["Value".to_owned(), value]);
        out.write_all(columns(&rows).as_bytes())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Get;
    use crate::doors::cli::flags::HttpFlags;

    fn details(base64: bool) -> String {
        let get = Get {
            key: "a".to_owned(),
            base64,
            detailed: true,
            keys: false,
            recurse: false,
            separator: "/".to_owned(),
            http: HttpFlags::default(),
        };
        let pair =
            json!({ "Key": "a", "Value": "aGk=", "Flags": 3, "CreateIndex": 1, "ModifyIndex": 2, "LockIndex": 0 });
        let mut out = Vec::new();
        get.details(&pair, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("it is text")
    }

    #[test]
    fn all_that_is_known_of_a_key_stands_in_rows() {
        let wanted = "CreateIndex  1\nFlags        3\nKey          a\nLockIndex    0\nModifyIndex  2\nSession      -\n\
            Value        hi\n";
        assert_eq!(details(false), wanted);
        assert!(details(true).ends_with("Value        aGk=\n"));
    }
}
