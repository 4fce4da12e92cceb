//! What the API answers: serde twins of the model with exactly Consul's names, order, empty lists and nulls.
//! `Namespace` and `Partition` are absent everywhere, as in Consul's community edition.

mod catalog;
mod certs;
pub(super) mod check;
mod member;
pub(super) mod proxy;
mod service;
mod ui;

use std::collections::BTreeMap;

use serde::Serialize;

pub(super) use catalog::{NodeAnswer, NodeService, node_answer, node_service};
pub use catalog::{catalog_service, instance, node, node_service_list, node_service_map, services};
pub(super) use certs::key_kind;
pub use certs::{leaf, roots};
pub(super) use check::CheckAnswer;
pub use check::check;
pub use member::member;
pub use service::{agent_service, agent_service_with_hash, service_health};
pub use ui::{node_info, overview, service_summary, topology};

use crate::model::Locality;
use crate::model::{ServiceKind, TaggedAddress, Weights};

/// `{}`
#[derive(Serialize)]
pub(super) struct Empty {}

pub(super) fn kind(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Typical => "",
        ServiceKind::ConnectProxy => "connect-proxy",
    }
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WeightsAnswer {
    passing: u32,
    warning: u32,
}

impl From<Weights> for WeightsAnswer {
    fn from(weights: Weights) -> Self {
        Self { passing: weights.passing, warning: weights.warning }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LocalityAnswer<'a> {
    region: &'a str,
    zone: &'a str,
}

impl<'a> From<&'a Locality> for LocalityAnswer<'a> {
    fn from(locality: &'a Locality) -> Self {
        Self { region: &locality.region, zone: &locality.zone }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AddressAnswer<'a> {
    address: &'a str,
    port: u16,
}

impl<'a> From<&'a TaggedAddress> for AddressAnswer<'a> {
    fn from(tagged: &'a TaggedAddress) -> Self {
        Self { address: &tagged.address, port: tagged.port }
    }
}

pub(super) type Addresses<'a> = BTreeMap<&'a str, AddressAnswer<'a>>;

pub(super) fn addresses(tagged: &BTreeMap<String, TaggedAddress>) -> Addresses<'_> {
    tagged.iter().map(|(tag, tagged)| (tag.as_str(), AddressAnswer::from(tagged))).collect()
}

/// `{"Native":true}`, or `{}`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Connect {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    native: bool,
}

pub(super) fn is_zero(port: &u16) -> bool {
    *port == 0
}

#[cfg(test)]
mod tests;
