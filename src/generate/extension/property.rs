//! `builtin/property-override`: fields by their paths, through the descriptors of Envoy's messages.

use prost_reflect::{FieldDescriptor, MessageDescriptor};
use serde_json::{Map, Value};

use crate::canonical;
use crate::model::extension::{Operation, Patch};
use crate::resource::ResourceType;

/// How many names of fields an error tells.
const NEIGHBOURS: usize = 10;

pub(super) fn patch(kind: ResourceType, resource: &mut Value, patch: &Patch) -> Result<(), String> {
    let mut message = canonical::message(kind.type_url()).map_err(|error| error.to_string())?;
    let mut value = resource;
    let Some((last, before)) = patch.path.split_last() else { return Err("the path is empty".to_owned()) };
    for name in before {
        let field = field(&message, name)?;
        message = match field.kind().as_message() {
            Some(inner) if !field.is_list() && !field.is_map() => inner.clone(),
            _ => return Err(format!("{name} has no fields that could be named: set it whole")),
        };
        if message.full_name() == "google.protobuf.Any" {
            return Err(format!("{name} is packed, and its fields cannot be named: set it whole, with its @type"));
        }
        // what is not set cannot be cleared
        if patch.operation == Operation::Remove && value.get(name).is_none() {
            return Ok(());
        }
        let object = object(value)?;
        make_room(object, &field);
        value = object.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
    }
    let field = field(&message, last)?;
    let object = object(value)?;
    match &patch.operation {
        Operation::Add(wanted) => {
            make_room(object, &field);
            object.insert(last.clone(), wanted.clone());
        }
        Operation::Remove => drop(object.remove(last)),
    }
    Ok(())
}

fn object(value: &mut Value) -> Result<&mut Map<String, Value>, String> {
    value.as_object_mut().ok_or_else(|| "the path leads through what is no message".to_owned())
}

/// Of fields that exclude each other the one that is set stays.
fn make_room(object: &mut Map<String, Value>, field: &FieldDescriptor) {
    let Some(choice) = field.containing_oneof() else { return };
    for other in choice.fields().filter(|other| other.number() != field.number()) {
        object.remove(other.name());
    }
}

fn field(message: &MessageDescriptor, name: &str) -> Result<FieldDescriptor, String> {
    message.get_field_by_name(name).ok_or_else(|| {
        let mut known: Vec<String> = message.fields().map(|field| field.name().to_owned()).collect();
        known.sort();
        let more = if known.len() > NEIGHBOURS { ", …" } else { "" };
        known.truncate(NEIGHBOURS);
        format!("{} has no field {name:?}; it has {}{more}", message.full_name(), known.join(", "))
    })
}
