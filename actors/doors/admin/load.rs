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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loads::{Place, Requests};

    #[test]
    fn a_cluster_is_shown_with_its_localities() {
        let key = LoadKey { cluster: "a".to_owned(), service: "eds-of-a".to_owned() };
        let place = Place { zone: "z1".to_owned(), ..Default::default() };
        let requests = Requests { issued: 3, successful: 1, errors: 1, in_progress: 1 };
        let load = ClusterLoad {
            requests: [(place, requests)].into(),
            dropped: 2,
            dropped_by: [("throttle".to_owned(), 2)].into(),
        };
        let locality = json!({
            "region": "", "zone": "z1", "sub_zone": "",
            "issued": 3, "successful": 1, "errors": 1, "in_progress": 1,
        });
        let expected = json!({
            "cluster": "a", "service": "eds-of-a", "localities": [locality], "dropped": 2, "dropped_by": { "throttle": 2 },
        });
        assert_eq!(cluster(&key, &load), expected);
    }
}
