//! Instances with their health: as clients of the API read them, and as proxies need them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::check::{Check, Status};
use super::locality::Locality;
use super::node::Node;
use super::service::Service;

/// An instance with its node and every check that bears on it: its own and its node's.
#[derive(Clone, PartialEq, Debug)]
pub struct Instance {
    pub node: Arc<Node>,
    pub service: Arc<Service>,
    pub checks: Vec<Arc<Check>>,
}

impl Instance {
    /// The service's own, else its node's.
    pub fn locality(&self) -> Option<&Locality> {
        self.service.locality.as_ref().or(self.node.locality.as_ref())
    }

    /// The worst status of its checks; passing when there is none.
    pub fn status(&self) -> Status {
        self.checks.iter().map(|check| check.status).max().unwrap_or(Status::Passing)
    }

    /// The service's own address, else its node's.
    pub fn address(&self) -> &str {
        if self.service.address.is_empty() { &self.node.address } else { &self.service.address }
    }
}

/// What a proxy must know to send load to one instance, and nothing else: a check's note changes nothing here.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    pub address: String,
    pub port: u16,
    /// A unix socket instead of address and port; empty when there is none.
    pub socket_path: String,
    pub healthy: bool,
    /// 1 to 128.
    pub weight: u32,
    pub locality: Option<Locality>,
}

/// The instances behind one target, sorted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Endpoints {
    pub endpoints: Vec<Endpoint>,
}
