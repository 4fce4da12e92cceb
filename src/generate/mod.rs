//! Snapshot → Envoy resources, one file per kind of proxy.
//!
//! What does not depend on the proxy is made once, kept by the fact it is made of ([`crate::resource::Shared`]) and
//! shared as bytes by every proxy. A piece that cannot be made becomes a [`Refusal`] and the rest is served; a listener
//! is never made without its TLS and its authorisation.
//!
//! Encoding is deterministic: no message here holds a map with more than one key, and what needs one is [`merged`].

mod access_log;
mod address;
mod cluster;
mod endpoint;
mod exposed;
mod extension;
mod fault;
mod grpc;
mod hatch;
mod jwt;
mod kept;
mod listener;
mod rate_limit;
mod rbac;
mod refusal;
mod route;
mod secret;
mod sidecar;
mod telemetry;
mod tls;
mod transparent;
mod vantage;

use std::hash::{Hash, Hasher};
use std::time::Duration;

use envoy_types::pb::envoy::r#type::v3::{FractionalPercent, fractional_percent::DenominatorType};
use envoy_types::pb::google::protobuf::{self, Any};
use xxhash_rust::xxh3::Xxh3Default;

pub use grpc::grpc;
pub use refusal::{Origin, Reason, Refusal};
pub use sidecar::{Sidecar, sidecar};

use crate::model::entry::service_splitter::Weight;
use crate::resource::View;

/// What came of one snapshot.
#[derive(Clone, PartialEq, Debug)]
pub struct Generated {
    pub view: View,
    /// What the view lacks, in the order of the registration.
    pub refusals: Vec<Refusal>,
}

/// What the messages come to when they are merged, which in protobuf is to write them one after the other. So a map of
/// several keys gets an order: each part has one of them.
fn merged<M: prost::Message + prost::Name>(parts: impl IntoIterator<Item = M>) -> Any {
    let value = parts.into_iter().flat_map(|part| part.encode_to_vec()).collect();
    Any { type_url: M::type_url(), value }
}

/// Stands for everything a shared resource is made of, beside the fact that keeps it.
fn sharing_key(parts: impl Hash) -> u64 {
    let mut hasher = Xxh3Default::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

fn duration(duration: Duration) -> protobuf::Duration {
    protobuf::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: duration.subsec_nanos().cast_signed(),
    }
}

fn share(share: Weight) -> FractionalPercent {
    FractionalPercent { numerator: share.0, denominator: DenominatorType::TenThousand.into() }
}

fn yes() -> protobuf::BoolValue {
    protobuf::BoolValue { value: true }
}
