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

use super::rates::RequestRates;
use super::reply::Failure;
use super::settings::HttpSettings;
use crate::doors::listening::Caller;

/// What is shorter is not worth packing, in bytes.
const PACKED_FROM: u64 = 1400;

#[derive(Clone)]
pub(super) struct Gate {
    pub settings: Arc<HttpSettings>,
    pub rates: RequestRates,
}

impl Gate {
    /// The router behind the gate.
    pub fn around(self, router: Router) -> Router {
        let packing = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(WorthPacking);
        // whole, since a router's own layers do not see the `Allow` that it adds at last
        Router::new().fallback_service(router).layer(packing).layer(from_fn_with_state(self, pass))
    }
}

async fn pass(
    State(Gate { settings, rates }): State<Gate>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
    next: Next,
) -> Response {
    let asks_what_is_there = request.method() == Method::OPTIONS;
    let stopped = stopped(&settings, &rates, caller, &request);
    let mut response = match stopped {
        Some(response) => response,
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

/// The answer to a request that goes no further.
fn stopped(settings: &HttpSettings, rates: &RequestRates, caller: Caller, request: &Request) -> Option<Response> {
    if let Some(failure) = refusal(settings, caller, request) {
        return Some(failure.into_response());
    }
    // the pages of the operator and what monitoring reads are not of the API
    if request.uri().path().starts_with("/v1/") { rates.refusal(reads(request)) } else { None }
}

fn reads(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
}

fn refusal(settings: &HttpSettings, caller: Caller, request: &Request) -> Option<Failure> {
    let path = request.uri().path();
    if settings.blocked.iter().any(|blocked| path.starts_with(blocked)) {
        let text = format!("{path} is not served: http_config.block_endpoints of this agent's configuration says so");
        return Some(Failure::new(StatusCode::FORBIDDEN, text));
    }
    match caller {
        Caller::Remote(address) if !reads(request) && !settings.writers.is_empty() => {
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
