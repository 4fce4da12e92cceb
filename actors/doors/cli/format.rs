//! In which form a command answers.

use std::io::Write;

use clap::ValueEnum;
use serde::Serialize as _;
use serde_json::Value;

use super::error::CliError;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Pretty,
    /// What the agent answered, for programs.
    Json,
}

/// With Consul's four spaces.
pub(super) fn json(out: &mut dyn Write, value: &Value) -> Result<(), CliError> {
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    value
        .serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter))
        .map_err(|error| CliError::Output(error.into()))?;
    text.push(b'\n');
    out.write_all(&text)?;
    Ok(())
}

/// The items of a list; nothing where there is none.
pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A field as people read it: text without quotes, nothing for null.
pub(super) fn text(object: &Value, field: &str) -> String {
    match &object[field] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{json, text};

    #[test]
    fn json_has_four_spaces() {
        let mut out = Vec::new();
        json(&mut out, &json!({ "Kind": "mesh" })).expect("a vector takes everything");
        assert_eq!(String::from_utf8_lossy(&out), "{\n    \"Kind\": \"mesh\"\n}\n");
    }

    #[test]
    fn fields_are_shown_without_quotes() {
        let object = json!({ "Name": "web", "Port": 80 });
        assert_eq!(["Name", "Port", "Tags"].map(|field| text(&object, field)), ["web", "80", ""]);
    }
}
