//! Roots, leaves, identities. Private keys live in [`Secret`], which does not print itself.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::names::{Datacenter, Index, ServiceName, TrustDomain};

/// Seconds since 1970, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(pub i64);

impl UnixTime {
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)))
    }

    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)))
    }

    /// From this to a later moment; zero when it is not later.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_secs(u64::try_from(later.0 - self.0).unwrap_or(0))
    }
}

/// How long certificates are valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetimes {
    pub leaf: Duration,
    pub root: Duration,
}

impl Lifetimes {
    /// Three days, and ten years.
    pub const DEFAULT: Self = Self { leaf: hours(72), root: hours(87_600) };
    /// Leaves are renewed within their life, which must leave time for that.
    pub const OF_LEAVES: RangeInclusive<Duration> = hours(1)..=hours(8760);
    /// No shorter than a leaf, and a hundred years at most.
    pub const OF_ROOTS: RangeInclusive<Duration> = hours(8760)..=hours(876_000);
}

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

/// Key material. Prints as `(secret)`, so it never reaches a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(Arc<str>);

impl Secret {
    pub fn new(pem: String) -> Self {
        Self(pem.into())
    }

    /// The key itself: for the wire of its owner and for the store, nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self(Arc::from(""))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(secret)")
    }
}

/// The algorithm of a key, and its bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum KeyKind {
    Ec(u16),
    Rsa(u16),
}

impl Default for KeyKind {
    fn default() -> Self {
        Self::Ec(256)
    }
}

/// A root certificate that the mesh trusts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Root {
    /// SHA-1 fingerprint, lower-case hex in pairs with colons, as Consul names its roots.
    pub id: String,
    pub name: String,
    pub serial_number: u64,
    /// Key id of the signing key, hex pairs with colons.
    pub signing_key_id: String,
    pub not_before: UnixTime,
    pub not_after: UnixTime,
    pub pem: String,
    #[serde(default)]
    pub key: KeyKind,
    pub active: bool,
    pub create_index: Index,
    pub modify_index: Index,
}

/// Every root that is trusted now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Roots {
    pub trust_domain: TrustDomain,
    /// Sorted by id; exactly one is active.
    pub roots: Vec<Root>,
}

impl Roots {
    pub fn active(&self) -> Option<&Root> {
        self.roots.iter().find(|root| root.active)
    }
}

/// The certificate and key of one service in the mesh.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Leaf {
    pub service: ServiceName,
    pub uri: String,
    /// Hex pairs with colons.
    pub serial_number: String,
    /// The certificate, then any intermediates.
    pub cert_pem: Arc<str>,
    pub key_pem: Secret,
    pub valid_after: UnixTime,
    pub valid_before: UnixTime,
    pub create_index: Index,
    pub modify_index: Index,
}

/// `spiffe://<trust domain>/ns/default/dc/<datacenter>/svc/<service>`
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SpiffeId {
    pub trust_domain: TrustDomain,
    pub datacenter: Datacenter,
    pub service: ServiceName,
}

impl SpiffeId {
    /// `None` when it is not the identity of a service in the default namespace.
    pub fn parse(uri: &str) -> Option<Self> {
        let parts: Vec<&str> = uri.strip_prefix("spiffe://")?.split('/').collect();
        match parts.as_slice() {
            [domain, "ns", "default", "dc", datacenter, "svc", service]
            | [domain, "ap", "default", "ns", "default", "dc", datacenter, "svc", service]
                if !domain.is_empty() && !datacenter.is_empty() && !service.is_empty() =>
            {
                Some(Self {
                    trust_domain: TrustDomain::from(domain.to_lowercase()),
                    datacenter: (*datacenter).into(),
                    service: (*service).into(),
                })
            }
            _ => None,
        }
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "spiffe://{}/ns/default/dc/{}/svc/{}", self.trust_domain, self.datacenter, self.service)
    }
}
