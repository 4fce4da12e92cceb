//! `GET /admin/changes`: the newest changes, on their way or arrived, with the time to each stage.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use crate::kit::Stage;
use crate::kit::ripple::RippleReading;
use crate::wiring::House;

/// Newest first. Times are microseconds since the write was received; a stage that was not passed is absent.
pub(super) async fn changes(State(house): State<House>) -> Json<Value> {
    Json(house.ripples.read().iter().rev().map(change).collect())
}

fn change(reading: &RippleReading) -> Value {
    let stages: Map<String, Value> = Stage::ALL
        .into_iter()
        .map(|stage| (stage, reading.so_far.stage_ns[stage as usize]))
        .filter(|(_, elapsed_ns)| *elapsed_ns > 0)
        .map(|(stage, elapsed_ns)| (stage.as_str().to_owned(), json!(elapsed_ns / 1000)))
        .collect();
    json!({
        "index": reading.so_far.index,
        "converged": reading.ended,
        "holders": reading.holders,
        "rejected": reading.so_far.rejected,
        "gone": reading.so_far.gone,
        "stages_us": stages,
    })
}
