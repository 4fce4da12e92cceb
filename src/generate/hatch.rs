//! Escape hatches: listeners and clusters that somebody wrote in Envoy's own words, in place of those that would be made.
//! What the mesh promises is put into them (TLS, authorisation); where that cannot be, they are refused.

use envoy_types::pb::google::protobuf::Any;
use prost::{Message, Name};
use serde_json::Value;

use super::Reason;
use crate::canonical;
use crate::resource::{Resource, ResourceType};

/// Of an upstream.
pub(super) const LISTENER: &str = "envoy_listener_json";
pub(super) const CLUSTER: &str = "envoy_cluster_json";

/// The message that a key of the configuration holds.
pub(super) fn read<M: Message + Name + Default>(key: &'static str, json: &str) -> Result<M, Reason> {
    let wrong = |why: String| Reason::Hatch(key, why);
    let mut value: Value = serde_json::from_str(json).map_err(|error| wrong(format!("is not JSON: {error}")))?;
    let Some(members) = value.as_object_mut() else { return Err(wrong("is no JSON object".to_owned())) };
    // the type may be left out: there is only one that it can be
    let kind = members.entry("@type").or_insert_with(|| Value::from(M::type_url()));
    if *kind != M::type_url() {
        return Err(wrong(format!("is a {kind}, not a {}", M::type_url())));
    }
    let any = canonical::any(&value).map_err(|error| wrong(error.to_string()))?;
    M::decode(&*any.value).map_err(|error| wrong(error.to_string()))
}

/// Whether something in the JSON changes an HTTP filter of that name for some routes.
pub(super) fn changes_filter(json: &str, filter: &str) -> bool {
    fn changes(value: &Value, filter: &str) -> bool {
        match value {
            Value::Object(members) => members.iter().any(|(key, member)| {
                let per_filter = key == "typed_per_filter_config" || key == "typedPerFilterConfig";
                per_filter && member.get(filter).is_some() || changes(member, filter)
            }),
            Value::Array(items) => items.iter().any(|item| changes(item, filter)),
            _ => false,
        }
    }
    serde_json::from_str(json).is_ok_and(|value| changes(&value, filter))
}

/// Maps may stand in it, so its bytes are put in order.
pub(super) fn resource<M: Message + Name>(
    key: &'static str,
    kind: ResourceType,
    name: &str,
    needs: Vec<std::sync::Arc<str>>,
    message: &M,
) -> Result<Resource, Reason> {
    let any = Any { type_url: M::type_url(), value: message.encode_to_vec() };
    let ordered = canonical::ordered(&any).map_err(|error| Reason::Hatch(key, error.to_string()))?;
    Ok(Resource::of_body(kind, name, needs, &ordered.value))
}
