//! `/v1/agent/health/service`: what load balancers ask of the instances on this node. The status code is the answer.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;

use chancery::catalog::{Tables, query};
use chancery::model::{Check, Service, ServiceId, Status};
use chancery::wire::answer;

use super::agent_services::{OWN_SERVICE, registered};
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::common::{PRETTY, SCOPE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const FORMAT: Parameters =
    &[Parameter::new("format", Kind::Text, "`text`: only the word. The header `Accept: text/plain` says the same.")];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new(
        "agent-health",
        "agent",
        "The health of instances on the agent's own node. The status is the answer: 200 passing, 429 warning, 503 critical.",
    )
    .get("/v1/agent/health/service/id/{*id}", by_id, "Of one instance.", &[SCOPE, PRETTY, FORMAT])
    .get("/v1/agent/health/service/name/{*name}", by_name, "The worst of a service's instances.", &[SCOPE, PRETTY, FORMAT])
    .unnamed("/v1/agent/health/service/id/", MethodFilter::GET, async || reply::missing("service ID"))
    .unnamed("/v1/agent/health/service/name/", MethodFilter::GET, async || reply::missing("service name"))
}

/// An instance with what its health depends on: the checks of its node, and its own.
struct Health {
    service: Arc<Service>,
    checks: Vec<Arc<Check>>,
}

impl Health {
    fn of(tables: &Tables, door: &HttpDoor, service: Arc<Service>) -> Self {
        let mut checks = query::checks_of_service(tables, door.node(), &ServiceId::default());
        checks.extend(query::checks_of_service(tables, door.node(), &service.id));
        let checks = checks.into_iter().map(|check| door.state.house.checks.newest(check)).collect();
        Self { service, checks }
    }

    fn status(&self) -> Status {
        self.checks.iter().map(|check| check.status).max().unwrap_or(Status::Passing)
    }
}

async fn by_id(
    State(door): State<HttpDoor>,
    params: Params,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let tables = door.tables();
    let service = registered(&tables, door.node(), &id.as_str().into())
        .ok_or_else(|| Failure::not_found(format!("ServiceId {id} not found")))?;
    let health = Health::of(&tables, &door, service);
    let status = health.status();
    if as_text(&params, &headers) {
        return Ok((code(status), status.as_str()).into_response());
    }
    let body = answer::service_health(status, &health.service, &health.checks, door.datacenter());
    Ok((code(status), reply::json(&params, &body)).into_response())
}

/// The worst of the instances is the answer.
async fn by_name(
    State(door): State<HttpDoor>,
    params: Params,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let tables = door.tables();
    let (services, _) = query::on_node(&tables, door.node());
    let named = services.into_iter().filter(|service| service.name == *name && service.id != *OWN_SERVICE);
    let found: Vec<Health> = named.map(|service| Health::of(&tables, &door, service)).collect();
    let Some(worst) = found.iter().map(Health::status).max() else {
        return Err(Failure::not_found(format!("ServiceName {name} Not Found")));
    };
    if as_text(&params, &headers) {
        return Ok((code(worst), worst.as_str()).into_response());
    }
    let body: Vec<_> = found
        .iter()
        .map(|health| answer::service_health(health.status(), &health.service, &health.checks, door.datacenter()))
        .collect();
    Ok((code(worst), reply::json(&params, &body)).into_response())
}

fn code(status: Status) -> StatusCode {
    match status {
        Status::Passing => StatusCode::OK,
        Status::Warning => StatusCode::TOO_MANY_REQUESTS,
        Status::Critical => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// `?format=text`, or a client that accepts plain text alone.
fn as_text(params: &Params, headers: &HeaderMap) -> bool {
    let accepts = || headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()) == Some("text/plain");
    params.get("format").map_or_else(accepts, |format| format == "text")
}
