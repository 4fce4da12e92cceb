//! From JSON to bytes that are the same each time: fields by their numbers, entries of maps by their keys, inside packed
//! messages too.

use std::cmp::Ordering;

use envoy_types::pb::google::protobuf::Any;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, MessageDescriptor, ReflectMessage as _, Value as Field};
use serde_json::Value;

use super::{Error, POOL};

/// The message of that type.
pub fn encode(type_url: &str, json: &Value) -> Result<Vec<u8>, Error> {
    let message = DynamicMessage::deserialize(message(type_url)?, json).map_err(Error::NotAny)?;
    bytes(&message)
}

pub fn message(type_url: &str) -> Result<MessageDescriptor, Error> {
    let name = type_url.rsplit('/').next().unwrap_or_default();
    POOL.get_message_by_name(name).ok_or_else(|| Error::UnknownType(type_url.to_owned()))
}

fn bytes(message: &DynamicMessage) -> Result<Vec<u8>, Error> {
    if message.descriptor().full_name() == "google.protobuf.Any" {
        return packed(message);
    }
    let mut fields: Vec<(FieldDescriptor, &Field)> = message.fields().collect();
    fields.sort_by_key(|(field, _)| field.number());
    let mut out = Vec::new();
    for (field, value) in fields {
        match value {
            Field::Message(inner) => put(&mut out, field.number(), &bytes(inner)?),
            Field::List(items) if field.kind().as_message().is_some() => {
                for item in items {
                    put(&mut out, field.number(), &bytes_of(item)?);
                }
            }
            Field::Map(entries) => {
                let mut entries: Vec<(&MapKey, &Field)> = entries.iter().collect();
                entries.sort_by(|(a, _), (b, _)| by_key(a, b));
                for (key, value) in entries {
                    put(&mut out, field.number(), &entry(&field, key, value)?);
                }
            }
            scalar => out.extend(alone(&message.descriptor(), &field, scalar.clone())),
        }
    }
    Ok(out)
}

fn bytes_of(value: &Field) -> Result<Vec<u8>, Error> {
    value.as_message().map_or_else(|| Ok(Vec::new()), bytes)
}

/// An entry of a map is a message of a key and a value.
fn entry(field: &FieldDescriptor, key: &MapKey, value: &Field) -> Result<Vec<u8>, Error> {
    let kind = field.kind();
    let Some(descriptor) = kind.as_message() else { return Ok(Vec::new()) };
    let mut out = alone(descriptor, &descriptor.map_entry_key_field(), Field::from(key.clone()));
    match value.as_message() {
        Some(inner) => put(&mut out, 2, &bytes(inner)?),
        None => out.extend(alone(descriptor, &descriptor.map_entry_value_field(), value.clone())),
    }
    Ok(out)
}

/// What is packed was encoded as it came, so it is unpacked and encoded again.
fn packed(message: &DynamicMessage) -> Result<Vec<u8>, Error> {
    let any = Any::decode(&*message.encode_to_vec())
        .map_err(|cause| Error::Bytes { type_url: "google.protobuf.Any".to_owned(), cause })?;
    if any.type_url.is_empty() {
        return Ok(any.encode_to_vec());
    }
    let inner = DynamicMessage::decode(self::message(&any.type_url)?, &*any.value)
        .map_err(|cause| Error::Bytes { type_url: any.type_url.clone(), cause })?;
    let value = bytes(&inner)?;
    Ok(Any { type_url: any.type_url, value }.encode_to_vec())
}

/// A message of nothing but this field.
fn alone(descriptor: &MessageDescriptor, field: &FieldDescriptor, value: Field) -> Vec<u8> {
    let mut message = DynamicMessage::new(descriptor.clone());
    message.set_field(field, value);
    message.encode_to_vec()
}

fn put(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn by_key(one: &MapKey, other: &MapKey) -> Ordering {
    match (one, other) {
        (MapKey::String(one), MapKey::String(other)) => one.cmp(other),
        (MapKey::I32(one), MapKey::I32(other)) => one.cmp(other),
        (MapKey::I64(one), MapKey::I64(other)) => one.cmp(other),
        (MapKey::U32(one), MapKey::U32(other)) => one.cmp(other),
        (MapKey::U64(one), MapKey::U64(other)) => one.cmp(other),
        (MapKey::Bool(one), MapKey::Bool(other)) => one.cmp(other),
        // the keys of one map are of one type
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::canonical;

    const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

    /// With maps of several keys, on the surface and packed.
    fn cluster() -> Value {
        let struct_of = |name: &str| json!({ "z": name, "a": 1.5, "m": { "y": true, "b": [2.5, "x"] }, "k": null });
        json!({
            "name": "c",
            "connect_timeout": "5s",
            "metadata": { "filter_metadata": { "two": struct_of("t"), "one": struct_of("o"), "three": {} } },
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": { "http2_protocol_options": {} },
                },
                "another": { "@type": "type.googleapis.com/google.protobuf.Struct", "value": struct_of("p") },
            },
        })
    }

    #[test]
    fn the_same_json_has_the_same_bytes_and_says_the_same() {
        let first = encode(CLUSTER, &cluster()).expect("a cluster");
        for _ in 0..20 {
            assert_eq!(encode(CLUSTER, &cluster()).expect("a cluster"), first);
        }
        let any = Any { type_url: CLUSTER.to_owned(), value: first };
        let told = canonical::json(&any).expect("a cluster");
        assert_eq!(told["metadata"], cluster()["metadata"]);
        assert_eq!(told["typed_extension_protocol_options"], cluster()["typed_extension_protocol_options"]);
    }

    #[test]
    fn a_field_that_is_not_there_is_an_error() {
        let error = encode(CLUSTER, &json!({ "nmae": "c" })).expect_err("no such field").to_string();
        assert!(error.contains("nmae"), "{error}");
    }
}
