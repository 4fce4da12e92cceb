//! `exported-services`: what peers may call. By itself it changes nothing.

use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ExportedServices {
    pub services: Vec<ExportedService>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExportedService {
    /// A service, or `*`.
    pub name: String,
    /// Names of peers.
    pub peers: Vec<String>,
}
