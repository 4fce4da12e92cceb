//! Config entries, one file per kind, each with both directions. Entries are always read with weak typing, over HTTP too.

mod exported_services;
mod fault;
mod jwt_provider;
mod key_set;
mod load_balancer;
mod mesh;
mod nearness;
mod proxy_defaults;
mod reference;
mod service_defaults;
mod service_intentions;
mod service_resolver;
mod service_router;
mod service_splitter;

use serde_json::Value;

pub(super) use load_balancer::show as show_load_balancer;
pub(super) use nearness::{show_policy, show_prioritize};
pub(super) use service_resolver::show_subset;
pub(super) use service_router::{show_destination, show_match};
pub(super) use service_splitter::show_split;

use super::fields::{DecodeError, Fields, Result, Typing, unsupported};
use super::members::Members;
use super::meta;
use crate::model::entry::EntryBody;
use crate::model::{Entry, EntryKey, EntryKind, Index};

/// Kinds of Consul that a later version knows.
const LATER: [&str; 10] = [
    "api-gateway",
    "bound-api-gateway",
    "control-plane-request-limit",
    "file-system-certificate",
    "http-route",
    "ingress-gateway",
    "inline-certificate",
    "sameness-group",
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
    let EntryKey { kind, name } = key(&mut fields)?;
    let meta = meta::of_entry(&mut fields, "Meta")?;
    fields.computed(&["CreateIndex", "ModifyIndex", "Hash"]);
    fields.default_tenancy()?;
    let body = match kind {
        EntryKind::ExportedServices => EntryBody::ExportedServices(exported_services::decode(&mut fields)?),
        EntryKind::JwtProvider => EntryBody::JwtProvider(jwt_provider::decode(&mut fields)?),
        EntryKind::Mesh => EntryBody::Mesh(mesh::decode(&mut fields)?),
        EntryKind::ProxyDefaults => EntryBody::ProxyDefaults(proxy_defaults::decode(&mut fields)?),
        EntryKind::ServiceDefaults => EntryBody::ServiceDefaults(service_defaults::decode(&mut fields)?),
        EntryKind::ServiceIntentions => EntryBody::ServiceIntentions(service_intentions::decode(&mut fields, &name)?),
        EntryKind::ServiceResolver => EntryBody::ServiceResolver(service_resolver::decode(&mut fields, &name)?),
        EntryKind::ServiceRouter => EntryBody::ServiceRouter(service_router::decode(&mut fields)?),
        EntryKind::ServiceSplitter => EntryBody::ServiceSplitter(service_splitter::decode(&mut fields, &name)?),
    };
    fields.finish()?;
    Ok(Entry { name, meta, body, create_index: Index::default(), modify_index: Index::default() })
}

/// What an entry is named by; the rest of it is left alone.
///
/// # Errors
/// When its kind or its name cannot be one.
pub(super) fn key(fields: &mut Fields<'_>) -> Result<EntryKey> {
    let word = fields.text("Kind")?;
    if word.is_empty() {
        return Err(fields.error("Kind", "is required"));
    }
    let kind = kind(&word).map_err(|error| DecodeError { path: fields.path().to_owned(), ..error })?;
    fields.rename(kind.as_str());
    Ok(EntryKey { kind, name: name(fields, kind)? })
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
pub fn encode(entry: &Entry) -> Value {
    let kind = entry.kind();
    let head = Members::default().text("Kind", kind.as_str());
    // as Consul writes it, without its name
    let head = if kind == EntryKind::Mesh { head } else { head.text("Name", &entry.name) };
    let members = match &entry.body {
        EntryBody::ExportedServices(body) => exported_services::show(head, body),
        EntryBody::JwtProvider(body) => jwt_provider::show(head, body),
        EntryBody::Mesh(body) => mesh::show(head, body),
        EntryBody::ProxyDefaults(body) => proxy_defaults::show(head, body),
        EntryBody::ServiceDefaults(body) => service_defaults::show(head, body),
        EntryBody::ServiceIntentions(body) => service_intentions::show(head, &entry.name, body),
        EntryBody::ServiceResolver(body) => service_resolver::show(head, body),
        EntryBody::ServiceRouter(body) => service_router::show(head, body),
        EntryBody::ServiceSplitter(body) => service_splitter::show(head, body),
    };
    members
        .text_map("Meta", &entry.meta)
        .always("CreateIndex", entry.create_index.0)
        .always("ModifyIndex", entry.modify_index.0)
        .into()
}

#[cfg(test)]
mod tests;
