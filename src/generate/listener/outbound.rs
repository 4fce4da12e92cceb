//! The outbound listener of a transparent proxy: whatever the application calls arrives here, and by the address that it
//! called goes to a service of the mesh, or on to that address.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::TrafficDirection;
use envoy_types::pb::envoy::config::listener::v3::{
    AdditionalAddress, FilterChain, FilterChainMatch, Listener, ListenerFilter, listener_filter,
};
use envoy_types::pb::envoy::extensions::filters::listener::original_dst::v3::OriginalDst;
use envoy_types::util::pack_any;
use prost::Message as _;

use super::{tcp_proxy, upstream};
use crate::chain::{Chain, Target};
use crate::generate::telemetry::Telemetry;
use crate::generate::{address, cluster, route, sharing_key};
use crate::model::{self, Bind, Reachable};
use crate::resource::{Resource, ResourceType, Shared};

const ADDRESS: &str = "127.0.0.1";
const ADDRESS_OF_IPV6: &str = "::1";

/// What follows from the settings of the proxy and of the mesh.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::generate) struct Outbound<'a> {
    pub port: u16,
    /// Connections over IPv6 are led there too.
    pub ipv6: bool,
    /// Connections to addresses that no service has are refused.
    pub mesh_only: bool,
    pub telemetry: &'a model::Telemetry,
}

pub(in crate::generate) fn name(port: u16) -> String {
    format!("outbound_listener:{}", address::text(&bind(port)))
}

pub(in crate::generate) fn bind(port: u16) -> Bind {
    Bind::Address { address: ADDRESS.to_owned(), port }
}

/// The part of the listener that leads to one service: a listener of nothing but a filter chain, so that the parts one
/// after the other are the encoding of the whole. Made once for all proxies.
pub(in crate::generate) fn to_service(
    chain: &Shared<Chain>,
    addresses: &[IpAddr],
    fetch_timeout: Option<Duration>,
    telemetry: &model::Telemetry,
) -> Arc<Resource> {
    // an inline route does not wait
    let fetch_timeout = fetch_timeout.filter(|_| upstream::has_named_routes(chain));
    chain.resource(sharing_key(("outbound", addresses, fetch_timeout, telemetry)), || {
        let filter = upstream::filter(chain.service.as_str(), chain, fetch_timeout, &Telemetry::of(telemetry));
        part(chain.service.as_str(), addresses, filter, route::clusters(chain))
    })
}

/// The part that leads to instances of the service which were called at their own address: to the very one.
pub(in crate::generate) fn to_instances(
    chain: &Shared<Chain>,
    target: &Target,
    addresses: &[IpAddr],
    telemetry: &model::Telemetry,
) -> Arc<Resource> {
    chain.resource(sharing_key(("outbound to instances", addresses, telemetry)), || {
        let cluster = cluster::passthrough_name(target);
        let filter = tcp_proxy(&format!("upstream.{}", upstream::whole(chain)), &cluster, &Telemetry::of(telemetry));
        part(chain.service.as_str(), addresses, filter, vec![cluster.into()])
    })
}

fn part(
    name: &str,
    addresses: &[IpAddr],
    filter: envoy_types::pb::envoy::config::listener::v3::Filter,
    needs: Vec<Arc<str>>,
) -> Resource {
    let chain = FilterChain {
        filter_chain_match: Some(FilterChainMatch {
            prefix_ranges: addresses.iter().map(|ip| address::only(*ip)).collect(),
            ..Default::default()
        }),
        filters: vec![filter],
        ..Default::default()
    };
    Resource::new(ResourceType::Listener, name, needs, &Listener { filter_chains: vec![chain], ..Default::default() })
}

/// The listener of these parts; `None` when it would lead nowhere. All proxies that are led to the same services share it.
pub(in crate::generate) fn outbound(
    settings: Outbound<'_>,
    parts: &[Arc<Resource>],
    reachable: &Shared<Reachable>,
) -> Option<Arc<Resource>> {
    if parts.is_empty() && settings.mesh_only {
        return None;
    }
    let versions: Vec<u64> = parts.iter().map(|part| part.version.0).collect();
    Some(reachable.resource(sharing_key(("outbound", settings, versions)), || {
        let name = name(settings.port);
        let mut body = frame(&name, settings).encode_to_vec();
        let mut needs: Vec<Arc<str>> = Vec::new();
        for part in parts {
            body.extend_from_slice(&part.body());
            needs.extend(part.needs.iter().cloned());
        }
        if !settings.mesh_only {
            needs.push(cluster::ORIGINAL_DESTINATION.into());
        }
        needs.sort();
        needs.dedup();
        Resource::of_body(ResourceType::Listener, name, needs, &body)
    }))
}

/// Everything but the services.
fn frame(name: &str, settings: Outbound<'_>) -> Listener {
    let telemetry = Telemetry::of(settings.telemetry);
    let original = ListenerFilter {
        name: "envoy.filters.listener.original_dst".to_owned(),
        config_type: Some(listener_filter::ConfigType::TypedConfig(pack_any(OriginalDst {}))),
        ..Default::default()
    };
    let anywhere = FilterChain {
        filters: vec![tcp_proxy("upstream.original-destination", cluster::ORIGINAL_DESTINATION, &telemetry)],
        ..Default::default()
    };
    let of_ipv6 =
        || AdditionalAddress { address: Some(address::socket(ADDRESS_OF_IPV6, settings.port)), ..Default::default() };
    let mut frame = Listener {
        name: name.to_owned(),
        address: Some(address::socket(ADDRESS, settings.port)),
        additional_addresses: settings.ipv6.then(of_ipv6).into_iter().collect(),
        listener_filters: vec![original],
        default_filter_chain: (!settings.mesh_only).then_some(anywhere),
        traffic_direction: TrafficDirection::Outbound.into(),
        ..Default::default()
    };
    telemetry.of_listener(&mut frame);
    frame
}
