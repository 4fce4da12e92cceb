//! The body of a write. Its content type is never looked at: clients send all sorts.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;

use chancery::wire;

use super::reply::Failure;

/// The most that is read of a body, in bytes.
const LIMIT: usize = 4 << 20;

/// A body that is JSON.
pub struct Body(pub Value);

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let bytes = match Limited::new(request.into_body(), LIMIT).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
            Err(error) => return Err(Failure::bad_request(format!("the body could not be read: {error}"))),
        };
        wire::json(&bytes).map(Self).map_err(Failure::decode)
    }
}

fn too_large() -> Failure {
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than the {LIMIT} bytes that are read"))
}
