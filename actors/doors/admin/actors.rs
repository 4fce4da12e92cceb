//! `GET /admin/actors`: every actor's card, as it stands.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::wiring::House;

/// Cards sorted by kind and key. `?kind=XdsStream` and `?key=web` (contained) narrow; `?limit=100`.
pub(super) async fn actors(
    State(house): State<House>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Value>, (StatusCode, String)> {
    if let Some(unknown) = query.keys().find(|key| !["kind", "key", "limit"].contains(&key.as_str())) {
        return Err((StatusCode::BAD_REQUEST, format!("unknown parameter {unknown:?}: there are kind, key and limit")));
    }
    let limit = match query.get("limit").map(|limit| limit.parse::<usize>()) {
        None => usize::MAX,
        Some(Ok(limit)) => limit,
        Some(Err(_)) => return Err((StatusCode::BAD_REQUEST, "limit: expected a number".to_owned())),
    };
    let mut cards = house.desk.read(query.get("kind").map(String::as_str), query.get("key").map(String::as_str));
    cards.truncate(limit);
    Ok(Json(json!(cards)))
}

/// Sums by kind, of actors that live and that have gone.
pub(super) async fn kinds(State(house): State<House>) -> Json<Value> {
    Json(json!(house.desk.totals()))
}
