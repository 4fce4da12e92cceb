//! What clients report of the load they send: sums by cluster, endpoint service and locality, for everybody to read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::metrics;

/// Clusters that are told apart. The names are the clients' words, so there must be an end to them.
const MOST_CLUSTERS: usize = 20_000;

/// A cluster and the service name that its endpoints were asked under.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LoadKey {
    pub cluster: String,
    pub service: String,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Place {
    pub region: String,
    pub zone: String,
    pub sub_zone: String,
}

/// Requests to one locality.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Requests {
    pub issued: u64,
    pub successful: u64,
    pub errors: u64,
    /// At the moment of the newest reports; not a sum over time.
    pub in_progress: u64,
}

/// What one report says of one cluster since the report before, or the sum of such.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClusterLoad {
    pub requests: BTreeMap<Place, Requests>,
    /// Dropped before a host was chosen, all reasons together.
    pub dropped: u64,
    /// Those of them that have a reason.
    pub dropped_by: BTreeMap<String, u64>,
}

/// The sums of all clients.
#[derive(Clone, Default)]
pub struct Loads {
    sums: Arc<Mutex<BTreeMap<LoadKey, ClusterLoad>>>,
}

impl Loads {
    /// Sorted by cluster.
    pub fn read(&self) -> BTreeMap<LoadKey, ClusterLoad> {
        self.lock().clone()
    }

    /// For one client's stream of reports.
    pub fn reporter(&self) -> Reporter {
        Reporter { loads: self.clone(), in_progress: BTreeMap::new() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<LoadKey, ClusterLoad>> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One client's reports. Its requests in progress count until this is dropped.
pub struct Reporter {
    loads: Loads,
    in_progress: BTreeMap<(LoadKey, Place), u64>,
}

impl Reporter {
    /// Adds what happened since the last report. False: it was left out, as there are too many clusters.
    pub fn add(&mut self, key: &LoadKey, load: &ClusterLoad) -> bool {
        let mut sums = self.loads.lock();
        if !sums.contains_key(key) && sums.len() >= MOST_CLUSTERS {
            return false;
        }
        let sum = sums.entry(key.clone()).or_default();
        for (place, requests) in &load.requests {
            let of_place = sum.requests.entry(place.clone()).or_default();
            of_place.issued += requests.issued;
            of_place.successful += requests.successful;
            of_place.errors += requests.errors;
            let before = self.in_progress.insert((key.clone(), place.clone()), requests.in_progress);
            of_place.in_progress = (of_place.in_progress + requests.in_progress).saturating_sub(before.unwrap_or(0));
        }
        sum.dropped += load.dropped;
        for (reason, count) in &load.dropped_by {
            *sum.dropped_by.entry(reason.clone()).or_default() += count;
        }
        drop(sums);
        metrics::load_reported(
            load.requests.values().map(|requests| requests.successful).sum(),
            load.requests.values().map(|requests| requests.errors).sum(),
            load.dropped,
        );
        true
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        let mut sums = self.loads.lock();
        for ((key, place), count) in &self.in_progress {
            if let Some(requests) = sums.get_mut(key).and_then(|sum| sum.requests.get_mut(place)) {
                requests.in_progress = requests.in_progress.saturating_sub(*count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(cluster: &str) -> LoadKey {
        LoadKey { cluster: cluster.to_owned(), service: String::new() }
    }

    fn load(successful: u64, in_progress: u64) -> ClusterLoad {
        let requests = Requests { issued: successful, successful, errors: 1, in_progress };
        ClusterLoad { requests: BTreeMap::from([(Place::default(), requests)]), ..Default::default() }
    }

    fn sum(loads: &Loads, cluster: &str) -> Requests {
        loads.read()[&key(cluster)].requests[&Place::default()]
    }

    // row 137
    #[test]
    fn reports_are_differences_and_requests_in_progress_are_not() {
        let loads = Loads::default();
        let (mut one, mut other) = (loads.reporter(), loads.reporter());
        one.add(&key("a"), &load(10, 3));
        one.add(&key("a"), &load(5, 1));
        other.add(&key("a"), &load(100, 7));
        assert_eq!(sum(&loads, "a"), Requests { issued: 115, successful: 115, errors: 3, in_progress: 8 });
        drop(other);
        assert_eq!(sum(&loads, "a").in_progress, 1);
        assert_eq!(sum(&loads, "a").successful, 115);
    }

    #[test]
    fn names_without_end_are_left_out() {
        let loads = Loads::default();
        let mut reporter = loads.reporter();
        for number in 0..MOST_CLUSTERS {
            assert!(reporter.add(&key(&number.to_string()), &load(1, 0)));
        }
        assert!(!reporter.add(&key("one more"), &load(1, 0)));
        assert!(reporter.add(&key("0"), &load(1, 0)));
    }
}
