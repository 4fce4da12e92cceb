//! Bytes of a message that are always the same.

use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, ReflectMessage as _, Value};

use super::{Any, Error};

/// Fields by number, maps by key.
pub(super) fn bytes(message: &DynamicMessage) -> Result<Vec<u8>, Error> {
    if message.descriptor().full_name() == "google.protobuf.Any" {
        return of_any(message);
    }
    let mut fields: Vec<(FieldDescriptor, &Value)> = message.fields().collect();
    fields.sort_by_key(|(field, _)| field.number());
    let mut out = Vec::new();
    for (field, value) in fields {
        match value {
            Value::Message(inside) => push(&mut out, &field, &bytes(inside)?),
            Value::List(items) if items.iter().all(|item| matches!(item, Value::Message(_))) => {
                for inside in items.iter().filter_map(Value::as_message) {
                    push(&mut out, &field, &bytes(inside)?);
                }
            }
            Value::Map(entries) => {
                let mut entries: Vec<(&MapKey, &Value)> = entries.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                for (key, value) in entries {
                    push(&mut out, &field, &bytes(&entry(&field, key, value))?);
                }
            }
            // numbers and text have one encoding
            other => {
                let mut alone = DynamicMessage::new(message.descriptor());
                alone.set_field(&field, other.clone());
                out.extend(alone.encode_to_vec());
            }
        }
    }
    Ok(out)
}

fn of_any(message: &DynamicMessage) -> Result<Vec<u8>, Error> {
    let any = Any::decode(&*message.encode_to_vec())
        .map_err(|cause| Error::Bytes { type_url: "google.protobuf.Any".to_owned(), cause })?;
    // an empty one says nothing, and has no type
    let any = if any.type_url.is_empty() { any } else { super::ordered(&any)? };
    Ok(any.encode_to_vec())
}

/// An entry of a map is a message with a key and a value.
fn entry(field: &FieldDescriptor, key: &MapKey, value: &Value) -> DynamicMessage {
    let kind = field.kind();
    let descriptor = kind.as_message().expect("a map is a list of entries");
    let mut entry = DynamicMessage::new(descriptor.clone());
    entry.set_field(&descriptor.map_entry_key_field(), Value::from(key.clone()));
    entry.set_field(&descriptor.map_entry_value_field(), value.clone());
    entry
}

fn push(out: &mut Vec<u8>, field: &FieldDescriptor, content: &[u8]) {
    encode_key(field.number(), WireType::LengthDelimited, out);
    encode_varint(content.len() as u64, out);
    out.extend_from_slice(content);
}
