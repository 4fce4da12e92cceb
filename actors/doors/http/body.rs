//! The body of a write. Its content type is never looked at: clients send all sorts.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;

use chancery::wire;

use super::reply::Failure;

/// The most that is read of a body that is JSON, in bytes.
const LARGEST: usize = 4 << 20;

/// A body of at most so many bytes.
pub struct Bytes<const LIMIT: usize>(pub bytes::Bytes);

/// A body that is JSON.
pub struct Body(pub Value);

impl<S: Sync, const LIMIT: usize> FromRequest<S> for Bytes<LIMIT> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        match Limited::new(request.into_body(), LIMIT).collect().await {
            Ok(collected) => Ok(Self(collected.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(too_large(LIMIT)),
            Err(error) => Err(Failure::bad_request(format!("the body could not be read: {error}"))),
        }
    }
}

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let Bytes(bytes) = Bytes::<LARGEST>::from_request(request, state).await?;
        wire::json(&bytes).map(Self).map_err(Failure::decode)
    }
}

fn too_large(limit: usize) -> Failure {
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than the {limit} bytes that are read"))
}
