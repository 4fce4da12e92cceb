//! Routers, splitters and resolvers must make chains: every chain that a write has a say in is compiled before it is
//! taken.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::refusal::Refusal;
use crate::catalog::query;
use crate::catalog::tables::Tables;
use crate::filter::Filter;
use crate::filter::selectors::INSTANCE;
use crate::model::entry::ServiceResolver;
use crate::model::topic::ChainKey;
use crate::model::{EntryKey, EntryKind, ServiceName, TrustDomain};

/// Kinds that say where requests go.
const ROUTING: [EntryKind; 3] = [EntryKind::ServiceResolver, EntryKind::ServiceRouter, EntryKind::ServiceSplitter];

impl Draft {
    pub(super) fn chains_compile(&self) -> Result<(), Refusal> {
        let mut changed = BTreeSet::new();
        for key in self.touched_entries() {
            filters_are_read(&self.tables, key)?;
            changed.extend(bears_on(&self.tables, key));
        }
        for service in with_those_that_lead_there(&self.tables, changed) {
            let compiled = query::chain(&self.tables, &ChainKey::plain(service), &TrustDomain::default());
            compiled.chain.map_err(|error| Refusal::Chain(Box::new(error)))?;
        }
        Ok(())
    }
}

fn filters_are_read(tables: &Tables, key: &EntryKey) -> Result<(), Refusal> {
    if key.kind != EntryKind::ServiceResolver {
        return Ok(());
    }
    let Some(resolver) = tables.body::<ServiceResolver>(&key.name) else { return Ok(()) };
    for (subset, of) in resolver.subsets.iter().filter(|(_, of)| !of.filter.is_empty()) {
        Filter::new(&of.filter, &INSTANCE, tables.datacenter()).map_err(|error| {
            let (entry, subset) = (key.clone(), subset.clone());
            Refusal::Filter { entry, subset, error }
        })?;
    }
    Ok(())
}

/// The services whose chain may begin with the entry.
fn bears_on(tables: &Tables, key: &EntryKey) -> Vec<ServiceName> {
    match key.kind {
        // the default protocol is everybody's, and chains of one service alone have nothing to agree on
        EntryKind::ProxyDefaults => {
            ROUTING.iter().flat_map(|kind| tables.entry_names(*kind)).map(ServiceName::from).collect()
        }
        kind if kind == EntryKind::ServiceDefaults || ROUTING.contains(&kind) => vec![key.name.as_str().into()],
        _ => vec![],
    }
}

/// The services, and all whose chain may come to one of them.
fn with_those_that_lead_there(tables: &Tables, services: BTreeSet<ServiceName>) -> BTreeSet<ServiceName> {
    let mut next: Vec<ServiceName> = services.iter().cloned().collect();
    let mut found = services;
    while let Some(service) = next.pop() {
        for by in tables.leading_to(&service) {
            if found.insert(by.clone()) {
                next.push(by.clone());
            }
        }
    }
    found
}
