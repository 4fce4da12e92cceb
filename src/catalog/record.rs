//! The catalog as a store sees it: records under keys.

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::write::AuthorityState;
use crate::model::{Check, CheckId, Entry, EntryKey, Leaf, Node, NodeName, Service, ServiceId, ServiceName, VirtualIp};

/// Shared with the tables: a store that keeps records in memory keeps no second copy.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Record {
    Node(Arc<Node>),
    Service(Arc<Service>),
    Check(Arc<Check>),
    Entry(Arc<Entry>),
    Authority(Arc<AuthorityState>),
    Leaf(Arc<Leaf>),
    VirtualIp(Arc<VirtualIp>),
    /// The virtual address that was given last.
    LastVirtualIp(Ipv4Addr),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum RecordKey {
    Node(NodeName),
    Service(NodeName, ServiceId),
    Check(NodeName, CheckId),
    Entry(EntryKey),
    Authority,
    Leaf(ServiceName),
    VirtualIp(ServiceName),
    LastVirtualIp,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    Put(Record),
    Delete(RecordKey),
}

impl Record {
    pub fn key(&self) -> RecordKey {
        match self {
            Self::Node(node) => RecordKey::Node(node.name.clone()),
            Self::Service(service) => RecordKey::Service(service.node.clone(), service.id.clone()),
            Self::Check(check) => RecordKey::Check(check.node.clone(), check.id.clone()),
            Self::Entry(entry) => RecordKey::Entry(entry.key()),
            Self::Authority(_) => RecordKey::Authority,
            Self::Leaf(leaf) => RecordKey::Leaf(leaf.service.clone()),
            Self::VirtualIp(ip) => RecordKey::VirtualIp(ip.service.clone()),
            Self::LastVirtualIp(_) => RecordKey::LastVirtualIp,
        }
    }
}
