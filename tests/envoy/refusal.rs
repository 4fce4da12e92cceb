//! An Envoy refuses something: the rest lives, and whoever runs the mesh learns what, why and where it came from.

use serde_json::{Value, json};

use chancery_tests::envoy::Envoy;
use chancery_tests::mesh::{Caller, Mesh, Upstream};
use chancery_tests::ports::free_port;
use chancery_tests::prometheus::{samples, sum};
use chancery_tests::setup;

/// Kept for documentation (RFC 5737): no machine has it, so nothing can listen there.
const NOWHERE: &str = "203.0.113.1";

async fn nacks(mesh: &Mesh) -> f64 {
    sum(&samples(&mesh.agent.http.text("/metrics").await), "chancery_xds_nacks_total", "")
}

/// The frontend, with upstreams to `backend` and to two services that do not exist.
async fn register(mesh: &Mesh, ports: [u16; 2], first_address: &str) {
    let port = async |id: &str| mesh.agent.http.json(&format!("/v1/agent/service/{id}")).await["Port"].clone();
    let Upstream::Port(backend) = mesh.upstream else { panic!("HTTP is spoken over ports here") };
    let upstreams = json!([
        { "DestinationName": "backend", "LocalBindPort": backend },
        { "DestinationName": "apart", "LocalBindPort": ports[0], "LocalBindAddress": first_address },
        { "DestinationName": "beside", "LocalBindPort": ports[1] },
    ]);
    let sidecar = json!({ "Port": port("frontend-sidecar-proxy").await, "Proxy": { "Upstreams": upstreams } });
    let service =
        json!({ "Name": "frontend", "Port": port("frontend").await, "Connect": { "SidecarService": sidecar } });
    mesh.agent.put("/v1/agent/service/register", service).await;
}

async fn listeners(mesh: &Mesh) -> Value {
    mesh.agent.http.json("/admin/proxies?id=frontend").await[0]["streams"][0]["types"]["listener"].clone()
}

async fn listens(envoy: &Envoy, name: &str) -> bool {
    envoy.admin.text("/listeners").await.contains(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_cannot_be_is_told_of_once_and_the_rest_lives() {
    if !setup::has_envoy("a refusal") {
        return;
    }
    let mesh = Mesh::http().await;
    mesh.settle().await;
    let caller = Caller::start(&mesh);
    assert!(nacks(&mesh).await.abs() < f64::EPSILON);
    let ports = [free_port(), free_port()];
    let bad = format!("apart:{NOWHERE}:{}", ports[0]);

    register(&mesh, ports, NOWHERE).await;
    mesh.until("the listener to be refused alone", async |mesh| {
        listeners(mesh).await["last_rejection"]["resources"] == json!([bad])
    })
    .await;
    mesh.settle().await;
    let told = listeners(&mesh).await["last_rejection"].clone();
    let message = told["message"].as_str().unwrap_or_default();
    assert!(message.contains(&bad) && message.contains("cannot bind"), "Envoy's own words: {told}");
    assert!(told["time"].as_str().is_some_and(|time| time.starts_with("20") && time.ends_with('Z')), "{told}");
    let origin = "the service apart, an upstream of the proxy n1/frontend-sidecar-proxy";
    assert_eq!(told["origins"], json!([origin]), "{told}");
    assert!(listens(&mesh.frontend, &format!("beside:127.0.0.1:{}", ports[1])).await, "the good listener is there");
    assert!(!listens(&mesh.frontend, NOWHERE).await);
    let refused = mesh.frontend.stat("listener_manager.lds.update_rejected").await;
    let counted = nacks(&mesh).await;
    assert!((counted - f64::from(u32::try_from(refused).unwrap())).abs() < f64::EPSILON, "{counted} of {refused}");

    // it is not sent again with whatever else changes
    mesh.set_intention("allow").await;
    mesh.agent.http.poke("/admin/leaf/frontend/renew").await.unwrap().expect_ok("renew");
    mesh.settle().await;
    assert_eq!(mesh.frontend.stat("listener_manager.lds.update_rejected").await, refused);

    register(&mesh, ports, "127.0.0.1").await;
    let good = format!("apart:127.0.0.1:{}", ports[0]);
    mesh.until("the corrected listener", async |mesh| listens(&mesh.frontend, &good).await).await;
    mesh.settle().await;
    let all = listeners(&mesh).await;
    let states: Vec<&Value> = all["resources"].as_array().unwrap().iter().map(|resource| &resource["state"]).collect();
    assert!(states.iter().all(|state| *state == "SYNCED"), "{states:?}");
    assert!((nacks(&mesh).await - counted).abs() < f64::EPSILON, "nothing else was refused");
    caller.expect_no_failure().await;
}
