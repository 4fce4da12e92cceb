//! What a sidecar is, once central configuration (`proxy-defaults`, `service-defaults`) is merged into its registration.

use std::time::Duration;

use super::entry::service_defaults::UpstreamDefaults;
use super::extension::Configured;
use super::inbound::Inbound;
use super::locality::Locality;
use super::names::{Datacenter, ProxyId, ServiceName};
use super::proxy::Protocol;
use super::telemetry::Telemetry;
use super::topic::ChainKey;
use super::upstream_settings::UpstreamSettings;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProxyConfig {
    pub id: ProxyId,
    pub datacenter: Datacenter,
    /// Of the proxy's own registration, else of its node.
    pub locality: Option<Locality>,
    /// The service the proxy stands for; its identity in the mesh.
    pub destination: ServiceName,
    /// Where the public listener binds: an address (0.0.0.0 when none was given) and a port.
    pub bind_address: String,
    pub bind_port: u16,
    pub local_app: LocalApp,
    /// What the service behind the proxy speaks.
    pub protocol: Protocol,
    /// 0: no limit.
    pub max_inbound_connections: u32,
    pub balance_inbound_connections: bool,
    pub inbound: Inbound,
    pub telemetry: Telemetry,
    /// How long Envoy waits for endpoints and routes; `None`: Envoy's 15 s, zero: for ever.
    pub xds_fetch_timeout: Option<Duration>,
    /// The port of the outbound listener, where connections arrive that were meant for anywhere; `None`: there is none.
    pub outbound_port: Option<u16>,
    /// How upstreams are treated that the registration does not name.
    pub upstream_defaults: UpstreamDefaults,
    /// In the order in which they are applied.
    pub extensions: Vec<Configured>,
    /// In the order of the registration.
    pub upstreams: Vec<UpstreamConfig>,
}

impl ProxyConfig {
    /// Whether calls that come in may be seen as requests: a listener that somebody wrote may do so for any protocol.
    pub fn sees_requests(&self) -> bool {
        self.protocol.is_http_like() || !self.inbound.listener_json.is_empty()
    }
}

/// The application behind the proxy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalApp {
    pub address: Bind,
    pub connect_timeout: Duration,
    /// `None`: Envoy's 15 s; zero: none.
    pub request_timeout: Option<Duration>,
    pub idle_timeout: Option<Duration>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Bind {
    Address {
        address: String,
        port: u16,
    },
    /// `mode` is the permission bits, if given.
    Socket {
        path: String,
        mode: Option<u32>,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpstreamConfig {
    /// Consul's name for it, which listeners carry: the service name.
    pub name: String,
    pub bind: Bind,
    /// What is overridden in it is among the settings too.
    pub chain: ChainKey,
    pub settings: UpstreamSettings,
}

impl ProxyConfig {
    /// A service that a transparent proxy is led to, as an upstream without a listener of its own.
    pub fn led_to(&self, service: &ServiceName) -> UpstreamConfig {
        let settings = self.upstream_defaults.of(service.as_str());
        UpstreamConfig {
            name: service.to_string(),
            bind: Bind::Address { address: String::new(), port: 0 },
            chain: ChainKey {
                service: service.clone(),
                protocol: settings.protocol,
                connect_timeout: settings.connect_timeout,
            },
            settings,
        }
    }
}
