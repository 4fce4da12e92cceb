//! `/v1/status`: who leads.

use axum::extract::State;
use axum::response::Response;

use chancery::catalog::query;

use super::params::Params;
use super::{HttpDoor, reply};
use crate::doors::endpoints::Endpoints;
use crate::doors::endpoints::common::{PRETTY, SCOPE, STATE};

/// Nothing listens there: clients only look whether the answer is empty.
const SERVER_PORT: u16 = 8300;

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("status", "status", "Who leads: this server.")
        .get("/v1/status/leader", leader, "The leader's address.", &[SCOPE, PRETTY, STATE])
        .get("/v1/status/peers", peers, "The addresses of all servers.", &[SCOPE, PRETTY, STATE])
}

async fn leader(State(door): State<HttpDoor>, params: Params) -> Response {
    let tables = door.tables();
    let node = query::node(&tables, door.node()).unwrap_or_default();
    reply::read(&params, tables.index(), &server_address(&node.address))
}

/// All servers: this one.
async fn peers(State(door): State<HttpDoor>, params: Params) -> Response {
    let tables = door.tables();
    let node = query::node(&tables, door.node()).unwrap_or_default();
    reply::read(&params, tables.index(), &[server_address(&node.address)])
}

pub(super) fn server_address(node: &str) -> String {
    if node.contains(':') { format!("[{node}]:{SERVER_PORT}") } else { format!("{node}:{SERVER_PORT}") }
}
