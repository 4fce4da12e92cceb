//! Listeners that somebody wrote. A public one takes connections where it says, with the mesh's TLS, and asks the
//! intentions before anything else.

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::TrafficDirection;
use envoy_types::pb::envoy::config::listener::v3::listener::ListenerSpecifier;
use envoy_types::pb::envoy::config::listener::v3::{FilterChain, Listener, filter};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use envoy_types::util::pack_any;
use prost::{Message as _, Name as _};

use super::public::{Inbound, authorisation, name as public_name, needs, network_authorisation, normalize};
use super::upstream::name as upstream_name;
use crate::chain::Chain;
use crate::generate::{Reason, hatch, route, tls};
use crate::model::intention::Intentions;
use crate::model::{Bind, UpstreamConfig};
use crate::resource::{Resource, ResourceType};

const KEY: &str = "envoy_public_listener_json";
const RBAC: &str = "envoy.filters.http.rbac";

pub(super) fn public(
    json: &str,
    bind: &Bind,
    inbound: Inbound<'_>,
    intentions: &Intentions,
) -> Result<Arc<Resource>, Reason> {
    let wrong = |why: &str| Err(Reason::Hatch(KEY, why.to_owned()));
    let mut listener: Listener = hatch::read(KEY, json)?;
    if listener.name.is_empty() {
        listener.name = public_name(bind);
    }
    let internal = matches!(listener.listener_specifier, Some(ListenerSpecifier::InternalListener(_)));
    if internal || listener.api_listener.is_some() || listener.udp_listener_config.is_some() {
        return wrong("takes no TCP connections, and others prove no identity");
    }
    if listener.fcds_config.is_some() {
        return wrong(
            "takes filter chains from elsewhere (fcds_config), where nobody could put the intentions into them",
        );
    }
    if hatch::changes_filter(json, RBAC) {
        return wrong("changes envoy.filters.http.rbac for some routes, where the intentions would not hold");
    }
    let mut chains: Vec<&mut FilterChain> =
        listener.filter_chains.iter_mut().chain(&mut listener.default_filter_chain).collect();
    if chains.is_empty() {
        return wrong("has no filter chain");
    }
    for chain in &mut chains {
        if chain.filters.is_empty() {
            return wrong("has a filter chain without filters");
        }
        secure(chain, inbound, intentions)?;
    }
    if listener.traffic_direction == i32::from(TrafficDirection::Unspecified) {
        listener.traffic_direction = TrafficDirection::Inbound.into();
    }
    let name = listener.name.clone();
    hatch::resource(KEY, ResourceType::Listener, &name, needs(inbound, intentions), &listener).map(Arc::new)
}

/// An upstream's listener, which the application reaches: nothing of the mesh has to be put into it.
pub(super) fn upstream(upstream: &UpstreamConfig, chain: &Chain) -> Result<Arc<Resource>, Reason> {
    let mut listener: Listener = hatch::read(hatch::LISTENER, &upstream.settings.envoy_listener_json)?;
    if listener.name.is_empty() {
        listener.name = upstream_name(upstream);
    }
    if listener.traffic_direction == i32::from(TrafficDirection::Unspecified) {
        listener.traffic_direction = TrafficDirection::Outbound.into();
    }
    let name = listener.name.clone();
    hatch::resource(hatch::LISTENER, ResourceType::Listener, &name, route::clusters(chain), &listener).map(Arc::new)
}

fn secure(chain: &mut FilterChain, inbound: Inbound<'_>, intentions: &Intentions) -> Result<(), Reason> {
    chain.transport_socket = Some(tls::accept(&inbound.mesh.incoming, inbound.proxy.protocol));
    let mut sees_requests = false;
    for filter in &mut chain.filters {
        let Some(filter::ConfigType::TypedConfig(config)) = &mut filter.config_type else { continue };
        if config.type_url != HttpConnectionManager::type_url() {
            continue;
        }
        let mut manager =
            HttpConnectionManager::decode(&*config.value).map_err(|error| Reason::Hatch(KEY, error.to_string()))?;
        let asked = authorisation(inbound, intentions);
        manager.http_filters.splice(..0, asked.clone());
        // an upgraded connection may have filters of its own
        for upgrade in manager.upgrade_configs.iter_mut().filter(|upgrade| !upgrade.filters.is_empty()) {
            upgrade.filters.splice(..0, asked.clone());
        }
        if manager.normalize_path.is_none() {
            normalize(&mut manager, inbound.mesh.request_normalization);
        }
        *config = pack_any(manager);
        sees_requests = true;
    }
    if !sees_requests {
        chain.filters.insert(0, network_authorisation(inbound, intentions));
    }
    Ok(())
}
