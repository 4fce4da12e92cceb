//! Listeners that show a little of Envoy's admin interface (metrics, statistics, readiness) to others, and nothing
//! else of it.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::config::BootstrapConfig;
use super::{Inputs, address, tls};

const SELF_ADMIN: &str = "self_admin";
const PROMETHEUS_BACKEND: &str = "prometheus_backend";

#[derive(Default)]
pub(super) struct MetricsListeners {
    pub clusters: Vec<Value>,
    pub listeners: Vec<Value>,
    pub secrets: Vec<Value>,
}

pub(super) fn build(inputs: &Inputs, config: &BootstrapConfig) -> MetricsListeners {
    let mut built = MetricsListeners::default();
    let mut needs_admin = config.stats_bind.is_some() || inputs.ready.is_some();
    if let Some(bind) = config.prometheus_bind {
        let cluster = if let Some(port) = inputs.prometheus_backend_port {
            let merged = address::tcp(SocketAddr::from(([127, 0, 0, 1], port)));
            built.clusters.push(address::static_cluster(PROMETHEUS_BACKEND, &merged));
            PROMETHEUS_BACKEND
        } else {
            needs_admin = true;
            SELF_ADMIN
        };
        let path = json!({ "path": inputs.prometheus_scrape_path });
        let mut scraped = listener("envoy_prometheus_metrics", bind, &path, "/stats/prometheus", cluster);
        if let Some(of) = &inputs.prometheus_tls {
            scraped["filter_chains"][0]["transport_socket"] = tls::for_prometheus();
            built.secrets = tls::secrets(of);
        }
        built.listeners.push(scraped);
    }
    if let Some(bind) = config.stats_bind {
        let path = json!({ "prefix": "/stats" });
        built.listeners.push(listener("envoy_metrics", bind, &path, "/stats", SELF_ADMIN));
    }
    if let Some(bind) = inputs.ready {
        built.listeners.push(listener("envoy_ready", bind, &json!({ "path": "/ready" }), "/ready", SELF_ADMIN));
    }
    if needs_admin {
        built.clusters.insert(0, address::static_cluster(SELF_ADMIN, &address::tcp(inputs.admin)));
    }
    built
}

/// One route of the admin interface, everything else answered with 404.
fn listener(name: &str, bind: SocketAddr, path: &Value, rewrite: &str, cluster: &str) -> Value {
    let routes = json!([
        { "match": path, "route": { "cluster": cluster, "prefix_rewrite": rewrite } },
        { "match": { "prefix": "/" }, "direct_response": { "status": 404 } },
    ]);
    let connection_manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "codec_type": "HTTP1",
        "route_config": {
            "name": "self_admin_route",
            "virtual_hosts": [{ "name": SELF_ADMIN, "domains": ["*"], "routes": routes }],
        },
        "http_filters": [{
            "name": "envoy.filters.http.router",
            "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
        }],
    });
    json!({
        "name": format!("{name}_listener"),
        "address": address::tcp(bind),
        "filter_chains": [{
            "filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": connection_manager,
            }],
        }],
    })
}
