//! How many requests a second are answered (`limits.request_limits`), over all ports and clients together.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use metrics::counter;

use super::reply::Failure;
use crate::admission::Admission;

/// What is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RequestLimits {
    pub mode: LimitMode,
    /// Hundredths a second; `None`: as many as come.
    pub reads: Option<NonZeroU32>,
    pub writes: Option<NonZeroU32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LimitMode {
    #[default]
    Disabled,
    /// What is beyond the rate is answered, and counted.
    Permissive,
    /// It is refused, and counted.
    Enforcing,
}

/// The rates that hold now.
#[derive(Clone, Default)]
pub struct RequestRates(Arc<ArcSwapOption<Rates>>);

struct Rates {
    limits: RequestLimits,
    reads: Option<Admission>,
    writes: Option<Admission>,
}

impl RequestRates {
    /// From now on. Limits that are the same go on counting.
    pub fn set(&self, limits: RequestLimits) {
        if self.0.load().as_ref().is_some_and(|rates| rates.limits == limits) {
            return;
        }
        let rate = |hundredths: Option<NonZeroU32>| {
            hundredths.map(|hundredths| Admission::every(Duration::from_secs(100) / hundredths.get()))
        };
        let rates = Rates { limits, reads: rate(limits.reads), writes: rate(limits.writes) };
        self.0.store((limits.mode != LimitMode::Disabled).then(|| Arc::new(rates)));
    }

    /// The answer to a request that is one too many.
    pub(super) fn refusal(&self, reads: bool) -> Option<Response> {
        let rates = self.0.load_full()?;
        let (kind, rate) = if reads { ("read", &rates.reads) } else { ("write", &rates.writes) };
        let crowded = rate.as_ref()?.admit_at_once().err()?;
        let enforced = rates.limits.mode == LimitMode::Enforcing;
        let mode = if enforced { "enforcing" } else { "permissive" };
        counter!("chancery_http_requests_over_limit_total", "kind" => kind, "mode" => mode).increment(1);
        tracing::debug!(kind, mode, "a request is beyond limits.request_limits");
        enforced.then(|| too_many(kind, crowded.retry_after))
    }
}

fn too_many(kind: &str, retry_after: Duration) -> Response {
    let text = format!(
        "more {kind}s a second than limits.request_limits of this agent's configuration allows: try again in {} ms",
        retry_after.as_millis().max(1)
    );
    let mut response = Failure::new(StatusCode::TOO_MANY_REQUESTS, text).into_response();
    // whole seconds are all that the header can say
    let seconds = retry_after.as_secs_f64().ceil().max(1.0);
    if let Ok(value) = HeaderValue::from_str(&format!("{seconds:.0}")) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(rates: &RequestRates, reads: bool, times: usize) -> usize {
        (0..times).filter(|_| rates.refusal(reads).is_none()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn reads_and_writes_have_rates_of_their_own() {
        let rates = RequestRates::default();
        assert_eq!(answered(&rates, true, 100), 100, "nothing is set");
        let limits =
            RequestLimits { mode: LimitMode::Enforcing, reads: NonZeroU32::new(1000), writes: NonZeroU32::new(50) };
        rates.set(limits);
        tokio::time::advance(Duration::from_secs(60)).await;
        // a second's worth at once, and the one whose turn it is
        assert_eq!(answered(&rates, true, 100), 11);
        assert_eq!(answered(&rates, false, 100), 1);
        tokio::time::advance(Duration::from_millis(500)).await;
        rates.set(limits);
        assert_eq!(answered(&rates, true, 100), 5);
        let refused = rates.refusal(false).expect("one every two seconds");
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (429, &HeaderValue::from_static("1"))
        );
        rates.set(RequestLimits { mode: LimitMode::Permissive, ..limits });
        assert_eq!(answered(&rates, true, 100), 100);
        rates.set(RequestLimits::default());
        assert_eq!(answered(&rates, false, 100), 100);
    }
}
