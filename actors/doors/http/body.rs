//! The body of a write. Its content type is never looked at: clients send all sorts.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;

use chancery::wire;

use super::reply::Failure;

/// The most that is read of a body that is JSON, in bytes.
const LARGEST: usize = 4 << 20;

/// A body that is not read yet, for a handler that knows how much of it may be.
pub struct Unread(Request);

impl Unread {
    /// # Errors
    /// When it is longer, or does not come whole.
    pub async fn bytes(self, limit: usize) -> Result<bytes::Bytes, Failure> {
        match Limited::new(self.0.into_body(), limit).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
            Err(error) => Err(Failure::bad_request(format!("the body could not be read: {error}"))),
        }
    }
}

impl<S: Sync> FromRequest<S> for Unread {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(request))
    }
}

/// A body that is JSON.
pub struct Body(pub Value);

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let bytes = Unread(request).bytes(LARGEST).await?;
        wire::json(&bytes).map(Self).map_err(Failure::decode)
    }
}

fn too_large(limit: usize) -> Failure {
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than the {limit} bytes that are read"))
}
