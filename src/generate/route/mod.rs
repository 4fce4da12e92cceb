//! Where requests go: a discovery chain as a route configuration. It says the same for every downstream, so it is made
//! once and held by the chain.

mod action;
mod headers;
mod matching;

use std::sync::Arc;

use envoy_types::pb::envoy::config::route::v3::{self as envoy, RouteConfiguration, VirtualHost};
use envoy_types::pb::google::protobuf::BoolValue;

use super::{Reason, fault, sharing_key};
use crate::chain::{Chain, Route, Step};
use crate::model::entry::service_router::{RouteDestination, RouteMatch, Timeout};
use crate::resource::{Resource, ResourceType, Shared};

/// Chains that differ by a downstream's overrides have routes of their own.
pub(super) fn name(chain: &Chain) -> String {
    let Chain { service, customization_hash, .. } = chain;
    if customization_hash.is_empty() { service.to_string() } else { format!("{customization_hash}~{service}") }
}

/// For a chain that speaks HTTP. `validate_clusters`: Envoy refuses it when it names a cluster that is not there.
pub(super) fn resource(chain: &Shared<Chain>, validate_clusters: bool) -> Arc<Resource> {
    chain.resource(sharing_key(("route", validate_clusters)), || {
        let name = name(chain);
        let message = RouteConfiguration {
            virtual_hosts: vec![VirtualHost {
                name: name.clone(),
                domains: vec!["*".to_owned()],
                routes: routes(chain),
                ..Default::default()
            }],
            validate_clusters: validate_clusters.then_some(BoolValue { value: true }),
            name: name.clone(),
            ..Default::default()
        };
        Resource::new(ResourceType::Route, name, clusters(chain), &message)
    })
}

/// The same for gRPC, which reads some of it: see [`beyond_grpc`].
pub(super) fn for_grpc(chain: &Chain) -> Vec<envoy::Route> {
    let mut routes = routes(chain);
    for route in &mut routes {
        matching::everything_for_grpc(route);
        action::for_grpc(route);
    }
    routes
}

/// What gRPC leaves out of the chain's routes, each with its number.
pub(super) fn beyond_grpc(chain: &Chain) -> Vec<(usize, Reason)> {
    let mut found = Vec::new();
    for (at, Route { destination, .. }) in chain.routes().iter().enumerate() {
        let changed = !destination.request_headers.is_empty() || !destination.response_headers.is_empty();
        let asks = [
            ("PrefixRewrite", !destination.prefix_rewrite.is_empty()),
            ("changed headers", changed),
            ("RequestMirror", destination.mirror.is_some()),
        ];
        let asked = asks.into_iter().filter(|(_, asks)| *asks);
        found.extend(asked.map(|(what, _)| (at, Reason::BeyondGrpc(what.to_owned()))));
    }
    found
}

/// The names of all clusters that the chain's routes lead to. What those are made of is theirs to lean on: it may change
/// while the routes stay.
pub(super) fn clusters(chain: &Chain) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = chain.resolvers().map(|resolver| chain.cluster_name(resolver).into()).collect();
    names.sort();
    names
}

fn routes(chain: &Chain) -> Vec<envoy::Route> {
    match chain.step(&chain.start) {
        Step::Router(routes) => routes.iter().map(|of| route(chain, of)).collect(),
        Step::Splitter(_) => vec![catch_all(chain, RouteDestination::default())],
        Step::Resolver(resolver) => {
            let request_timeout = resolver.request_timeout.map_or(Timeout::Default, Timeout::After);
            vec![catch_all(chain, RouteDestination { request_timeout, ..Default::default() })]
        }
    }
}

fn catch_all(chain: &Chain, destination: RouteDestination) -> envoy::Route {
    route(chain, &Route { matches: RouteMatch::default(), destination, next: chain.start.clone(), mirror: None })
}

fn route(chain: &Chain, of: &Route) -> envoy::Route {
    let Route { matches, destination, .. } = of;
    envoy::Route {
        r#match: Some(matching::route(matches)),
        action: Some(envoy::route::Action::Route(action::route(chain, of))),
        request_headers_to_add: headers::added(&destination.request_headers),
        request_headers_to_remove: destination.request_headers.remove.clone(),
        response_headers_to_add: headers::added(&destination.response_headers),
        response_headers_to_remove: destination.response_headers.remove.clone(),
        typed_per_filter_config: fault::of_route(&destination.fault),
        ..Default::default()
    }
}
