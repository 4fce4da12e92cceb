//! `/v1/catalog`: every node, every service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;

use chancery::catalog::{Tables, query};
use chancery::fact::Fact;
use chancery::filter::selectors::{CATALOG_SERVICE, NODE};
use chancery::model::{Instance, Service, ServiceName, Topic};
use chancery::wire::answer;

use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};

pub(super) fn routes() -> Router<HttpDoor> {
    Router::new()
        .route("/v1/catalog/nodes", get(nodes))
        .route("/v1/catalog/services", get(services))
        .route("/v1/catalog/service/{name}", get(service))
        .route("/v1/catalog/connect/{name}", get(connect))
        .route("/v1/catalog/service/", get(async || reply::missing("service name")))
        .route("/v1/catalog/connect/", get(async || reply::missing("service name")))
}

async fn nodes(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let selected = params.filter(&NODE, door.datacenter())?;
    let found = door.read(&params, Topic::Nodes).await?;
    let Fact::Nodes(nodes) = found.fact else { return Err(Failure::misread()) };
    let body: Vec<_> = nodes
        .iter()
        .filter(|node| params.selects_node(node) && selected(node))
        .map(|node| answer::node(node, door.datacenter()))
        .collect();
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
    let found = door.read(&params, topic).await?;
    let Fact::Instances(instances) = found.fact else { return Err(Failure::misread()) };
    let body: Vec<_> = instances
        .iter()
        .filter(|instance| params.selects_node(&instance.node) && params.selects_tags(&instance.service.tags))
        .filter(|instance| selected(instance))
        .map(|instance| answer::catalog_service(instance, door.datacenter()))
        .collect();
    Ok(reply::read(&params, found.index, &body))
}
