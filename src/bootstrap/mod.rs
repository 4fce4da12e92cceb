//! Envoy's bootstrap: the little that an Envoy must know before it can ask for the rest. A value from values: what a
//! flag, the environment or a name server says is found by the caller (`actors/doors/cli`).

mod address;
mod config;
mod metrics_listeners;
mod stats_sinks;
mod stats_tags;
mod template;
mod tls;

use std::net::{IpAddr, SocketAddr};

use serde_json::{Map, Value, json};

use crate::model::Opaque;
use config::BootstrapConfig;
pub use tls::{PrometheusTls, XdsTls};

/// The static cluster that leads to the xDS server. Dashboards and health checks of users know it by this name.
pub const XDS_CLUSTER: &str = "local_agent";

/// The keys of `Proxy.Config` in which the caller expands `$NAME` and `${NAME}` from its own environment.
pub const ENVIRONMENT_KEYS: [&str; 2] = ["envoy_statsd_url", "envoy_dogstatsd_url"];

/// There are no namespaces or partitions in this edition; Envoy's node still names the one there is.
const DEFAULT_TENANT: &str = "default";

/// Where the xDS server listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum XdsAddress {
    Tcp(SocketAddr),
    /// Path of a unix socket.
    Unix(String),
}

/// All that a sidecar's bootstrap depends on.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The service id of the proxy: Envoy's `node.id`.
    pub proxy_id: String,
    /// The service that the proxy stands for: Envoy's `node.cluster`.
    pub cluster: String,
    pub datacenter: String,
    /// Told to the xDS server when the proxy is not registered on the agent's own node.
    pub node_name: Option<String>,
    /// Sent as `x-consul-token` with each xDS stream; empty when there is none.
    pub token: String,
    pub xds: XdsAddress,
    /// `None`: plaintext.
    pub xds_tls: Option<XdsTls>,
    pub admin: SocketAddr,
    pub admin_access_log_path: String,
    /// Where to answer `/ready`, if at all.
    pub ready: Option<SocketAddr>,
    /// The path that Prometheus scrapes on `envoy_prometheus_bind_addr`.
    pub prometheus_scrape_path: String,
    /// A local port that merges Envoy's metrics with the application's; Envoy's own admin port when absent.
    pub prometheus_backend_port: Option<u16>,
    /// With what `envoy_prometheus_bind_addr` is served; `None`: in plaintext.
    pub prometheus_tls: Option<PrometheusTls>,
    pub omit_deprecated_tags: bool,
    /// `Proxy.Config`, merged with the central configuration.
    pub config: Opaque,
}

/// Why no bootstrap was made. Each names the key of `Proxy.Config` to change.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BootstrapError {
    #[error("{key}: {reason}")]
    Invalid { key: &'static str, reason: String },
}

/// The whole bootstrap, as the JSON form of Envoy's `Bootstrap` message.
///
/// # Errors
/// A bootstrap key of `Proxy.Config` has a wrong type or form.
pub fn bootstrap(inputs: &Inputs) -> Result<Value, BootstrapError> {
    let config = BootstrapConfig::read(&inputs.config)?;
    let metrics = metrics_listeners::build(inputs, &config);
    let stats_config = match &config.stats_config {
        Some(whole) => whole.clone(),
        None => json!({ "stats_tags": stats_tags::all(inputs, &config.stats_tags)?, "use_all_default_tags": true }),
    };
    if let Some(template) = &config.template {
        let words = template::words(inputs, &config, &metrics, &stats_config);
        return template::bootstrap(template, &words).map_err(|reason| config::invalid(config::TEMPLATE, reason));
    }

    let mut clusters = vec![xds_cluster(&inputs.xds, inputs.xds_tls.as_ref())];
    clusters.extend(metrics.clusters);
    clusters.extend(config.extra_static_clusters.iter().cloned());
    let mut listeners = metrics.listeners;
    listeners.extend(config.extra_static_listeners.iter().cloned());
    let mut static_resources = json!({ "clusters": clusters });
    if !listeners.is_empty() {
        static_resources["listeners"] = Value::Array(listeners);
    }
    if !metrics.secrets.is_empty() {
        static_resources["secrets"] = Value::Array(metrics.secrets);
    }

    let mut bootstrap = json!({
        "admin": admin(inputs),
        "node": node(inputs),
        "layered_runtime": {
            "layers": [{ "name": "base", "static_layer": { "re2.max_program_size.error_level": 1_048_576 } }],
        },
        "static_resources": static_resources,
        "stats_config": stats_config,
        "dynamic_resources": dynamic_resources(&inputs.token),
    });
    let sinks = stats_sinks::build(&config);
    if !sinks.is_empty() {
        bootstrap["stats_sinks"] = Value::Array(sinks);
    }
    if let Some(interval) = config.stats_flush_interval {
        bootstrap["stats_flush_interval"] = Value::String(interval);
    }
    if let Some(tracing) = config.tracing {
        bootstrap["tracing"] = tracing;
    }
    Ok(bootstrap)
}

fn admin(inputs: &Inputs) -> Value {
    json!({
        "access_log": [{
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": inputs.admin_access_log_path,
            },
        }],
        "address": address::tcp(inputs.admin),
    })
}

fn node(inputs: &Inputs) -> Value {
    let mut metadata = Map::new();
    metadata.insert("namespace".to_owned(), json!(DEFAULT_TENANT));
    metadata.insert("partition".to_owned(), json!(DEFAULT_TENANT));
    if let Some(name) = &inputs.node_name {
        metadata.insert("node_name".to_owned(), json!(name));
    }
    json!({ "id": inputs.proxy_id, "cluster": inputs.cluster, "metadata": metadata })
}

fn xds_cluster(xds: &XdsAddress, tls: Option<&XdsTls>) -> Value {
    let address = match xds {
        XdsAddress::Tcp(socket) => address::tcp(*socket),
        XdsAddress::Unix(path) => address::pipe(path),
    };
    let mut cluster = address::static_cluster(XDS_CLUSTER, &address);
    cluster["connect_timeout"] = json!("1s");
    cluster["ignore_health_on_host_removal"] = json!(false);
    cluster["typed_extension_protocol_options"] = json!({
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": { "http2_protocol_options": {} },
        },
    });
    if let Some(tls) = tls {
        cluster["transport_socket"] = tls::towards_xds(tls);
    }
    cluster
}

fn dynamic_resources(token: &str) -> Value {
    // An Envoy without its first listeners and clusters has nothing to serve: it waits for them as long as it takes.
    let from_ads = json!({ "ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3" });
    json!({
        "lds_config": from_ads,
        "cds_config": from_ads,
        "ads_config": {
            "api_type": "DELTA_GRPC",
            "transport_api_version": "V3",
            // The node is some kilobytes of build and extension lists; once per stream is enough.
            "set_node_on_first_message_only": true,
            "grpc_services": {
                "initial_metadata": [{ "key": "x-consul-token", "value": token }],
                "envoy_grpc": { "cluster_name": XDS_CLUSTER },
            },
        },
    })
}

/// Envoy binds and dials addresses, not names, in a static bootstrap: `localhost` is the one name with a fixed answer.
fn parse_host(host: &str) -> Option<IpAddr> {
    if host == "localhost" { Some(IpAddr::from([127, 0, 0, 1])) } else { host.parse().ok() }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use serde_json::{Value, json};

    use super::{Inputs, PrometheusTls, XdsAddress, XdsTls, bootstrap};

    fn inputs(config: Value) -> Inputs {
        Inputs {
            proxy_id: "web-sidecar-proxy".to_owned(),
            cluster: "web".to_owned(),
            datacenter: "dc1".to_owned(),
            node_name: None,
            token: "s3cret".to_owned(),
            xds: XdsAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], 8502))),
            xds_tls: None,
            admin: SocketAddr::from(([127, 0, 0, 1], 19000)),
            admin_access_log_path: "/dev/null".to_owned(),
            ready: None,
            prometheus_scrape_path: "/metrics".to_owned(),
            prometheus_backend_port: None,
            prometheus_tls: None,
            omit_deprecated_tags: false,
            config: serde_json::from_value(config).expect("a JSON object"),
        }
    }

    fn names(list: &Value) -> Vec<&str> {
        list.as_array().into_iter().flatten().filter_map(|item| item["name"].as_str()).collect()
    }

    fn tag<'a>(made: &'a Value, name: &str) -> Option<&'a Value> {
        made["stats_config"]["stats_tags"].as_array()?.iter().find(|tag| tag["tag_name"] == name)
    }

    #[test]
    fn a_plain_sidecar_asks_its_agent_for_everything_else() {
        let made = bootstrap(&inputs(json!({}))).expect("nothing is wrong");
        assert_eq!(
            made["node"],
            json!({
                "id": "web-sidecar-proxy",
                "cluster": "web",
                "metadata": { "namespace": "default", "partition": "default" },
            })
        );
        assert_eq!(names(&made["static_resources"]["clusters"]), ["local_agent"]);
        assert!(made["static_resources"].get("listeners").is_none());
        let ads = &made["dynamic_resources"]["ads_config"];
        assert_eq!(ads["api_type"], "DELTA_GRPC");
        assert_eq!(ads["grpc_services"]["initial_metadata"][0], json!({ "key": "x-consul-token", "value": "s3cret" }));
        assert_eq!(tag(&made, "local_cluster").expect("a fixed tag")["fixed_value"], "web");
        assert!(tag(&made, "consul.service").is_some(), "deprecated tags stay unless they are omitted");
        assert!(made.get("stats_sinks").is_none());
    }

    #[test]
    fn options_show_where_they_belong() {
        let mut given = inputs(json!({}));
        given.node_name = Some("n1".to_owned());
        given.xds = XdsAddress::Unix("/run/xds.sock".to_owned());
        given.omit_deprecated_tags = true;
        let made = bootstrap(&given).expect("nothing is wrong");
        assert_eq!(made["node"]["metadata"]["node_name"], "n1");
        let endpoint = &made["static_resources"]["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0];
        assert_eq!(endpoint["endpoint"]["address"], json!({ "pipe": { "path": "/run/xds.sock" } }));
        assert!(tag(&made, "consul.service").is_none());
        assert!(tag(&made, "consul.destination.service").is_some());
    }

    #[test]
    fn metrics_listeners_come_with_the_cluster_they_need() {
        let mut given = inputs(json!({
            "envoy_prometheus_bind_addr": "0.0.0.0:9102",
            "envoy_stats_bind_addr": "127.0.0.1:9103",
        }));
        given.ready = Some(SocketAddr::from(([127, 0, 0, 1], 9104)));
        let resources = &bootstrap(&given).expect("nothing is wrong")["static_resources"];
        assert_eq!(
            names(&resources["listeners"]),
            ["envoy_prometheus_metrics_listener", "envoy_metrics_listener", "envoy_ready_listener"]
        );
        assert_eq!(names(&resources["clusters"]), ["local_agent", "self_admin"]);

        given.prometheus_backend_port = Some(20200);
        let resources = &bootstrap(&given).expect("nothing is wrong")["static_resources"];
        assert_eq!(names(&resources["clusters"]), ["local_agent", "self_admin", "prometheus_backend"]);
        assert!(resources.get("secrets").is_none());

        given.prometheus_tls = Some(PrometheusTls {
            authorities: "CA".to_owned(),
            certificate: "/c.pem".to_owned(),
            key: "/k.pem".to_owned(),
        });
        let resources = &bootstrap(&given).expect("nothing is wrong")["static_resources"];
        assert_eq!(names(&resources["secrets"]), ["prometheus_cert", "prometheus_validation_context"]);
        let with_tls = |at: usize| resources["listeners"][at]["filter_chains"][0].get("transport_socket").is_some();
        assert!(with_tls(0) && !with_tls(1) && !with_tls(2), "only what Prometheus scrapes");
    }

    #[test]
    fn sinks_are_statsd_then_dogstatsd_then_extra_ones() {
        let made = bootstrap(&inputs(json!({
            "envoy_statsd_url": "udp://127.0.0.1:8125",
            "envoy_dogstatsd_url": "unix:///var/run/dogstatsd.sock",
            "envoy_extra_stats_sinks_json": "{\"name\": \"one\"}, {\"name\": \"two\"}",
            "envoy_stats_flush_interval": "10s",
        })))
        .expect("nothing is wrong");
        let sinks = &made["stats_sinks"];
        assert_eq!(names(sinks), ["envoy.stat_sinks.statsd", "envoy.stat_sinks.dog_statsd", "one", "two"]);
        assert_eq!(
            sinks[0]["typed_config"]["address"],
            json!({ "socket_address": { "address": "127.0.0.1", "port_value": 8125, "protocol": "UDP" } })
        );
        assert_eq!(sinks[1]["typed_config"]["address"], json!({ "pipe": { "path": "/var/run/dogstatsd.sock" } }));
        assert_eq!(made["stats_flush_interval"], "10s");
    }

    #[test]
    fn own_tags_and_static_resources_are_added() {
        let made = bootstrap(&inputs(json!({
            "envoy_stats_tags": ["env=prod", "team=a=b"],
            "envoy_extra_static_clusters_json": "{\"name\": \"zipkin\"}",
            "envoy_extra_static_listeners_json": "{\"name\": \"mine\"}",
            "envoy_tracing_json": "{\"http\": {}}",
        })))
        .expect("nothing is wrong");
        assert_eq!(tag(&made, "team").expect("a tag")["fixed_value"], "a=b");
        assert_eq!(names(&made["static_resources"]["clusters"]), ["local_agent", "zipkin"]);
        assert_eq!(names(&made["static_resources"]["listeners"]), ["mine"]);
        assert_eq!(made["tracing"], json!({ "http": {} }));
    }

    #[test]
    fn a_whole_stats_config_replaces_all_tags() {
        let made = bootstrap(&inputs(json!({ "envoy_stats_config_json": "{\"use_all_default_tags\": false}" })));
        assert_eq!(made.expect("nothing is wrong")["stats_config"], json!({ "use_all_default_tags": false }));
    }

    #[test]
    fn a_wrong_key_is_named() {
        let cases = [
            (json!({ "envoy_statsd_url": "tcp://127.0.0.1:8125" }), "envoy_statsd_url: must be udp://"),
            (json!({ "envoy_prometheus_bind_addr": 9102 }), "envoy_prometheus_bind_addr: must be text, is 9102"),
            (json!({ "envoy_stats_bind_addr": "metrics.local:1" }), "envoy_stats_bind_addr: must be <ip>:<port>"),
            (json!({ "envoy_stats_tags": ["env"] }), "envoy_stats_tags: each tag must be"),
            (
                json!({ "envoy_stats_tags": ["local_cluster=x"] }),
                "envoy_stats_tags: the tag \"local_cluster\" is there",
            ),
            (json!({ "envoy_stats_flush_interval": "1m" }), "envoy_stats_flush_interval: must be decimal seconds"),
            (json!({ "envoy_tracing_json": "{" }), "envoy_tracing_json: is not JSON"),
            (json!({ "envoy_extra_static_clusters_json": "[{}]" }), "envoy_extra_static_clusters_json: must hold"),
            (
                json!({ "envoy_stats_config_json": "{}", "envoy_stats_tags": ["a=b"] }),
                "envoy_stats_tags: envoy_stats_config_json replaces",
            ),
        ];
        for (config, start) in cases {
            let told = bootstrap(&inputs(config)).expect_err("it is wrong").to_string();
            assert!(told.starts_with(start), "{told}");
        }
    }

    #[test]
    fn a_template_stands_in_place_of_the_whole() {
        let template = r#"{ "node": { "id": "{{ .ProxyID }}", "cluster": "{{ .ProxyCluster }}" },
            "static_resources": { "clusters": [ { "name": "{{ .LocalAgentClusterName }}" }{{ if .StaticClustersJSON }},
            {{ .StaticClustersJSON }}{{ end }} ] }, "stats_config": {{ .StatsConfigJSON }},
            "stats_sinks": [ {{ .StatsSinksJSON }} ] }"#;
        let made = bootstrap(&inputs(json!({
            "envoy_bootstrap_json_tpl": template,
            "envoy_extra_static_clusters_json": "{\"name\": \"zipkin\"}",
            "envoy_stats_bind_addr": "127.0.0.1:9103",
        })))
        .expect("nothing is wrong");
        assert_eq!(made["node"], json!({ "id": "web-sidecar-proxy", "cluster": "web" }));
        assert_eq!(names(&made["static_resources"]["clusters"]), ["local_agent", "self_admin", "zipkin"]);
        assert_eq!(tag(&made, "local_cluster").expect("a fixed tag")["fixed_value"], "web");
        assert_eq!(made["stats_sinks"], json!([]));
        assert!(made.get("dynamic_resources").is_none());
        for (template, told) in [
            ("[]", "envoy_bootstrap_json_tpl: must come to one JSON object"),
            ("{ {{ .ProxyID }} }", "envoy_bootstrap_json_tpl: comes to what is not JSON"),
        ] {
            let error = bootstrap(&inputs(json!({ "envoy_bootstrap_json_tpl": template }))).expect_err("it is wrong");
            assert!(error.to_string().starts_with(told), "{error}");
        }
    }

    #[test]
    fn a_template_is_told_of_tls_towards_the_xds_server() {
        let template = r#"{ {{ if .AgentTLS }}"authorities": "{{ .AgentCAPEM }}"{{ end }} }"#;
        let mut given = inputs(json!({ "envoy_bootstrap_json_tpl": template }));
        assert_eq!(bootstrap(&given).expect("it is good"), json!({}));
        given.xds_tls = Some(XdsTls { authorities: "A\nB\n".to_owned(), server_name: None, client: None });
        assert_eq!(bootstrap(&given).expect("it is good"), json!({ "authorities": "A\nB\n" }));
    }
}
