//! Where things are, and what is made of it: who is near goes first.

use serde::{Deserialize, Serialize};

use super::words::words;

/// A region of a provider and a zone of it, such as `us-east-1` and `us-east-1a`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Locality {
    /// Not empty.
    pub region: String,
    /// Empty: it is not known which.
    pub zone: String,
}

words! {
    /// Whether instances near the caller go before others (`PrioritizeByLocality`).
    Prioritize {
        /// All the same.
        None = "none",
        /// Those of the caller's zone, then those of its region, then others: each while those before have no healthy one.
        Failover = "failover",
    }

    FailoverMode {
        /// A target after the other.
        Sequential = "sequential",
        /// A region after the other, and in each a target after the other.
        OrderByLocality = "order-by-locality",
    }
}

/// In which order instances stand in for others.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct FailoverPolicy {
    pub mode: FailoverMode,
    /// After the caller's own, in this order; then all others. Each once. Of `OrderByLocality` alone.
    pub regions: Vec<String>,
}

impl Locality {
    /// 0: in the same zone; 1: in the same region; 2: anywhere.
    pub fn distance(&self, other: Option<&Self>) -> u32 {
        match other {
            Some(other) if other == self && !self.zone.is_empty() => 0,
            Some(other) if other.region == self.region => 1,
            _ => 2,
        }
    }
}
