//! `/v1/catalog`: every node, every service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::MethodFilter;

use chancery::catalog::{Tables, query};
use chancery::fact::{Fact, NodeServices};
use chancery::filter::selectors::{CATALOG_SERVICE, NODE, SERVICE};
use chancery::model::{Instance, Service, ServiceName, Topic};
use chancery::wire::answer;

use super::instances::{Listed, central};
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::common::{BLOCKING, FILTER, MERGE, NEAR, NODES, PEERS, PRETTY, SCOPE, STATE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const TAG: Parameters = &[Parameter::new("tag", Kind::Texts, "Only instances with each of these tags.")];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    let missing_service = async || reply::missing("service name");
    Endpoints::new("catalog", "catalog", "Every node, every service, whoever registered them.")
        .get("/v1/catalog/datacenters", datacenters, "The datacenters: one.", &[SCOPE, PRETTY])
        .get("/v1/catalog/nodes", nodes, "All nodes.", &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, NODES, NEAR])
        .get(
            "/v1/catalog/services",
            services,
            "The names of all services, with their tags.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, NODES],
        )
        .get(
            "/v1/catalog/service/{name}",
            service,
            "The instances of a service, with their nodes.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, NODES, NEAR, TAG, MERGE, PEERS],
        )
        .get(
            "/v1/catalog/connect/{name}",
            connect,
            "What speaks mutual TLS for a service: its proxies, and native programs.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, NODES, NEAR, TAG, MERGE, PEERS],
        )
        .get(
            "/v1/catalog/node/{name}",
            node,
            "A node with its instances by id; `null` when it is not there.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, PEERS],
        )
        .get(
            "/v1/catalog/node-services/{name}",
            node_services,
            "A node with its instances as a list.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, MERGE, PEERS],
        )
        .get(
            "/v1/catalog/gateway-services/{name}",
            gateway_services,
            "What a gateway serves. There are no gateways: an empty list.",
            &[SCOPE, PRETTY, STATE, BLOCKING],
        )
        .unnamed("/v1/catalog/service/", MethodFilter::GET, missing_service)
        .unnamed("/v1/catalog/connect/", MethodFilter::GET, missing_service)
        .unnamed("/v1/catalog/node/", MethodFilter::GET, async || reply::missing("node name"))
        .unnamed("/v1/catalog/node-services/", MethodFilter::GET, async || reply::missing("node name"))
        .unnamed("/v1/catalog/gateway-services/", MethodFilter::GET, async || reply::missing("name of a gateway"))
}

/// There is one.
async fn datacenters(State(door): State<HttpDoor>, params: Params) -> Response {
    reply::json(&params, &[door.datacenter()])
}

async fn nodes(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let selected = params.filter(&NODE, door.datacenter())?;
    let found = door.read(&params, Topic::Nodes).await?;
    let Fact::Nodes(nodes) = found.fact else { return Err(Failure::misread()) };
    let mut listed: Vec<_> = nodes.iter().filter(|node| params.selects_node(node) && selected(node)).collect();
    params.nearest_first(door.node(), &mut listed, |node| &node.name);
    let body: Vec<_> = listed.into_iter().map(|node| answer::node(node, door.datacenter())).collect();
    Ok(reply::read(&params, found.index, &body))
}

async fn services(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let selected = params.filter(&CATALOG_SERVICE, door.datacenter())?;
    let found = door.read(&params, Topic::Services).await?;
    let Fact::Services(services) = found.fact else { return Err(Failure::misread()) };
    if params.get("node-meta").is_some() || params.get("filter").is_some() {
        let only = |instance: &Instance| params.selects_node(&instance.node) && selected(instance);
        return Ok(reply::read(&params, found.index, &services_of(&door.tables(), only)));
    }
    Ok(reply::read(&params, found.index, &*services))
}

/// Names and tags of these instances.
fn services_of(tables: &Tables, only: impl Fn(&Instance) -> bool) -> BTreeMap<ServiceName, BTreeSet<String>> {
    let mut found: BTreeMap<ServiceName, BTreeSet<String>> = BTreeMap::new();
    for node in query::nodes(tables) {
        for service in query::on_node(tables, &node.name).0 {
            let instance = Instance { node: Arc::clone(&node), service, checks: Vec::new() };
            if only(&instance) {
                let Service { name, tags, .. } = &*instance.service;
                found.entry(name.clone()).or_default().extend(tags.iter().cloned());
            }
        }
    }
    found
}

async fn service(door: State<HttpDoor>, params: Params, Path(name): Path<String>) -> Result<Response, Failure> {
    instances(door, params, Topic::Service(name.into())).await
}

async fn connect(door: State<HttpDoor>, params: Params, Path(name): Path<String>) -> Result<Response, Failure> {
    instances(door, params, Topic::Connect(name.into())).await
}

async fn instances(State(door): State<HttpDoor>, params: Params, topic: Topic) -> Result<Response, Failure> {
    let selected = params.filter(&CATALOG_SERVICE, door.datacenter())?;
    let Listed { index, instances } = door.instances(&params, topic, selected).await?;
    let body: Vec<_> = instances.iter().map(|instance| answer::catalog_service(instance, door.datacenter())).collect();
    Ok(reply::read(&params, index, &body))
}

async fn node(State(door): State<HttpDoor>, params: Params, Path(name): Path<String>) -> Result<Response, Failure> {
    let selected = params.filter(&SERVICE, door.datacenter())?;
    let found = door.read(&params, Topic::Node(door.node_meant(name))).await?;
    let Fact::Node(node) = found.fact else { return Err(Failure::misread()) };
    let services: Vec<&Service> = selected_on(node.as_deref(), selected);
    let found_on = node.as_deref().map(|on| (&*on.node, services.as_slice()));
    Ok(reply::read(&params, found.index, &answer::node_service_map(found_on, door.datacenter())))
}

async fn node_services(
    State(door): State<HttpDoor>,
    params: Params,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let selected = params.filter(&SERVICE, door.datacenter())?;
    let merge = params.flag("merge-central-config")?;
    let others: &[Topic] = if merge { &central() } else { &[] };
    let found = door.read_with(&params, Topic::Node(door.node_meant(name)), others).await?;
    let Fact::Node(node) = found.fact else { return Err(Failure::misread()) };
    let listed = selected_on(node.as_deref(), selected);
    let tables = door.tables();
    let merged: Vec<Service> = if merge {
        listed.iter().map(|service| query::with_central_config(&tables, service)).collect()
    } else {
        Vec::new()
    };
    let listed = if merge { merged.iter().collect() } else { listed };
    let found_on = node.as_deref().map(|on| (&*on.node, listed.as_slice()));
    Ok(reply::read(&params, found.index, &answer::node_service_list(found_on, door.datacenter())))
}

fn selected_on(node: Option<&NodeServices>, selected: impl Fn(&Service) -> bool) -> Vec<&Service> {
    let services = node.into_iter().flat_map(|node| &node.services);
    services.map(|service| &**service).filter(|service| selected(service)).collect()
}

/// What a gateway serves. No gateway can be registered, so none serves anything.
async fn gateway_services(
    State(door): State<HttpDoor>,
    params: Params,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    // who waits is not answered at once, over and over
    let found = door.read(&params, Topic::Service(name.into())).await?;
    let none: [(); 0] = [];
    Ok(reply::read(&params, found.index, &none))
}
