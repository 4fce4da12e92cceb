//! The catalog as a store sees it: records under keys.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::write::AuthorityState;
use crate::model::{Check, CheckId, Entry, EntryKey, Index, KvKey, KvPair, Leaf, Node, NodeName};
use crate::model::{Secret, Service, ServiceId, ServiceName, VirtualIp};

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
    Kv(Arc<KvPair>),
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
    Kv(KvKey),
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
            Self::Kv(pair) => RecordKey::Kv(pair.key.clone()),
        }
    }

    /// What the records of its kind are called.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Node(_) => "Nodes",
            Self::Service(_) => "Services",
            Self::Check(_) => "Checks",
            Self::Entry(_) => "Config entries",
            Self::Authority(_) => "Certificate authority",
            Self::Leaf(_) => "Certificates",
            Self::VirtualIp(_) | Self::LastVirtualIp(_) => "Virtual addresses",
            Self::Kv(_) => "Keys",
        }
    }

    /// The record as people may see it: `(secret)` stands in the place of a private key.
    #[must_use]
    pub fn without_keys(self) -> Self {
        let hidden = || Secret::new("(secret)".to_owned());
        match self {
            Self::Authority(authority) => {
                Self::Authority(Arc::new(AuthorityState { key: hidden(), ..Arc::unwrap_or_clone(authority) }))
            }
            Self::Leaf(leaf) => Self::Leaf(Arc::new(Leaf { key_pem: hidden(), ..Arc::unwrap_or_clone(leaf) })),
            other => other,
        }
    }

    pub fn modify_index(&self) -> Index {
        match self {
            Self::Node(node) => node.modify_index,
            Self::Service(service) => service.modify_index,
            Self::Check(check) => check.modify_index,
            Self::Entry(entry) => entry.modify_index,
            Self::Authority(authority) => authority.modify_index,
            Self::Leaf(leaf) => leaf.modify_index,
            Self::VirtualIp(ip) => ip.modify_index,
            Self::LastVirtualIp(_) => Index::default(),
            Self::Kv(pair) => pair.modify_index,
        }
    }
}

/// As messages name the record: `service "web-1" on node "n1"`.
impl fmt::Display for RecordKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => write!(out, "node {name:?}"),
            Self::Service(node, id) => write!(out, "service {id:?} on node {node:?}"),
            Self::Check(node, id) => write!(out, "check {id:?} on node {node:?}"),
            Self::Entry(key) => write!(out, "config entry {key}"),
            Self::Authority => out.write_str("the certificate authority"),
            Self::Leaf(service) => write!(out, "certificate of service {service:?}"),
            Self::VirtualIp(service) => write!(out, "virtual addresses of service {service:?}"),
            Self::LastVirtualIp => out.write_str("the last virtual address"),
            Self::Kv(key) => write!(out, "key {key:?}"),
        }
    }
}
