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
    let wanted = spelling::normal(field);
    let (_, value) = object.as_object()?.iter().find(|(key, _)| spelling::normal(key) == wanted)?;
    value.as_str().filter(|text| !text.is_empty())
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

    use super::{parse, services, text_field};

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
