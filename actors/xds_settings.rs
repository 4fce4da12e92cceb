//! What an operator may set of how clients are served.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::time::Duration;

/// New streams that one core takes on per second. A first state costs well below a millisecond.
const NEW_STREAMS_PER_CORE: u32 = 2_500;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct XdsSettings {
    /// How many new streams are taken on per second, over all connections; beyond it a stream waits up to a second and
    /// is then refused with a hint when to come back. At least 1. By default 2,500 for each core.
    pub new_streams_per_second: u32,
    /// Streams are ended at about this age (a tenth more or less), so that clients spread over replicas again. By
    /// default never.
    pub max_stream_age: Option<Duration>,
    /// A client that leaves what it is sent unread for so long is dropped. By default a minute.
    pub read_patience: Duration,
    /// Of one request. A reconnecting Envoy lists every version it holds. By default 64 MiB.
    pub max_request_bytes: usize,
    /// How often clients report load. By default every 10 s.
    pub load_report_interval: Duration,
    /// A connection is pinged this often, to find clients that vanished without a word. By default every 30 s.
    pub keepalive_interval: Duration,
    /// How long the answer to a ping may take. By default 10 s.
    pub keepalive_timeout: Duration,
}

impl Default for XdsSettings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        Self {
            new_streams_per_second: NEW_STREAMS_PER_CORE.saturating_mul(cores),
            max_stream_age: None,
            read_patience: Duration::from_secs(60),
            max_request_bytes: 64 << 20,
            load_report_interval: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
        }
    }
}

impl XdsSettings {
    /// How old a stream becomes, by its number: streams that came together do not go together.
    pub(crate) fn age_of(&self, stream: u64) -> Option<Duration> {
        let age = self.max_stream_age?;
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(stream);
        let permille = 900 + u32::try_from(hash % 201).unwrap_or_default();
        Some(age * permille / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // row 154
    #[test]
    fn streams_end_within_a_tenth_of_their_age_and_not_together() {
        let settings = XdsSettings { max_stream_age: Some(Duration::from_secs(1000)), ..Default::default() };
        let ages: Vec<Duration> = (0..1000).filter_map(|stream| settings.age_of(stream)).collect();
        let (first, last) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
        assert!(*first >= Duration::from_secs(900) && *last <= Duration::from_secs(1100));
        assert!(*last - *first > Duration::from_secs(150));
        assert_eq!(XdsSettings::default().age_of(1), None);
    }
}
