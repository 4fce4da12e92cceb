//! At what rate something is taken on: new streams, so that a storm of reconnects does not starve those that are open,
//! and requests.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a new stream waits for its turn before it is refused.
pub const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// So much of the rate may come at once.
const BURST: Duration = Duration::from_secs(1);

/// A rate with a burst of one second's worth.
pub struct Admission {
    /// Between two of them.
    interval: Duration,
    /// The turn of the next one; in the past while nobody waits.
    next: Mutex<Instant>,
}

/// Too many at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many new streams at once; connect again in {} ms", retry_after.as_millis())]
pub struct Crowded {
    /// When there is likely room again.
    pub retry_after: Duration,
}

impl Admission {
    pub fn new(per_second: u32) -> Self {
        Self::every(Duration::from_secs(1) / per_second.max(1))
    }

    /// One in that time.
    pub fn every(interval: Duration) -> Self {
        let now = Instant::now();
        let next = now.checked_sub(BURST).unwrap_or(now);
        Self { interval, next: Mutex::new(next) }
    }

    /// Returns when it is the caller's turn.
    pub async fn admit(&self) -> Result<(), Crowded> {
        let turn = self.reserve(Instant::now(), LONGEST_WAIT)?;
        tokio::time::sleep_until(turn).await;
        Ok(())
    }

    /// For who does not wait.
    pub fn admit_at_once(&self) -> Result<(), Crowded> {
        self.reserve(Instant::now(), Duration::ZERO).map(drop)
    }

    fn reserve(&self, now: Instant, longest_wait: Duration) -> Result<Instant, Crowded> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let turn = (*next).max(earliest);
        let wait = turn.saturating_duration_since(now);
        if wait > longest_wait {
            return Err(Crowded { retry_after: wait });
        }
        *next = turn + self.interval;
        Ok(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserved(admission: &Admission, now: Instant) -> Vec<Duration> {
        std::iter::from_fn(|| admission.reserve(now, LONGEST_WAIT).ok())
            .map(|turn| turn.saturating_duration_since(now))
            .collect()
    }

    // row 156
    #[test]
    fn a_burst_is_taken_on_at_once_then_at_the_rate_and_the_rest_is_refused() {
        let admission = Admission::new(10);
        let later = Instant::now() + Duration::from_secs(60);
        let turns = reserved(&admission, later);
        assert_eq!(turns.iter().filter(|wait| wait.is_zero()).count(), 11);
        assert_eq!(turns.len(), 21);
        assert_eq!(turns.last(), Some(&Duration::from_secs(1)));
        let crowded = admission.reserve(later, LONGEST_WAIT).unwrap_err();
        assert_eq!(crowded.retry_after, Duration::from_millis(1100));
        assert_eq!(reserved(&admission, later + Duration::from_millis(500)).len(), 5);
    }
}
