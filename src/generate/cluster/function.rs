//! The cluster of a target that is a function at AWS. It looks like every other to what leads to it: requests are signed
//! and put into the function's words at its very end, by a filter of the cluster itself.
//!
//! With `metadata` as the documentation of Envoy's filter asks: "com.amazonaws.lambda" with `egress_gateway`.

use std::collections::HashMap;
use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType, DnsLookupFamily};
use envoy_types::pb::envoy::config::core::v3::{DataSource, Metadata, TransportSocket, data_source::Specifier};
use envoy_types::pb::envoy::extensions::filters::http::aws_lambda::v3::Config;
use envoy_types::pb::envoy::extensions::filters::http::aws_lambda::v3::config::InvocationMode;
use envoy_types::pb::envoy::extensions::filters::http::upstream_codec::v3::UpstreamCodec;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::ValidationContextType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, UpstreamTlsContext,
};
use envoy_types::pb::google::protobuf::{Struct, Value, value::Kind};
use envoy_types::util::pack_any;

use super::all_http_options;
use super::upstream::{Settings, common, pooled};
use crate::chain::Target;
use crate::generate::listener::http_filter;
use crate::generate::{Reason, address, endpoint, sharing_key, tls};
use crate::model::extension::{AwsLambda, Invocation};
use crate::model::{Endpoints, Protocol};
use crate::resource::{Resource, ResourceType, Shared};

const HTTPS: u16 = 443;

/// Kept by the instances, like others, though none is looked at.
pub(in crate::generate) fn function(
    name: &str,
    target: &Target,
    function: &AwsLambda,
    endpoints: &Shared<Endpoints>,
    settings: Settings<'_>,
) -> Result<Arc<Resource>, Reason> {
    if target.connect_timeout.is_zero() {
        return Err(Reason::NoTime);
    }
    let key = sharing_key(("function", name, target.connect_timeout, function, settings));
    Ok(endpoints.resource(key, || made(name, target, function, settings)))
}

fn made(name: &str, target: &Target, function: &AwsLambda, settings: Settings<'_>) -> Resource {
    let host = function.arn.host();
    let there = endpoint::at(address::socket(&host, HTTPS));
    let mut options = pooled(Protocol::Http);
    options.http_filters = vec![
        http_filter("envoy.filters.http.aws_lambda", signed(function, &host)),
        http_filter("envoy.filters.http.upstream_codec", UpstreamCodec::default()),
    ];
    let cluster = Cluster {
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::LogicalDns.into())),
        dns_lookup_family: DnsLookupFamily::V4Preferred.into(),
        load_assignment: Some(endpoint::of(name, vec![there])),
        typed_extension_protocol_options: all_http_options(options),
        transport_socket: Some(proved(function, host)),
        metadata: Some(called_at_all()),
        ..common(name, target, settings)
    };
    Resource::new(ResourceType::Cluster, Arc::from(name), vec![], &cluster)
}

fn signed(function: &AwsLambda, host: &str) -> Config {
    let mode = match function.invocation {
        Invocation::Synchronous => InvocationMode::Synchronous,
        Invocation::Asynchronous => InvocationMode::Asynchronous,
    };
    Config {
        arn: function.arn.as_str().to_owned(),
        payload_passthrough: function.payload_passthrough,
        invocation_mode: mode.into(),
        host_rewrite: host.to_owned(),
        ..Default::default()
    }
}

/// Without it the filter lets requests pass as they are.
fn called_at_all() -> Metadata {
    let yes = Value { kind: Some(Kind::BoolValue(true)) };
    let of_filter = Struct { fields: HashMap::from([("egress_gateway".to_owned(), yes)]) };
    Metadata { filter_metadata: HashMap::from([("com.amazonaws.lambda".to_owned(), of_filter)]), ..Default::default() }
}

/// Of AWS itself; it is not asked for a certificate, and shown none of the mesh's.
fn proved(function: &AwsLambda, host: String) -> TransportSocket {
    let authorities = Specifier::Filename(function.trusted_ca.clone());
    let validation = CertificateValidationContext {
        trusted_ca: Some(DataSource { specifier: Some(authorities), ..Default::default() }),
        match_typed_subject_alt_names: vec![tls::is_of(&host)],
        ..Default::default()
    };
    let common = CommonTlsContext {
        validation_context_type: Some(ValidationContextType::ValidationContext(validation)),
        ..Default::default()
    };
    let context = UpstreamTlsContext { common_tls_context: Some(common), sni: host, ..Default::default() };
    tls::transport_socket(pack_any(context))
}
