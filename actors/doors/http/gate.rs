//! What holds for every request, whatever it asks for: who may write, what is not served, what `OPTIONS` says, how an
//! answer is encoded.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Method, Response as HttpResponse, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tower_http::CompressionLevel;
use tower_http::compression::{CompressionLayer, Predicate};

use super::reply::Failure;
use super::settings::HttpSettings;
use crate::doors::listening::Caller;

/// What is shorter is not worth packing, in bytes.
const PACKED_FROM: u64 = 1400;

/// The router behind the gate.
pub(super) fn around(router: Router, settings: Arc<HttpSettings>) -> Router {
    let packing = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(WorthPacking);
    // whole, since a router's own layers do not see the `Allow` that it adds at last
    Router::new().fallback_service(router).layer(packing).layer(from_fn_with_state(settings, pass))
}

async fn pass(
    State(settings): State<Arc<HttpSettings>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
    next: Next,
) -> Response {
    let asks_what_is_there = request.method() == Method::OPTIONS;
    let mut response = match refusal(&settings, caller, &request) {
        Some(failure) => failure.into_response(),
        None => next.run(request).await,
    };
    if asks_what_is_there && let Some(allow) = response.headers().get(header::ALLOW) {
        let whole = [b"OPTIONS,", allow.as_bytes()].concat();
        if let Ok(whole) = HeaderValue::from_bytes(&whole) {
            response.headers_mut().insert(header::ALLOW, whole);
        }
    }
    for (name, value) in &settings.response_headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

fn refusal(settings: &HttpSettings, caller: Caller, request: &Request) -> Option<Failure> {
    let path = request.uri().path();
    if settings.blocked.iter().any(|blocked| path.starts_with(blocked)) {
        let text = format!("{path} is not served: http_config.block_endpoints of this agent's configuration says so");
        return Some(Failure::new(StatusCode::FORBIDDEN, text));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    match caller {
        Caller::Remote(address) if !reads && !settings.writers.is_empty() => {
            let may = settings.writers.iter().any(|network| network.contains(address));
            (!may).then(|| {
                let text = format!(
                    "{address} may not write here: http_config.allow_write_http_from of this agent's configuration \
                     says who may"
                );
                Failure::new(StatusCode::FORBIDDEN, text)
            })
        }
        _ => None,
    }
}

/// Text whose length is known. What is streamed is read as it is written, and must not wait in a packer.
#[derive(Clone, Copy)]
struct WorthPacking;

impl Predicate for WorthPacking {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &HttpResponse<B>) -> bool {
        let kind = response.headers().get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        let text = kind.starts_with(b"application/json") || kind.starts_with(b"text/");
        text && response.body().size_hint().exact().is_some_and(|size| size >= PACKED_FROM)
    }
}
