//! `frontend` reaches `backend`.

use std::process::Command;

use chancery_tests::agent::Agent;
use chancery_tests::http::Client;
use chancery_tests::mesh::{Mesh, Protocol, Upstream};
use chancery_tests::ports::free_port;
use chancery_tests::process::Program;
use chancery_tests::setup;
use chancery_tests::wait::eventually;

use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn http_goes_through_two_envoys_and_arrives_with_the_callers_identity() {
    if !setup::has_envoy("http through the mesh") {
        return;
    }
    let mesh = Mesh::http().await;
    let answer = mesh.http_call().await.unwrap().expect_ok("a call through the mesh").json();
    assert_eq!(answer["app"], "backend-1");
    let certificate = answer["headers"]["x-forwarded-client-cert"].as_str().unwrap_or_default();
    assert!(certificate.contains("/ns/default/dc/dc1/svc/frontend"), "the caller's certificate: {certificate:?}");
    let trust_domain = mesh.agent.http.json("/v1/connect/ca/roots").await["TrustDomain"].as_str().unwrap().to_owned();
    assert!(certificate.contains(&format!("URI=spiffe://{trust_domain}/")), "{certificate:?} is not of {trust_domain}");
    assert!(mesh.frontend.stat(&handshakes(&trust_domain)).await > 0, "the hop between the Envoys is TLS");
    mesh.finish().await;
}

fn handshakes(trust_domain: &str) -> String {
    format!("cluster.backend.default.dc1.internal.{trust_domain}.ssl.handshake")
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp_goes_through_two_envoys() {
    if !setup::has_envoy("tcp through the mesh") {
        return;
    }
    let mesh = Mesh::tcp().await;
    assert_eq!(mesh.call().await.unwrap(), "backend-1");
    assert!(mesh.frontend.stats("^tcp.upstream.backend.default.default.dc1.").await.values().any(|value| *value > 0));
    assert!(mesh.backends[0].envoy.stats("^tcp.public_listener.").await.values().any(|value| *value > 0));
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_a_certificate_of_the_mesh_gets_in() {
    if !setup::has_envoy("strangers are refused") {
        return;
    }
    let mesh = Mesh::http().await;
    let registered = mesh.agent.http.json("/v1/agent/service/backend-1-sidecar-proxy").await;
    let port = registered["Port"].as_u64().unwrap();
    let stranger = Client::new(format!("127.0.0.1:{port}"));
    assert!(stranger.get("/").await.is_err(), "the public listener answered a call without TLS");
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protocol_set_on_running_envoys_brings_http_stats() {
    if !setup::has_envoy("http stats") {
        return;
    }
    let mesh = Mesh::tcp().await;
    assert!(mesh.frontend.stats("^http.upstream.backend").await.is_empty());
    let entry = serde_json::json!({ "Kind": "service-defaults", "Name": "backend", "Protocol": "http" });
    mesh.agent.put("/v1/config", entry).await;
    mesh.until("http stats of the upstream", async |mesh| {
        !mesh.frontend.stats("^http.upstream.backend.default.default.dc1.").await.is_empty()
    })
    .await;
    mesh.until("http stats of the public listener", async |mesh| {
        !mesh.backends[0].envoy.stats("^http.public_listener.").await.is_empty()
    })
    .await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_can_be_a_unix_socket() {
    if !setup::has_envoy("a unix socket") {
        return;
    }
    let agent = Agent::dev().await;
    let socket = agent.folder().join("backend.sock");
    let mesh = Mesh::with_upstream(agent, Protocol::Tcp, Upstream::Socket(socket)).await;
    assert_eq!(mesh.call().await.unwrap(), "backend-1");
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_envoy_becomes_the_envoy() {
    if !setup::has_envoy("chancery connect envoy") {
        return;
    }
    let agent = Agent::dev().await;
    let sidecar = serde_json::json!({ "Port": free_port() });
    let service = serde_json::json!({ "Name": "web", "Port": 8080, "Connect": { "SidecarService": sidecar } });
    agent.put("/v1/agent/service/register", service).await;
    let binary = setup::envoy().unwrap();
    let admin = format!("127.0.0.1:{}", free_port());
    let mut command: Command = agent.command(&["connect", "envoy", "-sidecar-for", "web", "-admin-bind", &admin]);
    command.arg("-envoy-binary").arg(&binary).args(["--", "--concurrency", "1"]);
    let program = Program::start("connect envoy", &mut command, &agent.folder().join("connect.log"));
    let client = Client::new(admin);
    let listeners = eventually("the public listener of web", Duration::from_secs(20), async || {
        let listeners = client.get("/listeners").await.ok()?.text();
        listeners.contains("public_listener").then_some(listeners)
    })
    .await;
    assert!(listeners.contains("public_listener"));
    let name = std::fs::read_link(format!("/proc/{}/exe", program.id())).unwrap();
    assert_eq!(name, binary.canonicalize().unwrap(), "the command has become Envoy, so signals reach it");
}
