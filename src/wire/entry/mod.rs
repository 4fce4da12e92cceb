//! Config entries, one file per kind, each with both directions. Entries are always read with weak typing, over HTTP too.

mod mesh;
mod proxy_defaults;
mod service_defaults;
mod service_intentions;

use serde::Serialize;
use serde_json::Value;

use super::fields::{DecodeError, Fields, Result, Typing, unsupported};
use super::meta;
use crate::model::entry::EntryBody;
use crate::model::{Entry, EntryKind, Index};

/// Kinds of Consul that a later version knows.
const LATER: [&str; 15] = [
    "api-gateway",
    "bound-api-gateway",
    "control-plane-request-limit",
    "exported-services",
    "file-system-certificate",
    "http-route",
    "ingress-gateway",
    "inline-certificate",
    "jwt-provider",
    "sameness-group",
    "service-resolver",
    "service-router",
    "service-splitter",
    "tcp-route",
    "terminating-gateway",
];

/// The word for a kind, as in paths and in `Kind`.
///
/// # Errors
/// When it is none, or one that this version does not support.
pub fn kind(word: &str) -> Result<EntryKind> {
    EntryKind::parse(word).ok_or_else(|| {
        let later = LATER.contains(&word);
        let message = if later {
            unsupported(&format!("config entry kind {word}"))
        } else {
            format!("invalid config entry kind: {word}")
        };
        DecodeError::new("", message)
    })
}

/// The body of `PUT /v1/config`, or a file of `chancery config write`.
///
/// # Errors
/// Naming the field that breaks a rule, and the rule.
pub fn decode(body: &Value) -> Result<Entry> {
    fields(Fields::new(body, "a config entry", Typing::Weak)?)
}

/// The same, from an object inside a document (`config_entries.bootstrap`).
///
/// # Errors
/// As [`decode`].
pub fn fields(mut fields: Fields<'_>) -> Result<Entry> {
    let word = fields.text("Kind")?;
    if word.is_empty() {
        return Err(fields.error("Kind", "is required"));
    }
    let kind = kind(&word).map_err(|error| DecodeError { path: fields.path().to_owned(), ..error })?;
    fields.rename(kind.as_str());
    let name = name(&mut fields, kind)?;
    let meta = meta::of_entry(&mut fields, "Meta")?;
    fields.computed(&["CreateIndex", "ModifyIndex", "Hash"]);
    fields.default_tenancy()?;
    let body = match kind {
        EntryKind::Mesh => EntryBody::Mesh(mesh::decode(&mut fields)?),
        EntryKind::ProxyDefaults => EntryBody::ProxyDefaults(proxy_defaults::decode(&mut fields)?),
        EntryKind::ServiceDefaults => EntryBody::ServiceDefaults(service_defaults::decode(&mut fields)?),
        EntryKind::ServiceIntentions => EntryBody::ServiceIntentions(service_intentions::decode(&mut fields)?),
    };
    fields.finish()?;
    Ok(Entry { name, meta, body, create_index: Index::default(), modify_index: Index::default() })
}

fn name(fields: &mut Fields<'_>, kind: EntryKind) -> Result<String> {
    let name = fields.text("Name")?.trim().to_owned();
    match kind.singleton() {
        // the only entry that Consul writes without its name
        Some(only) if name.is_empty() && kind == EntryKind::Mesh => Ok(only.to_owned()),
        Some(only) if name == only => Ok(name),
        Some(only) => Err(fields.error("Name", format!("the only {kind} entry is named {only:?}, got {name:?}"))),
        None if name.is_empty() => Err(fields.error("Name", "is required")),
        None => {
            let whole = kind == EntryKind::ServiceIntentions && name == "*";
            if name.contains('*') && !whole {
                return Err(fields.error("Name", format!("{name:?} must not have a wildcard")));
            }
            Ok(name)
        }
    }
}

/// As `GET /v1/config/:kind/:name` answers, and as an element of the list that `GET /v1/config/:kind` answers.
pub fn encode(entry: &Entry) -> impl Serialize + '_ {
    match &entry.body {
        EntryBody::Mesh(body) => Answer::Mesh(mesh::encode(entry, body)),
        EntryBody::ProxyDefaults(body) => Answer::ProxyDefaults(proxy_defaults::encode(entry, body)),
        EntryBody::ServiceDefaults(body) => Answer::ServiceDefaults(service_defaults::encode(entry, body)),
        EntryBody::ServiceIntentions(body) => Answer::ServiceIntentions(service_intentions::encode(entry, body)),
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer<'a> {
    Mesh(mesh::Answer<'a>),
    ProxyDefaults(proxy_defaults::Answer<'a>),
    ServiceDefaults(service_defaults::Answer<'a>),
    ServiceIntentions(service_intentions::Answer<'a>),
}

#[cfg(test)]
mod tests;
