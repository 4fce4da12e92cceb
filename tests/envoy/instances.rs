//! Instances of `backend` come and go.

use chancery_tests::mesh::{Caller, Mesh, Watched};
use chancery_tests::setup;

/// Enough calls to tell one instance in three from none.
const MANY: usize = 60;

async fn mesh_of_three(watched: Watched) -> Mesh {
    let mut mesh = Mesh::http().await;
    mesh.add_backend("backend-2", watched).await;
    mesh.add_backend("backend-3", watched).await;
    mesh
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_spread_over_the_instances() {
    if !setup::has_envoy("calls spread") {
        return;
    }
    let mesh = mesh_of_three(Watched::Not).await;
    let tally = mesh.tally(MANY).await;
    for id in ["backend-1", "backend-2", "backend-3"] {
        assert!(tally.get(id).is_some_and(|calls| *calls >= MANY / 6), "{id} got too little of {tally:?}");
    }
    assert_eq!(tally.len(), 3, "only instances answer: {tally:?}");
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_goes_to_an_instance_that_was_deregistered_and_none_fails_meanwhile() {
    if !setup::has_envoy("an instance leaves") {
        return;
    }
    let mesh = mesh_of_three(Watched::Not).await;
    let caller = Caller::start(&mesh);
    mesh.agent.http.poke("/v1/agent/service/deregister/backend-2").await.unwrap().expect_ok("deregister");
    mesh.until("calls to stay away from backend-2", async |mesh| !mesh.tally(12).await.contains_key("backend-2")).await;
    let before = mesh.backend("backend-2").app.calls();
    let tally = mesh.tally(MANY).await;
    assert_eq!(tally.keys().collect::<Vec<_>>(), ["backend-1", "backend-3"]);
    caller.expect_no_failure().await;
    assert_eq!(mesh.backend("backend-2").app.calls(), before);
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_goes_to_an_instance_whose_http_check_fails() {
    if !setup::has_envoy("an HTTP check fails") {
        return;
    }
    let mesh = mesh_of_three(Watched::Http).await;
    mesh.backend("backend-3").app.set_healthy(false);
    mesh.until("calls to stay away from backend-3", async |mesh| !mesh.tally(12).await.contains_key("backend-3")).await;
    assert_eq!(mesh.tally(MANY).await.keys().collect::<Vec<_>>(), ["backend-1", "backend-2"]);
    mesh.backend("backend-3").app.set_healthy(true);
    mesh.until("calls to come back", async |mesh| mesh.tally(12).await.contains_key("backend-3")).await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_goes_to_an_instance_that_says_it_is_unwell() {
    if !setup::has_envoy("a TTL check fails") {
        return;
    }
    let mesh = mesh_of_three(Watched::Ttl).await;
    mesh.agent.http.poke("/v1/agent/check/fail/service:backend-2").await.unwrap().expect_ok("a report");
    mesh.until("calls to stay away from backend-2", async |mesh| !mesh.tally(12).await.contains_key("backend-2")).await;
    assert_eq!(mesh.tally(MANY).await.keys().collect::<Vec<_>>(), ["backend-1", "backend-3"]);
    mesh.agent.http.poke("/v1/agent/check/pass/service:backend-2").await.unwrap().expect_ok("a report");
    mesh.until("calls to come back", async |mesh| mesh.tally(12).await.contains_key("backend-2")).await;
    mesh.finish().await;
}
