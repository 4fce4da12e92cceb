//! What Envoys tell about calls: lines in a file, and traces at a collector.

use std::fs;
use std::path::Path;

use chancery_tests::agent::Agent;
use chancery_tests::collector::Collector;
use chancery_tests::mesh::{Mesh, Protocol};
use chancery_tests::setup;
use serde_json::{Value, json};

async fn proxy_defaults(agent: &Agent, entry: &Value) {
    let mut whole = json!({ "Kind": "proxy-defaults", "Name": "global" });
    whole.as_object_mut().expect("an object").extend(entry.as_object().expect("an object").clone());
    agent.put("/v1/config", whole).await;
}

/// What is in a file of JSON lines that have been written whole.
fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_leaves_a_line() {
    if !setup::has_envoy("access logs") {
        return;
    }
    let mesh = Mesh::http().await;
    let file = mesh.agent.folder().join("access.log");
    let logs = |more: Value| {
        let mut logs = json!({ "Enabled": true, "Type": "file", "Path": file });
        logs.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({ "AccessLogs": logs })
    };
    proxy_defaults(&mesh.agent, &logs(json!({}))).await;
    mesh.until("a line of each Envoy", async |mesh| {
        _ = mesh.request("GET", "/of-both?x=1", &[("user-agent", "a test")]).await;
        let of = |cluster: &str| {
            lines(&file).into_iter().any(|line| {
                line["path"] == "/of-both?x=1"
                    && line["response_code"] == 200
                    && line["user_agent"] == "a test"
                    && line["upstream_cluster"].as_str().is_some_and(|name| name.starts_with(cluster))
            })
        };
        of("local_app") && of("backend.default.dc1.internal.")
    })
    .await;

    // refused calls leave one too, and say by whom
    mesh.set_intention("deny").await;
    mesh.until("a line about a refusal", async |mesh| {
        _ = mesh.request("GET", "/refused", &[]).await;
        lines(&file).iter().any(|line| {
            line["path"] == "/refused"
                && line["response_code"] == 403
                && line["response_code_details"]
                    .as_str()
                    .is_some_and(|details| details.starts_with("rbac_access_denied"))
        })
    })
    .await;
    mesh.remove_intention().await;

    proxy_defaults(&mesh.agent, &logs(json!({ "TextFormat": "said: %RESPONSE_CODE% to %REQ(:PATH)%" }))).await;
    mesh.until("a line of text", async |mesh| {
        _ = mesh.request("GET", "/as-text", &[]).await;
        fs::read_to_string(&file).is_ok_and(|text| text.lines().any(|line| line == "said: 200 to /as-text"))
    })
    .await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_leave_a_line_too() {
    if !setup::has_envoy("access logs of connections") {
        return;
    }
    let mesh = Mesh::tcp().await;
    let file = mesh.agent.folder().join("access.log");
    let format = r#"{"sent":"%BYTES_SENT%","to":"%UPSTREAM_CLUSTER%","by":"%DOWNSTREAM_PEER_URI_SAN%"}"#;
    let logs = json!({ "Enabled": true, "Type": "file", "Path": file, "JSONFormat": format });
    proxy_defaults(&mesh.agent, &json!({ "AccessLogs": logs })).await;
    mesh.until("a line with the caller's identity", async |mesh| {
        _ = mesh.call().await;
        lines(&file).iter().any(|line| {
            line["to"] == "local_app"
                && line["by"].as_str().is_some_and(|by| by.ends_with("/svc/frontend"))
                && line["sent"] == "backend-1".len()
        })
    })
    .await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_arrive_at_a_collector() {
    if !setup::has_envoy("traces") {
        return;
    }
    let collector = Collector::start().await;
    let agent = Agent::dev().await;
    let cluster = json!({
        "name": "zipkin", "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": { "cluster_name": "zipkin", "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": {
            "socket_address": { "address": "127.0.0.1", "port_value": collector.port } } } }] }] },
    });
    let tracer = json!({ "http": {
        "name": "envoy.tracers.zipkin",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig",
            "collector_cluster": "zipkin",
            "collector_endpoint": "/api/v2/spans",
            "collector_endpoint_version": "HTTP_JSON",
        },
    } });
    let tracing = json!({ "random_sampling": { "value": 100 }, "provider": tracer["http"] });
    // the cluster is a part of the bootstrap, which Envoys are started with
    let config = json!({
        "envoy_extra_static_clusters_json": cluster.to_string(),
        "envoy_listener_tracing_json": tracing.to_string(),
        "envoy_stats_flush_interval": "1s",
    });
    proxy_defaults(&agent, &json!({ "Config": config })).await;
    let mesh = Mesh::on(agent, Protocol::Http).await;
    mesh.until("a trace through both Envoys", async |mesh| {
        _ = mesh.request("GET", "/traced", &[]).await;
        let spans: Vec<Value> =
            collector.items().into_iter().filter(|span| span.to_string().contains("/traced")).collect();
        let is_of = |span: &Value, service: &str| span["localEndpoint"]["serviceName"] == service;
        let goes_on =
            |one: &Value| spans.iter().any(|other| is_of(other, "backend") && one["traceId"] == other["traceId"]);
        spans.iter().any(|span| is_of(span, "frontend") && goes_on(span))
    })
    .await;
    mesh.finish().await;
}
