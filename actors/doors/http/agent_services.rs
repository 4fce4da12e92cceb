//! `/v1/agent/service(s)`: the instances on this agent's own node.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::MethodFilter;

use chancery::catalog::{Tables, Write, query};
use chancery::filter::selectors::SERVICE;
use chancery::model::{EntryKey, EntryKind, NodeName, Service, ServiceId, ServiceKind, Topic};
use chancery::wire::{Typing, answer, registration};

use super::HttpDoor;
use super::body::Body;
use super::params::Params;
use super::reply::{self, CONTENT_HASH, Failure};
use crate::doors::endpoints::common::{FILTER, PRETTY, SCOPE, STATE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

/// The server's own instance. It is in the catalog, but nobody registered it here, so the agent does not list it.
pub(super) const OWN_SERVICE: &str = "consul";

const HASH: Parameters = &[
    Parameter::new("hash", Kind::Text, "Wait until `ContentHash` is another than this."),
    Parameter::new("wait", Kind::Duration, "With `hash`: no longer than this (5m, at most 10m)."),
];
const REPLACE: Parameters =
    &[Parameter::new("replace-existing-checks", Kind::Flag, "Checks of the instance that are not named are removed.")];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("agent-services", "agent", "The instances on the agent's own node.")
        .get("/v1/agent/services", list, "All of them, by id.", &[SCOPE, PRETTY, STATE, FILTER])
        .get(
            "/v1/agent/service/{id}",
            read,
            "One, with central configuration merged into its proxy.",
            &[SCOPE, PRETTY, STATE, HASH],
        )
        .put("/v1/agent/service/register", register, "Registers an instance, or changes it.", &[SCOPE, REPLACE])
        .takes("the instance, as JSON: `Name`, `ID`, `Port`, `Address`, `Tags`, `Meta`, `Check`, `Checks`, `Connect`, `Proxy`, …")
        .put("/v1/agent/service/deregister/{*id}", deregister, "Removes an instance, its checks and its sidecar.", &[SCOPE])
        .unnamed("/v1/agent/service/deregister/", MethodFilter::PUT, async || reply::missing("service ID"))
}

/// An instance that was registered here.
pub(super) fn registered(tables: &Tables, node: &NodeName, id: &ServiceId) -> Option<Arc<Service>> {
    if *id == OWN_SERVICE { None } else { query::service(tables, node, id) }
}

pub(super) fn unknown(id: &ServiceId) -> Failure {
    Failure::not_found(format!(
        "Unknown service ID {:?}. Ensure that the service ID is passed, not the service name.",
        id.as_str()
    ))
}

async fn list(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let selected = params.filter(&SERVICE, door.datacenter())?;
    let tables = door.tables();
    let (services, _) = query::on_node(&tables, door.node());
    let listed = services.iter().filter(|service| service.id != *OWN_SERVICE && selected(service));
    let body: BTreeMap<&str, _> =
        listed.map(|service| (service.id.as_str(), answer::agent_service(service, tables.datacenter()))).collect();
    Ok(reply::read(&params, tables.index(), &body))
}

async fn register(State(door): State<HttpDoor>, params: Params, Body(body): Body) -> Result<StatusCode, Failure> {
    let replace = params.flag("replace-existing-checks")?;
    let mut registration = registration::service(&body, Typing::Strict, door.node()).map_err(Failure::decode)?;
    registration.replace_existing_checks = replace;
    let sidecar = registration.sidecar.as_ref().map(|sidecar| &sidecar.service.id);
    if registration.service.id == *OWN_SERVICE || sidecar.is_some_and(|id| *id == *OWN_SERVICE) {
        return Err(Failure::bad_request(format!("service ID {OWN_SERVICE:?} is the server's own: choose another")));
    }
    let of_sidecar = registration.sidecar.iter().flat_map(|sidecar| sidecar.checks.iter().flatten());
    door.takes_programs(registration.checks.iter().chain(of_sidecar))?;
    door.commit(Write::RegisterService(Box::new(registration))).await?;
    Ok(StatusCode::OK)
}

async fn deregister(State(door): State<HttpDoor>, _: Params, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    let id = ServiceId::from(id);
    if registered(&door.tables(), door.node(), &id).is_none() {
        return Err(unknown(&id));
    }
    door.commit(Write::DeregisterService { node: door.node().clone(), id }).await?;
    Ok(StatusCode::OK)
}

/// One instance, with central configuration merged into its proxy. `?hash=` waits until the answer is another.
async fn read(State(door): State<HttpDoor>, params: Params, Path(id): Path<String>) -> Result<Response, Failure> {
    let id = ServiceId::from(id);
    if let Some(known) = params.get("hash").filter(|hash| !hash.is_empty()) {
        let changed = || {
            let tables = door.tables();
            let service = merged(&tables, door.node(), &id);
            service.is_none_or(|service| answer::agent_service_with_hash(&service, tables.datacenter()).1 != known)
        };
        door.wait_until(topics_of(&door, &id), params.wait()?, changed).await;
    }
    let tables = door.tables();
    let service = merged(&tables, door.node(), &id).ok_or_else(|| unknown(&id))?;
    let (body, hash) = answer::agent_service_with_hash(&service, tables.datacenter());
    let mut response = reply::read(&params, tables.index(), &body);
    if let Ok(hash) = HeaderValue::from_str(&hash) {
        response.headers_mut().insert(CONTENT_HASH, hash);
    }
    Ok(response)
}

/// What an answer about the instance is made of.
fn topics_of(door: &HttpDoor, id: &ServiceId) -> Vec<Topic> {
    let Some(service) = registered(&door.tables(), door.node(), id) else { return Vec::new() };
    let mut topics = vec![Topic::Node(door.node().clone())];
    if let (ServiceKind::ConnectProxy, Some(proxy)) = (service.kind, &service.proxy) {
        topics.push(Topic::Entry(EntryKey::new(EntryKind::ProxyDefaults, "global")));
        topics.push(Topic::Entry(EntryKey::new(EntryKind::ServiceDefaults, proxy.destination_name.as_str())));
    }
    topics
}

/// The instance, with central configuration under its proxy's own.
fn merged(tables: &Tables, node: &NodeName, id: &ServiceId) -> Option<Service> {
    registered(tables, node, id).map(|service| query::with_central_config(tables, &service))
}
