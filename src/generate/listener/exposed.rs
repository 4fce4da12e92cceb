//! Where everybody, in plain text and unasked, may call one path of the application: for probes and scrapers, which are
//! not in the mesh. Paths of checks are open to this machine and to its agent alone.

use std::net::IpAddr;

use envoy_types::pb::envoy::config::core::v3::TrafficDirection;
use envoy_types::pb::envoy::config::listener::v3::{FilterChain, FilterChainMatch, Listener};
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;

use super::connection_manager::{OneRoute, Routes, connection_manager};
use super::network_filter;
use crate::generate::telemetry::Telemetry;
use crate::generate::{Reason, address, yes};
use crate::model::expose::{ExposedPath, ExposedProtocol};
use crate::model::{Bind, Protocol};
use crate::resource::{Resource, ResourceType};

pub(in crate::generate) fn name(path: &ExposedPath, bind: &Bind) -> String {
    format!("exposed_path_{}:{}", plain(&path.path), address::text(bind))
}

pub(in crate::generate) fn exposed(
    path: &ExposedPath,
    bind: &Bind,
    cluster: &str,
    telemetry: &Telemetry,
) -> Result<Resource, Reason> {
    let name = name(path, bind);
    let filter = format!("exposed_path_filter_{}_{}", plain(&path.path), path.listener_port);
    let protocol = match path.protocol {
        ExposedProtocol::Http => Protocol::Http,
        ExposedProtocol::Http2 => Protocol::Http2,
    };
    let route = OneRoute { name: &filter, virtual_host: &filter, cluster, timeout: None, idle_timeout: None };
    let route = Routes::One(route);
    let mut manager = connection_manager(&filter, protocol, vec![], &route);
    manager.normalize_path = Some(yes());
    telemetry.of_requests(&mut manager);
    if let Some(RouteSpecifier::RouteConfig(routes)) = &mut manager.route_specifier {
        let routes = routes.virtual_hosts.iter_mut().flat_map(|host| &mut host.routes);
        for matches in routes.filter_map(|route| route.r#match.as_mut()) {
            matches.path_specifier = Some(PathSpecifier::Path(path.path.clone()));
        }
    }
    let filters = vec![network_filter("envoy.filters.network.http_connection_manager", manager)];
    let mut message = Listener {
        name: name.clone(),
        address: Some(address::listen(bind)?),
        filter_chains: vec![FilterChain { filter_chain_match: callers(path), filters, ..Default::default() }],
        traffic_direction: TrafficDirection::Inbound.into(),
        ..Default::default()
    };
    telemetry.of_listener(&mut message);
    Ok(Resource::new(ResourceType::Listener, name, vec![cluster.into()], &message))
}

/// Of a check: this machine, and the agent that asks.
fn callers(path: &ExposedPath) -> Option<FilterChainMatch> {
    let agent = path.agent.as_ref()?.parse::<IpAddr>().ok();
    let loopback = [("127.0.0.0", 8), ("::1", 128)];
    let loopback = loopback.map(|(prefix, bits)| address::network(prefix.to_owned(), bits));
    let agent = agent.map(address::only);
    let source_prefix_ranges = loopback.into_iter().chain(agent).collect();
    Some(FilterChainMatch { source_prefix_ranges, ..Default::default() })
}

/// Letters and digits alone.
fn plain(path: &str) -> String {
    path.chars().filter(char::is_ascii_alphanumeric).collect()
}
