//! An upstream's listener: the local address at which the application reaches another service.

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::{Address, TrafficDirection};
use envoy_types::pb::envoy::config::listener::v3::{FilterChain, Listener};

use super::connection_manager::{OneRoute, connection_manager};
use super::{network_filter, tcp_proxy};
use crate::chain::Chain;
use crate::generate::telemetry::Telemetry;
use crate::generate::{Reason, address, sharing_key};
use crate::model::{self, UpstreamConfig};
use crate::resource::{Resource, ResourceType, Shared};

pub(in crate::generate) fn name(upstream: &UpstreamConfig) -> String {
    format!("{}:{}", upstream.name, address::text(&upstream.bind))
}

pub(in crate::generate) fn upstream(
    upstream: &UpstreamConfig,
    chain: &Shared<Chain>,
    telemetry: &model::Telemetry,
) -> Result<Arc<Resource>, Reason> {
    let address = address::listen(&upstream.bind)?;
    Ok(chain.resource(sharing_key(("listener", &upstream.name, &upstream.bind, telemetry)), || {
        let name = name(upstream);
        let cluster = chain.cluster_name();
        let telemetry = Telemetry::of(telemetry);
        let mut message = listener(upstream, &name, address, chain, &cluster, &telemetry);
        telemetry.of_listener(&mut message);
        Resource::new(ResourceType::Listener, name, vec![cluster.into()], &message)
    }))
}

fn listener(
    upstream: &UpstreamConfig,
    name: &str,
    address: Address,
    chain: &Chain,
    cluster: &str,
    telemetry: &Telemetry,
) -> Listener {
    let stat_prefix = format!("upstream.{}", chain.target.id);
    let filter = if chain.protocol.is_http_like() {
        let route = OneRoute {
            name: &upstream.name,
            virtual_host: &chain.target.id,
            cluster,
            timeout: None,
            idle_timeout: None,
        };
        let mut manager = connection_manager(&stat_prefix, chain.protocol, vec![], &route);
        telemetry.of_requests(&mut manager);
        network_filter("envoy.filters.network.http_connection_manager", manager)
    } else {
        tcp_proxy(&stat_prefix, cluster, telemetry)
    };
    Listener {
        name: name.to_owned(),
        address: Some(address),
        filter_chains: vec![FilterChain { filters: vec![filter], ..Default::default() }],
        traffic_direction: TrafficDirection::Outbound.into(),
        ..Default::default()
    }
}
