//! Instances by name with all that bears on their health, and what of it proxies need.

use std::sync::Arc;

use crate::catalog::tables::Tables;
use crate::filter::Filter;
use crate::filter::selectors::INSTANCE;
use crate::model::entry::service_resolver::Subset;
use crate::model::topic::EndpointsKey;
use crate::model::{Endpoint, Endpoints, Instance, Service, ServiceId, ServiceKind, ServiceName, Status};

/// The most load an instance can take, relative to others.
const MAX_WEIGHT: u32 = 128;

/// The instances of the name, sorted by node and id; each with its node's checks, then its own, both sorted by id.
pub fn instances(tables: &Tables, name: &ServiceName) -> Vec<Instance> {
    tables.instances_named(name).filter_map(|service| instance(tables, service)).collect()
}

/// Every instance there is, sorted by node and id, in the same form.
pub fn all_instances(tables: &Tables) -> Vec<Instance> {
    tables.services.values().filter_map(|service| instance(tables, service)).collect()
}

/// The instances that accept mesh connections for the name, in the same form: sidecars, and what speaks TLS itself.
pub fn connect_instances(tables: &Tables, name: &ServiceName) -> Vec<Instance> {
    tables.instances_for_connect(name).filter_map(|service| instance(tables, service)).collect()
}

/// Where proxies send requests for these instances.
pub fn endpoints(tables: &Tables, key: &EndpointsKey) -> Endpoints {
    of_subset(tables, connect_instances(tables, &key.service), &key.subset)
}

/// Where the instances listen themselves, beside any sidecar.
pub fn plain_endpoints(tables: &Tables, key: &EndpointsKey) -> Endpoints {
    let mut instances = instances(tables, &key.service);
    instances.retain(|instance| instance.service.kind == ServiceKind::Typical);
    of_subset(tables, instances, &key.subset)
}

/// A filter that is none selects nobody: a write with one is refused, so this is what an older version has left.
fn of_subset(tables: &Tables, mut instances: Vec<Instance>, subset: &Subset) -> Endpoints {
    if !subset.filter.is_empty() {
        let filter = Filter::new(&subset.filter, &INSTANCE, tables.datacenter());
        instances.retain(|instance| filter.as_ref().is_ok_and(|filter| filter.selects(instance)));
    }
    let mut endpoints: Vec<_> = instances.iter().map(|instance| endpoint(instance, subset.only_passing)).collect();
    endpoints.sort();
    Endpoints { endpoints }
}

fn instance(tables: &Tables, service: &Arc<Service>) -> Option<Instance> {
    let node = Arc::clone(tables.nodes.get(&service.node)?);
    let of_node = ServiceId::default();
    let node_checks = tables.checks_of(&service.node, &of_node);
    let checks = node_checks.chain(tables.checks_of(&service.node, &service.id)).cloned().collect();
    Some(Instance { node, service: Arc::clone(service), checks })
}

fn endpoint(instance: &Instance, only_passing: bool) -> Endpoint {
    let service = &instance.service;
    let any = |status| instance.checks.iter().any(|check| check.status == status);
    let weight = if any(Status::Warning) { service.weights.warning } else { service.weights.passing };
    Endpoint {
        address: instance.address().to_owned(),
        port: service.port,
        socket_path: service.socket_path.clone(),
        healthy: weight > 0 && !any(Status::Critical) && !(only_passing && any(Status::Warning)),
        weight: weight.clamp(1, MAX_WEIGHT),
        locality: instance.locality().cloned(),
    }
}
