//! `/v1/operator/autopilot`: how the servers are. There is one, which answers, so it is well.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use chancery::catalog::query;
use chancery::wire;

use super::params::Params;
use super::{HttpDoor, reply, status};
use crate::doors::endpoints::Endpoints;
use crate::doors::endpoints::common::{PRETTY, SCOPE, STATE};
use crate::version;

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("operator-autopilot", "operator", "How the servers are.")
        .get("/v1/operator/autopilot/health", health, "Of each server: there is one.", &[SCOPE, PRETTY, STATE])
        .get("/v1/operator/autopilot/state", state, "The same, by the ids of servers.", &[SCOPE, PRETTY, STATE])
}

async fn health(State(door): State<HttpDoor>, params: Params) -> Response {
    let mut server = server(&door);
    server.extend([("SerfStatus", json!("alive")), ("Leader", json!(true)), ("Voter", json!(true))]);
    let body = json!({ "Healthy": true, "FailureTolerance": 0, "Servers": [server] });
    reply::read(&params, door.tables().index(), &body)
}

async fn state(State(door): State<HttpDoor>, params: Params) -> Response {
    let mut server = server(&door);
    let id = server["ID"].as_str().unwrap_or_default().to_owned();
    let meta = query::node(&door.tables(), door.node()).map(|node| node.meta.clone()).unwrap_or_default();
    server.extend([
        ("NodeStatus", json!("alive")),
        ("NodeType", json!("voter")),
        ("ReadReplica", json!(false)),
        ("Status", json!("leader")),
        ("Meta", json!(meta)),
    ]);
    let body = json!({
        "Healthy": true, "FailureTolerance": 0, "OptimisticFailureTolerance": 0, "Leader": id, "Voters": [id],
        "Servers": { id: server },
    });
    reply::read(&params, door.tables().index(), &body)
}

/// What both say of it. It was elected once, by itself.
fn server(door: &HttpDoor) -> BTreeMap<&'static str, Value> {
    let tables = door.tables();
    let node = query::node(&tables, door.node()).unwrap_or_default();
    BTreeMap::from([
        ("ID", json!(node.id)),
        ("Name", json!(node.name)),
        ("Address", json!(status::server_address(&node.address))),
        ("Version", json!(version::VERSION)),
        ("LastContact", json!("0s")),
        ("LastTerm", json!(1)),
        ("LastIndex", json!(tables.index())),
        ("Healthy", json!(true)),
        ("StableSince", json!(wire::date::show(door.state.identity.since))),
    ])
}
