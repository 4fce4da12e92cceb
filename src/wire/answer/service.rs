//! Instances as the agent shows its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::check::CheckAnswer;
use super::proxy::{Form, ProxyAnswer};
use super::{Addresses, Connect, LocalityAnswer, WeightsAnswer, addresses, kind};
use crate::model::{Check, Datacenter, Service, Status};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AgentService<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'static str,
    #[serde(rename = "ID")]
    id: &'a str,
    service: &'a str,
    tags: &'a [String],
    meta: &'a BTreeMap<String, String>,
    port: u16,
    address: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    socket_path: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tagged_addresses: Addresses<'a>,
    weights: WeightsAnswer,
    enable_tag_override: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<ProxyAnswer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect: Option<Connect>,
    datacenter: &'a Datacenter,
    #[serde(skip_serializing_if = "Option::is_none")]
    locality: Option<LocalityAnswer<'a>>,
}

/// An element of the map that `/v1/agent/services` answers.
pub fn agent_service<'a>(service: &'a Service, datacenter: &'a Datacenter) -> impl Serialize + 'a {
    answer(service, datacenter)
}

/// As `/v1/agent/service/:id` answers: with the hash of its content, which is also given by itself (16 hex digits) for
/// `X-Consul-ContentHash`. Indexes are not content.
pub fn agent_service_with_hash<'a>(service: &'a Service, datacenter: &'a Datacenter) -> (impl Serialize + 'a, String) {
    let mut answer = answer(service, datacenter);
    // every key is text, so there is nothing that could fail
    let content = serde_json::to_vec(&answer).unwrap_or_default();
    let hash = format!("{:016x}", xxh3_64(&content));
    answer.content_hash = Some(hash.clone());
    (answer, hash)
}

/// As `/v1/agent/health/service/id/:id` answers, and an element of the list by name.
pub fn service_health<'a>(
    status: Status,
    service: &'a Service,
    checks: &'a [Arc<Check>],
    datacenter: &'a Datacenter,
) -> impl Serialize + 'a {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Health<'a> {
        aggregated_status: &'static str,
        service: AgentService<'a>,
        checks: Vec<CheckAnswer<'a>>,
    }
    Health {
        aggregated_status: status.as_str(),
        service: answer(service, datacenter),
        checks: checks.iter().map(|check| CheckAnswer::from(&**check)).collect(),
    }
}

fn answer<'a>(service: &'a Service, datacenter: &'a Datacenter) -> AgentService<'a> {
    AgentService {
        kind: kind(service.kind),
        id: service.id.as_str(),
        service: service.name.as_str(),
        tags: &service.tags,
        meta: &service.meta,
        port: service.port,
        address: &service.address,
        socket_path: &service.socket_path,
        tagged_addresses: addresses(&service.tagged_addresses),
        weights: service.weights.into(),
        enable_tag_override: service.enable_tag_override,
        content_hash: None,
        proxy: service.proxy.as_ref().map(|proxy| ProxyAnswer::new(proxy, Form::Agent)),
        connect: service.connect_native.then_some(Connect { native: true }),
        datacenter,
        locality: service.locality.as_ref().map(LocalityAnswer::from),
    }
}
