//! `/v1/snapshot`: the whole state, to be kept elsewhere and brought back.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use chancery::catalog::{Write, archive};

use super::body::Unread;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::Endpoints;
use crate::doors::endpoints::common::{SCOPE, STATE};

/// The most bytes that are read of a snapshot.
const LARGEST: usize = 1 << 30;

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("snapshot", "snapshot", "The whole state, to be kept elsewhere and brought back.")
        .get("/v1/snapshot", save, "The state, as a file.", &[SCOPE, STATE])
        .put("/v1/snapshot", restore, "Puts a state that was kept in the place of this one.", &[SCOPE])
        .takes("what `GET` gave")
}

async fn save(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let tables = door.tables();
    let unwritable = |error: serde_json::Error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let bytes = archive::save(&tables).map_err(unwritable)?;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))];
    Ok(reply::as_of(&params, tables.index(), (kind, bytes).into_response()))
}

/// Answers nothing, when it is done.
async fn restore(State(door): State<HttpDoor>, _: Params, body: Unread) -> Result<Response, Failure> {
    let bytes = body.bytes(LARGEST).await?;
    let records = archive::read(&bytes).map_err(|error| Failure::bad_request(format!("the snapshot {error}")))?;
    door.commit(Write::Restore { records, keep: door.node().clone() }).await?;
    Ok(StatusCode::OK.into_response())
}
