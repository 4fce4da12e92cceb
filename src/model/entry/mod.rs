//! Config entries: the rules of the mesh, one file per kind.

pub mod mesh;
pub mod proxy_defaults;
pub mod service_defaults;
pub mod service_intentions;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use mesh::{Mesh, TlsSettings, TlsVersion};
pub use proxy_defaults::ProxyDefaults;
pub use service_defaults::ServiceDefaults;
pub use service_intentions::{ServiceIntentions, SourceIntention};

use super::names::Index;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum EntryKind {
    Mesh,
    ProxyDefaults,
    ServiceDefaults,
    ServiceIntentions,
}

impl EntryKind {
    pub const ALL: [Self; 4] = [Self::Mesh, Self::ProxyDefaults, Self::ServiceDefaults, Self::ServiceIntentions];

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mesh => "mesh",
            Self::ProxyDefaults => "proxy-defaults",
            Self::ServiceDefaults => "service-defaults",
            Self::ServiceIntentions => "service-intentions",
        }
    }

    /// The only name an entry of this kind may have, if there is only one.
    pub fn singleton(self) -> Option<&'static str> {
        match self {
            Self::Mesh => Some("mesh"),
            Self::ProxyDefaults => Some("global"),
            Self::ServiceDefaults | Self::ServiceIntentions => None,
        }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct EntryKey {
    pub kind: EntryKind,
    pub name: String,
}

impl EntryKey {
    pub fn new(kind: EntryKind, name: &str) -> Self {
        Self { kind, name: name.to_owned() }
    }
}

impl fmt::Display for EntryKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.kind, self.name)
    }
}

/// A config entry: what all kinds share, and the body of its own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub name: String,
    pub meta: BTreeMap<String, String>,
    pub body: EntryBody,
    pub create_index: Index,
    pub modify_index: Index,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum EntryBody {
    Mesh(Mesh),
    ProxyDefaults(ProxyDefaults),
    ServiceDefaults(ServiceDefaults),
    ServiceIntentions(ServiceIntentions),
}

impl Entry {
    pub fn kind(&self) -> EntryKind {
        match self.body {
            EntryBody::Mesh(_) => EntryKind::Mesh,
            EntryBody::ProxyDefaults(_) => EntryKind::ProxyDefaults,
            EntryBody::ServiceDefaults(_) => EntryKind::ServiceDefaults,
            EntryBody::ServiceIntentions(_) => EntryKind::ServiceIntentions,
        }
    }

    pub fn key(&self) -> EntryKey {
        EntryKey { kind: self.kind(), name: self.name.clone() }
    }
}
