//! `local_app`: the application behind the proxy, in plain text.

use envoy_types::pb::envoy::config::cluster::v3::circuit_breakers::Thresholds;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType, DnsLookupFamily};
use envoy_types::pb::envoy::config::cluster::v3::{CircuitBreakers, Cluster};
use envoy_types::pb::envoy::config::core::v3::{Http1ProtocolOptions, Http2ProtocolOptions};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    UpstreamProtocolOptions, UseDownstreamHttpConfig,
};
use envoy_types::pb::google::protobuf::UInt32Value;

use super::http_options;
use crate::generate::{Reason, address, duration, endpoint};
use crate::model::{Bind, ProxyConfig};
use crate::resource::{Resource, ResourceType};

pub(in crate::generate) const LOCAL_APP: &str = "local_app";

pub(in crate::generate) fn local_app(proxy: &ProxyConfig) -> Result<Resource, Reason> {
    let app = &proxy.local_app;
    if app.connect_timeout.is_zero() {
        return Err(Reason::NoTime);
    }
    let instance = endpoint::at(address::connect(&app.address)?);
    let mut cluster = Cluster {
        name: LOCAL_APP.to_owned(),
        connect_timeout: Some(duration(app.connect_timeout)),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into())),
        load_assignment: Some(endpoint::of(LOCAL_APP, vec![instance])),
        ..Default::default()
    };
    if matches!(&app.address, Bind::Address { address, .. } if !address::is_ip(address)) {
        cluster.cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::StrictDns.into()));
        cluster.dns_lookup_family = DnsLookupFamily::V4Preferred.into();
    }
    if proxy.protocol.is_http2() {
        // what speaks HTTP/2 to the proxy reaches the application so; a caller with HTTP/1.1 is let through as it is
        cluster.typed_extension_protocol_options =
            http_options(UpstreamProtocolOptions::UseDownstreamProtocolConfig(UseDownstreamHttpConfig {
                http_protocol_options: Some(Http1ProtocolOptions::default()),
                http2_protocol_options: Some(Http2ProtocolOptions::default()),
                ..Default::default()
            }));
    }
    if proxy.max_inbound_connections > 0 {
        let limit = UInt32Value { value: proxy.max_inbound_connections };
        let thresholds = vec![Thresholds { max_connections: Some(limit), ..Default::default() }];
        cluster.circuit_breakers = Some(CircuitBreakers { thresholds, ..Default::default() });
    }
    Ok(Resource::new(ResourceType::Cluster, LOCAL_APP, vec![], &cluster))
}
