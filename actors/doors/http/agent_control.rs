//! `/v1/agent/reload`, `leave`, `force-leave`, `host`: the process and its machine.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::MethodFilter;
use serde_json::{Value, json};

use super::HttpDoor;
use super::params::Params;
use super::reply::{self, Failure};
use crate::doors::endpoints::Endpoints;
use crate::doors::endpoints::common::{PRETTY, SCOPE};
use crate::machine::{Machine, ROOT};

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("agent-control", "agent", "The process and its machine.")
        .put("/v1/agent/reload", reload, "Reads the configuration again; 500 says what is wrong with it.", &[SCOPE])
        .put("/v1/agent/leave", leave, "Sends the clients away and ends the agent.", &[SCOPE])
        .put("/v1/agent/force-leave/{node}", force_leave, "Refused: there is no other member.", &[SCOPE])
        .get("/v1/agent/host", host, "Memory, processors, disk and kernel.", &[SCOPE, PRETTY])
        .unnamed("/v1/agent/force-leave/", MethodFilter::PUT, async || reply::missing("node name"))
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
    let (memory, disk) = (&machine.memory, &machine.disk);
    let used = memory.total.saturating_sub(memory.available);
    let cpu: Vec<Value> =
        machine.processors.iter().enumerate().map(|(at, model)| json!({ "cpu": at, "modelName": model })).collect();
    let body = json!({
        "Memory": {
            "total": memory.total, "available": memory.available, "free": memory.free, "cached": memory.cached,
            "used": used,
        },
        "CPU": cpu,
        "Disk": {
            "path": ROOT, "fstype": disk.kind, "total": disk.total, "free": disk.free, "used": disk.used,
            // of what there is for everybody
            "usedPercent": percent(disk.used, disk.used + disk.free),
            "inodesTotal": disk.files_total, "inodesFree": disk.files_free,
            "inodesUsed": disk.files_total.saturating_sub(disk.files_free),
            "inodesUsedPercent": percent(disk.files_total.saturating_sub(disk.files_free), disk.files_total),
        },
        "Host": {
            "hostname": machine.hostname, "uptime": machine.uptime, "os": std::env::consts::OS,
            "kernelVersion": machine.kernel, "kernelArch": std::env::consts::ARCH,
        },
        "CollectionTime": door.state.house.clock.unix_seconds() * 1_000_000_000,
        "Errors": null,
    });
    reply::json(&params, &body)
}

/// Of nothing: none.
#[allow(clippy::cast_precision_loss, reason = "a share: 53 bits are plenty")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
