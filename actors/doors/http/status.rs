//! `/v1/status`: who leads.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use chancery::catalog::query;

use super::params::Params;
use super::{HttpDoor, reply};

/// Nothing listens there: clients only look whether the answer is empty.
const SERVER_PORT: u16 = 8300;

pub(super) fn routes() -> Router<HttpDoor> {
    Router::new().route("/v1/status/leader", get(leader)).route("/v1/status/peers", get(peers))
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
