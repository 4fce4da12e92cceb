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
    Router::new().route("/v1/status/leader", get(leader))
}

async fn leader(State(door): State<HttpDoor>, params: Params) -> Response {
    let tables = door.tables();
    let node = query::node(&tables, door.node()).unwrap_or_default();
    let leader = match node.address.as_str() {
        v6 if v6.contains(':') => format!("[{v6}]:{SERVER_PORT}"),
        address => format!("{address}:{SERVER_PORT}"),
    };
    reply::read(&params, tables.index(), &leader)
}
