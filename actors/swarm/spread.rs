//! How times are spread: exactly, from all of them, or by a histogram where there are millions.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::Serialize;

/// Milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Spread {
    pub first_ms: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub last_ms: f64,
}

impl Spread {
    /// Nothing when there are no times.
    pub fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let (first, last) = (*times.first()?, *times.last()?);
        let at = |percent: usize| millis(times[rank(times.len(), percent)]);
        Some(Self { first_ms: millis(first), p50_ms: at(50), p90_ms: at(90), p99_ms: at(99), last_ms: millis(last) })
    }
}

/// The place of a percentile among `len` sorted values: the smallest that at least so many percent do not exceed.
fn rank(len: usize, percent: usize) -> usize {
    (len * percent).div_ceil(100).saturating_sub(1)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Steps in each doubling: a value is known to about 3 %.
const STEPS: u64 = 32;
const BUCKETS: usize = 40 * 32;

/// Counts of microseconds in buckets that grow with the value.
pub struct Histogram {
    recording: AtomicBool,
    buckets: Vec<AtomicU64>,
    longest_us: AtomicU64,
    shortest_us: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            recording: AtomicBool::new(false),
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            longest_us: AtomicU64::new(0),
            shortest_us: AtomicU64::new(u64::MAX),
        }
    }
}

impl Histogram {
    /// Forgets what was recorded.
    pub fn start(&self) {
        self.buckets.iter().for_each(|bucket| bucket.store(0, Relaxed));
        self.longest_us.store(0, Relaxed);
        self.shortest_us.store(u64::MAX, Relaxed);
        self.recording.store(true, Relaxed);
    }

    pub fn stop(&self) {
        self.recording.store(false, Relaxed);
    }

    pub fn is_recording(&self) -> bool {
        self.recording.load(Relaxed)
    }

    pub fn record(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(us)].fetch_add(1, Relaxed);
        self.longest_us.fetch_max(us, Relaxed);
        self.shortest_us.fetch_min(us, Relaxed);
    }

    pub fn len(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Relaxed)).sum()
    }

    pub fn spread(&self) -> Option<Spread> {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let all: u64 = counts.iter().sum();
        if all == 0 {
            return None;
        }
        let longest = self.longest_us.load(Relaxed);
        let ms = |us: u64| millis(Duration::from_micros(us));
        let at = |percent: u64| {
            let wanted = (all * percent).div_ceil(100);
            let mut seen = 0;
            let at = counts.iter().position(|count| {
                seen += count;
                seen >= wanted
            });
            ms(at.map_or(longest, upper_us).min(longest))
        };
        Some(Spread {
            first_ms: ms(self.shortest_us.load(Relaxed)),
            p50_ms: at(50),
            p90_ms: at(90),
            p99_ms: at(99),
            last_ms: ms(longest),
        })
    }
}

fn bucket(us: u64) -> usize {
    let doublings = us.max(STEPS).ilog2() - STEPS.ilog2();
    let at = u64::from(doublings) * STEPS + (us >> doublings);
    usize::try_from(at).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn upper_us(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let doublings = bucket / STEPS - 1;
    ((bucket - doublings * STEPS + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let spread = Spread::of((1..=200).rev().map(Duration::from_millis).collect()).expect("there are values");
        let expected = Spread { first_ms: 1.0, p50_ms: 100.0, p90_ms: 180.0, p99_ms: 198.0, last_ms: 200.0 };
        assert_eq!(spread, expected);
        assert_eq!(Spread::of(Vec::new()), None);
    }

    #[test]
    fn every_value_is_in_a_bucket_that_ends_at_most_three_percent_above_it() {
        for us in (0..5_000).chain((5_000..100_000_000).step_by(99_991)) {
            let upper = upper_us(bucket(us));
            assert!(upper >= us && upper - us <= us / 31, "{us} is in the bucket that ends at {upper}");
        }
    }

    #[test]
    fn a_histogram_says_the_same_as_the_values_themselves() {
        let histogram = Histogram::default();
        histogram.start();
        (1..=1000).for_each(|ms| histogram.record(Duration::from_millis(ms)));
        let spread = histogram.spread().expect("there are values");
        assert_eq!((spread.first_ms, spread.last_ms, histogram.len()), (1.0, 1000.0, 1000));
        assert!((990.0..=1000.0).contains(&spread.p99_ms) && (500.0..516.0).contains(&spread.p50_ms), "{spread:?}");
    }
}
