//! `service-resolver`: which instances stand for the service, and how load is dealt out among them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::service_splitter::Weight;
use crate::model::locality::{FailoverPolicy, Prioritize};
use crate::model::names::ServiceName;
use crate::model::words::words;

/// Stands for every subset in [`ServiceResolver::failover`].
pub const EVERY_SUBSET: &str = "*";

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceResolver {
    /// For requests that name no subset. Empty: all instances.
    pub default_subset: String,
    pub subsets: BTreeMap<String, Subset>,
    /// Instead of the service.
    pub redirect: Option<Redirect>,
    /// By subset, or for [`EVERY_SUBSET`].
    pub failover: BTreeMap<String, Failover>,
    pub connect_timeout: Option<Duration>,
    /// For requests whose chain begins here.
    pub request_timeout: Option<Duration>,
    pub load_balancer: LoadBalancer,
    /// `None`: as proxy-defaults says.
    pub prioritize_by_locality: Option<Prioritize>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Subset {
    /// In the language of `?filter=`, over instances as `/v1/health/service` shows them. Empty: all.
    pub filter: String,
    /// An instance with a warning does not count as healthy.
    pub only_passing: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Redirect {
    /// `None`: the same.
    pub service: Option<ServiceName>,
    pub subset: String,
    /// Empty: the same.
    pub datacenter: String,
}

/// Where requests go while no instance is healthy, in this order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Failover {
    /// `None`: the same.
    pub service: Option<ServiceName>,
    pub subset: String,
    /// The same service there.
    pub datacenters: Vec<String>,
    /// Instead of all the others.
    pub targets: Vec<Redirect>,
    /// `None`: as proxy-defaults says.
    pub policy: Option<FailoverPolicy>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadBalancer {
    /// `None`: round robin, which is Envoy's default.
    pub policy: Option<LoadBalancerPolicy>,
    pub ring_hash: RingHash,
    /// Of least request: how many instances are looked at for each. 0: Envoy's default, two.
    pub choice_count: u32,
    pub hash_policies: Vec<HashPolicy>,
    /// Of round robin and least request.
    pub slow_start: Option<SlowStart>,
}

/// An instance that is new takes less than its share for a while, and more and more of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct SlowStart {
    /// For how long; not zero.
    pub window: Duration,
    /// In hundredths; not 0. 100: the share grows evenly; more: faster at first.
    pub aggression: u32,
    /// Of its weight, with which it begins.
    pub least: Weight,
}

words! {
    LoadBalancerPolicy {
        Random = "random",
        RoundRobin = "round_robin",
        LeastRequest = "least_request",
        RingHash = "ring_hash",
        Maglev = "maglev",
    }

    HashField { Header = "header", Cookie = "cookie", QueryParameter = "query_parameter" }
}

impl LoadBalancerPolicy {
    /// Instances may take less than their weight for a while.
    pub fn has_slow_start(self) -> bool {
        matches!(self, Self::RoundRobin | Self::LeastRequest)
    }

    /// Instances are chosen by what [`HashPolicy`] finds in a request.
    pub fn is_hash_based(self) -> bool {
        matches!(self, Self::RingHash | Self::Maglev)
    }
}

/// 0: Envoy's defaults.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct RingHash {
    pub minimum_ring_size: u64,
    pub maximum_ring_size: u64,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct HashPolicy {
    pub source: HashSource,
    /// When it finds something, those behind it are not asked.
    pub terminal: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum HashSource {
    /// The caller's address.
    SourceIp,
    Field(HashField, String),
    /// A cookie that Envoy sets where it is missing.
    GeneratedCookie {
        name: String,
        /// `None`: until the browser ends.
        ttl: Option<Duration>,
        path: String,
    },
}

impl ServiceResolver {
    pub(super) fn leads_to(&self) -> impl Iterator<Item = &ServiceName> {
        let redirect = self.redirect.iter().filter_map(|redirect| redirect.service.as_ref());
        let failover = self.failover.values().flat_map(|failover| {
            let targets = failover.targets.iter().filter_map(|target| target.service.as_ref());
            failover.service.iter().chain(targets)
        });
        redirect.chain(failover)
    }
}

impl LoadBalancer {
    pub fn is_hash_based(&self) -> bool {
        self.policy.is_some_and(LoadBalancerPolicy::is_hash_based)
    }
}
