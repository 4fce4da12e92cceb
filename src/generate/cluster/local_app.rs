//! `local_app`: the application behind the proxy, in plain text; and where else it listens for what is exposed.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::circuit_breakers::Thresholds;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType, DnsLookupFamily};
use envoy_types::pb::envoy::config::cluster::v3::{CircuitBreakers, Cluster};
use envoy_types::pb::envoy::config::core::v3::{Http1ProtocolOptions, Http2ProtocolOptions};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions, UseDownstreamHttpConfig, explicit_http_config::ProtocolConfig,
};
use envoy_types::pb::google::protobuf::UInt32Value;

use super::{hatch, http_options};
use crate::generate::{Reason, address, duration, endpoint};
use crate::model::expose::{ExposedPath, ExposedProtocol};
use crate::model::{Bind, ProxyConfig};
use crate::resource::{Resource, ResourceType};

pub(in crate::generate) const LOCAL_APP: &str = "local_app";

pub(in crate::generate) fn local_app(proxy: &ProxyConfig) -> Result<Arc<Resource>, Reason> {
    if !proxy.inbound.cluster_json.is_empty() {
        return hatch::local_app(&proxy.inbound.cluster_json, proxy);
    }
    let app = &proxy.local_app;
    if app.connect_timeout.is_zero() {
        return Err(Reason::NoTime);
    }
    let mut cluster = at(LOCAL_APP, &app.address, app.connect_timeout)?;
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
    Ok(Arc::new(Resource::new(ResourceType::Cluster, LOCAL_APP, vec![], &cluster)))
}

/// Where an exposed path is asked for, when that is not where the application takes its calls.
pub(in crate::generate) fn exposed(proxy: &ProxyConfig, path: &ExposedPath) -> Result<Resource, Reason> {
    let address = match &proxy.local_app.address {
        Bind::Address { address, .. } => address.clone(),
        Bind::Socket { .. } => "127.0.0.1".to_owned(),
    };
    let name = format!("exposed_cluster_{}", path.local_path_port);
    let bind = Bind::Address { address, port: path.local_path_port };
    let mut cluster = at(&name, &bind, proxy.local_app.connect_timeout)?;
    if path.protocol == ExposedProtocol::Http2 {
        let http2 = ProtocolConfig::Http2ProtocolOptions(Http2ProtocolOptions::default());
        cluster.typed_extension_protocol_options =
            http_options(UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig {
                protocol_config: Some(http2),
            }));
    }
    Ok(Resource::new(ResourceType::Cluster, name, vec![], &cluster))
}

fn at(name: &str, bind: &Bind, connect_timeout: Duration) -> Result<Cluster, Reason> {
    let instance = endpoint::at(address::connect(bind)?);
    let mut cluster = Cluster {
        name: name.to_owned(),
        connect_timeout: Some(duration(connect_timeout)),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into())),
        load_assignment: Some(endpoint::of(name, vec![instance])),
        ..Default::default()
    };
    if matches!(bind, Bind::Address { address, .. } if !address::is_ip(address)) {
        cluster.cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::StrictDns.into()));
        cluster.dns_lookup_family = DnsLookupFamily::V4Preferred.into();
    }
    Ok(cluster)
}
