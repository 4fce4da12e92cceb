//! A node: what instances are registered on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::locality::Locality;
use super::names::{Index, NodeName};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Node {
    /// A UUID, or empty for a node that never had one.
    pub id: String,
    pub name: NodeName,
    pub address: String,
    /// `lan`, `wan`, `lan_ipv4`, … to address.
    pub tagged_addresses: BTreeMap<String, String>,
    pub meta: BTreeMap<String, String>,
    /// Of the instances on it that say nothing else.
    #[serde(default)]
    pub locality: Option<Locality>,
    pub create_index: Index,
    pub modify_index: Index,
}
