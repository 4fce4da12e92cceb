//! An upstream's listener: the local address at which the application reaches another service.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::{Address, TrafficDirection};
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, Listener};

use super::connection_manager::{OneRoute, Routes, connection_manager};
use super::{exact_balance, hatch, network_filter, tcp_proxy};
use crate::chain::{Chain, Step};
use crate::generate::telemetry::Telemetry;
use crate::generate::{Reason, address, fault, route, sharing_key};
use crate::model::{self, UpstreamConfig};
use crate::resource::{Resource, ResourceType, Shared};

pub(in crate::generate) fn name(upstream: &UpstreamConfig) -> String {
    format!("{}:{}", upstream.name, address::text(&upstream.bind))
}

/// `fetch_timeout`: how long Envoy waits for its routes.
pub(in crate::generate) fn upstream(
    upstream: &UpstreamConfig,
    chain: &Shared<Chain>,
    fetch_timeout: Option<Duration>,
    telemetry: &model::Telemetry,
) -> Result<Arc<Resource>, Reason> {
    if chain.default && !upstream.settings.envoy_listener_json.is_empty() {
        return hatch::upstream(upstream, chain);
    }
    let address = address::listen(&upstream.bind)?;
    // an inline route does not wait
    let fetch_timeout = fetch_timeout.filter(|_| has_named_routes(chain));
    let balanced = upstream.settings.balance_outbound_connections;
    let key = sharing_key(("listener", &upstream.name, &upstream.bind, fetch_timeout, balanced, telemetry));
    Ok(chain.resource(key, || {
        let name = name(upstream);
        let telemetry = Telemetry::of(telemetry);
        let filter = filter(&upstream.name, chain, fetch_timeout, &telemetry);
        let mut message = listener(&name, address, filter, balanced);
        telemetry.of_listener(&mut message);
        // what its routes lead to is theirs to lean on: they may change while the listener stays
        let clusters = if has_named_routes(chain) { vec![] } else { route::clusters(chain) };
        Resource::new(ResourceType::Listener, name, clusters, &message)
    }))
}

/// Requests are seen, and more is to be said of them than where they all go.
pub(in crate::generate) fn has_named_routes(chain: &Chain) -> bool {
    chain.protocol.is_http_like() && !chain.default
}

/// What leads to the service of the chain.
pub(super) fn filter(upstream: &str, chain: &Chain, fetch_timeout: Option<Duration>, telemetry: &Telemetry) -> Filter {
    let whole = whole(chain);
    let stat_prefix = format!("upstream.{whole}");
    match chain.step(&chain.start) {
        Step::Resolver(resolver) if !chain.protocol.is_http_like() => {
            tcp_proxy(&stat_prefix, &chain.cluster_name(resolver), telemetry)
        }
        Step::Resolver(resolver) if !has_named_routes(chain) => {
            let cluster = chain.cluster_name(resolver);
            let route =
                OneRoute { name: upstream, virtual_host: &whole, cluster: &cluster, timeout: None, idle_timeout: None };
            http(&stat_prefix, chain, &Routes::One(route), telemetry)
        }
        _ => http(&stat_prefix, chain, &Routes::Named(route::name(chain), fetch_timeout), telemetry),
    }
}

/// The service of the chain, with where it is.
pub(super) fn whole(chain: &Chain) -> String {
    format!("{}.default.default.{}", chain.service, chain.datacenter)
}

fn listener(name: &str, address: Address, filter: Filter, balanced: bool) -> Listener {
    Listener {
        name: name.to_owned(),
        address: Some(address),
        filter_chains: vec![FilterChain { filters: vec![filter], ..Default::default() }],
        traffic_direction: TrafficDirection::Outbound.into(),
        connection_balance_config: balanced.then(exact_balance),
        ..Default::default()
    }
}

fn http(stat_prefix: &str, chain: &Chain, routes: &Routes<'_>, telemetry: &Telemetry) -> Filter {
    let mut manager =
        connection_manager(stat_prefix, chain.protocol, fault::filter(chain).into_iter().collect(), routes);
    telemetry.of_requests(&mut manager);
    network_filter("envoy.filters.network.http_connection_manager", manager)
}
