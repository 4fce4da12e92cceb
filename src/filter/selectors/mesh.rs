//! Intentions and config entries.

use std::collections::BTreeMap;

use crate::filter::table::{Selector, Table};
use crate::model::{Entry, Intention};

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

/// Of `/v1/config/:kind`: what all kinds have.
pub static ENTRY: Table<Entry> = Table(&[
    Selector::text("Kind", |entry| entry.kind().as_str()),
    Selector::text("Name", |entry| &entry.name),
    Selector::text_map("Meta", |entry| &entry.meta),
]);
