//! `service-defaults`: what holds for every instance of one service.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::expose::Expose;
use crate::model::extension::{AwsLambda, Extension};
use crate::model::proxy::{MutualTls, Protocol};
use crate::model::rate_limits::RateLimits;
use crate::model::transparent::TransparentProxy;
use crate::model::upstream_settings::UpstreamSettings;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceDefaults {
    /// `None`: proxy-defaults' protocol, else tcp.
    pub protocol: Option<Protocol>,
    /// `None`: proxy-defaults'.
    pub mutual_tls: Option<MutualTls>,
    /// The server name that is sent to the service's instances in TLS, when it is not the mesh's own. Empty: the mesh's.
    pub external_sni: String,
    pub expose: Expose,
    pub transparent: TransparentProxy,
    /// For the service as a downstream.
    pub upstreams: UpstreamDefaults,
    /// 0: no limit.
    pub max_inbound_connections: u32,
    pub balance_inbound_connections: bool,
    pub local_connect_timeout: Option<Duration>,
    pub local_request_timeout: Option<Duration>,
    pub rate_limits: RateLimits,
    /// `None`: as the proxy's configuration says.
    pub max_request_headers_kb: Option<u32>,
    /// Applied in this order.
    pub extensions: Vec<Extension>,
}

/// How the service treats its upstreams.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpstreamDefaults {
    /// All of them.
    pub defaults: UpstreamSettings,
    /// Some by name, sorted as written, each name once.
    pub overrides: Vec<UpstreamOverride>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UpstreamOverride {
    pub name: String,
    pub settings: UpstreamSettings,
}

impl ServiceDefaults {
    /// The function that the service is, if it is one.
    pub fn function(&self) -> Option<&AwsLambda> {
        self.extensions.iter().find_map(Extension::function)
    }
}

impl UpstreamDefaults {
    /// What holds for one upstream: its own settings over those of all.
    pub fn of(&self, upstream: &str) -> UpstreamSettings {
        let own = self.overrides.iter().find(|known| known.name == upstream);
        own.map(|own| own.settings.clone()).unwrap_or_default().over(&self.defaults)
    }
}
