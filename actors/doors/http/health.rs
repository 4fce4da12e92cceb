//! `/v1/health`: instances with their nodes and checks, and checks by themselves.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::MethodFilter;

use chancery::catalog::query;
use chancery::fact::Fact;
use chancery::filter::selectors::{CHECK, INSTANCE};
use chancery::model::{Check, Index, Status, Topic};
use chancery::wire::answer;

use super::instances::Listed;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::common::{BLOCKING, FILTER, MERGE, NEAR, NODES, PEERS, PRETTY, SCOPE, STATE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const INSTANCES: Parameters = &[
    Parameter::new("passing", Kind::Flag, "Only instances all of whose checks pass."),
    Parameter::new("tag", Kind::Texts, "Only instances with each of these tags."),
];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    let missing_service = async || reply::missing("service name");
    Endpoints::new("health", "health", "Instances with their nodes and checks, and checks by themselves.")
        .get("/v1/health/node/{name}", node, "Every check on a node.", &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, PEERS])
        .get(
            "/v1/health/checks/{name}",
            checks,
            "The checks of a service's instances, without those of their nodes.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, NODES, NEAR, PEERS],
        )
        .get(
            "/v1/health/state/{state}",
            state,
            "The checks in a state: any, passing, warning or critical.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, NODES, NEAR, PEERS],
        )
        .get(
            "/v1/health/service/{name}",
            service,
            "The instances of a service, with their nodes and checks.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, NODES, NEAR, INSTANCES, MERGE, PEERS],
        )
        .get(
            "/v1/health/connect/{name}",
            connect,
            "What speaks mutual TLS for a service: its proxies, and native programs.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, NODES, NEAR, INSTANCES, MERGE, PEERS],
        )
        .get(
            "/v1/health/ingress/{name}",
            ingress,
            "The ingress gateways that lead to a service. There are no gateways: an empty list.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, NODES, NEAR, INSTANCES, MERGE, PEERS],
        )
        .unnamed("/v1/health/node/", MethodFilter::GET, async || reply::missing("node name"))
        .unnamed("/v1/health/checks/", MethodFilter::GET, missing_service)
        .unnamed("/v1/health/state/", MethodFilter::GET, async || reply::missing("state"))
        .unnamed("/v1/health/service/", MethodFilter::GET, missing_service)
        .unnamed("/v1/health/connect/", MethodFilter::GET, missing_service)
        .unnamed("/v1/health/ingress/", MethodFilter::GET, missing_service)
}

async fn service(door: State<HttpDoor>, params: Params, Path(name): Path<String>) -> Result<Response, Failure> {
    instances(door, params, Topic::Service(name.into())).await
}

/// The proxies for the service, and what speaks mutual TLS by itself.
async fn connect(door: State<HttpDoor>, params: Params, Path(name): Path<String>) -> Result<Response, Failure> {
    instances(door, params, Topic::Connect(name.into())).await
}

async fn instances(State(door): State<HttpDoor>, params: Params, topic: Topic) -> Result<Response, Failure> {
    let only_passing = params.flag("passing")?;
    let selected = params.filter(&INSTANCE, door.datacenter())?;
    let only = |instance: &_| (!only_passing || passes(instance)) && selected(instance);
    let Listed { index, instances } = door.instances(&params, topic, only).await?;
    let body: Vec<_> = instances.iter().map(|instance| answer::instance(instance, door.datacenter())).collect();
    Ok(reply::read(&params, index, &body))
}

fn passes(instance: &chancery::model::Instance) -> bool {
    instance.status() == Status::Passing
}

/// The ingress gateways that lead to a service. No gateway can be registered, so none does.
async fn ingress(State(door): State<HttpDoor>, params: Params, Path(name): Path<String>) -> Result<Response, Failure> {
    params.flag("passing")?;
    // it would select nothing, and may be wrong all the same
    let _selected = params.filter(&INSTANCE, door.datacenter())?;
    let none = |_: &_| false;
    // who waits is not answered at once, over and over
    let Listed { index, .. } = door.instances(&params, Topic::Connect(name.into()), none).await?;
    let nobody: [(); 0] = [];
    Ok(reply::read(&params, index, &nobody))
}

/// Every check on the node: its own, and those of its instances.
async fn node(State(door): State<HttpDoor>, params: Params, Path(name): Path<String>) -> Result<Response, Failure> {
    let selected = params.filter(&CHECK, door.datacenter())?;
    let found = door.read(&params, Topic::Node(door.node_meant(name))).await?;
    let Fact::Node(node) = found.fact else { return Err(Failure::misread()) };
    let on_node = node.iter().flat_map(|node| &node.checks);
    let body: Vec<_> = on_node.filter(|check| selected(check)).map(|check| answer::check(check)).collect();
    Ok(reply::read(&params, found.index, &body))
}

/// Those of the instances of a service, without their nodes'.
async fn checks(State(door): State<HttpDoor>, params: Params, Path(name): Path<String>) -> Result<Response, Failure> {
    let selected = params.filter(&CHECK, door.datacenter())?;
    let found = door.read(&params, Topic::Service(name.into())).await?;
    let Fact::Instances(instances) = found.fact else { return Err(Failure::misread()) };
    let own = instances
        .iter()
        .flat_map(|instance| instance.checks.iter().filter(|check| check.service_id == instance.service.id).cloned());
    Ok(list(&door, &params, found.index, own.filter(|check| selected(check)).collect()))
}

async fn state(State(door): State<HttpDoor>, params: Params, Path(state): Path<String>) -> Result<Response, Failure> {
    let selected = params.filter(&CHECK, door.datacenter())?;
    let status = match state.as_str() {
        "any" => None,
        word => Some(Status::parse(word).ok_or_else(|| {
            Failure::bad_request(format!("{word:?} is no state: expected any, passing, warning or critical"))
        })?),
    };
    let found = door.read(&params, Topic::Checks(status)).await?;
    let Fact::Checks(checks) = found.fact else { return Err(Failure::misread()) };
    let listed = checks.iter().filter(|check| selected(check)).cloned().collect();
    Ok(list(&door, &params, found.index, listed))
}

/// Those on nodes that `node-meta` selects, ordered by `near`.
fn list(door: &HttpDoor, params: &Params, index: Index, mut checks: Vec<Arc<Check>>) -> Response {
    if params.get("node-meta").is_some() {
        let tables = door.tables();
        checks.retain(|check| query::node(&tables, &check.node).is_some_and(|node| params.selects_node(&node)));
    }
    params.nearest_first(door.node(), &mut checks, |check| &check.node);
    let body: Vec<_> = checks.iter().map(|check| answer::check(check)).collect();
    reply::read(params, index, &body)
}
