//! Services at a glance: what dashboards show of each.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Instance, NodeName, ServiceKind, ServiceName, Status};

/// In the metadata of a service: what registered it.
const SOURCE: &str = "external-source";

/// The instances of one name, taken together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary<'a> {
    pub kind: ServiceKind,
    pub tags: BTreeSet<&'a str>,
    pub nodes: BTreeSet<&'a NodeName>,
    /// Those who registered instances, where they said so (`nomad`, `kubernetes`).
    pub sources: BTreeSet<&'a str>,
    pub instances: usize,
    /// How many checks of each status; those of a node count for each instance on it.
    pub checks: BTreeMap<Status, usize>,
    pub native: bool,
}

/// By name.
pub fn summaries<'a>(instances: impl IntoIterator<Item = &'a Instance>) -> BTreeMap<&'a ServiceName, Summary<'a>> {
    let mut found: BTreeMap<&ServiceName, Summary<'_>> = BTreeMap::new();
    for Instance { node, service, checks } in instances {
        let summary = found.entry(&service.name).or_default();
        summary.kind = service.kind;
        summary.tags.extend(service.tags.iter().map(String::as_str));
        summary.nodes.insert(&node.name);
        summary.sources.extend(service.meta.get(SOURCE).map(String::as_str));
        summary.instances += 1;
        summary.native |= service.connect_native;
        for check in checks {
            *summary.checks.entry(check.status).or_insert(0) += 1;
        }
    }
    found
}
