//! Central configuration (`proxy-defaults`, `service-defaults`) merged under a proxy's own registration.

use std::time::Duration;

use serde_json::Value;

use super::config::{milliseconds, number, protocol as protocol_of, text};
use super::inbound::{inbound, telemetry};
use crate::catalog::tables::Tables;
use crate::model::entry::{ProxyDefaults, ServiceDefaults};
use crate::model::extension::{Configured, Extension};
use crate::model::topic::ChainKey;
use crate::model::{
    Bind, EntryKey, EntryKind, LocalApp, Locality, Opaque, Protocol, Proxy, ProxyConfig, ProxyId, Service,
};
use crate::model::{ServiceKind, ServiceName, TransparentProxy, Upstream, UpstreamConfig};

const LOOPBACK: &str = "127.0.0.1";
const DEFAULT_LOCAL_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the service speaks by central configuration: `service-defaults`, else `proxy-defaults`, else tcp.
pub fn protocol(tables: &Tables, service: &ServiceName) -> Protocol {
    let own = tables.body::<ServiceDefaults>(service.as_str()).and_then(|defaults| defaults.protocol);
    let by_default = || tables.body::<ProxyDefaults>(ProxyDefaults::NAME).and_then(ProxyDefaults::protocol);
    own.or_else(by_default).unwrap_or_default()
}

/// `Proxy.Config` of the registration, key by key over `service-defaults` of what the proxy stands for, over
/// `proxy-defaults`. Empty for a service that is no proxy.
pub fn merged_proxy_config(tables: &Tables, service: &Service) -> Opaque {
    let Some(proxy) = &service.proxy else { return Opaque::new() };
    let mut merged = proxy_defaults(tables).cloned().unwrap_or_default();
    let defaults = tables.body::<ServiceDefaults>(proxy.destination_name.as_str());
    merged.extend(defaults.map(service_config).unwrap_or_default());
    merged.extend(proxy.config.clone());
    merged
}

/// How connections get to the proxy, by its registration over `service-defaults` of what it stands for, over
/// `proxy-defaults`. What is native stands for itself.
pub fn transparent(tables: &Tables, service: &Service) -> TransparentProxy {
    let own = service.proxy.as_ref().map(|proxy| proxy.transparent).unwrap_or_default();
    let name = service.connect_name().map_or("", ServiceName::as_str);
    let of_service = tables.body::<ServiceDefaults>(name).map(|defaults| defaults.transparent).unwrap_or_default();
    let of_all = tables.body::<ProxyDefaults>("global").map(|defaults| defaults.transparent).unwrap_or_default();
    own.over(of_service).over(of_all)
}

/// Where the proxy listens.
pub fn bind_address(tables: &Tables, proxy: &Service) -> String {
    bound(&merged_proxy_config(tables, proxy), proxy)
}

fn bound(config: &Opaque, proxy: &Service) -> String {
    let address = text(config, "bind_address").unwrap_or_else(|| proxy.address.clone());
    if address.is_empty() { "0.0.0.0".to_owned() } else { address }
}

/// The proxy as it is to be configured; `None` if no such proxy is registered.
pub fn proxy(tables: &Tables, id: &ProxyId) -> Option<ProxyConfig> {
    let service = tables.services.get(&(id.node.clone(), id.service.clone()))?;
    let registered = service.proxy.as_ref().filter(|_| service.kind == ServiceKind::ConnectProxy)?;
    let config = merged_proxy_config(tables, service);
    let bind_port = number(&config, "bind_port").and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0);
    let local_connect_timeout = milliseconds(&config, "local_connect_timeout_ms").filter(|timeout| !timeout.is_zero());
    let max_connections = number(&config, "max_inbound_connections").unwrap_or(0).max(0);
    let defaults = tables.body::<ServiceDefaults>(registered.destination_name.as_str());
    Some(ProxyConfig {
        id: id.clone(),
        datacenter: tables.datacenter().clone(),
        locality: locality(tables, service).cloned(),
        destination: registered.destination_name.clone(),
        bind_address: bound(&config, service),
        bind_port: bind_port.unwrap_or(service.port),
        local_app: LocalApp {
            address: local_address(tables, id, registered),
            connect_timeout: local_connect_timeout.unwrap_or(DEFAULT_LOCAL_CONNECT_TIMEOUT),
            request_timeout: milliseconds(&config, "local_request_timeout_ms"),
            idle_timeout: milliseconds(&config, "local_idle_timeout_ms"),
        },
        protocol: protocol_of(&config).unwrap_or_default(),
        max_inbound_connections: u32::try_from(max_connections).unwrap_or(u32::MAX),
        balance_inbound_connections: text(&config, "balance_inbound_connections").as_deref() == Some("exact_balance"),
        inbound: inbound(tables, &id.node, registered, &config),
        telemetry: telemetry(tables, &config),
        xds_fetch_timeout: milliseconds(&config, "xds_fetch_timeout_ms"),
        outbound_port: transparent(tables, service).outbound_port(),
        extensions: extensions(tables, &registered.destination_name),
        upstream_defaults: defaults.map(|defaults| defaults.upstreams.clone()).unwrap_or_default(),
        upstreams: registered.upstreams.iter().map(|of| upstream(of, defaults)).collect(),
    })
}

fn locality<'a>(tables: &'a Tables, service: &'a Service) -> Option<&'a Locality> {
    let of_node = || tables.nodes.get(&service.node)?.locality.as_ref();
    service.locality.as_ref().or_else(of_node)
}

/// Those of all proxies, then those of the service.
fn extensions(tables: &Tables, service: &ServiceName) -> Vec<Configured> {
    let of_all = tables.body::<ProxyDefaults>("global").map_or(&[][..], |body| &body.extensions);
    let of_service = tables.body::<ServiceDefaults>(service.as_str()).map_or(&[][..], |body| &body.extensions);
    let configured = |kind, name: &str, extensions: &[Extension]| {
        let entry = EntryKey::new(kind, name);
        // a function has its say where the service is called
        let of_proxies = extensions.iter().filter(|one| one.function().is_none());
        let configured = of_proxies.map(|one| Configured { entry: entry.clone(), extension: one.clone() });
        configured.collect::<Vec<_>>()
    };
    let mut all = configured(EntryKind::ProxyDefaults, "global", of_all);
    all.extend(configured(EntryKind::ServiceDefaults, service.as_str(), of_service));
    all
}

/// Where the registration says; a registration that does not say means where the instance beside it listens.
fn local_address(tables: &Tables, id: &ProxyId, proxy: &Proxy) -> Bind {
    let socket = |path: &str| Bind::Socket { path: path.to_owned(), mode: None };
    if !proxy.local_socket_path.is_empty() {
        return socket(&proxy.local_socket_path);
    }
    let beside = tables.services.get(&(id.node.clone(), proxy.destination_id.clone()));
    let port = match beside {
        Some(beside) if proxy.local_port == 0 && !beside.socket_path.is_empty() => return socket(&beside.socket_path),
        Some(beside) if proxy.local_port == 0 => beside.port,
        _ => proxy.local_port,
    };
    Bind::Address { address: or_loopback(&proxy.local_address), port }
}

/// What the registration says, over what the service says of all its upstreams and of this one.
fn upstream(upstream: &Upstream, defaults: Option<&ServiceDefaults>) -> UpstreamConfig {
    let bind = if upstream.local_bind_socket_path.is_empty() {
        Bind::Address { address: or_loopback(&upstream.local_bind_address), port: upstream.local_bind_port }
    } else {
        Bind::Socket {
            path: upstream.local_bind_socket_path.clone(),
            mode: u32::from_str_radix(&upstream.local_bind_socket_mode, 8).ok(),
        }
    };
    let by_default = defaults.map(|defaults| defaults.upstreams.of(upstream.destination_name.as_str()));
    let settings = upstream.settings.clone().over(&by_default.unwrap_or_default());
    UpstreamConfig {
        name: upstream.destination_name.to_string(),
        bind,
        chain: ChainKey {
            service: upstream.destination_name.clone(),
            protocol: settings.protocol,
            connect_timeout: settings.connect_timeout,
        },
        settings,
    }
}

fn or_loopback(address: &str) -> String {
    if address.is_empty() { LOOPBACK.to_owned() } else { address.to_owned() }
}

fn proxy_defaults(tables: &Tables) -> Option<&Opaque> {
    tables.body::<ProxyDefaults>("global").map(|defaults| &defaults.config)
}

/// `service-defaults` in the words of `Proxy.Config`.
fn service_config(defaults: &ServiceDefaults) -> Opaque {
    let milliseconds =
        |of: Option<Duration>| of.map(|of| Value::from(u64::try_from(of.as_millis()).unwrap_or(u64::MAX)));
    let most = Some(defaults.max_inbound_connections).filter(|most| *most > 0);
    let balance = defaults.balance_inbound_connections.then_some("exact_balance");
    let members = [
        ("balance_inbound_connections", balance.map(Value::from)),
        ("local_connect_timeout_ms", milliseconds(defaults.local_connect_timeout)),
        ("local_request_timeout_ms", milliseconds(defaults.local_request_timeout)),
        ("max_inbound_connections", most.map(Value::from)),
        ("protocol", defaults.protocol.map(|protocol| Value::from(protocol.as_str()))),
    ];
    members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}
