//! Who may call whom, read from the `service-intentions` entries.

use crate::catalog::tables::Tables;
use crate::model::entry::{JwtProvider, ServiceIntentions};
use crate::model::intention::{Action, Intention, Intentions, WILDCARD};
use crate::model::{Entry, EntryKey, EntryKind, ServiceName};

/// Highest precedence first, then by destination, then by source.
pub fn intention_list(tables: &Tables) -> Vec<Intention> {
    let mut all: Vec<_> =
        super::entries(tables, EntryKind::ServiceIntentions).iter().flat_map(|entry| of_entry(entry)).collect();
    all.sort_by(|a, b| {
        let names = || (&a.destination, &a.source).cmp(&(&b.destination, &b.source));
        b.precedence().cmp(&a.precedence()).then_with(names)
    });
    all
}

/// What bears on calls to the destination: its own intentions and those of every destination, with the JWT providers
/// that they refer to.
pub fn intentions(tables: &Tables, destination: &ServiceName) -> Intentions {
    let of = |name: &str| {
        let entry = tables.entries.get(&EntryKey::new(EntryKind::ServiceIntentions, name));
        entry.map(|entry| of_entry(entry)).unwrap_or_default()
    };
    let mut found = of(destination.as_str());
    if *destination != WILDCARD {
        found.extend(of(WILDCARD));
    }
    let mut intentions = Intentions::new(found, tables.default_intention());
    let names = intentions.matching.iter().flat_map(Intention::providers);
    let known = |name: &str| Some((name.to_owned(), tables.body::<JwtProvider>(name)?.clone()));
    intentions.providers = names.filter_map(known).collect();
    intentions
}

/// Whether the source may call the destination.
pub fn decide_intention(tables: &Tables, source: &ServiceName, destination: &ServiceName) -> Action {
    intentions(tables, destination).decide(source.as_str())
}

fn of_entry(entry: &Entry) -> Vec<Intention> {
    let body = entry.body::<ServiceIntentions>();
    body.map(|body| body.intentions(&entry.name.as_str().into(), entry.create_index, entry.modify_index))
        .unwrap_or_default()
}
