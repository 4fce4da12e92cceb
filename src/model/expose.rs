//! Paths of an application that everybody may call in plain text, past the mesh: for probes and scrapers.

use serde::{Deserialize, Serialize};

use super::words::words;

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Expose {
    /// The paths of the service's own HTTP and gRPC checks too, for this agent alone.
    pub checks: bool,
    pub paths: Vec<ExposedPath>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ExposedPath {
    /// Where the proxy listens for it.
    pub listener_port: u16,
    /// Compared exactly.
    pub path: String,
    /// Where the application listens.
    pub local_path_port: u16,
    pub protocol: ExposedProtocol,
    /// Of a check: only this machine and the agent at this address may call it. `None`: everybody.
    #[serde(default)]
    pub agent: Option<String>,
}

words! {
    ExposedProtocol { Http = "http", Http2 = "http2" }
}
