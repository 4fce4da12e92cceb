//! Files may be loose where the API is exact: `port = "8080"`, `upstreams { … }` for a list of one. A registration read
//! from a file is made exact here before it is sent; whatever cannot be is sent as it is, for the agent to name.

use chancery::wire::spelling;
use serde_json::{Map, Value};

/// What the API wants of a field.
enum Shape {
    Number,
    Flag,
    Text,
    Texts,
    Object,
    Objects,
    /// Names to text.
    TextMap,
    /// Names to lists of text.
    TextsMap,
    /// Names to objects.
    ObjectMap,
}

/// By the field's name in its compared form. Fields that are in no list take what they are given.
fn shape(field: &str) -> Option<Shape> {
    Some(match field {
        "port"
        | "localserviceport"
        | "localbindport"
        | "passing"
        | "warning"
        | "successbeforepassing"
        | "failuresbeforewarning"
        | "failuresbeforecritical"
        | "outputmaxsize" => Shape::Number,
        "enabletagoverride" | "native" | "disableredirects" | "tlsskipverify" | "tcpusetls" => Shape::Flag,
        "id"
        | "name"
        | "kind"
        | "address"
        | "socketpath"
        | "region"
        | "zone"
        | "checkid"
        | "serviceid"
        | "notes"
        | "status"
        | "http"
        | "method"
        | "body"
        | "tcp"
        | "tlsservername"
        | "aliasnode"
        | "aliasservice"
        | "destinationservicename"
        | "destinationserviceid"
        | "localserviceaddress"
        | "localservicesocketpath"
        | "destinationname"
        | "datacenter"
        | "localbindaddress"
        | "localbindsocketpath"
        | "localbindsocketmode" => Shape::Text,
        "tags" => Shape::Texts,
        "check" | "connect" | "sidecarservice" | "proxy" | "weights" | "locality" => Shape::Object,
        "checks" | "upstreams" => Shape::Objects,
        "meta" => Shape::TextMap,
        "header" => Shape::TextsMap,
        "taggedaddresses" => Shape::ObjectMap,
        // a proxy's own config passes through as it was written
        _ => return None,
    })
}

/// A registration, with every field of the type that the API asks for.
pub(super) fn exact(value: Value) -> Value {
    match value {
        Value::Object(object) => each(object, |key, value| match shape(&spelling::normal(key)) {
            Some(shape) => fit(&shape, value),
            None => value,
        }),
        other => other,
    }
}

fn fit(shape: &Shape, value: Value) -> Value {
    match (shape, value) {
        (Shape::Number, Value::String(text)) => {
            text.trim().parse::<i64>().map(Value::from).unwrap_or(Value::String(text))
        }
        (Shape::Flag, Value::String(text)) => match text.as_str() {
            "true" | "1" => Value::Bool(true),
            "false" | "0" => Value::Bool(false),
            _ => Value::String(text),
        },
        (Shape::Text, value) => as_text(value),
        (Shape::Texts, value) => as_texts(value),
        (Shape::Object, value) => exact(only(value)),
        (Shape::Objects, Value::Array(items)) => items.into_iter().map(exact).collect(),
        (Shape::Objects, one @ Value::Object(_)) => Value::Array(vec![exact(one)]),
        (Shape::TextMap, value) => members(value, as_text),
        (Shape::TextsMap, value) => members(value, as_texts),
        (Shape::ObjectMap, value) => members(value, |member| exact(only(member))),
        (_, other) => other,
    }
}

fn as_text(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Bool(flag) => Value::String(flag.to_string()),
        other => other,
    }
}

fn as_texts(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(as_text).collect(),
        one @ (Value::String(_) | Value::Number(_) | Value::Bool(_)) => Value::Array(vec![as_text(one)]),
        other => other,
    }
}

/// The only item of a list of one.
fn only(value: Value) -> Value {
    match value {
        Value::Array(mut items) if items.len() == 1 => items.remove(0),
        other => other,
    }
}

fn members(value: Value, change: impl Fn(Value) -> Value) -> Value {
    match only(value) {
        Value::Object(object) => each(object, |_, member| change(member)),
        other => other,
    }
}

fn each(object: Map<String, Value>, change: impl Fn(&str, Value) -> Value) -> Value {
    let changed = object.into_iter().map(|(key, value)| {
        let value = change(&key, value);
        (key, value)
    });
    Value::Object(changed.collect())
}

#[cfg(test)]
mod tests {
    use chancery::model::NodeName;
    use chancery::wire::{Document, Format, Typing, registration};
    use serde_json::json;

    use super::exact;

    const LOOSE: &str = r#"
        name = "web"
        port = "8080"
        tags = "v1"
        meta { build = 7 }
        weights = [{ passing = "3" }]
        tagged_addresses { lan { address = "10.0.0.1" port = "80" } }
        check { http = "http://127.0.0.1:8080/" interval = "10s" header { Accept = "text/plain" } tls_skip_verify = "true" }
        connect {
          sidecar_service {
            proxy {
              upstreams { destination_name = "db" local_bind_socket_path = "/run/db" local_bind_socket_mode = 700 }
              local_service_port = "8080"
              config { protocol = "http" nested { port = "text stays text" } }
            }
          }
        }
    "#;

    #[test]
    fn an_exact_registration_means_what_the_loose_one_meant() {
        let loose = Document::read(LOOSE, Format::Hcl).expect("it is HCL").value;
        let node = NodeName::from("n1");
        let meant = registration::service(&loose, Typing::Weak, &node).expect("files may be loose");
        assert!(registration::service(&loose, Typing::Strict, &node).is_err(), "the API is exact");
        let sent = registration::service(&exact(loose), Typing::Strict, &node).expect("it is exact now");
        assert_eq!(sent, meant);
    }

    #[test]
    fn what_cannot_be_made_exact_stays_for_the_agent_to_name() {
        let wrong = json!({ "Name": "web", "Port": "http", "Tags": { "a": 1 }, "EnableTagOverride": "perhaps" });
        assert_eq!(exact(wrong.clone()), wrong);
    }
}
