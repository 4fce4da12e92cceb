//! Envoy's messages as canonical JSON, for people: the admin page, golden files, configuration dumps.
//!
//! Field names are those of the `.proto` files, as in Envoy's own `/config_dump`; keys are sorted; what is packed in an
//! `Any` is unpacked, with its `@type`.

mod encode;

use std::sync::LazyLock;

use envoy_types::pb::google::protobuf::Any;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Map, Value};

pub use encode::{encode, message};

/// Descriptors of every message and service that the control plane speaks: what gRPC reflection answers from.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/envoy-descriptors.bin"));

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("envoy-types ships a whole descriptor set"));

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0:?} is not a type this build knows")]
    UnknownType(String),
    #[error("the bytes are not a {type_url}: {cause}")]
    Bytes { type_url: String, cause: prost::DecodeError },
    #[error("a {type_url} cannot be told as JSON: {cause}")]
    Json { type_url: String, cause: serde_json::Error },
    #[error("the JSON is not an Any of a type this build knows: {0}")]
    NotAny(serde_json::Error),
}

/// Read from the set at the first call (some tens of milliseconds), and kept.
pub fn descriptor_pool() -> &'static DescriptorPool {
    &POOL
}

/// The message inside, without its `@type`.
pub fn json(any: &Any) -> Result<Value, Error> {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let descriptor = POOL.get_message_by_name(name).ok_or_else(|| Error::UnknownType(any.type_url.clone()))?;
    let message = DynamicMessage::decode(descriptor, &*any.value)
        .map_err(|cause| Error::Bytes { type_url: any.type_url.clone(), cause })?;
    let options = SerializeOptions::new().use_proto_field_name(true);
    let mut value = message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|cause| Error::Json { type_url: any.type_url.clone(), cause })?;
    sort(&mut value);
    Ok(value)
}

/// An `Any` from JSON with `@type`, in either spelling of field names. An unknown type or field is an error. Equal JSON
/// gives equal bytes.
pub fn any(json: &Value) -> Result<Any, Error> {
    use prost::Message as _;
    let descriptor = POOL.get_message_by_name("google.protobuf.Any").expect("the set holds Any");
    let message = DynamicMessage::deserialize(descriptor, json).map_err(Error::NotAny)?;
    let any = Any::decode(&*message.encode_to_vec())
        .map_err(|cause| Error::Bytes { type_url: "google.protobuf.Any".to_owned(), cause })?;
    ordered(&any)
}

/// The same message in bytes that are always the same: maps, which have no order of their own, sorted by key, wherever
/// they stand.
pub fn ordered(any: &Any) -> Result<Any, Error> {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let descriptor = POOL.get_message_by_name(name).ok_or_else(|| Error::UnknownType(any.type_url.clone()))?;
    let message = DynamicMessage::decode(descriptor, &*any.value)
        .map_err(|cause| Error::Bytes { type_url: any.type_url.clone(), cause })?;
    Ok(Any { type_url: any.type_url.clone(), value: order::bytes(&message)? })
}

/// Hides key material, wherever it stands.
pub fn redact(value: &mut Value) {
    const SECRETS: [&str; 6] =
        ["private_key", "password", "pkcs12", "session_ticket_keys", "generic_secret", "private_key_provider"];
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if SECRETS.contains(&name.as_str()) {
                    hide(value);
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

/// Keeps the shape, so that it shows where the material would come from, and hides each value in it.
fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(_, value)| hide(value)),
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => *value = Value::from("[redacted]"),
    }
}

fn sort(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<(String, Value)> = std::mem::take(fields).into_iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
            sorted.iter_mut().for_each(|(_, value)| sort(value));
            *fields = Map::from_iter(sorted);
        }
        Value::Array(items) => items.iter_mut().for_each(sort),
        _ => {}
    }
}

mod order;

#[cfg(test)]
mod tests {
    use super::*;
    use envoy_types::pb::envoy::config::core::v3::{DataSource, data_source::Specifier};
    use envoy_types::pb::envoy::config::listener::v3::{Filter, filter::ConfigType};
    use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
    use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{Secret, TlsCertificate, secret};
    use envoy_types::util::pack_any;

    #[test]
    fn what_is_packed_inside_is_unpacked_and_keys_are_sorted() {
        let proxy = TcpProxy { stat_prefix: "public_listener".to_owned(), ..Default::default() };
        let filter = Filter {
            name: "envoy.filters.network.tcp_proxy".to_owned(),
            config_type: Some(ConfigType::TypedConfig(pack_any(proxy))),
        };
        let expected = r#"{"name":"envoy.filters.network.tcp_proxy","typed_config":{"@type":"type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy","stat_prefix":"public_listener"}}"#;
        assert_eq!(json(&pack_any(filter)).unwrap().to_string(), expected);
    }

    #[test]
    fn json_and_messages_go_there_and_back() {
        let any_of_json = any(&serde_json::json!({
            "@type": "type.googleapis.com/envoy.config.listener.v3.Filter",
            "name": "f",
            "typedConfig": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": "s",
            },
        }));
        let value = json(&any_of_json.unwrap()).unwrap();
        assert_eq!(value["typed_config"]["stat_prefix"], "s");
    }

    #[test]
    fn a_type_nobody_knows_is_an_error() {
        let stranger = Any { type_url: "type.googleapis.com/no.such.Type".to_owned(), value: vec![] };
        assert!(matches!(json(&stranger), Err(Error::UnknownType(_))));
        assert!(any(&serde_json::json!({"@type": "type.googleapis.com/no.such.Type"})).is_err());
    }

    #[test]
    fn equal_json_gives_equal_bytes() {
        let keys: Map<String, Value> = (0..20).map(|key| (format!("key {key}"), key.into())).collect();
        let json = serde_json::json!({
            "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
            "name": "l",
            "metadata": { "filter_metadata": { "b": keys, "a": { "x": [1, 2, { "y": "z" }] } } },
            "filter_chains": [{ "filters": [{ "name": "f", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": "s",
                "metadata_match": { "filter_metadata": { "envoy.lb": keys } },
            } }] }],
            "traffic_direction": "INBOUND",
        });
        let one = any(&json).unwrap();
        for _ in 0..8 {
            assert_eq!(any(&json).unwrap(), one);
        }
        let told = super::json(&one).unwrap();
        assert_eq!(told["metadata"]["filter_metadata"]["b"]["key 7"], 7.0);
        assert_eq!(told["filter_chains"][0]["filters"][0]["typed_config"]["stat_prefix"], "s");
        assert_eq!(told["traffic_direction"], "INBOUND");
    }

    #[test]
    fn keys_are_hidden_and_certificates_are_not() {
        let inline = |text: &str| {
            Some(DataSource { specifier: Some(Specifier::InlineString(text.to_owned())), ..Default::default() })
        };
        let certificate = TlsCertificate {
            certificate_chain: inline("the certificate"),
            private_key: inline("the key"),
            ..Default::default()
        };
        let secret = Secret { name: "leaf".to_owned(), r#type: Some(secret::Type::TlsCertificate(certificate)) };
        let mut value = json(&pack_any(secret)).unwrap();
        redact(&mut value);
        assert_eq!(value["tls_certificate"]["private_key"]["inline_string"], "[redacted]");
        assert_eq!(value["tls_certificate"]["certificate_chain"]["inline_string"], "the certificate");
    }
}
