//! The cluster of an upstream's target. It is the same for every proxy that calls the service: whose leaf is shown is a
//! matter of the secret named in it.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    ClusterDiscoveryType, CommonLbConfig, DiscoveryType, DnsLookupFamily, EdsClusterConfig,
};
use envoy_types::pb::envoy::config::cluster::v3::{CircuitBreakers, Cluster, OutlierDetection};
use envoy_types::pb::envoy::config::core::v3::{ConfigSource, Http2ProtocolOptions};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions, explicit_http_config::ProtocolConfig,
};
use envoy_types::pb::envoy::r#type::v3::Percent;

use super::http_options;
use crate::chain::Chain;
use crate::generate::{Reason, address, duration, endpoint, sharing_key, tls};
use crate::model::Endpoints;
use crate::model::entry::TlsSettings;
use crate::resource::{Resource, ResourceType, Shared};

/// What an upstream's cluster is made of beside its chain and the instances behind it.
#[derive(Clone, Copy)]
pub(in crate::generate) struct Settings<'a> {
    pub outgoing: &'a TlsSettings,
    /// How long Envoy waits for the first endpoints.
    pub fetch_timeout: Option<Duration>,
}

/// The cluster, which needs endpoints of its own name, unless an instance is registered by host name: then Envoy
/// resolves the names itself, for endpoints that it is sent must be addresses.
///
/// The instances keep it, so that one look at them serves all proxies; its bytes do not change with theirs.
pub(in crate::generate) fn upstream(
    chain: &Chain,
    endpoints: &Shared<Endpoints>,
    settings: Settings<'_>,
) -> Result<Arc<Resource>, Reason> {
    if chain.target.connect_timeout.is_zero() {
        return Err(Reason::NoTime);
    }
    let Settings { outgoing, fetch_timeout } = settings;
    let target = &chain.target;
    let made_of = (chain.cluster_name(), chain.protocol, target.connect_timeout, &target.sni, &target.spiffe_id);
    Ok(endpoints.resource(sharing_key(("cluster", made_of, outgoing, fetch_timeout)), || {
        let mut cluster = by_target(chain, outgoing);
        let name: Arc<str> = cluster.name.as_str().into();
        if endpoints.endpoints.iter().any(|endpoint| endpoint.socket_path.is_empty() && is_host_name(&endpoint.address))
        {
            cluster.cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::StrictDns.into()));
            cluster.dns_lookup_family = DnsLookupFamily::V4Preferred.into();
            cluster.load_assignment = Some(endpoint::assignment(&name, endpoints, true));
            return Resource::new(ResourceType::Cluster, name, vec![], &cluster);
        }
        let eds_config = ConfigSource { initial_fetch_timeout: fetch_timeout.map(duration), ..tls::ads() };
        cluster.cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::Eds.into()));
        cluster.eds_cluster_config = Some(EdsClusterConfig { eds_config: Some(eds_config), ..Default::default() });
        Resource::new(ResourceType::Cluster, Arc::clone(&name), vec![name], &cluster)
    }))
}

fn is_host_name(address: &str) -> bool {
    !address.is_empty() && !address::is_ip(address)
}

fn by_target(chain: &Chain, outgoing: &TlsSettings) -> Cluster {
    let name = chain.cluster_name();
    let mut cluster = Cluster {
        alt_stat_name: name.clone(),
        name,
        connect_timeout: Some(duration(chain.target.connect_timeout)),
        // with every instance unhealthy a call fails; it does not go to instances that are known to be bad
        common_lb_config: Some(CommonLbConfig {
            healthy_panic_threshold: Some(Percent { value: 0.0 }),
            ..Default::default()
        }),
        outlier_detection: Some(OutlierDetection::default()),
        circuit_breakers: Some(CircuitBreakers::default()),
        transport_socket: Some(tls::open(outgoing, &chain.target)),
        ..Default::default()
    };
    if chain.protocol.is_http2() {
        let http2 = ProtocolConfig::Http2ProtocolOptions(Http2ProtocolOptions::default());
        cluster.typed_extension_protocol_options =
            http_options(UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig {
                protocol_config: Some(http2),
            }));
    }
    cluster
}
