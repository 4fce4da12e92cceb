//! `/v1/status`: who leads.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::params::Params;
use super::{HttpDoor, reply};

/// Nothing listens there: clients only look whether the answer is empty.
const SERVER_PORT: u16 = 8300;

pub(super) fn routes() -> Router<HttpDoor> {
    Router::new().route("/v1/status/leader", get(leader))
}

async fn leader(State(door): State<HttpDoor>, params: Params) -> Response {
    let address = &door.state.identity.address;
    let leader = match address.contains(':') {
        true => format!("[{address}]:{SERVER_PORT}"),
        false => format!("{address}:{SERVER_PORT}"),
    };
    reply::read(&params, door.tables().index(), &leader)
}
