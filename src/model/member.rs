//! Who is in the cluster.

use std::collections::BTreeMap;

/// An agent, as the others see it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Member {
    pub name: String,
    pub address: String,
    pub port: u16,
    pub tags: BTreeMap<String, String>,
}
