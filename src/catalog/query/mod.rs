//! What the tables answer. Everything comes sorted, so equal tables give equal answers.

mod central;
mod chain;
mod config;
mod health;
pub mod inbound;
mod intentions;
mod merged;
mod overview;
mod reachable;
mod summary;
#[cfg(test)]
mod tests;
mod topology;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

pub use central::{bind_address, merged_proxy_config, protocol, proxy, transparent};
pub use chain::chain;
pub use health::{all_instances, connect_instances, endpoints, instances, plain_endpoints};
pub use intentions::{decide_intention, intention_list, intentions};
pub use merged::with_central_config;
pub use overview::{Overview, Tally, overview};
pub use reachable::{addresses, reachable};
pub use summary::{Summary, summaries};
pub use topology::{Decision, Neighbour, Reason, Topology, topology};

use imbl::ordmap::DiffItem;

use super::tables::Tables;
use crate::model::entry::Mesh;
use crate::model::{
    Check, CheckId, Entry, EntryKey, EntryKind, KvKey, KvPair, Leaf, Node, NodeName, ProxyId, Service, ServiceId,
    ServiceName, Status, VirtualIp,
};

/// A shorter beginning of a node's id is taken for a name.
const SHORTEST_ID: usize = 2;

/// Sorted by name.
pub fn nodes(tables: &Tables) -> Vec<Arc<Node>> {
    tables.nodes.values().cloned().collect()
}

pub fn node(tables: &Tables, name: &NodeName) -> Option<Arc<Node>> {
    tables.nodes.get(name).cloned()
}

/// The node that is meant: by its name, else by its id or a beginning of it that no other node's has.
pub fn named(tables: &Tables, name_or_id: &str) -> Option<Arc<Node>> {
    let named = tables.nodes.get(&NodeName::from(name_or_id));
    named.or_else(|| by_id(tables, name_or_id)).cloned()
}

fn by_id<'a>(tables: &'a Tables, beginning: &str) -> Option<&'a Arc<Node>> {
    if beginning.len() < SHORTEST_ID {
        return None;
    }
    let begins =
        |node: &&Arc<Node>| node.id.get(..beginning.len()).is_some_and(|id| id.eq_ignore_ascii_case(beginning));
    let mut found = tables.nodes.values().filter(begins);
    found.next().filter(|_| found.next().is_none())
}

/// What is registered on the node, sorted by id.
pub fn on_node(tables: &Tables, name: &NodeName) -> (Vec<Arc<Service>>, Vec<Arc<Check>>) {
    (tables.services_on(name).cloned().collect(), tables.checks_on(name).cloned().collect())
}

/// Every name, with the tags of all its instances.
pub fn services(tables: &Tables) -> BTreeMap<ServiceName, BTreeSet<String>> {
    tables.names.tags()
}

pub fn service(tables: &Tables, node: &NodeName, id: &ServiceId) -> Option<Arc<Service>> {
    tables.services.get(&(node.clone(), id.clone())).cloned()
}

/// The service that the instance stands for by itself, if it was registered with `Connect.Native`.
pub fn native(tables: &Tables, id: &ProxyId) -> Option<ServiceName> {
    let service = tables.services.get(&(id.node.clone(), id.service.clone()))?;
    service.connect_native.then(|| service.name.clone())
}

pub fn check(tables: &Tables, node: &NodeName, id: &CheckId) -> Option<Arc<Check>> {
    tables.checks.get(&(node.clone(), id.clone())).cloned()
}

/// Sorted by node and id: all, or those of one status.
pub fn checks(tables: &Tables, status: Option<Status>) -> Vec<Arc<Check>> {
    let wanted = |check: &&Arc<Check>| status.is_none_or(|status| check.status == status);
    tables.checks.values().filter(wanted).cloned().collect()
}

/// The instance's own checks, sorted by id; with an empty id, the node's.
pub fn checks_of_service(tables: &Tables, node: &NodeName, id: &ServiceId) -> Vec<Arc<Check>> {
    tables.checks_of(node, id).cloned().collect()
}

pub fn entry(tables: &Tables, key: &EntryKey) -> Option<Arc<Entry>> {
    tables.entries.get(key).cloned()
}

/// Sorted by name.
pub fn entries(tables: &Tables, kind: EntryKind) -> Vec<Arc<Entry>> {
    let entries = tables.entries.range(EntryKey::new(kind, "")..);
    entries.take_while(|(key, _)| key.kind == kind).map(|(_, entry)| Arc::clone(entry)).collect()
}

pub fn kv(tables: &Tables, key: &KvKey) -> Option<Arc<KvPair>> {
    tables.kv.get(key).cloned()
}

/// Everything that begins with the prefix, sorted by key.
pub fn kv_tree(tables: &Tables, prefix: &KvKey) -> Vec<Arc<KvPair>> {
    tables.kv.under(prefix).cloned().collect()
}

/// The defaults when there is no entry. Sidecars that call can reach what sidecars that are called demand.
pub fn mesh(tables: &Tables) -> Mesh {
    let mut mesh = tables.body::<Mesh>("mesh").cloned().unwrap_or_default();
    mesh.outgoing = std::mem::take(&mut mesh.outgoing).reaching(&mesh.incoming);
    mesh
}

/// The certificate of the service, once it has one.
pub fn leaf(tables: &Tables, service: &ServiceName) -> Option<Arc<Leaf>> {
    tables.leaves.get(service).cloned()
}

/// Every leaf, sorted by service.
pub fn leaves(tables: &Tables) -> Vec<Arc<Leaf>> {
    tables.leaves.values().cloned().collect()
}

/// How many keys have a value.
pub fn kv_count(tables: &Tables) -> usize {
    tables.kv.len()
}

/// How many instances are registered.
pub fn service_count(tables: &Tables) -> usize {
    tables.services.len()
}

/// How many checks there are of each status.
pub fn check_counts(tables: &Tables) -> BTreeMap<Status, usize> {
    let mut counts = BTreeMap::new();
    for check in tables.checks.values() {
        *counts.entry(check.status).or_insert(0) += 1;
    }
    counts
}

/// The node's checks that are other ones in `new` than in `old`, sorted by id; `None`: gone. What stayed the same between
/// the two costs nothing.
pub fn changed_checks(old: &Tables, new: &Tables, node: &NodeName) -> Vec<(CheckId, Option<Arc<Check>>)> {
    let changed = old.checks.diff(&new.checks).map(|change| match change {
        DiffItem::Add(key, check) | DiffItem::Update { new: (key, check), .. } => (key, Some(check)),
        DiffItem::Remove(key, _) => (key, None),
    });
    let here = changed.filter(|((on, _), _)| on == node);
    here.map(|((_, id), check)| (id.clone(), check.cloned())).collect()
}

/// The virtual addresses of a service of the mesh.
pub fn virtual_ip(tables: &Tables, service: &ServiceName) -> Option<Arc<VirtualIp>> {
    tables.virtual_ips.of(service).cloned()
}

/// Which service has the virtual address.
pub fn virtual_ip_holder(tables: &Tables, address: IpAddr) -> Option<ServiceName> {
    tables.virtual_ips.holder(address).cloned()
}
