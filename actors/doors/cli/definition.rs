//! Files given to commands: HCL or JSON, or `-` for standard input.

use std::io::Read;
use std::path::Path;

use chancery::wire::{Document, Format, spelling};
use serde_json::{Map, Value};

use super::error::CliError;

/// What the file says, always an object.
pub(super) fn read(path: &str) -> Result<Map<String, Value>, CliError> {
    let (shown, text, format) = if path == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| CliError::file("standard input", &error))?;
        let format = Format::sniff(&text);
        ("standard input", text, format)
    } else {
        let text = std::fs::read_to_string(path).map_err(|error| CliError::file(path, &error))?;
        (path, text, Format::of(Path::new(path)))
    };
    parse(&text, format).map_err(|reason| CliError::file(shown, &reason))
}

fn parse(text: &str, format: Format) -> Result<Map<String, Value>, String> {
    match Document::read(text, format).map_err(|error| error.to_string())?.value {
        Value::Object(object) => Ok(object),
        other => Err(format!("must hold an object, holds {other}")),
    }
}

/// A field in any of its spellings (`Name`, `name`), as text.
pub(super) fn text_field<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    member(object, field)?.as_str().filter(|text| !text.is_empty())
}

/// Takes a field out, in whatever spelling.
pub(super) fn remove(object: &mut Value, field: &str) {
    let wanted = spelling::normal(field);
    if let Some(object) = object.as_object_mut() {
        object.retain(|key, _| spelling::normal(key) != wanted);
    }
}

/// The same, whatever it holds.
fn member<'a>(object: &'a Value, field: &str) -> Option<&'a Value> {
    let wanted = spelling::normal(field);
    object.as_object()?.iter().find(|(key, _)| spelling::normal(key) == wanted).map(|(_, value)| value)
}

/// The config entries of a file: it is one, or has several in `config_entries { bootstrap }` as files of the agent do.
pub(super) fn entries(object: Map<String, Value>) -> Result<Vec<Value>, String> {
    let one = Value::Object(object);
    let Some(block) = member(&one, "ConfigEntries") else { return Ok(vec![one]) };
    let block = block.as_array().filter(|blocks| blocks.len() == 1).map_or(block, |blocks| &blocks[0]);
    let several = match member(block, "Bootstrap") {
        Some(Value::Array(several)) => several.clone(),
        Some(one @ Value::Object(_)) => vec![one.clone()],
        _ => return Err("config_entries must hold its entries in `bootstrap`".to_owned()),
    };
    if several.is_empty() { Err("there is no entry in config_entries.bootstrap".to_owned()) } else { Ok(several) }
}

/// The objects of `service` and `services` blocks, in the order written.
pub(super) fn services(object: Map<String, Value>) -> Result<Vec<Value>, String> {
    let mut services = Vec::new();
    for (key, value) in object {
        if !matches!(spelling::normal(&key).as_str(), "service" | "services") {
            return Err(format!("{key}: only `service` and `services` can be registered"));
        }
        match value {
            Value::Array(several) => services.extend(several),
            one => services.push(one),
        }
    }
    match services.iter().find(|service| text_field(service, "Name").is_none()) {
        Some(nameless) => Err(format!("a service needs a name: {nameless}")),
        None if services.is_empty() => Err("there is no `service` in it".to_owned()),
        None => Ok(services),
    }
}

#[cfg(test)]
mod tests {
    use chancery::wire::Format;
    use serde_json::json;

    use super::{entries, parse, services, text_field};

    fn of(text: &str, format: Format) -> Result<Vec<serde_json::Value>, String> {
        services(parse(text, format)?)
    }

    #[test]
    fn services_are_found_in_blocks_and_lists() {
        let found = of("service { name = \"web\" }\nservices { name = \"db\" }", Format::Hcl).expect("two services");
        assert_eq!(found.iter().filter_map(|service| text_field(service, "Name")).collect::<Vec<_>>(), ["web", "db"]);
        let found = of(r#"{ "Services": [{ "Name": "a" }, { "Name": "b" }] }"#, Format::Json).expect("two services");
        assert_eq!(found, [json!({ "Name": "a" }), json!({ "Name": "b" })]);
    }

    #[test]
    fn a_file_is_one_entry_or_has_several() {
        let of = |text: &str, format| entries(parse(text, format)?);
        let names = |found: Vec<serde_json::Value>| {
            found.iter().filter_map(|entry| text_field(entry, "Name").map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(names(of("Kind = \"mesh\" Name = \"mesh\"", Format::Hcl).unwrap()), ["mesh"]);
        let several = "config_entries { bootstrap = [{ kind = \"x\" name = \"a\" }, { kind = \"x\" name = \"b\" }] }";
        assert_eq!(names(of(several, Format::Hcl).unwrap()), ["a", "b"]);
        let blocks =
            "config_entries { bootstrap { kind = \"x\" name = \"a\" } bootstrap { kind = \"x\" name = \"b\" } }";
        assert_eq!(names(of(blocks, Format::Hcl).unwrap()), ["a", "b"]);
        assert!(of("config_entries { bootstrap = [] }", Format::Hcl).is_err());
        assert!(of("config_entries { }", Format::Hcl).is_err());
    }

    #[test]
    fn what_is_no_service_is_refused() {
        for (text, told) in [
            (r#"{ "Name": "web" }"#, "Name: only `service` and `services` can be registered"),
            (r#"{ "service": { "Port": 1 } }"#, "a service needs a name: {\"Port\":1}"),
            ("{}", "there is no `service` in it"),
        ] {
            assert_eq!(of(text, Format::Json), Err(told.to_owned()));
        }
    }
}
