//! What resolvers and routes say of single requests, on real Envoys: which instance gets them, and how long it may take.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chancery_tests::app::Failing;
use chancery_tests::mesh::{Mesh, Watched};
use chancery_tests::setup;
use serde_json::{Value, json};

async fn write(mesh: &Mesh, entry: Value) {
    mesh.agent.put("/v1/config", entry).await;
}

/// Who answered a user's requests.
async fn answered(mesh: &Mesh, user: &str, times: usize) -> BTreeSet<String> {
    let mut by = BTreeSet::new();
    for _ in 0..times {
        let reply = mesh.request("GET", "/", &[("x-user", user)]).await.expect("an answer");
        by.insert(reply.told()["app"].as_str().expect("an application answers").to_owned());
    }
    by
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_hash_alike_stay_with_one_instance() {
    if !setup::has_envoy("hash policies") {
        return;
    }
    let mut mesh = Mesh::http().await;
    for id in ["backend-2", "backend-3"] {
        mesh.add_backend(id, Watched::Not).await;
    }
    let users: Vec<String> = (0..20).map(|user| format!("user-{user}")).collect();
    for policy in ["ring_hash", "maglev"] {
        let hashed = json!([{ "Field": "header", "FieldValue": "x-user" }]);
        let balancer = json!({ "Policy": policy, "HashPolicies": hashed });
        write(&mesh, json!({ "Kind": "service-resolver", "Name": "backend", "LoadBalancer": balancer })).await;
        mesh.settle().await;
        let mut all = BTreeSet::new();
        for user in &users {
            let by = answered(&mesh, user, 6).await;
            assert_eq!(by.len(), 1, "{policy}, {user}: {by:?}");
            all.extend(by);
        }
        // that one of three gets none of twenty is less likely than one in a thousand, and the same in each run
        assert_eq!(all.len(), 3, "{policy}: {all:?}");
    }
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_ends_when_its_time_is_over() {
    if !setup::has_envoy("timeouts of requests") {
        return;
    }
    let mesh = Mesh::http().await;
    let app = &mesh.backend("backend-1").app;
    let route = json!({ "Match": { "HTTP": { "PathPrefix": "/" } }, "Destination": { "RequestTimeout": "300ms" } });
    for (entry, least) in [
        (json!({ "Kind": "service-resolver", "Name": "backend", "RequestTimeout": "1500ms" }), 1500),
        (json!({ "Kind": "service-router", "Name": "backend", "Routes": [route] }), 300),
    ] {
        write(&mesh, entry).await;
        mesh.settle().await;
        app.set_failing(Failing::Never);
        assert_eq!(mesh.request("GET", "/", &[]).await.expect("an answer").status, 200);
        app.set_failing(Failing::ToAnswer);
        let (began, least) = (Instant::now(), Duration::from_millis(least));
        assert_eq!(mesh.request("GET", "/", &[]).await.expect("an answer").status, 504);
        let took = began.elapsed();
        // Envoy counts from when its loop woke up
        let early = least - Duration::from_millis(50);
        assert!(took > early && took < least + Duration::from_secs(1), "{took:?}, not {least:?}");
    }
    mesh.finish().await;
}
