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

/// Whether instances near the caller go before others (`PrioritizeByLocality`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Prioritize {
    /// All the same.
    #[default]
    None,
    /// Those of the caller's zone, then those of its region, then others: each while those before have no healthy one.
    Failover,
    /// They get more calls than others.
    Weighted(Shares),
}

/// Percent of the calls, by where instances are: 100 together, and none of them 0, so that nobody is left without anybody
/// to call. What is said of a place where no instance is goes to the others in proportion.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Shares {
    /// In the caller's zone.
    pub same_zone: u32,
    /// In another zone of its region.
    pub same_region: u32,
    pub elsewhere: u32,
}

impl Shares {
    /// By [`Locality::distance`].
    pub fn at(self, distance: u32) -> u32 {
        match distance {
            0 => self.same_zone,
            1 => self.same_region,
            _ => self.elsewhere,
        }
    }
}

impl Prioritize {
    pub fn mode(self) -> PrioritizeMode {
        match self {
            Self::None => PrioritizeMode::None,
            Self::Failover => PrioritizeMode::Failover,
            Self::Weighted(_) => PrioritizeMode::Weighted,
        }
    }
}

words! {
    PrioritizeMode { None = "none", Failover = "failover", Weighted = "weighted" }

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
