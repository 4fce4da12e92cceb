//! One instance of a service on a node.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::locality::Locality;
use super::names::{Index, NodeName, ProxyId, ServiceId, ServiceName};
use super::proxy::Proxy;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum ServiceKind {
    #[default]
    Typical,
    ConnectProxy,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TaggedAddress {
    pub address: String,
    pub port: u16,
}

/// How much of the load an instance takes, by its health.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Weights {
    pub passing: u32,
    pub warning: u32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { passing: 1, warning: 1 }
    }
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Service {
    pub node: NodeName,
    pub id: ServiceId,
    pub name: ServiceName,
    pub kind: ServiceKind,
    pub tags: Vec<String>,
    /// Empty: the node's address.
    pub address: String,
    pub tagged_addresses: BTreeMap<String, TaggedAddress>,
    pub port: u16,
    pub socket_path: String,
    pub meta: BTreeMap<String, String>,
    pub weights: Weights,
    pub enable_tag_override: bool,
    /// The service speaks mutual TLS by itself (`Connect.Native`).
    pub connect_native: bool,
    /// `None`: its node's.
    pub locality: Option<Locality>,
    /// Present exactly when the kind is `ConnectProxy`.
    pub proxy: Option<Proxy>,
    /// Set on a sidecar that was registered inside its service (`Connect.SidecarService`): it goes when that goes.
    pub managed_by: Option<ServiceId>,
    pub create_index: Index,
    pub modify_index: Index,
}

impl Service {
    /// The instance that a proxy stands before; of any other, its own.
    pub fn beside(&self) -> &ServiceId {
        self.proxy.as_ref().map_or(&self.id, |proxy| &proxy.destination_id)
    }

    pub fn proxy_id(&self) -> ProxyId {
        ProxyId { node: self.node.clone(), service: self.id.clone() }
    }

    /// The service this instance accepts mesh connections for: the destination of a sidecar, itself if native.
    pub fn connect_name(&self) -> Option<&ServiceName> {
        match (&self.kind, &self.proxy) {
            (ServiceKind::ConnectProxy, Some(proxy)) => Some(&proxy.destination_name),
            _ if self.connect_native => Some(&self.name),
            _ => None,
        }
    }
}
