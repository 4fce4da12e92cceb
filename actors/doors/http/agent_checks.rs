//! `/v1/agent/check(s)`: the health checks of this agent's own node, and what applications report of themselves.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use chancery::catalog::{Write, query};
use chancery::filter::selectors::CHECK;
use chancery::model::{Check, CheckId, Status};
use chancery::wire::{Typing, answer, registration};

use super::agent_services::{self, OWN_SERVICE};
use super::body::Body;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::common::{FILTER, PRETTY, SCOPE, STATE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

/// Says that the server itself is there. It is in the catalog, but nobody registered it here.
pub(super) const OWN_CHECK: &str = "serfHealth";

const NOTE: Parameters = &[Parameter::new("note", Kind::Text, "What the check's output becomes.")];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new(
        "agent-checks",
        "agent",
        "The health checks of the agent's own node, and what applications report of themselves.",
    )
    .get("/v1/agent/checks", list, "All of them, by id.", &[SCOPE, PRETTY, STATE, FILTER])
    .put("/v1/agent/check/register", register, "Registers a check of the node, or of an instance on it.", &[SCOPE])
    .takes("the check, as JSON: `Name`, `ID`, `ServiceID`, `TTL` or `HTTP`, `TCP`, `GRPC`, … with `Interval`")
    .put("/v1/agent/check/deregister/{*id}", deregister, "Removes a check.", &[SCOPE])
    .put("/v1/agent/check/pass/{*id}", pass, "Reports of a TTL check: passing.", &[SCOPE, NOTE])
    .put("/v1/agent/check/warn/{*id}", warn, "Reports of a TTL check: warning.", &[SCOPE, NOTE])
    .put("/v1/agent/check/fail/{*id}", fail, "Reports of a TTL check: critical.", &[SCOPE, NOTE])
    .put("/v1/agent/check/update/{*id}", update, "Reports of a TTL check, with its output.", &[SCOPE])
    .takes("as JSON: `Status` (passing, warning or critical) and `Output`")
}

fn unknown(id: &CheckId) -> Failure {
    Failure::not_found(format!(
        "Unknown check ID {:?}. Ensure that the check ID is passed, not the check name.",
        id.as_str()
    ))
}

async fn list(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let selected = params.filter(&CHECK, door.datacenter())?;
    let tables = door.tables();
    let (_, checks) = query::on_node(&tables, door.node());
    let own = |check: &Check| check.id == *OWN_CHECK || check.service_id == *OWN_SERVICE;
    let newest = checks.into_iter().map(|check| door.state.house.checks.newest(check));
    let listed: Vec<_> = newest.filter(|check| !own(check) && selected(check)).collect();
    let body: BTreeMap<&str, _> = listed.iter().map(|check| (check.id.as_str(), answer::check(check))).collect();
    Ok(reply::read(&params, tables.index(), &body))
}

async fn register(State(door): State<HttpDoor>, _: Params, Body(body): Body) -> Result<StatusCode, Failure> {
    let check = registration::check(&body, Typing::Strict, door.node()).map_err(Failure::decode)?;
    if check.id == *OWN_CHECK {
        return Err(Failure::bad_request(format!("check ID {OWN_CHECK:?} is the server's own: choose another")));
    }
    let service = &check.service_id;
    if !service.is_empty() && agent_services::registered(&door.tables(), door.node(), service).is_none() {
        return Err(agent_services::unknown(service));
    }
    door.takes_programs([&check])?;
    door.commit(Write::RegisterCheck(check)).await?;
    Ok(StatusCode::OK)
}

async fn deregister(State(door): State<HttpDoor>, _: Params, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    let id = door.own_check(id)?;
    door.commit(Write::DeregisterCheck { node: door.node().clone(), id }).await?;
    Ok(StatusCode::OK)
}

async fn pass(door: State<HttpDoor>, params: Params, id: Path<String>) -> Result<StatusCode, Failure> {
    note(door, params, id, Status::Passing).await
}

async fn warn(door: State<HttpDoor>, params: Params, id: Path<String>) -> Result<StatusCode, Failure> {
    note(door, params, id, Status::Warning).await
}

async fn fail(door: State<HttpDoor>, params: Params, id: Path<String>) -> Result<StatusCode, Failure> {
    note(door, params, id, Status::Critical).await
}

async fn note(
    State(door): State<HttpDoor>,
    params: Params,
    Path(id): Path<String>,
    status: Status,
) -> Result<StatusCode, Failure> {
    let output = params.get("note").unwrap_or_default().to_owned();
    door.report(id, status, output).await
}

async fn update(
    State(door): State<HttpDoor>,
    _: Params,
    Path(id): Path<String>,
    Body(body): Body,
) -> Result<StatusCode, Failure> {
    let (status, output) = registration::check_update(&body).map_err(Failure::decode)?;
    door.report(id, status, output).await
}

impl HttpDoor {
    /// Whoever reaches this door may have programs run only where the agent's configuration says so.
    pub(super) fn takes_programs<'a>(&self, checks: impl IntoIterator<Item = &'a Check>) -> Result<(), Failure> {
        let taken = self.state.house.checks.settings().scripts.take(checks);
        taken.map_err(|why| Failure::bad_request(format!("{why}.")))
    }

    /// A check that was registered here.
    fn own_check(&self, id: String) -> Result<CheckId, Failure> {
        let id = CheckId::from(id);
        let known = id != *OWN_CHECK && query::check(&self.tables(), self.node(), &id).is_some();
        if known { Ok(id) } else { Err(unknown(&id)) }
    }

    async fn report(&self, id: String, status: Status, output: String) -> Result<StatusCode, Failure> {
        let id = self.own_check(id)?;
        self.state.house.checks.report(id, status, output).await?;
        Ok(StatusCode::OK)
    }
}
