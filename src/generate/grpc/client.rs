//! The client side of one service: a listener that leads to routes, routes to clusters, clusters to endpoints. Made
//! once for all programs that call the service.

use std::collections::BTreeSet;
use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    ClusterDiscoveryType, DiscoveryType, EdsClusterConfig, LbPolicy,
};
use envoy_types::pb::envoy::config::core::v3::HealthStatus;
use envoy_types::pb::envoy::config::endpoint::v3::{ClusterLoadAssignment, LocalityLbEndpoints};
use envoy_types::pb::envoy::config::listener::v3::{ApiListener, Listener};
use envoy_types::pb::envoy::config::route::v3::{RouteConfiguration, VirtualHost};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{HttpConnectionManager, Rds};
use envoy_types::pb::google::protobuf::UInt32Value;
use envoy_types::util::pack_any;

use super::{router, tls};
use crate::chain::{Chain, Resolver, Target};
use crate::generate::cluster::{aggregate, balance};
use crate::generate::vantage::Vantage;
use crate::generate::{Reason, address, duration, endpoint, fault, route, sharing_key, tls::ads};
use crate::model::entry::service_resolver::{LoadBalancer, LoadBalancerPolicy};
use crate::model::{CertificateProviders, Endpoint, Endpoints};
use crate::resource::{Resource, ResourceType, Shared};

/// Under the name that the program asked by. It leans on no cluster: gRPC asks for those that its route names after it
/// has the route.
pub(super) fn listener(name: &str, chain: &Shared<Chain>) -> Arc<Resource> {
    chain.resource(sharing_key(("grpc listener", name)), || {
        let rds = Rds { route_config_name: chain.service.to_string(), config_source: Some(ads()) };
        let manager = HttpConnectionManager {
            stat_prefix: chain.service.to_string(),
            http_filters: fault::filter(chain).into_iter().chain([router()]).collect(),
            route_specifier: Some(RouteSpecifier::Rds(rds)),
            ..Default::default()
        };
        let message = Listener {
            name: name.to_owned(),
            api_listener: Some(ApiListener { api_listener: Some(pack_any(manager)) }),
            ..Default::default()
        };
        Resource::new(ResourceType::Listener, name, vec![], &message)
    })
}

/// Named as the service.
pub(super) fn route(chain: &Shared<Chain>) -> Arc<Resource> {
    chain.resource(sharing_key("grpc route"), || {
        let host = VirtualHost {
            name: format!("{}.default.default.{}", chain.service, chain.datacenter),
            domains: vec!["*".to_owned()],
            routes: route::for_grpc(chain),
            ..Default::default()
        };
        let name = chain.service.to_string();
        let message = RouteConfiguration { name: name.clone(), virtual_hosts: vec![host], ..Default::default() };
        Resource::new(ResourceType::Route, name, route::clusters(chain), &message)
    })
}

/// Kept by the instances, like a sidecar's; its bytes do not change with theirs.
pub(super) fn cluster(
    name: &str,
    target: &Target,
    balancer: &LoadBalancer,
    endpoints: &Shared<Endpoints>,
    certificates: Option<&CertificateProviders>,
) -> Arc<Resource> {
    let made_of = (name, target.connect_timeout, &target.sni, &target.spiffe_id, balancer);
    endpoints.resource(sharing_key(("grpc cluster", made_of, certificates)), || {
        let name: Arc<str> = name.into();
        let mut message = Cluster {
            name: name.to_string(),
            connect_timeout: Some(duration(target.connect_timeout)),
            cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Eds.into())),
            eds_cluster_config: Some(EdsClusterConfig { eds_config: Some(ads()), ..Default::default() }),
            transport_socket: certificates.map(|certificates| tls::open(certificates, target)),
            ..Default::default()
        };
        if does(balancer) {
            balance(&mut message, balancer);
        }
        Resource::new(ResourceType::Cluster, Arc::clone(&name), vec![name], &message)
    })
}

/// The cluster of a resolver with failover. gRPC knows no policy that would leave the choice to the clusters in it, and
/// leaves it to them all the same.
pub(super) fn failover(chain: &Shared<Chain>, resolver: &Resolver) -> Arc<Resource> {
    let name = chain.cluster_name(resolver);
    chain.resource(sharing_key(("grpc failover", &name)), || {
        let clusters: Vec<String> = resolver.members(chain).map(|member| member.cluster).collect();
        let needs = clusters.iter().map(|name| name.as_str().into()).collect();
        let message = aggregate(&name, resolver.connect_timeout, clusters, LbPolicy::RoundRobin);
        Resource::new(ResourceType::Cluster, name.as_str(), needs, &message)
    })
}

/// All gRPC libraries have round robin and ring hash; what they do not have they refuse, and the cluster with it.
pub(super) fn does(balancer: &LoadBalancer) -> bool {
    matches!(balancer.policy, None | Some(LoadBalancerPolicy::RoundRobin | LoadBalancerPolicy::RingHash))
}

/// Each locality, which gRPC wants named (be it by an empty name) and weighed.
pub(super) fn assignment(cluster: &str, endpoints: &Shared<Endpoints>, vantage: Vantage<'_>) -> Arc<Resource> {
    endpoints.resource(sharing_key(("grpc endpoints", cluster, vantage)), || {
        let instance = |of: &Endpoint| Some(endpoint::instance(of, address::socket(&of.address, of.port)));
        let groups = vantage.groups(usable(endpoints).into_iter(), instance);
        let several = groups.len() > 1;
        let locality = |group| {
            let locality = endpoint::locality(group);
            let given = locality.load_balancing_weight.map(|weight| weight.value);
            let weight = given.unwrap_or_else(|| if several { weight(&locality) } else { 1 });
            LocalityLbEndpoints {
                locality: Some(locality.locality.unwrap_or_default()),
                load_balancing_weight: Some(UInt32Value { value: weight }),
                ..locality
            }
        };
        let message = ClusterLoadAssignment {
            cluster_name: cluster.to_owned(),
            endpoints: groups.into_iter().map(locality).collect(),
            ..Default::default()
        };
        Resource::new(ResourceType::Endpoint, cluster, vec![], &message)
    })
}

/// Among localities of one priority gRPC deals out by their own weights, and never looks at those of instances.
fn weight(locality: &LocalityLbEndpoints) -> u32 {
    let healthy = locality.lb_endpoints.iter().filter(|of| of.health_status == i32::from(HealthStatus::Healthy));
    healthy.filter_map(|of| of.load_balancing_weight.as_ref()).map(|weight| weight.value).sum::<u32>().max(1)
}

/// What the assignment leaves out.
pub(super) fn unusable(endpoints: &Endpoints, vantage: Vantage<'_>) -> impl Iterator<Item = Reason> {
    let seen = endpoints.endpoints.iter().filter(move |endpoint| vantage.sees(endpoint));
    seen.filter_map(|endpoint| reach(endpoint).err())
}

/// Each place once, which is another thing gRPC insists on; of two registrations for one place the healthy one counts.
fn usable(endpoints: &Endpoints) -> Vec<&Endpoint> {
    let mut usable: Vec<&Endpoint> = endpoints.endpoints.iter().filter(|endpoint| reach(endpoint).is_ok()).collect();
    usable.sort_by_key(|endpoint| !endpoint.healthy);
    let mut places = BTreeSet::new();
    usable.retain(|endpoint| places.insert((&endpoint.address, endpoint.port)));
    usable.sort();
    usable
}

fn reach(endpoint: &Endpoint) -> Result<(), Reason> {
    let elsewhere = |what: &str| Err(Reason::NotForGrpc(what.to_owned()));
    match endpoint {
        Endpoint { socket_path, .. } if !socket_path.is_empty() => elsewhere(socket_path),
        Endpoint { address, .. } if !address::is_ip(address) => elsewhere(address),
        Endpoint { address, port: 0, .. } => elsewhere(&format!("{address}:0")),
        _ => Ok(()),
    }
}
