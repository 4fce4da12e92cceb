//! What Envoys write about calls and connections.

use serde::{Deserialize, Serialize};

use super::words::words;

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessLogs {
    pub enabled: bool,
    /// Connections that no filter chain takes are not written about.
    pub disable_listener_logs: bool,
    /// `None`: standard output.
    pub sink: Option<AccessLogSink>,
    /// Of the file, for that sink.
    pub path: String,
    pub format: AccessLogFormat,
}

words! {
    AccessLogSink { Stdout = "stdout", Stderr = "stderr", File = "file" }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum AccessLogFormat {
    /// JSON with the fields that Consul writes.
    #[default]
    Default,
    /// An object as JSON text, with Envoy's commands (`%START_TIME%`) in its values.
    Json(String),
    /// A line with Envoy's commands.
    Text(String),
}
