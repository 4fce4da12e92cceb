//! What a sidecar does with calls that come in, beyond intentions.

use chancery_tests::mesh::Mesh;
use chancery_tests::ports::free_port;
use chancery_tests::raw;
use chancery_tests::setup;
use serde_json::{Value, json};

async fn defaults(mesh: &Mesh, more: &Value) {
    let mut entry = json!({ "Kind": "service-defaults", "Name": "backend", "Protocol": "http" });
    let more = more.as_object().expect("an object").clone();
    entry.as_object_mut().expect("an object").extend(more);
    mesh.agent.put("/v1/config", entry).await;
}

/// How many of so many calls got through, and how many were too many.
async fn calls(mesh: &Mesh, path: &str, calls: usize) -> (usize, usize) {
    let (mut passed, mut limited) = (0, 0);
    for _ in 0..calls {
        match mesh.request("GET", path, &[]).await.expect("an answer").status {
            200 => passed += 1,
            429 => limited += 1,
            other => panic!("{other} for {path}"),
        }
    }
    (passed, limited)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_takes_so_many_requests_and_no_more() {
    if !setup::has_envoy("rate limits") {
        return;
    }
    let mesh = Mesh::http().await;
    let limits = json!({ "RequestsPerSecond": 1, "RequestsMaxBurst": 20, "Routes": [
        { "PathPrefix": "/search", "RequestsPerSecond": 1, "RequestsMaxBurst": 3 },
    ] });
    defaults(&mesh, &json!({ "RateLimits": { "InstanceLevel": limits } })).await;
    mesh.until("searching to be limited", async |mesh| {
        mesh.request("GET", "/search", &[]).await.is_ok_and(|reply| reply.status == 429)
    })
    .await;
    // a path with a limit of its own takes nothing from the rest, by whatever spelling it is asked for
    let (searched, refused) = calls(&mesh, "/x/../search?q=1", 10).await;
    assert!(refused >= 8, "{searched} of 10 passed");
    let (passed, limited) = calls(&mesh, "/", 30).await;
    assert!((20..=24).contains(&passed) && limited >= 6, "{passed} passed, {limited} were too many");
    let stats = mesh.backends[0].envoy.stats("http_local_rate_limit.rate_limited$").await;
    assert!(stats.values().sum::<u64>() >= 14, "{stats:?}");

    defaults(&mesh, &json!({})).await;
    mesh.until("the limits to be gone", async |mesh| calls(mesh, "/search", 10).await == (10, 0)).await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exposed_path_is_open_to_all_and_nothing_else_is() {
    if !setup::has_envoy("exposed paths") {
        return;
    }
    let mesh = Mesh::http().await;
    mesh.set_intention("deny").await;
    let port = free_port();
    let app = mesh.backends[0].app.port;
    let path = json!({ "Path": "/status", "ListenerPort": port, "LocalPathPort": app });
    defaults(&mesh, &json!({ "Expose": { "Paths": [path] } })).await;
    mesh.until("the path to be open", async |_| {
        raw::send(port, "GET", "/status?full", &[]).await.is_ok_and(|reply| reply.status == 200)
    })
    .await;
    for path in ["/", "/status/", "/status/more", "/Status", "/status%2f..%2fadmin", "//status"] {
        let reply = raw::send(port, "GET", path, &[]).await.expect("an answer");
        assert_eq!(reply.status, 404, "{path}: {reply:?}");
    }
    mesh.until("the mesh to be closed", async |mesh| {
        mesh.request("GET", "/status", &[]).await.is_ok_and(|reply| reply.status == 403)
    })
    .await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_may_be_as_large_as_the_service_says() {
    if !setup::has_envoy("the size of headers") {
        return;
    }
    let mesh = Mesh::http().await;
    let large = "x".repeat(40_000);
    let headers = [("x-large", large.as_str())];
    assert_eq!(mesh.request("GET", "/", &headers).await.expect("an answer").status, 200);
    defaults(&mesh, &json!({ "MaxRequestHeadersKB": 20 })).await;
    mesh.until("large headers to be refused", async |mesh| {
        mesh.request("GET", "/", &headers).await.is_ok_and(|reply| reply.status == 431)
    })
    .await;
    assert_eq!(mesh.request("GET", "/", &[]).await.expect("an answer").status, 200);
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mesh_of_tls_1_3_alone_goes_on_calling() {
    if !setup::has_envoy("TLS 1.3") {
        return;
    }
    let mesh = Mesh::http().await;
    let entry = json!({ "Kind": "mesh", "TLS": { "Incoming": { "TLSMinVersion": "TLSv1_3" } } });
    mesh.agent.put("/v1/config", entry).await;
    mesh.until("calls over TLS 1.3", async |mesh| {
        let versions = mesh.backends[0].envoy.stats(r"ssl\.versions\.TLSv1\.3$").await;
        mesh.call().await.is_ok() && versions.values().any(|handshakes| *handshakes > 0)
    })
    .await;
    mesh.settle().await;
    assert_eq!(mesh.tally(20).await.get(""), None, "no call fails");
    mesh.finish().await;
}
