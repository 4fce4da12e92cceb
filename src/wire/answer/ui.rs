//! What dashboards read, in the form that Consul's own has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::catalog::{NodeService, node_service};
use super::check::CheckAnswer;
use super::kind;
use crate::catalog::query::{Neighbour, Overview, Reason, Summary, Tally, Topology};
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
    summary_of(name, summary, proxied, datacenter)
}

fn summary_of<'a>(
    name: &'a ServiceName,
    summary: &'a Summary<'a>,
    proxied: bool,
    datacenter: &'a Datacenter,
) -> ServiceSummary<'a> {
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

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TopologyAnswer<'a> {
    protocol: &'static str,
    transparent_proxy: bool,
    upstreams: Vec<NeighbourAnswer<'a>>,
    downstreams: Vec<NeighbourAnswer<'a>>,
    #[serde(rename = "FilteredByACLs")]
    filtered: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NeighbourAnswer<'a> {
    #[serde(flatten)]
    summary: ServiceSummary<'a>,
    source: &'static str,
    intention: DecisionAnswer<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DecisionAnswer<'a> {
    default_allow: bool,
    allowed: bool,
    has_permissions: bool,
    external_source: &'a str,
    has_exact: bool,
}

/// As `/v1/internal/ui/service-topology/:service` answers. Neighbours that have no instances are left out, as in Consul.
pub fn topology<'a>(
    topology: &'a Topology,
    summaries: &'a BTreeMap<&'a ServiceName, Summary<'a>>,
    proxied: &BTreeSet<&ServiceName>,
    datacenter: &'a Datacenter,
) -> impl Serialize + use<'a> {
    let neighbours = |all: &'a BTreeMap<ServiceName, Neighbour>| -> Vec<NeighbourAnswer<'a>> {
        let with_instances = all.iter().filter_map(|(name, neighbour)| Some((name, neighbour, summaries.get(name)?)));
        with_instances
            .map(|(name, neighbour, summary)| NeighbourAnswer {
                summary: summary_of(name, summary, proxied.contains(name), datacenter),
                source: source(neighbour.reason),
                intention: DecisionAnswer {
                    default_allow: neighbour.decision.default_allow,
                    allowed: neighbour.decision.allowed,
                    has_permissions: neighbour.decision.has_permissions,
                    external_source: &neighbour.decision.external_source,
                    has_exact: neighbour.decision.has_exact,
                },
            })
            .collect()
    };
    TopologyAnswer {
        protocol: topology.protocol.as_str(),
        transparent_proxy: topology.transparent,
        upstreams: neighbours(&topology.upstreams),
        downstreams: neighbours(&topology.downstreams),
        filtered: false,
    }
}

fn source(reason: Reason) -> &'static str {
    match reason {
        Reason::Registration => "proxy-registration",
        Reason::Routing => "routing-config",
        Reason::SpecificIntention => "specific-intention",
        Reason::WildcardIntention => "wildcard-intention",
        Reason::DefaultAllow => "default-allow",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OverviewAnswer<'a> {
    nodes: [TallyAnswer<'a>; 1],
    services: Vec<TallyAnswer<'a>>,
    checks: Vec<TallyAnswer<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TallyAnswer<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    total: usize,
    passing: usize,
    warning: usize,
    critical: usize,
}

/// As `/v1/internal/ui/catalog-overview` answers.
pub fn overview<'a>(overview: &'a Overview<'a>) -> impl Serialize + 'a {
    OverviewAnswer {
        nodes: [tally("", &overview.nodes)],
        services: overview.services.iter().map(|(name, of)| tally(name.as_str(), of)).collect(),
        checks: overview.checks.iter().map(|(name, of)| tally(name, of)).collect(),
    }
}

fn tally<'a>(name: &'a str, tally: &Tally) -> TallyAnswer<'a> {
    let of = |status| tally.get(&status).copied().unwrap_or(0);
    TallyAnswer {
        name,
        total: tally.values().sum(),
        passing: of(Status::Passing),
        warning: of(Status::Warning),
        critical: of(Status::Critical),
    }
}
