//! What an operator may set of how clients are served.

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
        }
    }
}
