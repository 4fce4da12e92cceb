//! `/v1/health`: instances with their nodes and checks.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;

use chancery::fact::Fact;
use chancery::filter::selectors::INSTANCE;
use chancery::model::{Status, Topic};
use chancery::wire::answer;

use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};

pub(super) fn routes() -> Router<HttpDoor> {
    Router::new()
        .route("/v1/health/service/{name}", get(service))
        .route("/v1/health/connect/{name}", get(connect))
        .route("/v1/health/service/", get(async || reply::missing("service name")))
        .route("/v1/health/connect/", get(async || reply::missing("service name")))
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
    let found = door.read(&params, topic).await?;
    let Fact::Instances(instances) = found.fact else { return Err(Failure::misread()) };
    let body: Vec<_> = instances
        .iter()
        .filter(|instance| params.selects_node(&instance.node) && params.selects_tags(&instance.service.tags))
        .filter(|instance| !only_passing || instance.status() == Status::Passing)
        .filter(|instance| selected(instance))
        .map(|instance| answer::instance(instance, door.datacenter()))
        .collect();
    Ok(reply::read(&params, found.index, &body))
}
