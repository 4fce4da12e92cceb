//! Waiting for what real programs bring about in their own time.

use std::time::{Duration, Instant};

use tokio::time::sleep;

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Looks until `condition` gives a value, and returns it.
///
/// # Panics
/// When `patience` is over; `what` says what was waited for.
pub async fn eventually<T>(what: &str, patience: Duration, condition: impl AsyncFnMut() -> Option<T>) -> T {
    try_eventually(patience, condition)
        .await
        .unwrap_or_else(|| panic!("waited {} s in vain for: {what}", patience.as_secs_f32()))
}

/// Looks until `condition` gives a value, or `None` when `patience` is over.
pub async fn try_eventually<T>(patience: Duration, mut condition: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return Some(value);
        }
        if began.elapsed() > patience {
            return None;
        }
        sleep(LOOK).await;
    }
}
