//! What a sidecar does with calls that come to its application, beyond what every sidecar does.

use super::expose::ExposedPath;
use super::rate_limits::RateLimits;

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Inbound {
    /// Who calls the application's own port is let in without a certificate, and no intention is asked.
    pub permissive: bool,
    /// Who calls these is let in too, whoever it is.
    pub expose: Vec<ExposedPath>,
    pub rate_limits: RateLimits,
    /// All headers of a request together. `None`: Envoy's default, 60.
    pub max_request_headers_kb: Option<u32>,
    /// A listener of Envoy as JSON, in place of the public one. Empty: none.
    pub listener_json: String,
    /// A cluster of Envoy as JSON, in place of the application's. Empty: none.
    pub cluster_json: String,
}
