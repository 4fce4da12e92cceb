//! Where connections go: the application behind the proxy, the targets of its upstreams, and where keys are fetched.

mod failover;
mod function;
mod hatch;
mod jwks;
mod local_app;
mod original;
mod upstream;

use std::collections::HashMap;

use envoy_types::pb::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::UpstreamProtocolOptions;
use envoy_types::pb::google::protobuf::Any;
use envoy_types::util::pack_any;

pub(super) use failover::{aggregate, failover};
pub(super) use function::function;
pub(super) use hatch::by_hand;
pub(super) use jwks::{jwks, jwks_name};
pub(super) use local_app::{LOCAL_APP, exposed, local_app};
pub(super) use original::{ORIGINAL_DESTINATION, original_destination, passthrough, passthrough_name};
pub(super) use upstream::{Settings, balance, upstream};

/// `typed_extension_protocol_options` with its one key.
pub(super) fn http_options(options: UpstreamProtocolOptions) -> HashMap<String, Any> {
    all_http_options(HttpProtocolOptions { upstream_protocol_options: Some(options), ..Default::default() })
}

fn all_http_options(options: HttpProtocolOptions) -> HashMap<String, Any> {
    HashMap::from([("envoy.extensions.upstreams.http.v3.HttpProtocolOptions".to_owned(), pack_any(options))])
}
