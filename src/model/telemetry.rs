//! What a proxy tells about the calls that pass through it.

use super::access_logs::AccessLogs;

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Telemetry {
    pub access_logs: AccessLogs,
    /// `Tracing` of Envoy's HTTP connection manager, as JSON. Empty: traces that callers have begun are gone on with, and none
    /// is begun.
    pub tracing_json: String,
}
