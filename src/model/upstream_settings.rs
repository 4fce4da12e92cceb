//! How a downstream treats its connections to an upstream.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entry::service_splitter::Weight;
use super::proxy::Protocol;

/// `None` and empty: whoever is asked next decides, and Envoy at last.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpstreamSettings {
    pub protocol: Option<Protocol>,
    pub connect_timeout: Option<Duration>,
    pub limits: Limits,
    pub passive_health_check: Option<PassiveHealthCheck>,
    /// Connections are dealt out evenly over Envoy's threads.
    pub balance_outbound_connections: bool,
    /// A listener of Envoy as JSON, in place of the one that would be made. Empty: none.
    pub envoy_listener_json: String,
    /// A cluster of Envoy as JSON, in place of the one that would be made. Empty: none.
    pub envoy_cluster_json: String,
}

/// Circuit breakers of the upstream's cluster. `None`: Envoy's default, 1024.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    pub max_connections: Option<u32>,
    pub max_pending_requests: Option<u32>,
    pub max_concurrent_requests: Option<u32>,
    /// `None`: as many as three at once.
    pub retry_budget: Option<RetryBudget>,
}

/// How many of the requests on their way may be retries. Not both are 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct RetryBudget {
    pub share: Weight,
    /// So many may be, whatever their share.
    pub least: u32,
}

impl Default for RetryBudget {
    /// Envoy's.
    fn default() -> Self {
        Self { share: Weight(2_000), least: 3 }
    }
}

/// Instances that fail calls are left alone for a while. `None`: Envoy's default.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PassiveHealthCheck {
    pub interval: Option<Duration>,
    /// Failures in a row.
    pub max_failures: Option<u32>,
    /// How many of the instances that should be ejected are, in percent.
    pub enforcing_consecutive_5xx: Option<u32>,
    pub max_ejection_percent: Option<u32>,
    pub base_ejection_time: Option<Duration>,
}

impl UpstreamSettings {
    /// What is said here, and where nothing is said what `others` say.
    #[must_use]
    pub fn over(self, others: &Self) -> Self {
        let text = |ours: String, theirs: &String| if ours.is_empty() { theirs.clone() } else { ours };
        Self {
            protocol: self.protocol.or(others.protocol),
            connect_timeout: self.connect_timeout.or(others.connect_timeout),
            limits: if self.limits == Limits::default() { others.limits } else { self.limits },
            passive_health_check: self.passive_health_check.or(others.passive_health_check),
            balance_outbound_connections: self.balance_outbound_connections || others.balance_outbound_connections,
            envoy_listener_json: text(self.envoy_listener_json, &others.envoy_listener_json),
            envoy_cluster_json: text(self.envoy_cluster_json, &others.envoy_cluster_json),
        }
    }
}
