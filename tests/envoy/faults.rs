//! Faults that are put in the way of requests, as real Envoys do it.

use std::time::{Duration, Instant};

use chancery_tests::mesh::Mesh;
use chancery_tests::setup;
use serde_json::{Value, json};

/// Of requests to `/faulty` and what is below it.
async fn write(mesh: &Mesh, fault: Value) {
    let destination = json!({ "Fault": fault });
    let routes = json!([{ "Match": { "HTTP": { "PathPrefix": "/faulty" } }, "Destination": destination }]);
    mesh.agent.put("/v1/config", json!({ "Kind": "service-router", "Name": "backend", "Routes": routes })).await;
}

async fn status(mesh: &Mesh, path: &str) -> u16 {
    mesh.request("GET", path, &[]).await.expect("an answer").status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_the_requests_of_a_route_is_aborted_before_it_reaches_the_service() {
    if !setup::has_envoy("aborts") {
        return;
    }
    let mesh = Mesh::http().await;
    write(&mesh, json!({ "Abort": { "HTTPStatus": 418 } })).await;
    mesh.until("requests to be aborted", async |mesh| status(mesh, "/faulty").await == 418).await;
    let reached = mesh.backend("backend-1").app.calls();
    for _ in 0..20 {
        assert_eq!(status(&mesh, "/faulty/deep").await, 418);
    }
    assert_eq!(mesh.backend("backend-1").app.calls(), reached, "aborted requests reached the service");
    assert_eq!(status(&mesh, "/fine").await, 200);

    write(&mesh, json!({ "Abort": { "HTTPStatus": 503, "Percent": 25 } })).await;
    mesh.settle().await;
    let mut aborted = 0;
    for _ in 0..400 {
        aborted += usize::from(status(&mesh, "/faulty").await == 503);
    }
    // four standard deviations of four hundred draws with a quarter
    assert!((66..=134).contains(&aborted), "{aborted} of 400");
    // without faults there is no filter for them
    mesh.agent.delete("/v1/config/service-router/backend").await;
    mesh.until("all requests to be answered", async |mesh| status(mesh, "/faulty").await == 200).await;
    mesh.settle().await;
    let dump = mesh.frontend.admin.text("/config_dump?resource=dynamic_listeners").await;
    assert!(!dump.contains("envoy.filters.http.fault"), "{dump}");
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_route_wait_and_others_do_not() {
    if !setup::has_envoy("delays") {
        return;
    }
    let mesh = Mesh::http().await;
    // Envoy's timers count in whole milliseconds
    let delay = Duration::from_millis(400 - 2);
    write(&mesh, json!({ "Delay": { "Duration": "400ms" } })).await;
    let took = async |mesh: &Mesh, path: &str| {
        let start = Instant::now();
        assert_eq!(status(mesh, path).await, 200);
        start.elapsed()
    };
    mesh.until("requests to wait", async |mesh| took(mesh, "/faulty").await >= delay).await;
    for _ in 0..3 {
        assert!(took(&mesh, "/faulty").await >= delay);
    }
    // of several, the quickest: the machine may be busy
    let mut others = Duration::MAX;
    for _ in 0..5 {
        others = others.min(took(&mesh, "/fine").await);
    }
    assert!(others < delay, "{others:?}");
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_grpc_are_aborted_with_a_status_of_theirs() {
    if !setup::has_envoy("aborts of gRPC") {
        return;
    }
    let mesh = Mesh::http().await;
    mesh.agent.put("/v1/config", json!({ "Kind": "service-defaults", "Name": "backend", "Protocol": "grpc" })).await;
    write(&mesh, json!({ "Abort": { "GRPCStatus": 14 } })).await;
    mesh.until("a call to be aborted", async |mesh| {
        let reply = mesh.request("POST", "/faulty/Method", &[("content-type", "application/grpc")]).await;
        reply.is_ok_and(|reply| reply.head.contains("grpc-status: 14"))
    })
    .await;
    mesh.finish().await;
}
