//! A registration with central configuration merged in, as `merge-central-config` shows it.

use serde_json::{Map, Value};

use super::central::{merged_proxy_config, protocol, transparent};
use super::inbound;
use crate::catalog::tables::Tables;
use crate::model::entry::{ProxyDefaults, ServiceDefaults};
use crate::model::intention::WILDCARD;
use crate::model::upstream_settings::{Limits, PassiveHealthCheck, RetryBudget};
use crate::model::{
    CentralSettings, MutualTls, Opaque, Protocol, Proxy, ProxyMode, Service, Upstream, UpstreamSettings,
};

/// The instance with what `proxy-defaults` and `service-defaults` say put under its proxy's own settings. One that is no
/// proxy is as it was.
pub fn with_central_config(tables: &Tables, registered: &Service) -> Service {
    let mut service = registered.clone();
    if let Some(proxy) = &mut service.proxy {
        proxy.config = merged_proxy_config(tables, registered);
        proxy.expose = inbound::expose(tables, proxy);
        proxy.transparent = transparent(tables, registered);
        proxy.central = central(tables, proxy);
        merge_upstreams(tables, proxy);
    }
    service
}

/// What a registration does not say itself.
fn central(tables: &Tables, proxy: &Proxy) -> CentralSettings {
    let of_service = tables.body::<ServiceDefaults>(proxy.destination_name.as_str());
    let of_all = tables.body::<ProxyDefaults>(ProxyDefaults::NAME);
    let mut extensions = of_all.map(|all| all.extensions.clone()).unwrap_or_default();
    extensions.extend(of_service.map(|service| service.extensions.clone()).unwrap_or_default());
    let strict = proxy.strict.then_some(MutualTls::Strict);
    let of_service_or_all =
        || of_service.and_then(|service| service.mutual_tls).or_else(|| of_all.and_then(|all| all.mutual_tls));
    CentralSettings {
        mutual_tls: strict.or_else(of_service_or_all),
        access_logs: of_all.map(|all| all.access_logs.clone()).unwrap_or_default(),
        extensions,
    }
}

/// Settings of the service for its upstreams go under those of the registration. A transparent proxy has upstreams that
/// it does not name: those that the service names, and `*` for all.
fn merge_upstreams(tables: &Tables, proxy: &mut Proxy) {
    let defaults = tables.body::<ServiceDefaults>(proxy.destination_name.as_str()).map(|body| &body.upstreams);
    for upstream in &mut proxy.upstreams {
        let name = &upstream.destination_name;
        let mut settings = defaults.map(|defaults| defaults.of(name.as_str())).unwrap_or_default();
        let spoken = protocol(tables, name);
        settings.protocol = settings.protocol.or(Some(spoken).filter(|spoken| *spoken != Protocol::Tcp));
        let mut config = config_of(&settings);
        config.extend(std::mem::take(&mut upstream.config));
        upstream.config = config;
    }
    let Some(defaults) = defaults.filter(|_| proxy.transparent.mode == Some(ProxyMode::Transparent)) else { return };
    let named = defaults.overrides.iter().map(|known| (known.name.as_str(), defaults.of(&known.name)));
    let all = Some((WILDCARD, defaults.defaults.clone())).filter(|(_, all)| *all != UpstreamSettings::default());
    for (name, settings) in named.chain(all) {
        if proxy.upstreams.iter().any(|upstream| upstream.destination_name == *name) {
            continue;
        }
        proxy.upstreams.push(Upstream {
            destination_name: name.into(),
            config: config_of(&settings),
            centrally_configured: true,
            ..Upstream::default()
        });
    }
}

/// In the words of an upstream's `Config`.
fn config_of(settings: &UpstreamSettings) -> Opaque {
    let text = |text: &str| Some(text).filter(|text| !text.is_empty()).map(Value::from);
    let timeout = settings.connect_timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
    let members = [
        ("balance_outbound_connections", settings.balance_outbound_connections.then(|| Value::from("exact_balance"))),
        ("connect_timeout_ms", timeout.map(Value::from)),
        ("envoy_cluster_json", text(&settings.envoy_cluster_json)),
        ("envoy_listener_json", text(&settings.envoy_listener_json)),
        ("limits", (settings.limits != Limits::default()).then(|| limits(settings.limits))),
        ("passive_health_check", settings.passive_health_check.map(passive_health_check)),
        ("protocol", settings.protocol.map(|protocol| Value::from(protocol.as_str()))),
    ];
    members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

fn limits(limits: Limits) -> Value {
    given([
        ("MaxConnections", limits.max_connections.map(Value::from)),
        ("MaxPendingRequests", limits.max_pending_requests.map(Value::from)),
        ("MaxConcurrentRequests", limits.max_concurrent_requests.map(Value::from)),
        ("RetryBudget", limits.retry_budget.map(retry_budget)),
    ])
}

fn retry_budget(budget: RetryBudget) -> Value {
    let percent = f64::from(budget.share.0) / 100.0;
    given([("Percent", Some(Value::from(percent))), ("MinRetryConcurrency", Some(Value::from(budget.least)))])
}

/// Durations in nanoseconds, as Go writes them.
fn passive_health_check(check: PassiveHealthCheck) -> Value {
    let nanoseconds = |time: Option<std::time::Duration>| {
        time.map(|time| Value::from(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)))
    };
    given([
        ("Interval", nanoseconds(check.interval)),
        ("MaxFailures", check.max_failures.map(Value::from)),
        ("EnforcingConsecutive5xx", check.enforcing_consecutive_5xx.map(Value::from)),
        ("MaxEjectionPercent", check.max_ejection_percent.map(Value::from)),
        ("BaseEjectionTime", nanoseconds(check.base_ejection_time)),
    ])
}

fn given<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let given: Map<String, Value> =
        members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    given.into()
}
