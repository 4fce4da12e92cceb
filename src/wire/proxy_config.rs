//! `Config`: the free-form part of a proxy's configuration, in its registration and in `proxy-defaults`, and of an upstream's.
//!
//! Keys that begin with no `envoy_` and that nobody knows are kept and have no effect, as in Consul: programs of users keep
//! their own there. The known ones are read whole when they are written, and kept in their one spelling.

use super::fields::{Fields, Result, asks_nothing, unsupported};
use super::{mesh_gateway, spelling, upstream_settings};
use crate::model::{Opaque, UpstreamSettings};

/// Envoy's own limit.
pub(super) const MOST_HEADERS_KB: u32 = 8192;

/// What a key of a proxy holds.
#[derive(Clone, Copy)]
enum Holds {
    Text,
    Texts,
    Port,
    /// A number that counts as absent when it is negative.
    Milliseconds,
    Count,
    Kilobytes,
    Protocol,
    Balance,
}

/// What a sidecar reads, and its bootstrap (`src/bootstrap`), which says itself what is wrong with the text of a key.
const OF_PROXIES: [(&str, Holds); 25] = [
    ("balance_inbound_connections", Holds::Balance),
    ("bind_address", Holds::Text),
    ("bind_port", Holds::Port),
    ("envoy_bootstrap_json_tpl", Holds::Text),
    ("envoy_dogstatsd_url", Holds::Text),
    ("envoy_extra_static_clusters_json", Holds::Text),
    ("envoy_extra_static_listeners_json", Holds::Text),
    ("envoy_extra_stats_sinks_json", Holds::Text),
    ("envoy_listener_tracing_json", Holds::Text),
    ("envoy_local_cluster_json", Holds::Text),
    ("envoy_prometheus_bind_addr", Holds::Text),
    ("envoy_public_listener_json", Holds::Text),
    ("envoy_stats_bind_addr", Holds::Text),
    ("envoy_stats_config_json", Holds::Text),
    ("envoy_stats_flush_interval", Holds::Text),
    ("envoy_stats_tags", Holds::Texts),
    ("envoy_statsd_url", Holds::Text),
    ("envoy_tracing_json", Holds::Text),
    ("local_connect_timeout_ms", Holds::Milliseconds),
    ("local_idle_timeout_ms", Holds::Milliseconds),
    ("local_request_timeout_ms", Holds::Milliseconds),
    ("max_inbound_connections", Holds::Count),
    ("max_request_headers_kb", Holds::Kilobytes),
    ("protocol", Holds::Protocol),
    ("xds_fetch_timeout_ms", Holds::Milliseconds),
];

/// What an upstream reads, and a proxy does not.
const OF_UPSTREAMS: [&str; 6] = [
    "balance_outbound_connections",
    "connect_timeout_ms",
    "envoy_cluster_json",
    "envoy_listener_json",
    "limits",
    "passive_health_check",
];

/// Keys that begin so are Envoy's, never a user's own.
const OF_ENVOY: &str = "envoy_";

/// Of them those that begin with one of these.
const OF_GATEWAYS: [&str; 3] = ["envoy_dns_discovery_type", "envoy_gateway_", "envoy_mesh_gateway_"];

const TELEMETRY_COLLECTOR: &str = "envoy_telemetry_collector_bind_socket_dir";

/// `Config` of a proxy or of all.
///
/// # Errors
/// When a known key holds what it cannot hold, is none of a proxy, or asks for what this version does not have.
pub(super) fn of_proxy(fields: &mut Fields<'_>) -> Result<Opaque> {
    if let Some(mut config) = fields.inside("Config", "the configuration of a proxy")? {
        for (key, holds) in OF_PROXIES {
            hold(&mut config, key, holds)?;
        }
        for key in OF_UPSTREAMS {
            let elsewhere = || "is for the Config of an upstream, or for UpstreamConfig of service-defaults".to_owned();
            config.empty(key, elsewhere)?;
        }
        strange(&mut config)?;
    }
    let mut config = Opaque::new();
    for (key, value) in fields.opaque("Config")? {
        let known = OF_PROXIES.iter().map(|(known, _)| *known).find(|known| spelling::same(known, &key));
        config.insert(known.map_or(key, str::to_owned), value);
    }
    config.sort_keys();
    Ok(config)
}

/// `Config` of an upstream, whose known keys are read by [`upstream_settings`].
///
/// # Errors
/// When it has a key of Envoy's that no upstream has, or asks for what this version does not have.
pub(super) fn of_upstream(fields: &mut Fields<'_>) -> Result<(Opaque, UpstreamSettings)> {
    let mut settings = UpstreamSettings::default();
    if let Some(mut config) = fields.inside("Config", "the configuration of an upstream")? {
        settings = upstream_settings::of_config(&mut config)?;
        strange(&mut config)?;
    }
    Ok((fields.opaque("Config")?, settings))
}

fn hold(config: &mut Fields<'_>, key: &'static str, holds: Holds) -> Result<()> {
    match holds {
        Holds::Text => config.text(key).map(drop),
        Holds::Texts => config.texts(key).map(drop),
        Holds::Port => config.port(key).map(drop),
        Holds::Milliseconds => config.whole(key, i64::from(i32::MIN)..=i64::from(u32::MAX)).map(drop),
        Holds::Count => config.count(key).map(drop),
        Holds::Kilobytes => config.whole(key, 0..=i64::from(MOST_HEADERS_KB)).map(drop),
        Holds::Protocol => upstream_settings::protocol(config, key).map(drop),
        Holds::Balance => upstream_settings::exact_balance(config, key).map(drop),
    }
}

/// What is left: keys of others, of nobody, and of what there is not.
fn strange(config: &mut Fields<'_>) -> Result<()> {
    mesh_gateway::none(config, "mesh_gateway")?;
    config.empty(TELEMETRY_COLLECTOR, || {
        let instead = "Prometheus reads the metrics of Envoys at envoy_prometheus_bind_addr, and envoy_extra_stats_sinks_json \
                       sends them elsewhere";
        format!("{}; {instead}", unsupported("the collector of Consul's telemetry"))
    })?;
    for error in config.leftovers() {
        let Some(key) = error.unknown.as_deref() else { continue };
        let begins = |word: &&str| key.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if !begins(&OF_ENVOY) || config.peek(key).is_none_or(|value| asks_nothing(value, &[])) {
            continue;
        }
        if OF_GATEWAYS.iter().any(begins) {
            return Err(config.error(key, "is for gateways, which this version of chancery does not have"));
        }
        return Err(error);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::wire::fields::Typing;

    fn of(config: &Value) -> Result<Opaque> {
        of_proxy(&mut Fields::new(&json!({ "Config": config }), "a test", Typing::Strict)?)
    }

    #[test]
    fn known_keys_are_kept_in_their_one_spelling_and_those_of_users_as_they_are() {
        let given = json!({ "Protocol": "http", "LocalConnectTimeoutMs": "250", "MyOwn": { "b": 1 }, "bind_port": 0 });
        let kept =
            json!({ "MyOwn": { "b": 1 }, "bind_port": 0, "local_connect_timeout_ms": "250", "protocol": "http" });
        assert_eq!(of(&given).map(Value::from), Ok(kept));
    }

    #[test]
    fn what_asks_for_nothing_is_taken_from_whoever_sends_it() {
        let given = json!({ "envoy_gateway_no_default_bind": false, "mesh_gateway": { "mode": "none" }, "limits": {},
            "envoy_new": "", "protocol": null });
        assert!(of(&given).is_ok());
    }
}
