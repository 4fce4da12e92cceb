//! Copies of requests, as real Envoys send them.

use chancery_tests::app::App;
use chancery_tests::envoy::Envoy;
use chancery_tests::mesh::{Mesh, Watched};
use chancery_tests::ports::free_port;
use chancery_tests::setup;
use serde_json::{Value, json};

async fn write(mesh: &Mesh, entry: Value) {
    mesh.agent.put("/v1/config", entry).await;
}

/// `/copied` and what is below it is copied.
async fn mirror(mesh: &Mesh, to: Value) {
    let routes = json!([{ "Match": { "HTTP": { "PathPrefix": "/copied" } }, "Destination": { "RequestMirror": to } }]);
    write(mesh, json!({ "Kind": "service-router", "Name": "backend", "Routes": routes })).await;
}

/// Requests, one after the other, each of which must be answered by the first instance of `backend`.
async fn ask(mesh: &Mesh, path: &str, times: usize) {
    for _ in 0..times {
        let reply = mesh.request("GET", path, &[]).await.expect("an answer");
        assert_eq!(reply.told()["app"], "backend-1", "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_the_requests_of_a_route_is_copied_to_another_subset() {
    if !setup::has_envoy("mirrors") {
        return;
    }
    let mut mesh = Mesh::http().await;
    mesh.add_backend("backend-2", Watched::Not).await;
    let subset = |id: &str| json!({ "Filter": format!("Service.Meta.instance == \"{id}\"") });
    write(
        &mesh,
        json!({ "Kind": "service-resolver", "Name": "backend", "DefaultSubset": "one",
        "Subsets": { "one": subset("backend-1"), "two": subset("backend-2") } }),
    )
    .await;
    mesh.until("all calls to reach one subset", async |mesh| mesh.tally(12).await.get("backend-1") == Some(&12)).await;
    let copies = |mesh: &Mesh| mesh.backend("backend-2").app.calls();
    let before = copies(&mesh);
    mirror(&mesh, json!({ "ServiceSubset": "two" })).await;
    mesh.until("requests to be copied", async |mesh| {
        ask(mesh, "/copied", 1).await;
        copies(mesh) > before
    })
    .await;
    ask(&mesh, "/copied/all", 20).await;
    mesh.until("every request to have been copied", async |mesh| copies(mesh) >= before + 20).await;
    // another route; a copy of before may still have been on its way
    let before = copies(&mesh);
    ask(&mesh, "/elsewhere", 20).await;
    assert!(copies(&mesh) < before + 5, "{} and then {}", before, copies(&mesh));
    mirror(&mesh, json!({ "ServiceSubset": "two", "Percent": 25 })).await;
    mesh.settle().await;
    let before = copies(&mesh);
    ask(&mesh, "/copied", 400).await;
    mesh.until("a share of the requests to have been copied", async |mesh| copies(mesh) > before + 60).await;
    // four standard deviations of four hundred draws with a quarter
    assert!((66..=134).contains(&(copies(&mesh) - before)), "{}", copies(&mesh) - before);
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_go_to_another_service_as_its_intentions_allow() {
    if !setup::has_envoy("mirrors to another service") {
        return;
    }
    let mesh = Mesh::http().await;
    let shadow = App::http("shadow").await;
    write(&mesh, json!({ "Kind": "service-defaults", "Name": "shadow", "Protocol": "http" })).await;
    let sidecar =
        json!({ "SidecarService": { "Port": free_port(), "Checks": [{ "Name": "it", "AliasService": "shadow" }] } });
    let registration = json!({ "Name": "shadow", "Port": shadow.port, "Connect": sidecar });
    mesh.agent.put("/v1/agent/service/register", registration).await;
    let envoy = Envoy::sidecar_for(&mesh.agent, "shadow").await;
    mirror(&mesh, json!({ "Service": "shadow" })).await;
    mesh.until("a copy to arrive", async |mesh| {
        ask(mesh, "/copied", 1).await;
        shadow.calls() > 0
    })
    .await;
    let exact = "/v1/connect/intentions/exact?source=frontend&destination=shadow";
    mesh.agent.put(exact, json!({ "Action": "deny" })).await;
    let denied = "^http\\.public_listener\\.rbac\\.denied$";
    mesh.until("copies to be denied", async |mesh| {
        ask(mesh, "/copied", 1).await;
        envoy.stats(denied).await.values().sum::<u64>() > 0
    })
    .await;
    // the requests themselves are answered as before; a copy of before may still have been on its way
    let before = shadow.calls();
    ask(&mesh, "/copied", 20).await;
    assert!(shadow.calls() < before + 5, "{before} and then {}", shadow.calls());
    envoy.assert_no_rejections().await;
    mesh.finish().await;
}
