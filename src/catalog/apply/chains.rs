//! Routers, splitters and resolvers must make chains: every chain that a write has a say in is compiled before it is
//! taken.

use std::collections::BTreeMap;

use super::draft::Draft;
use super::fault::Fault;
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
    /// Filters that cannot be read, and chains that cannot be compiled any more.
    pub(super) fn broken_chains(&self) -> Vec<Fault> {
        let (mut changed, mut faults) = (BTreeMap::new(), Vec::new());
        for key in self.touched_entries() {
            let unread = filters_are_read(&self.tables, key).err();
            faults.extend(unread.map(|refusal| Fault { refusal, of: key.clone(), by: key.clone() }));
            for service in bears_on(&self.tables, key) {
                changed.entry(service).or_insert_with(|| key.clone());
            }
        }
        for (service, by) in with_those_that_lead_there(&self.tables, changed) {
            let compiled = query::chain(&self.tables, &ChainKey::plain(service), &TrustDomain::default());
            faults.extend(compiled.chain.err().map(|error| {
                let of = error.fault.entry().cloned().unwrap_or_else(|| self.begins(&error.service, &by));
                Fault { refusal: Refusal::Chain(Box::new(error)), of, by }
            }));
        }
        faults
    }

    /// The entry that this write says the service's chain begins with; `otherwise` when it says none.
    fn begins(&self, service: &ServiceName, otherwise: &EntryKey) -> EntryKey {
        let own = |key: &&EntryKey| ROUTING.contains(&key.kind) && key.name == service.as_str();
        self.touched_entries().find(own).unwrap_or(otherwise).clone()
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

/// The services, and all whose chain may come to one of them, each with the entry that it was found by.
fn with_those_that_lead_there(
    tables: &Tables,
    services: BTreeMap<ServiceName, EntryKey>,
) -> BTreeMap<ServiceName, EntryKey> {
    let mut next: Vec<(ServiceName, EntryKey)> =
        services.iter().map(|(service, key)| (service.clone(), key.clone())).collect();
    let mut found = services;
    while let Some((service, key)) = next.pop() {
        for by in tables.leading_to(&service) {
            if !found.contains_key(by) {
                found.insert(by.clone(), key.clone());
                next.push((by.clone(), key.clone()));
            }
        }
    }
    found
}
