//! The server side: the listener that a gRPC server asks for before it takes calls.

use std::net::SocketAddr;
use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::TrafficDirection;
use envoy_types::pb::envoy::config::listener::v3::{FilterChain, Listener};
use envoy_types::pb::envoy::config::route::v3::{
    NonForwardingAction, Route, RouteConfiguration, RouteMatch, VirtualHost, route, route_match,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;

use super::{router, tls};
use crate::generate::listener::{network_filter, packed_filter};
use crate::generate::rbac::{self, Rules, Sees};
use crate::generate::{address, sharing_key};
use crate::model::CertificateProviders;
use crate::resource::{Resource, ResourceType};
use crate::snapshot::grpc::Server;

const NAME: &str = "grpc_server";

/// Where the server listens already, with who may call. Kept by the intentions.
pub(super) fn listener(
    name: &str,
    address: SocketAddr,
    server: &Server,
    certificates: Option<&CertificateProviders>,
) -> Arc<Resource> {
    let key = sharing_key(("grpc server", name, &server.roots.trust_domain, certificates));
    server.intentions.resource(key, || {
        let filters = authorisation(server, certificates)
            .map(|rules| packed_filter("envoy.filters.http.rbac", rules.http_filter()));
        let manager = HttpConnectionManager {
            stat_prefix: NAME.to_owned(),
            http_filters: filters.into_iter().chain([router()]).collect(),
            route_specifier: Some(RouteSpecifier::RouteConfig(route_configuration())),
            ..Default::default()
        };
        let chain = FilterChain {
            filters: vec![network_filter("envoy.filters.network.http_connection_manager", manager)],
            transport_socket: certificates.map(tls::accept),
            ..Default::default()
        };
        let message = Listener {
            name: name.to_owned(),
            address: Some(address::socket(&address.ip().to_string(), address.port())),
            filter_chains: vec![chain],
            traffic_direction: TrafficDirection::Inbound.into(),
            ..Default::default()
        };
        Resource::new(ResourceType::Listener, name, vec![], &message)
    })
}

/// Without certificates nobody can prove who calls. Then either everybody may, which needs no rules, or nobody is let
/// in: rules of identity would let those pass who are forbidden by name.
///
/// gRPC's libraries prove no tokens.
fn authorisation(server: &Server, certificates: Option<&CertificateProviders>) -> Option<Rules> {
    match certificates {
        Some(_) => Some(rbac::rules(&server.intentions, &server.roots.trust_domain, Sees::Requests)),
        None if server.intentions.allow_everybody() => None,
        None => Some(Rules::nobody()),
    }
}

/// Every call goes to the server itself.
fn route_configuration() -> RouteConfiguration {
    let everything =
        RouteMatch { path_specifier: Some(route_match::PathSpecifier::Prefix(String::new())), ..Default::default() };
    let only = Route {
        r#match: Some(everything),
        action: Some(route::Action::NonForwardingAction(NonForwardingAction {})),
        ..Default::default()
    };
    RouteConfiguration {
        name: NAME.to_owned(),
        virtual_hosts: vec![VirtualHost {
            name: NAME.to_owned(),
            domains: vec!["*".to_owned()],
            routes: vec![only],
            ..Default::default()
        }],
        ..Default::default()
    }
}
