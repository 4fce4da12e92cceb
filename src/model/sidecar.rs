//! An Envoy beside its application, as its node describes it.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::names::ProxyId;

/// The release of an Envoy. Envoys of two releases are two, for extensions may be meant for one of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EnvoyVersion {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl fmt::Display for EnvoyVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Everything it is made of bears on what the Envoy gets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SidecarNode {
    pub id: ProxyId,
    /// `None`: it does not say.
    pub envoy: Option<EnvoyVersion>,
}

/// By its id alone, so that Envoys of one proxy, and their streams, share a thread.
impl Hash for SidecarNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl From<ProxyId> for SidecarNode {
    fn from(id: ProxyId) -> Self {
        Self { id, envoy: None }
    }
}

impl fmt::Display for SidecarNode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.envoy {
            Some(envoy) => write!(out, "{} envoy/{envoy}", self.id),
            None => self.id.fmt(out),
        }
    }
}
