//! The HTTP connection manager, which both kinds of listener use when requests are seen.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::{ConfigSource, Http2ProtocolOptions};
use envoy_types::pb::envoy::config::route::v3::{
    Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost, route, route_action, route_match,
};
use envoy_types::pb::envoy::extensions::filters::http::grpc_http1_bridge::v3::Config as GrpcHttp1Bridge;
use envoy_types::pb::envoy::extensions::filters::http::grpc_stats::v3::{
    FilterConfig as GrpcStats, filter_config::PerMethodStatSpecifier,
};
use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    RouteSpecifier, Tracing, UpgradeConfig,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter, Rds, http_filter,
};
use envoy_types::pb::envoy::r#type::v3::Percent;
use envoy_types::pb::google::protobuf::Any;
use envoy_types::util::pack_any;

use crate::generate::{duration, tls, yes};
use crate::model::Protocol;

/// Where requests go.
pub(super) enum Routes<'a> {
    /// Inline: with one route to one cluster there is nothing to update.
    One(OneRoute<'a>),
    /// A resource of its own, so that changing it leaves the listener alone. With the time that Envoy waits for it.
    Named(String, Option<Duration>),
}

/// Where all requests go.
pub(super) struct OneRoute<'a> {
    pub name: &'a str,
    pub virtual_host: &'a str,
    pub cluster: &'a str,
    /// `None`: Envoy's 15 s; zero: none.
    pub timeout: Option<Duration>,
    pub idle_timeout: Option<Duration>,
}

/// `filters` stand between what the protocol brings and the router.
pub(super) fn connection_manager(
    stat_prefix: &str,
    protocol: Protocol,
    filters: Vec<HttpFilter>,
    routes: &Routes<'_>,
) -> HttpConnectionManager {
    let mut http_filters = protocol_filters(protocol);
    http_filters.extend(filters);
    http_filters.push(http_filter("envoy.filters.http.router", Router::default()));
    HttpConnectionManager {
        stat_prefix: stat_prefix.to_owned(),
        http_filters,
        tracing: Some(Tracing { random_sampling: Some(Percent { value: 0.0 }), ..Default::default() }),
        upgrade_configs: vec![UpgradeConfig { upgrade_type: "websocket".to_owned(), ..Default::default() }],
        http2_protocol_options: protocol.is_http2().then(Http2ProtocolOptions::default),
        route_specifier: Some(match routes {
            Routes::One(route) => RouteSpecifier::RouteConfig(route_configuration(route)),
            Routes::Named(name, fetch_timeout) => RouteSpecifier::Rds(Rds {
                route_config_name: name.clone(),
                config_source: Some(ConfigSource { initial_fetch_timeout: fetch_timeout.map(duration), ..tls::ads() }),
            }),
        }),
        ..Default::default()
    }
}

pub(in crate::generate) fn http_filter<M: prost::Message + prost::Name>(name: &str, config: M) -> HttpFilter {
    packed_filter(name, pack_any(config))
}

/// Of a configuration that is packed already.
pub(in crate::generate) fn packed_filter(name: &str, config: Any) -> HttpFilter {
    HttpFilter {
        name: name.to_owned(),
        config_type: Some(http_filter::ConfigType::TypedConfig(config)),
        ..Default::default()
    }
}

fn protocol_filters(protocol: Protocol) -> Vec<HttpFilter> {
    if protocol != Protocol::Grpc {
        return vec![];
    }
    let stats = GrpcStats {
        per_method_stat_specifier: Some(PerMethodStatSpecifier::StatsForAllMethods(yes())),
        ..Default::default()
    };
    vec![
        http_filter("envoy.filters.http.grpc_stats", stats),
        http_filter("envoy.filters.http.grpc_http1_bridge", GrpcHttp1Bridge::default()),
    ]
}

fn route_configuration(route: &OneRoute<'_>) -> RouteConfiguration {
    let action = RouteAction {
        cluster_specifier: Some(route_action::ClusterSpecifier::Cluster(route.cluster.to_owned())),
        timeout: route.timeout.map(duration),
        idle_timeout: route.idle_timeout.map(duration),
        ..Default::default()
    };
    let everything =
        RouteMatch { path_specifier: Some(route_match::PathSpecifier::Prefix("/".to_owned())), ..Default::default() };
    let only = Route { r#match: Some(everything), action: Some(route::Action::Route(action)), ..Default::default() };
    RouteConfiguration {
        name: route.name.to_owned(),
        virtual_hosts: vec![VirtualHost {
            name: route.virtual_host.to_owned(),
            domains: vec!["*".to_owned()],
            routes: vec![only],
            ..Default::default()
        }],
        ..Default::default()
    }
}
