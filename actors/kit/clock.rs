//! Wall-clock time that follows tokio's clock, so that a paused test moves certificates and timers together.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    /// Since 1970, when the clock was made.
    epoch: Duration,
}

impl Clock {
    /// The machine's time.
    pub fn system() -> Self {
        Self::starting_at(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    /// `since_1970` now; runs on with tokio's clock.
    pub fn starting_at(since_1970: Duration) -> Self {
        Self { started: Instant::now(), epoch: since_1970 }
    }

    /// Time since 1970.
    pub fn now(&self) -> Duration {
        self.epoch + self.started.elapsed()
    }

    /// Whole seconds since 1970.
    pub fn unix_seconds(&self) -> i64 {
        i64::try_from(self.now().as_secs()).unwrap_or(i64::MAX)
    }

    /// Time since the clock was made; what pure machines take as `now`.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
