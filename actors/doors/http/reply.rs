//! What goes back to the client: JSON with the headers that Consul's clients read, or a plain text that says what to do.

use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use chancery::model::Index;

use super::params::Params;
use crate::catalog::CommitError;
use crate::checks::ReportError;

const INDEX: HeaderName = HeaderName::from_static("x-consul-index");
/// Of one service of this agent: an opaque text that changes with its answer.
pub const CONTENT_HASH: HeaderName = HeaderName::from_static("x-consul-contenthash");
/// The same on every read: there is one server, it is the leader, and no access control lists.
const READS: [(HeaderName, HeaderValue); 3] = [
    (HeaderName::from_static("x-consul-lastcontact"), HeaderValue::from_static("0")),
    (HeaderName::from_static("x-consul-knownleader"), HeaderValue::from_static("true")),
    (HeaderName::from_static("x-consul-default-acl-policy"), HeaderValue::from_static("allow")),
];
const CONSISTENCY: HeaderName = HeaderName::from_static("x-consul-effective-consistency");
const CACHE: HeaderName = HeaderName::from_static("x-cache");
const BACKEND: HeaderName = HeaderName::from_static("x-consul-query-backend");

/// A request that was not done: a status, and a text for whoever has to put it right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub status: StatusCode,
    pub text: String,
}

impl Failure {
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// With the status that Consul answers, since clients take it for an answer about the server and not the request.
    pub fn no_mesh() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Connect must be enabled in order to use this endpoint: connect.enabled is false in this agent's configuration",
        )
    }

    /// The first root is made in the moment after the first start.
    pub fn no_authority() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the certificate authority is starting: try again in a moment")
    }

    /// A topic was answered in another shape than its own, which no client can put right.
    pub fn misread() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the server misread its own state")
    }

    /// A body that could not be read as what the endpoint takes.
    pub fn decode(error: impl std::fmt::Display) -> Self {
        Self::bad_request(format!("Request decode failed: {error}"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, self.text).into_response()
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        let status = match &error {
            CommitError::Refused(refusal) => StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST),
            CommitError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
            CommitError::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Commit(error) => error.into(),
            ReportError::Unknown(_) => Self::not_found(error.to_string()),
            ReportError::NotTtl(_) => Self::bad_request(error.to_string()),
        }
    }
}

/// JSON as the client asked for it: on one line, or for people.
pub fn json(params: &Params, body: &impl Serialize) -> Response {
    let encoded = if params.pretty() { pretty(body) } else { serde_json::to_vec(body) };
    match encoded {
        Ok(bytes) => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response(),
        Err(error) => Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn pretty(body: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    body.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, indent))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The answer to a read, as of an index.
pub fn read(params: &Params, index: Index, body: &impl Serialize) -> Response {
    as_of(params, index, json(params, body))
}

/// The headers of a read. Consul's Go client reads them in order and stops at the first that is missing.
pub fn as_of(params: &Params, index: Index, mut response: Response) -> Response {
    let headers = response.headers_mut();
    // clients take an index of 0 for an error
    headers.insert(INDEX, HeaderValue::from(index.0.max(1)));
    headers.extend(READS);
    headers.insert(CONSISTENCY, HeaderValue::from_static(params.consistency()));
    headers.insert(BACKEND, HeaderValue::from_static("blocking-query"));
    if params.cached() {
        headers.insert(CACHE, HeaderValue::from_static("HIT"));
        headers.insert(header::AGE, HeaderValue::from_static("0"));
    }
    response
}

/// For an endpoint that names one thing in its path, when the path ends before the name.
pub fn missing(what: &'static str) -> Failure {
    Failure::bad_request(format!("Missing {what}: it is the last part of the path"))
}

/// For every path that is not in the router.
pub async fn no_such_endpoint(uri: Uri) -> Failure {
    Failure::not_found(format!("{} is not an endpoint of this server", uri.path()))
}

/// The router adds `Allow`, which is all that `OPTIONS` asks for.
pub async fn method_not_allowed(method: Method) -> Result<StatusCode, Failure> {
    if method == Method::OPTIONS {
        return Ok(StatusCode::OK);
    }
    Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, format!("method {method} not allowed")))
}
