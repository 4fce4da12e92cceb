//! Intentions and config entries.

use std::collections::BTreeMap;

use crate::filter::table::{Selector, Table};
use crate::model::entry::EntryBody;
use crate::model::{Entry, Intention, MutualTls, Protocol};

static NO_META: BTreeMap<String, String> = BTreeMap::new();

/// Of `/v1/connect/intentions`.
pub static INTENTION: Table<Intention> = Table(&[
    Selector::made("ID", Intention::id),
    Selector::text("Description", |intention| &intention.description),
    Selector::text("SourceNS", |_| "default"),
    Selector::text("SourceName", |intention| intention.source.as_str()),
    Selector::text("SourcePeer", |_| ""),
    Selector::text("DestinationNS", |_| "default"),
    Selector::text("DestinationName", |intention| intention.destination.as_str()),
    Selector::text("SourceType", |_| "consul"),
    Selector::text("Action", |intention| intention.action.as_str()),
    Selector::text_map("Meta", |_| &NO_META),
    Selector::number("Precedence", |intention| intention.precedence().into()),
]);

/// Of `/v1/config/:kind`: what all kinds have, and what services are told apart by. Kinds without it have it empty.
pub static ENTRY: Table<Entry> = Table(&[
    Selector::text("Kind", |entry| entry.kind().as_str()),
    Selector::text("Name", |entry| &entry.name),
    Selector::text_map("Meta", |entry| &entry.meta),
    Selector::text("Protocol", |entry| match &entry.body {
        EntryBody::ServiceDefaults(defaults) => defaults.protocol.map_or("", Protocol::as_str),
        _ => "",
    }),
    Selector::text("MutualTLSMode", |entry| mutual_tls(&entry.body).map_or("", MutualTls::as_str)),
]);

fn mutual_tls(body: &EntryBody) -> Option<MutualTls> {
    match body {
        EntryBody::ServiceDefaults(defaults) => defaults.mutual_tls,
        EntryBody::ProxyDefaults(defaults) => defaults.mutual_tls,
        _ => None,
    }
}
