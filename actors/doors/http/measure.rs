//! Around every handler: its requests are counted and timed, and a panic in it costs one request.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use metrics::{counter, histogram};

use super::reply::Failure;

/// The routes, measured under the name of their family.
pub(super) fn family<S: Clone + Send + Sync + 'static>(name: &'static str, routes: Router<S>) -> Router<S> {
    routes.layer(from_fn(move |request: Request, next: Next| measured(name, request, next)))
}

async fn measured(family: &'static str, request: Request, next: Next) -> Response {
    let waits = may_wait(request.uri().query().unwrap_or_default());
    let began = Instant::now();
    let response = AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed at this request; its log says where")
            .into_response()
    });
    if !waits {
        histogram!("chancery_http_request_seconds", "family" => family).record(began.elapsed());
    }
    counter!("chancery_http_requests_total", "family" => family, "code" => response.status().as_str().to_owned())
        .increment(1);
    response
}

/// How long a blocking read takes says nothing about the server.
fn may_wait(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("index=") || pair.starts_with("hash="))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_costs_one_request() {
        async fn broken() {
            panic!("on purpose");
        }
        let router: Router =
            family("broken", Router::new().route("/broken", get(broken)).route("/whole", get(async || "")));
        for (path, status) in [("/broken", 500), ("/whole", 200), ("/broken", 500)] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{path}");
        }
    }

    #[test]
    fn only_reads_that_may_wait_are_left_out_of_the_timing() {
        assert!(may_wait("pretty&index=7") && may_wait("hash=abc"));
        assert!(!may_wait("") && !may_wait("tag=index") && !may_wait("pretty"));
    }
}
