//! `GET /admin/explain/<service>`: why calls of a service go where they go.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::Value;

use chancery::fact::{Fact, look};
use chancery::model::Topic;
use chancery::model::topic::ChainKey;
use chancery::wire;

use crate::wiring::House;

/// For each route, split, cluster and target of its chain the entries and services that put it there, in the order of
/// a request's way.
pub(super) async fn explain(
    State(house): State<House>,
    Path(service): Path<String>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let found = look(&house.catalog.tables(), &Topic::Chain(ChainKey::plain(service.into())));
    match found.fact {
        Fact::Chain(Some(Ok(chain))) => Ok(Json(wire::chain::explain(&chain))),
        Fact::Chain(Some(Err(error))) => Err((StatusCode::CONFLICT, error.to_string())),
        _ => Err((
            StatusCode::SERVICE_UNAVAILABLE,
            "there is no certificate authority yet, whose name is in every cluster; try again in a moment".to_owned(),
        )),
    }
}
