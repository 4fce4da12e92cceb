//! The instances behind a cluster.

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::{Address, HealthStatus, Locality as Place};
use envoy_types::pb::envoy::config::endpoint::v3::cluster_load_assignment::Policy;
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::endpoint::v3::{self as envoy, ClusterLoadAssignment, LocalityLbEndpoints};
use envoy_types::pb::google::protobuf::UInt32Value;

use super::vantage::{Group, Vantage};
use super::{Reason, address, sharing_key};
use crate::model::{Endpoint, Endpoints, Locality};
use crate::resource::{Resource, ResourceType, Shared};

/// Traffic moves on to the next priority when the one before it has nobody healthy, and not before.
const OVERPROVISIONING: u32 = 100_000;

/// The cluster's answer to EDS: made once for all proxies that see it so.
pub(super) fn resource(cluster: &str, endpoints: &Shared<Endpoints>, vantage: Vantage<'_>) -> Arc<Resource> {
    endpoints.resource(sharing_key(("endpoints", cluster, vantage)), || {
        Resource::new(ResourceType::Endpoint, cluster, vec![], &assignment(cluster, endpoints, false, vantage))
    })
}

/// `by_name`: for a cluster that resolves host names.
pub(super) fn assignment(
    cluster: &str,
    endpoints: &Endpoints,
    by_name: bool,
    vantage: Vantage<'_>,
) -> ClusterLoadAssignment {
    let instance = |endpoint| Some(instance(endpoint, reach(endpoint, by_name).ok()?));
    let groups = vantage.groups(endpoints.endpoints.iter(), instance);
    let factor = groups.iter().any(|group| group.priority > 0).then_some(UInt32Value { value: OVERPROVISIONING });
    ClusterLoadAssignment {
        cluster_name: cluster.to_owned(),
        endpoints: groups.into_iter().map(locality).collect(),
        policy: factor.map(|factor| Policy { overprovisioning_factor: Some(factor), ..Default::default() }),
        ..Default::default()
    }
}

/// Instances that are near one another.
pub(super) fn locality(group: Group<'_, envoy::LbEndpoint>) -> LocalityLbEndpoints {
    let place = |of: &Locality| Place { region: of.region.clone(), zone: of.zone.clone(), ..Default::default() };
    LocalityLbEndpoints {
        locality: group.locality.map(place),
        lb_endpoints: group.instances,
        priority: group.priority,
        load_balancing_weight: group.weight.map(|value| UInt32Value { value }),
        ..Default::default()
    }
}

/// An assignment of one locality.
pub(super) fn of(cluster: &str, lb_endpoints: Vec<envoy::LbEndpoint>) -> ClusterLoadAssignment {
    ClusterLoadAssignment {
        cluster_name: cluster.to_owned(),
        endpoints: vec![LocalityLbEndpoints { lb_endpoints, ..Default::default() }],
        ..Default::default()
    }
}

pub(super) fn at(address: Address) -> envoy::LbEndpoint {
    let endpoint = envoy::Endpoint { address: Some(address), ..Default::default() };
    envoy::LbEndpoint { host_identifier: Some(HostIdentifier::Endpoint(endpoint)), ..Default::default() }
}

/// What the assignment leaves out.
pub(super) fn unusable(endpoints: &Endpoints, by_name: bool, vantage: Vantage<'_>) -> impl Iterator<Item = Reason> {
    let seen = endpoints.endpoints.iter().filter(move |endpoint| vantage.sees(endpoint));
    seen.filter_map(move |endpoint| reach(endpoint, by_name).err())
}

pub(super) fn instance(endpoint: &Endpoint, address: Address) -> envoy::LbEndpoint {
    let health = if endpoint.healthy { HealthStatus::Healthy } else { HealthStatus::Unhealthy };
    envoy::LbEndpoint {
        health_status: health.into(),
        load_balancing_weight: Some(UInt32Value { value: endpoint.weight.max(1) }),
        ..at(address)
    }
}

fn reach(endpoint: &Endpoint, by_name: bool) -> Result<Address, Reason> {
    if !endpoint.socket_path.is_empty() {
        return if by_name {
            Err(Reason::SocketAmongHostNames(endpoint.socket_path.clone()))
        } else {
            address::pipe(&endpoint.socket_path, 0)
        };
    }
    if endpoint.address.is_empty() {
        return Err(Reason::NoAddress);
    }
    Ok(address::socket(&endpoint.address, endpoint.port))
}
