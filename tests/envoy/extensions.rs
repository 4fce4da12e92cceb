//! Envoy extensions on running Envoys: a script that changes requests, and a service that is asked about each of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chancery_tests::app::App;
use chancery_tests::envoy::Envoy;
use chancery_tests::mesh::Mesh;
use chancery_tests::ports::free_port;
use chancery_tests::{raw, setup};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

async fn extend(mesh: &Mesh, extensions: Value) {
    let entry =
        json!({ "Kind": "service-defaults", "Name": "backend", "Protocol": "http", "EnvoyExtensions": extensions });
    mesh.agent.put("/v1/config", entry).await;
}

/// What the application was asked with.
async fn headers(mesh: &Mesh) -> Option<Value> {
    let answer = mesh.http_call().await.ok().filter(|answer| answer.status.is_success())?;
    Some(answer.json()["headers"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_changes_requests_until_it_is_taken_away() {
    if !setup::has_envoy("extensions: lua") {
        return;
    }
    let mesh = Mesh::http().await;
    let script = |word: &str| {
        let script =
            format!("function envoy_on_request(request)\n  request:headers():add(\"x-seen\", \"{word}\")\nend\n");
        json!([{ "Name": "builtin/lua", "Required": true, "Arguments": { "Listener": "inbound", "Script": script } }])
    };
    for word in ["once", "twice"] {
        extend(&mesh, script(word)).await;
        mesh.until(&format!("requests to be seen {word}"), async |mesh| {
            headers(mesh).await.is_some_and(|headers| headers["x-seen"] == word)
        })
        .await;
    }
    extend(&mesh, json!([])).await;
    mesh.until("requests to pass unseen", async |mesh| {
        headers(mesh).await.is_some_and(|headers| headers.get("x-seen").is_none())
    })
    .await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_is_for_the_versions_of_envoy_that_it_names() {
    if !setup::has_envoy("extensions: versions") {
        return;
    }
    let mesh = Mesh::http().await;
    let script = |word: &str, versions: &str, required: bool| {
        let script = format!("function envoy_on_request(it)\n  it:headers():add(\"x-seen\", \"{word}\")\nend\n");
        json!({ "Name": "builtin/lua", "Required": required, "EnvoyVersion": versions,
            "Arguments": { "Listener": "inbound", "Script": script } })
    };
    extend(&mesh, json!([script("old", "< 1.20.0", true), script("new", ">= 1.20.0", true)])).await;
    mesh.until("the script for new Envoys to be there", async |mesh| {
        headers(mesh).await.is_some_and(|headers| headers["x-seen"] == "new")
    })
    .await;
    let fates = async |mesh: &Mesh| {
        let rows = mesh.agent.http.get("/admin/proxies?id=backend-1").await.expect("the agent answers").json();
        rows[0]["extensions"].clone()
    };
    let told = fates(&mesh).await;
    assert_eq!((&told[0]["fate"], &told[1]["fate"]), (&json!("skipped"), &json!("applied")), "{told}");
    assert!(told[0]["why"].as_str().is_some_and(|why| why.starts_with("it is for Envoy < 1.20.0, and this one is 1.")));

    // nothing is served without it: the listener goes, and what it lets through with it
    extend(&mesh, json!([script("old", "< 1.20.0", true)])).await;
    mesh.until("nobody to pass without a script that is required", async |mesh| headers(mesh).await.is_none()).await;
    assert_eq!(fates(&mesh).await[0]["fate"], "missed");
    extend(&mesh, json!([script("old", "< 1.20.0", false)])).await;
    mesh.until("requests to pass unseen", async |mesh| {
        headers(mesh).await.is_some_and(|headers| headers.get("x-seen").is_none())
    })
    .await;
    mesh.finish().await;
}

/// Adds a header to each request, by the interface of proxy-wasm and nothing else.
const MODULE: &str = r#"
(module
  (import "env" "proxy_add_header_map_value"
    (func $add (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "x-module")
  (data (i32.const 32) "was here")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) i32.const 1024)
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) i32.const 1)
  (func (export "proxy_on_configure") (param i32 i32) (result i32) i32.const 1)
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (drop (call $add (i32.const 0) (i32.const 16) (i32.const 8) (i32.const 32) (i32.const 8)))
    i32.const 0))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_module_of_webassembly_changes_requests() {
    if !setup::has_envoy("extensions: wasm") {
        return;
    }
    let mesh = Mesh::http().await;
    let file = mesh.agent.folder().join("module.wasm");
    std::fs::write(&file, wat::parse_str(MODULE).expect("it is a module")).expect("a temporary file can be written");
    let code = json!({ "VmConfig": { "Runtime": "v8", "Code": { "Local": { "Filename": file } } } });
    let arguments = json!({ "Protocol": "http", "ListenerType": "inbound", "PluginConfig": code });
    extend(&mesh, json!([{ "Name": "builtin/wasm", "Required": true, "Arguments": arguments }])).await;
    mesh.until("the module to be there", async |mesh| {
        headers(mesh).await.is_some_and(|headers| headers["x-module"] == "was here")
    })
    .await;
    extend(&mesh, json!([])).await;
    mesh.until("the module to be gone", async |mesh| {
        headers(mesh).await.is_some_and(|headers| headers.get("x-module").is_none())
    })
    .await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_is_fetched_from_an_upstream_and_runs_when_its_hash_is_right() {
    if !setup::has_envoy("extensions: wasm from an upstream") {
        return;
    }
    let mesh = Mesh::http().await;
    let module = wat::parse_str(MODULE).expect("it is a module");
    let hash = ring::digest::digest(&ring::digest::SHA256, &module);
    let right: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let modules = App::http_of("modules", module).await;
    mesh.agent.put("/v1/config", json!({ "Kind": "service-defaults", "Name": "modules", "Protocol": "http" })).await;
    let sidecar = json!({ "Port": free_port(), "Checks": [{ "Name": "its service", "AliasService": "modules" }] });
    let service = json!({ "Name": "modules", "Port": modules.port, "Connect": { "SidecarService": sidecar } });
    mesh.agent.put("/v1/agent/service/register", service).await;
    let beside_modules = Envoy::sidecar_for(&mesh.agent, "modules").await;
    let id = "backend-1-sidecar-proxy";
    let proxy = mesh.agent.http.get(&format!("/v1/agent/service/{id}")).await.expect("the agent answers").json();
    let port = free_port();
    let upstream = json!({ "DestinationName": "modules", "LocalBindPort": port });
    let proxy = json!({
        "Kind": "connect-proxy", "ID": id, "Name": proxy["Service"], "Port": proxy["Port"],
        "Proxy": {
            "DestinationServiceName": "backend", "DestinationServiceID": "backend-1",
            "LocalServicePort": mesh.backend("backend-1").app.port, "Upstreams": [upstream],
        },
    });
    mesh.agent.put("/v1/agent/service/register", proxy).await;
    // without its body, which is no text
    mesh.until("the upstream with modules to answer", async |_| {
        raw::send(port, "HEAD", "/module.wasm", &[]).await.is_ok_and(|reply| reply.status == 200)
    })
    .await;
    let asked = modules.calls();
    let from = |hash: &str| {
        let uri = json!({ "Service": { "Name": "modules" }, "URI": "http://modules/module.wasm", "Timeout": "2s" });
        let remote = json!({ "HttpURI": uri, "SHA256": hash, "RetryPolicy": { "NumRetries": 1 } });
        let plugin = json!({ "VmConfig": { "Runtime": "v8", "Code": { "Remote": remote } } });
        let arguments = json!({ "Protocol": "http", "ListenerType": "inbound", "PluginConfig": plugin });
        json!([{ "Name": "builtin/wasm", "Required": true, "Arguments": arguments }])
    };
    extend(&mesh, from(&"ab".repeat(32))).await;
    mesh.until("a module of another hash to be fetched, and nobody to pass", async |mesh| {
        modules.calls() > asked && headers(mesh).await.is_none()
    })
    .await;
    extend(&mesh, from(&right)).await;
    mesh.until("the module to be there", async |mesh| {
        headers(mesh).await.is_some_and(|headers| headers["x-module"] == "was here")
    })
    .await;
    beside_modules.assert_no_rejections().await;
    mesh.finish().await;
}

/// Lets requests pass that say so.
struct Authorizer {
    port: u16,
    asked: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Authorizer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the loopback has a free port");
        let port = listener.local_addr().expect("a listener has an address").port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 8192];
                let Ok(read) = stream.read(&mut request).await else { continue };
                count.fetch_add(1, Ordering::Relaxed);
                let request = String::from_utf8_lossy(&request[..read]).to_ascii_lowercase();
                let status = if request.contains("authorization: let me in") { "200 OK" } else { "403 Forbidden" };
                let answer =
                    format!("HTTP/1.1 {status}\r\nx-user: me\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { port, asked, server }
    }
}

impl Drop for Authorizer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn status(mesh: &Mesh, headers: &[(&str, &str)]) -> u16 {
    mesh.request("GET", "/", headers).await.map_or(0, |reply| reply.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_asked_about_each_request_and_nobody_passes_when_it_is_gone() {
    if !setup::has_envoy("extensions: ext-authz") {
        return;
    }
    let mesh = Mesh::http().await;
    let authorizer = Authorizer::start().await;
    let port = authorizer.port;
    let authz = |required: bool| {
        let service = json!({
            "Target": { "URI": format!("localhost:{port}"), "Timeout": "2s" },
            "AuthorizationRequest": { "AllowedHeaders": [{ "Exact": "authorization" }] },
            "AuthorizationResponse": { "AllowedUpstreamHeaders": [{ "Exact": "x-user" }] },
        });
        let config = json!({ "HttpService": service });
        json!([{ "Name": "builtin/ext-authz", "Required": required, "Arguments": { "Config": config } }])
    };
    let good = [("authorization", "let me in")];
    extend(&mesh, authz(true)).await;
    mesh.until("requests without a word to be turned away", async |mesh| status(mesh, &[]).await == 403).await;
    let reply = mesh.request("GET", "/", &good).await.expect("an answer");
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("x-user"), "the application is told who calls: {}", reply.body);
    assert!(authorizer.asked.load(Ordering::Relaxed) >= 2);

    drop(authorizer);
    mesh.until("nobody to pass without the service", async |mesh| status(mesh, &good).await == 403).await;
    extend(&mesh, authz(false)).await;
    mesh.until("everybody to pass, as it is not required", async |mesh| status(mesh, &[]).await == 200).await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_that_cannot_be_applied_is_told_and_stops_nothing_else() {
    if !setup::has_envoy("extensions: refusals") {
        return;
    }
    let mesh = Mesh::http().await;
    let patch = json!({ "ResourceFilter": { "ResourceType": "listener", "TrafficDirection": "inbound" },
        "Op": "add", "Path": "/no_such_field", "Value": 1 });
    let extension = json!([{ "Name": "builtin/property-override", "Arguments": { "Patches": [patch] } }]);
    extend(&mesh, extension).await;
    mesh.until("the refusal to be told", async |mesh| {
        let told = mesh.agent.http.text("/admin/proxies").await;
        told.contains("no_such_field") && told.contains("service-defaults/backend")
    })
    .await;
    assert!(mesh.call().await.is_ok(), "calls go on");
    let metrics = mesh.agent.http.text("/metrics").await;
    let failed =
        metrics.lines().find(|line| line.starts_with("chancery_extension_failures") && line.contains("property"));
    assert!(failed.is_some_and(|line| line.ends_with(" 1")), "{failed:?}");
    mesh.finish().await;
}
