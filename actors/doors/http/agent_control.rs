//! `/v1/agent/reload`, `leave`, `force-leave`, `host`: the process and its machine.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, put};
use serde_json::{Value, json};

use super::HttpDoor;
use super::params::Params;
use super::reply::{self, Failure};
use crate::machine::Machine;

pub(super) fn routes() -> Router<HttpDoor> {
    Router::new()
        .route("/v1/agent/reload", put(reload))
        .route("/v1/agent/leave", put(leave))
        .route("/v1/agent/force-leave/{node}", put(force_leave))
        .route("/v1/agent/force-leave/", put(async || reply::missing("node name")))
        .route("/v1/agent/host", get(host))
}

/// Answered when the new configuration is in effect, or says why it is not.
async fn reload(State(door): State<HttpDoor>, _: Params) -> Result<StatusCode, Failure> {
    let told = door.state.controls.reload().await;
    told.map(|()| StatusCode::OK).map_err(|error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error))
}

/// Answered at once; the agent ends when its clients have been sent away.
async fn leave(State(door): State<HttpDoor>, _: Params) -> StatusCode {
    door.state.controls.leave().await;
    StatusCode::OK
}

/// There is nobody whom it could send away.
async fn force_leave(State(door): State<HttpDoor>, _: Params, Path(node): Path<String>) -> Failure {
    if *door.node() == *node {
        return Failure::bad_request(format!("{node:?} is this agent: end it with PUT /v1/agent/leave"));
    }
    Failure::not_found(format!(
        "No node found with name {node:?}: this agent is the only member. A node that was registered from outside is \
         removed with PUT /v1/catalog/deregister"
    ))
}

async fn host(State(door): State<HttpDoor>, params: Params) -> Response {
    let machine = Machine::read();
    let memory = &machine.memory;
    let used = memory.total.saturating_sub(memory.available);
    let cpu: Vec<Value> =
        machine.processors.iter().enumerate().map(|(at, model)| json!({ "cpu": at, "modelName": model })).collect();
    let body = json!({
        "Memory": {
            "total": memory.total, "available": memory.available, "free": memory.free, "cached": memory.cached,
            "used": used,
        },
        "CPU": cpu,
        "Host": {
            "hostname": machine.hostname, "uptime": machine.uptime, "os": std::env::consts::OS,
            "kernelVersion": machine.kernel, "kernelArch": std::env::consts::ARCH,
        },
        "CollectionTime": door.state.house.clock.unix_seconds() * 1_000_000_000,
        "Errors": null,
    });
    reply::json(&params, &body)
}
