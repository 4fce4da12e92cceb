//! The instances behind a cluster.

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::{Address, HealthStatus};
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::endpoint::v3::{self as envoy, ClusterLoadAssignment, LocalityLbEndpoints};
use envoy_types::pb::google::protobuf::UInt32Value;

use super::{Reason, address, sharing_key};
use crate::model::{Endpoint, Endpoints};
use crate::resource::{Resource, ResourceType, Shared};

/// The cluster's answer to EDS: made once for all proxies.
pub(super) fn resource(cluster: &str, endpoints: &Shared<Endpoints>) -> Arc<Resource> {
    endpoints.resource(sharing_key(("endpoints", cluster)), || {
        Resource::new(ResourceType::Endpoint, cluster, vec![], &assignment(cluster, endpoints, false))
    })
}

/// `by_name`: for a cluster that resolves host names.
pub(super) fn assignment(cluster: &str, endpoints: &Endpoints, by_name: bool) -> ClusterLoadAssignment {
    let instances = endpoints.endpoints.iter();
    let lb_endpoints = instances.filter_map(|endpoint| Some(instance(endpoint, reach(endpoint, by_name).ok()?)));
    of(cluster, lb_endpoints.collect())
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
pub(super) fn unusable(endpoints: &Endpoints, by_name: bool) -> impl Iterator<Item = Reason> {
    endpoints.endpoints.iter().filter_map(move |endpoint| reach(endpoint, by_name).err())
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
