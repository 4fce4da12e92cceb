//! What dashboards read, in the form that Consul's own has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::catalog::{NodeService, node_service};
use super::check::CheckAnswer;
use super::kind;
use crate::catalog::query::Summary;
use crate::model::{Check, Datacenter, Node, NodeName, Service, ServiceName, Status};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ServiceSummary<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'static str,
    name: &'a str,
    datacenter: &'a Datacenter,
    tags: &'a BTreeSet<&'a str>,
    nodes: &'a BTreeSet<&'a NodeName>,
    external_sources: &'a BTreeSet<&'a str>,
    instance_count: usize,
    checks_passing: usize,
    checks_warning: usize,
    checks_critical: usize,
    gateway_config: super::Empty,
    transparent_proxy: bool,
    connect_native: bool,
    connected_with_proxy: bool,
    connected_with_gateway: bool,
}

/// An element of `/v1/internal/ui/services`; `proxied`: a sidecar stands before an instance.
pub fn service_summary<'a>(
    name: &'a ServiceName,
    summary: &'a Summary<'a>,
    proxied: bool,
    datacenter: &'a Datacenter,
) -> impl Serialize + use<'a> {
    let checks = |status| summary.checks.get(&status).copied().unwrap_or(0);
    ServiceSummary {
        kind: kind(summary.kind),
        name: name.as_str(),
        datacenter,
        tags: &summary.tags,
        nodes: &summary.nodes,
        external_sources: &summary.sources,
        instance_count: summary.instances,
        checks_passing: checks(Status::Passing),
        checks_warning: checks(Status::Warning),
        checks_critical: checks(Status::Critical),
        gateway_config: super::Empty {},
        transparent_proxy: false,
        connect_native: summary.native,
        connected_with_proxy: proxied,
        connected_with_gateway: false,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NodeInfo<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    node: &'a str,
    address: &'a str,
    tagged_addresses: &'a BTreeMap<String, String>,
    meta: &'a BTreeMap<String, String>,
    services: Vec<NodeService<'a>>,
    checks: Vec<CheckAnswer<'a>>,
}

/// An element of `/v1/internal/ui/nodes`.
pub fn node_info<'a>(node: &'a Node, services: &'a [Arc<Service>], checks: &'a [Arc<Check>]) -> impl Serialize + 'a {
    NodeInfo {
        id: &node.id,
        node: node.name.as_str(),
        address: &node.address,
        tagged_addresses: &node.tagged_addresses,
        meta: &node.meta,
        services: services.iter().map(|service| node_service(service)).collect(),
        checks: checks.iter().map(|check| CheckAnswer::from(&**check)).collect(),
    }
}
