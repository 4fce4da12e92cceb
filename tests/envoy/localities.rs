//! Instances near the caller, as a real Envoy prefers them.

use std::io;

use chancery_tests::agent::Agent;
use chancery_tests::app::App;
use chancery_tests::envoy::Envoy;
use chancery_tests::mesh::{Mesh, Protocol};
use chancery_tests::ports::free_port;
use chancery_tests::setup;
use serde_json::{Value, json};

/// Another instance of a service, with a sidecar, somewhere, whose health it tells itself.
struct Elsewhere {
    app: App,
    envoy: Envoy,
}

async fn instance(agent: &Agent, service: &str, id: &str, region: &str, zone: &str) -> Elsewhere {
    let app = App::http(id).await;
    let sidecar = json!({ "Port": free_port(), "Checks": [{ "Name": "its service", "AliasService": id }] });
    let registration = json!({
        "ID": id, "Name": service, "Port": app.port, "Check": { "TTL": "10m", "Status": "passing" },
        "Locality": { "Region": region, "Zone": zone }, "Connect": { "SidecarService": sidecar },
    });
    agent.put("/v1/agent/service/register", registration).await;
    let envoy = Envoy::sidecar_for(agent, id).await;
    Elsewhere { app, envoy }
}

async fn write(mesh: &Mesh, entry: Value) {
    mesh.agent.put("/v1/config", entry).await;
}

async fn report(mesh: &Mesh, id: &str, status: &str) {
    let path = format!("/v1/agent/check/{status}/service:{id}");
    mesh.agent.http.poke(&path).await.expect("a report is taken");
}

/// Who answered of so many calls.
async fn answers(mesh: &Mesh, calls: usize) -> Vec<String> {
    let mut names = Vec::new();
    for _ in 0..calls {
        names.push(mesh.call().await.unwrap_or_else(|error: io::Error| error.to_string()));
    }
    names.sort();
    names.dedup();
    names
}

async fn until(mesh: &Mesh, expected: &[&str]) {
    mesh.until(&format!("calls to be answered by {expected:?} alone"), async |mesh| {
        answers(mesh, 24).await == expected
    })
    .await;
}

/// An agent in `here/a`, and so the frontend and the one instance of `backend` that the mesh begins with.
async fn here() -> Mesh {
    let agent = Agent::start(&["-dev", "-hcl", "locality { region = \"here\", zone = \"a\" }"]).await;
    Mesh::on(agent, Protocol::Http).await
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_the_zone_go_first_then_those_of_the_region_then_others() {
    if !setup::has_envoy("locality") {
        return;
    }
    let mesh = here().await;
    let near = instance(&mesh.agent, "backend", "same-zone", "here", "a").await;
    let region = instance(&mesh.agent, "backend", "same-region", "here", "b").await;
    let far = instance(&mesh.agent, "backend", "far", "there", "a").await;
    until(&mesh, &["backend-1", "far", "same-region", "same-zone"]).await;
    write(&mesh, json!({ "Kind": "proxy-defaults", "Name": "global", "PrioritizeByLocality": { "Mode": "failover" } }))
        .await;
    until(&mesh, &["backend-1", "same-zone"]).await;
    // with one of the zone left it takes all
    mesh.agent.http.poke("/v1/agent/service/maintenance/backend-1?enable=true").await.expect("it is taken");
    until(&mesh, &["same-zone"]).await;
    report(&mesh, "same-zone", "fail").await;
    until(&mesh, &["same-region"]).await;
    report(&mesh, "same-region", "fail").await;
    until(&mesh, &["far"]).await;
    report(&mesh, "same-zone", "pass").await;
    until(&mesh, &["same-zone"]).await;
    // for this service it does not count
    write(&mesh, json!({ "Kind": "service-resolver", "Name": "backend", "PrioritizeByLocality": { "Mode": "none" } }))
        .await;
    until(&mesh, &["far", "same-zone"]).await;
    for elsewhere in [near, region, far] {
        assert!(elsewhere.app.calls() > 0);
        elsewhere.envoy.assert_no_rejections().await;
    }
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_shared_between_the_zone_the_region_and_elsewhere() {
    if !setup::has_envoy("weights by locality") {
        return;
    }
    let mesh = here().await;
    let region = instance(&mesh.agent, "backend", "same-region", "here", "b").await;
    let far = instance(&mesh.agent, "backend", "far", "there", "a").await;
    until(&mesh, &["backend-1", "far", "same-region"]).await;
    let weights = json!({ "SameZone": 70, "SameRegion": 20, "Elsewhere": 10 });
    let weighted = json!({ "Mode": "weighted", "Weights": weights });
    write(&mesh, json!({ "Kind": "service-resolver", "Name": "backend", "PrioritizeByLocality": weighted })).await;
    mesh.settle().await;
    let tally = mesh.tally(1000).await;
    // each within four standard deviations of a thousand draws
    for (name, share) in [("backend-1", 642..=758), ("same-region", 150..=250), ("far", 63..=137)] {
        let calls = tally.get(name).copied().unwrap_or_default();
        assert!(share.contains(&calls), "{name}: {tally:?}");
    }
    // nobody of the zone is left: its part goes to the others
    mesh.agent.http.poke("/v1/agent/service/maintenance/backend-1?enable=true").await.expect("it is taken");
    until(&mesh, &["far", "same-region"]).await;
    let tally = mesh.tally(600).await;
    let calls = tally.get("same-region").copied().unwrap_or_default();
    assert!((355..=445).contains(&calls), "two of three: {tally:?}");
    for elsewhere in [region, far] {
        elsewhere.envoy.assert_no_rejections().await;
    }
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_goes_region_by_region() {
    if !setup::has_envoy("failover by locality") {
        return;
    }
    let mesh = here().await;
    write(&mesh, json!({ "Kind": "service-defaults", "Name": "backup", "Protocol": "http" })).await;
    let backup = instance(&mesh.agent, "backup", "backup-here", "here", "b").await;
    let far = instance(&mesh.agent, "backend", "far", "there", "a").await;
    let farther = instance(&mesh.agent, "backend", "farther", "yonder", "a").await;
    let policy = json!({ "Mode": "order-by-locality", "Regions": ["yonder", "there"] });
    let failover = json!({ "*": { "Service": "backup", "Policy": policy } });
    write(&mesh, json!({ "Kind": "service-resolver", "Name": "backend", "Failover": failover })).await;
    until(&mesh, &["backend-1"]).await;
    mesh.agent.http.poke("/v1/agent/service/maintenance/backend-1?enable=true").await.expect("it is taken");
    until(&mesh, &["backup-here"]).await;
    report(&mesh, "backup-here", "fail").await;
    until(&mesh, &["farther"]).await;
    report(&mesh, "farther", "fail").await;
    until(&mesh, &["far"]).await;
    mesh.agent.http.poke("/v1/agent/service/maintenance/backend-1?enable=false").await.expect("it is taken");
    until(&mesh, &["backend-1"]).await;
    for elsewhere in [backup, far, farther] {
        assert!(elsewhere.app.calls() > 0);
        elsewhere.envoy.assert_no_rejections().await;
    }
    mesh.finish().await;
}
