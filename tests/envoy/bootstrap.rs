//! What `Config` says of the bootstrap, on running Envoys.

use std::time::Duration;

use chancery_tests::agent::Agent;
use chancery_tests::http::Client;
use chancery_tests::mesh::{Mesh, Protocol};
use chancery_tests::ports::free_port;
use chancery_tests::setup;
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(15);

/// For the Envoy of `frontend` alone: ports are not for two.
async fn configured(agent: &Agent, config: Value) {
    let sidecar = json!({ "Proxy": { "Config": config } });
    let service = json!({ "Name": "monitored", "Port": 1, "Connect": { "SidecarService": sidecar } });
    agent.put("/v1/agent/service/register", service).await;
}

async fn socket() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let url = format!("udp://{}", socket.local_addr().expect("an address"));
    (socket, url)
}

/// Until a datagram holds that text.
async fn receives(socket: &UdpSocket, text: &str) {
    let mut datagram = vec![0; 65_535];
    let wait = async {
        loop {
            let length = socket.recv(&mut datagram).await.expect("a datagram");
            if String::from_utf8_lossy(&datagram[..length]).contains(text) {
                return;
            }
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("no datagram with {text:?}"));
}

/// A listener that answers by itself.
fn answering(port: u16, what: &str) -> Value {
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": what,
        "route_config": { "virtual_hosts": [{ "name": what, "domains": ["*"], "routes": [
            { "match": { "prefix": "/" }, "direct_response": { "status": 200, "body": { "inline_string": what } } },
        ] }] },
        "http_filters": [{ "name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" } }],
    });
    json!({
        "name": what,
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } },
        "filter_chains": [{ "filters": [
            { "name": "envoy.filters.network.http_connection_manager", "typed_config": manager },
        ] }],
    })
}

fn at(port: u16) -> Client {
    Client::new(format!("127.0.0.1:{port}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bootstrap_says_is_in_effect() {
    if !setup::has_envoy("bootstrap") {
        return;
    }
    let agent = Agent::dev().await;
    let [prometheus, stats, extra] = [free_port(), free_port(), free_port()];
    let ((statsd, statsd_url), (dogstatsd, dogstatsd_url), (own, own_url)) =
        (socket().await, socket().await, socket().await);
    let own_sink = json!({
        "name": "own",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.config.metrics.v3.StatsdSink",
            "prefix": "own",
            "address": { "socket_address": { "protocol": "UDP", "address": "127.0.0.1",
                "port_value": own_url.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()) } },
        },
    });
    let cluster = json!({ "name": "own_cluster", "type": "STATIC", "connect_timeout": "1s" });
    configured(
        &agent,
        json!({
            "envoy_prometheus_bind_addr": format!("127.0.0.1:{prometheus}"),
            "envoy_stats_bind_addr": format!("127.0.0.1:{stats}"),
            "envoy_statsd_url": statsd_url,
            "envoy_dogstatsd_url": dogstatsd_url,
            "envoy_stats_tags": ["team=a"],
            "envoy_stats_flush_interval": "1s",
            "envoy_extra_static_clusters_json": format!("{cluster}"),
            "envoy_extra_static_listeners_json": answering(extra, "extra").to_string(),
            "envoy_extra_stats_sinks_json": own_sink.to_string(),
        }),
    )
    .await;
    let envoy = chancery_tests::envoy::Envoy::sidecar_for(&agent, "monitored").await;

    let metrics = at(prometheus).text("/metrics").await;
    assert!(metrics.contains("envoy_server_live") && metrics.contains("team=\"a\""), "{metrics}");
    assert_eq!(at(prometheus).get("/stats").await.expect("an answer").status, 404);
    assert!(at(stats).text("/stats").await.contains("server.live: 1"));
    assert_eq!(at(stats).get("/config_dump").await.expect("an answer").status, 404);
    assert_eq!(at(extra).text("/").await, "extra");
    assert!(envoy.admin.text("/clusters").await.contains("own_cluster::"));
    receives(&statsd, "envoy.server.uptime").await;
    receives(&dogstatsd, "team:a").await;
    receives(&own, "own.server.uptime").await;
    envoy.assert_no_rejections().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_of_ones_own_has_what_ours_has_where_it_says() {
    if !setup::has_envoy("a bootstrap of one's own") {
        return;
    }
    let agent = Agent::dev().await;
    let template = r#"{
        "admin": { "address": { "socket_address": { "address": "{{ .AdminBindAddress }}", "port_value": {{ .AdminBindPort }} } } },
        "node": { "cluster": "{{ .ProxyCluster }}", "id": "{{ .ProxyID }}", "metadata": { "own": "yes" } },
        "static_resources": {
            "clusters": [{
                "name": "{{ .LocalAgentClusterName }}", "type": "STATIC", "connect_timeout": "1s",
                "typed_extension_protocol_options": { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": { "http2_protocol_options": {} } } },
                "load_assignment": { "cluster_name": "{{ .LocalAgentClusterName }}", "endpoints": [{ "lb_endpoints": [{
                    "endpoint": { "address": {
                        {{- if .AgentSocket }} "pipe": { "path": "{{ .AgentSocket }}" }
                        {{- else }} "socket_address": { "address": "{{ .AgentAddress }}", "port_value": {{ .AgentPort }} }
                        {{- end }} } } }] }] }
            }{{ if .StaticClustersJSON }}, {{ .StaticClustersJSON }}{{ end }}]
        },
        "stats_config": {{ .StatsConfigJSON }},
        "dynamic_resources": {
            "lds_config": { "ads": {}, "resource_api_version": "V3" },
            "cds_config": { "ads": {}, "resource_api_version": "V3" },
            "ads_config": { "api_type": "DELTA_GRPC", "transport_api_version": "V3", "grpc_services": {
                "initial_metadata": [{ "key": "x-consul-token", "value": "{{ .Token }}" }],
                "envoy_grpc": { "cluster_name": "{{ .LocalAgentClusterName }}" } } }
        }
    }"#;
    let config = json!({ "envoy_bootstrap_json_tpl": template });
    agent.put("/v1/config", json!({ "Kind": "proxy-defaults", "Name": "global", "Config": config })).await;
    let mesh = Mesh::on(agent, Protocol::Http).await;
    assert!(mesh.call().await.is_ok(), "calls go through");
    let dump = mesh.frontend.admin.json("/config_dump?resource=&mask=bootstrap").await.to_string();
    assert!(dump.contains(r#""own":"yes""#), "{dump}");
    mesh.finish().await;
}
