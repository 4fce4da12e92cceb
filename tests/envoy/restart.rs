//! The agent dies and comes back.

use std::time::Duration;

use tokio::time::sleep;

use chancery_tests::agent::Agent;
use chancery_tests::mesh::{Caller, Mesh, Protocol};
use chancery_tests::prometheus::{samples, sum};
use chancery_tests::setup;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_costs_no_call_and_sends_nothing_again() {
    if !setup::has_envoy("the agent is killed") {
        return;
    }
    let mut mesh = Mesh::on(Agent::durable().await, Protocol::Http).await;
    mesh.settle().await;
    let mut before = Vec::new();
    for envoy in mesh.envoys() {
        before.push((envoy.versions().await, envoy.updates().await));
    }
    let caller = Caller::start(&mesh);

    mesh.agent.kill();
    sleep(Duration::from_millis(500)).await;
    mesh.agent.restart().await;
    mesh.settle().await;
    // a resend would follow the first answers
    sleep(Duration::from_millis(500)).await;

    let metrics = samples(&mesh.agent.http.text("/metrics").await);
    assert_eq!(sum(&metrics, "chancery_xds_resources_sent_total", ""), 0.0, "a resource was sent again");
    assert_eq!(sent_on_open_streams(&mesh).await, 0, "a resource was sent again");
    for (envoy, (versions, updates)) in mesh.envoys().zip(before) {
        assert_eq!(envoy.versions().await, versions);
        assert_eq!(envoy.updates().await, updates, "updates of the Envoy of {}", envoy.service);
    }
    let calls = caller.expect_no_failure().await;
    assert!(calls > 50, "only {calls} calls were made meanwhile");

    mesh.set_intention("deny").await;
    mesh.until("the new agent to be heard", async |mesh| mesh.call().await.is_err()).await;
    mesh.finish().await;
}

async fn sent_on_open_streams(mesh: &Mesh) -> u64 {
    let proxies = mesh.agent.http.json("/admin/proxies").await;
    let streams =
        proxies.as_array().into_iter().flatten().flat_map(|proxy| proxy["streams"].as_array().into_iter().flatten());
    let types = streams.flat_map(|stream| stream["types"].as_object().into_iter().flat_map(|types| types.values()));
    types.map(|kind| kind["resources_sent"].as_u64().expect("a count")).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mesh_outlives_an_agent_that_is_told_to_end() {
    if !setup::has_envoy("the agent ends") {
        return;
    }
    let mut mesh = Mesh::on(Agent::durable().await, Protocol::Http).await;
    let caller = Caller::start(&mesh);
    let status = mesh.agent.terminate();
    assert!(status.success(), "an agent that is told to end ends well, not with {status}");
    assert_eq!(mesh.call().await.unwrap(), "backend-1");
    caller.expect_no_failure().await;
}
