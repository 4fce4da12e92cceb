//! What a gRPC client reads, written by hand: `xds:///echo` leads to a route, the route to clusters, each to endpoints.

use std::sync::Arc;

use chancery::resource::{Resource, ResourceType};
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType, EdsClusterConfig};
use envoy_types::pb::envoy::config::core::v3::address::Address as AddressKind;
use envoy_types::pb::envoy::config::core::v3::config_source::ConfigSourceSpecifier;
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{
    Address, AggregatedConfigSource, ApiVersion, ConfigSource, Locality, SocketAddress,
};
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::endpoint::v3::{ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints};
use envoy_types::pb::envoy::config::listener::v3::{ApiListener, Listener};
use envoy_types::pb::envoy::config::route::v3::weighted_cluster::ClusterWeight;
use envoy_types::pb::envoy::config::route::v3::{
    Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost, WeightedCluster, route, route_action, route_match,
};
use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter, Rds,
};
use envoy_types::pb::google::protobuf::UInt32Value;
use envoy_types::util::pack_any;

pub const TARGET: &str = "xds:///echo";
const LISTENER: &str = "echo";
const ROUTE: &str = "echo-route";

fn ads() -> ConfigSource {
    ConfigSource {
        resource_api_version: ApiVersion::V3.into(),
        config_source_specifier: Some(ConfigSourceSpecifier::Ads(AggregatedConfigSource {})),
        ..Default::default()
    }
}

/// What the target asks for.
pub fn listener() -> Arc<Resource> {
    let router = HttpFilter {
        name: "router".to_owned(),
        config_type: Some(ConfigType::TypedConfig(pack_any(Router::default()))),
        ..Default::default()
    };
    let rds = Rds { route_config_name: ROUTE.to_owned(), config_source: Some(ads()) };
    let manager = HttpConnectionManager {
        http_filters: vec![router],
        route_specifier: Some(RouteSpecifier::Rds(rds)),
        ..Default::default()
    };
    let api_listener = Some(ApiListener { api_listener: Some(pack_any(manager)) });
    let message = Listener { name: LISTENER.to_owned(), api_listener, ..Default::default() };
    Arc::new(Resource::new(ResourceType::Listener, LISTENER, vec![], &message))
}

/// Every call to one of these clusters, each as likely as the next. gRPC for Node wants their weights to make 100.
pub fn route(clusters: &[&str]) -> Arc<Resource> {
    route_leaning(clusters, clusters)
}

/// As [`route`], but it does not say what it leans on, so that clusters may go while it stays.
pub fn loose_route(clusters: &[&str]) -> Arc<Resource> {
    route_leaning(&[], clusters)
}

fn route_leaning(on: &[&str], clusters: &[&str]) -> Arc<Resource> {
    let share = u32::try_from(clusters.len()).ok().and_then(|count| 100_u32.checked_div(count));
    let weight = Some(UInt32Value { value: share.expect("at least one cluster, and few") });
    let weigh = |name: &&str| ClusterWeight { name: (*name).to_owned(), weight, ..Default::default() };
    let weighted = WeightedCluster { clusters: clusters.iter().map(weigh).collect(), ..Default::default() };
    let action = RouteAction {
        cluster_specifier: Some(route_action::ClusterSpecifier::WeightedClusters(weighted)),
        ..Default::default()
    };
    let path_specifier = Some(route_match::PathSpecifier::Prefix(String::new()));
    let only = Route {
        r#match: Some(RouteMatch { path_specifier, ..Default::default() }),
        action: Some(route::Action::Route(action)),
        ..Default::default()
    };
    let host = VirtualHost {
        name: LISTENER.to_owned(),
        domains: vec!["*".to_owned()],
        routes: vec![only],
        ..Default::default()
    };
    let message = RouteConfiguration { name: ROUTE.to_owned(), virtual_hosts: vec![host], ..Default::default() };
    let needs = on.iter().map(|name| Arc::from(*name)).collect();
    Arc::new(Resource::new(ResourceType::Route, ROUTE, needs, &message))
}

/// A good cluster whose endpoints stand under this name.
pub fn leads_to(cluster: &str, endpoints: &str) -> Cluster {
    let eds = EdsClusterConfig { eds_config: Some(ads()), service_name: endpoints.to_owned() };
    Cluster {
        name: cluster.to_owned(),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Eds.into())),
        eds_cluster_config: Some(eds),
        ..Default::default()
    }
}

pub fn cluster(message: &Cluster) -> Arc<Resource> {
    let endpoints = message.eds_cluster_config.iter().map(|eds| Arc::from(eds.service_name.as_str())).collect();
    Arc::new(Resource::new(ResourceType::Cluster, message.name.as_str(), endpoints, message))
}

/// Servers on these ports of the loopback.
pub fn endpoints(name: &str, ports: &[u16]) -> Arc<Resource> {
    let at = |port: &u16| {
        let socket = SocketAddress {
            address: "127.0.0.1".to_owned(),
            port_specifier: Some(PortSpecifier::PortValue((*port).into())),
            ..Default::default()
        };
        let address = Some(Address { address: Some(AddressKind::SocketAddress(socket)) });
        let endpoint = Endpoint { address, ..Default::default() };
        LbEndpoint { host_identifier: Some(HostIdentifier::Endpoint(endpoint)), ..Default::default() }
    };
    let locality = LocalityLbEndpoints {
        locality: Some(Locality::default()),
        load_balancing_weight: Some(UInt32Value { value: 1 }),
        lb_endpoints: ports.iter().map(at).collect(),
        ..Default::default()
    };
    let message =
        ClusterLoadAssignment { cluster_name: name.to_owned(), endpoints: vec![locality], ..Default::default() };
    Arc::new(Resource::new(ResourceType::Endpoint, name, vec![], &message))
}
