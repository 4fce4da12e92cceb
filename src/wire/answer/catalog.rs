//! Nodes and instances as the catalog and the health paths show them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::check::CheckAnswer;
use super::proxy::{Form, ProxyAnswer};
use super::{Addresses, Connect, LocalityAnswer, WeightsAnswer, addresses, kind};
use crate::model::{Datacenter, Index, Instance, Node, Proxy, Service, ServiceName};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::wire) struct NodeAnswer<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    node: &'a str,
    address: &'a str,
    datacenter: &'a Datacenter,
    tagged_addresses: &'a BTreeMap<String, String>,
    meta: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locality: Option<LocalityAnswer<'a>>,
    create_index: Index,
    modify_index: Index,
}

/// An element of `/v1/catalog/nodes`, and the `Node` of a health answer.
pub fn node<'a>(node: &'a Node, datacenter: &'a Datacenter) -> impl Serialize + 'a {
    node_answer(node, datacenter)
}

pub(in crate::wire) fn node_answer<'a>(node: &'a Node, datacenter: &'a Datacenter) -> NodeAnswer<'a> {
    NodeAnswer {
        id: &node.id,
        node: node.name.as_str(),
        address: &node.address,
        datacenter,
        tagged_addresses: &node.tagged_addresses,
        meta: &node.meta,
        locality: node.locality.as_ref().map(LocalityAnswer::from),
        create_index: node.create_index,
        modify_index: node.modify_index,
    }
}

/// As `/v1/catalog/services` answers: names to the tags of all instances.
pub fn services(services: &BTreeMap<ServiceName, BTreeSet<String>>) -> impl Serialize + '_ {
    services
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CatalogService<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    node: &'a str,
    address: &'a str,
    datacenter: &'a Datacenter,
    tagged_addresses: &'a BTreeMap<String, String>,
    node_meta: &'a BTreeMap<String, String>,
    service_kind: &'static str,
    #[serde(rename = "ServiceID")]
    service_id: &'a str,
    service_name: &'a str,
    service_tags: &'a [String],
    service_address: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    service_tagged_addresses: Addresses<'a>,
    service_weights: WeightsAnswer,
    service_meta: &'a BTreeMap<String, String>,
    service_port: u16,
    service_socket_path: &'a str,
    service_enable_tag_override: bool,
    service_proxy: ProxyAnswer<'a>,
    service_connect: Connect,
    service_locality: Option<LocalityAnswer<'a>>,
    create_index: Index,
    modify_index: Index,
}

/// An element of `/v1/catalog/service/:name` and `/v1/catalog/connect/:name`.
pub fn catalog_service<'a>(instance: &'a Instance, datacenter: &'a Datacenter) -> impl Serialize + 'a {
    let Instance { node, service, .. } = instance;
    CatalogService {
        id: &node.id,
        node: node.name.as_str(),
        address: &node.address,
        datacenter,
        tagged_addresses: &node.tagged_addresses,
        node_meta: &node.meta,
        service_kind: kind(service.kind),
        service_id: service.id.as_str(),
        service_name: service.name.as_str(),
        service_tags: &service.tags,
        service_address: &service.address,
        service_tagged_addresses: addresses(&service.tagged_addresses),
        service_weights: service.weights.into(),
        service_meta: &service.meta,
        service_port: service.port,
        service_socket_path: &service.socket_path,
        service_enable_tag_override: service.enable_tag_override,
        service_proxy: proxy(service),
        service_connect: Connect { native: service.connect_native },
        service_locality: service.locality.as_ref().map(LocalityAnswer::from),
        create_index: service.create_index,
        modify_index: service.modify_index,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HealthAnswer<'a> {
    node: NodeAnswer<'a>,
    service: NodeService<'a>,
    checks: Vec<CheckAnswer<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::wire) struct NodeService<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'static str,
    #[serde(rename = "ID")]
    id: &'a str,
    service: &'a str,
    tags: &'a [String],
    address: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tagged_addresses: Addresses<'a>,
    meta: &'a BTreeMap<String, String>,
    port: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    socket_path: &'a str,
    weights: WeightsAnswer,
    enable_tag_override: bool,
    proxy: ProxyAnswer<'a>,
    connect: Connect,
    #[serde(skip_serializing_if = "Option::is_none")]
    locality: Option<LocalityAnswer<'a>>,
    peer_name: &'static str,
    create_index: Index,
    modify_index: Index,
}

/// An element of `/v1/health/service/:name` and `/v1/health/connect/:name`.
pub fn instance<'a>(instance: &'a Instance, datacenter: &'a Datacenter) -> impl Serialize + 'a {
    HealthAnswer {
        node: node_answer(&instance.node, datacenter),
        service: node_service(&instance.service),
        checks: instance.checks.iter().map(|check| CheckAnswer::from(&**check)).collect(),
    }
}

/// As `/v1/catalog/node/:node` answers: `null` for a node that is not there.
pub fn node_service_map<'a>(
    found: Option<(&'a Node, &[&'a Service])>,
    datacenter: &'a Datacenter,
) -> impl Serialize + use<'a> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct OnNode<'a> {
        node: NodeAnswer<'a>,
        services: BTreeMap<&'a str, NodeService<'a>>,
    }
    found.map(|(node, services)| OnNode {
        node: node_answer(node, datacenter),
        services: services.iter().map(|service| (service.id.as_str(), node_service(service))).collect(),
    })
}

/// As `/v1/catalog/node-services/:node` answers.
pub fn node_service_list<'a>(
    found: Option<(&'a Node, &[&'a Service])>,
    datacenter: &'a Datacenter,
) -> impl Serialize + use<'a> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct OnNode<'a> {
        node: Option<NodeAnswer<'a>>,
        services: Vec<NodeService<'a>>,
    }
    let services = found.map(|(_, services)| services).unwrap_or_default();
    OnNode {
        node: found.map(|(node, _)| node_answer(node, datacenter)),
        services: services.iter().map(|service| node_service(service)).collect(),
    }
}

pub(in crate::wire) fn node_service(service: &Service) -> NodeService<'_> {
    NodeService {
        kind: kind(service.kind),
        id: service.id.as_str(),
        service: service.name.as_str(),
        tags: &service.tags,
        address: &service.address,
        tagged_addresses: addresses(&service.tagged_addresses),
        meta: &service.meta,
        port: service.port,
        socket_path: &service.socket_path,
        weights: service.weights.into(),
        enable_tag_override: service.enable_tag_override,
        proxy: proxy(service),
        connect: Connect { native: service.connect_native },
        locality: service.locality.as_ref().map(LocalityAnswer::from),
        peer_name: "",
        create_index: service.create_index,
        modify_index: service.modify_index,
    }
}

/// Shown, without content, for services that are no proxies too.
fn proxy(service: &Service) -> ProxyAnswer<'_> {
    static NONE: std::sync::LazyLock<Proxy> = std::sync::LazyLock::new(Proxy::default);
    ProxyAnswer::new(service.proxy.as_ref().unwrap_or(&NONE), Form::Catalog)
}
