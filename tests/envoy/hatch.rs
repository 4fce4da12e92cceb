//! A public listener that somebody wrote: it does what it says, and what the mesh promises as well.

use chancery_tests::mesh::Mesh;
use chancery_tests::raw;
use chancery_tests::setup;
use serde_json::{Value, json};

const TYPES: &str = "type.googleapis.com/envoy.extensions.filters";

/// Plain HTTP for everybody, with a header of its own in each answer.
fn listener(port: &Value) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": format!("public_listener:0.0.0.0:{port}"),
        "address": { "socket_address": { "address": "0.0.0.0", "port_value": port } },
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": format!("{TYPES}.network.http_connection_manager.v3.HttpConnectionManager"),
                "stat_prefix": "mine",
                "route_config": { "virtual_hosts": [{
                    "name": "mine",
                    "domains": ["*"],
                    "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "local_app" } }],
                    "response_headers_to_add": [{ "header": { "key": "x-by-hand", "value": "yes" } }],
                }] },
                "http_filters": [{
                    "name": "envoy.filters.http.router",
                    "typed_config": { "@type": format!("{TYPES}.http.router.v3.Router") },
                }],
            },
        }] }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_written_by_hand_keeps_tls_and_asks_the_intentions() {
    if !setup::has_envoy("an escape hatch") {
        return;
    }
    let mesh = Mesh::http().await;
    let sidecar = mesh.agent.http.json("/v1/agent/service/backend-1-sidecar-proxy").await;
    let port = sidecar["Port"].clone();
    let register = async |config: Value| {
        let sidecar = json!({
            "Port": port,
            "Proxy": { "Config": config },
            "Checks": [{ "Name": "its service", "AliasService": "backend-1" }],
        });
        let app = mesh.backends[0].app.port;
        let service =
            json!({ "ID": "backend-1", "Name": "backend", "Port": app, "Connect": { "SidecarService": sidecar } });
        mesh.agent.put("/v1/agent/service/register", service).await;
    };
    let by_hand = async |mesh: &Mesh| {
        mesh.request("GET", "/", &[]).await.is_ok_and(|reply| reply.head.contains("x-by-hand: yes"))
    };

    register(json!({ "envoy_public_listener_json": listener(&port).to_string() })).await;
    mesh.until("the listener to be the one written by hand", by_hand).await;
    let number = port.as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
    let plain = raw::send(number, "GET", "/", &[]).await;
    assert!(plain.is_err(), "without a certificate nobody is let in: {plain:?}");
    mesh.set_intention("deny").await;
    mesh.until("a refusal", async |mesh| mesh.request("GET", "/", &[]).await.is_ok_and(|reply| reply.status == 403))
        .await;
    mesh.remove_intention().await;
    mesh.until("calls to pass again", by_hand).await;

    // one that cannot be is not served, and the proxy's other listeners live
    register(json!({ "envoy_public_listener_json": "{}" })).await;
    mesh.until("calls to fail", async |mesh| {
        mesh.request("GET", "/", &[]).await.is_ok_and(|reply| reply.status == 503)
    })
    .await;
    let told = mesh.agent.http.json("/admin/proxies?id=backend-1").await;
    assert!(told.to_string().contains("envoy_public_listener_json: has no filter chain"), "{told}");
    register(json!({})).await;
    mesh.until("the usual listener to be back", async |mesh| mesh.call().await.is_ok() && !by_hand(mesh).await).await;
    mesh.finish().await;
}
