//! `GET /admin/load`: what clients have reported of the requests they have sent, since this process began.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::loads::{ClusterLoad, LoadKey};
use crate::wiring::House;

/// Sorted by cluster; `in_progress` is as of the newest reports, everything else a sum.
pub(super) async fn load(State(house): State<House>) -> Json<Value> {
    Json(house.loads.read().iter().map(|(key, load)| cluster(key, load)).collect())
}

fn cluster(key: &LoadKey, load: &ClusterLoad) -> Value {
    let localities: Vec<Value> = load
        .requests
        .iter()
        .map(|(place, requests)| {
            json!({
                "region": place.region,
                "zone": place.zone,
                "sub_zone": place.sub_zone,
                "issued": requests.issued,
                "successful": requests.successful,
                "errors": requests.errors,
                "in_progress": requests.in_progress,
            })
        })
        .collect();
    json!({
        "cluster": key.cluster,
        "service": key.service,
        "localities": localities,
        "dropped": load.dropped,
        "dropped_by": load.dropped_by,
    })
}
