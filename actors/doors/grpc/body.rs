//! The body of a stream's response: messages as they are made, their bytes shared with every other stream that sends the
//! same resources, and at the end the status.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use chancery::delta::Message;
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame};
use tokio::sync::mpsc;
use tonic::Status;

use crate::outgoing::Reading;
use crate::xds_stream::{OpenStream, Requests};

/// Why a stream ends, if its client is the reason. Without it the client shall connect again.
#[derive(Clone, Default)]
pub(super) struct Ending(Arc<OnceLock<Status>>);

impl Ending {
    /// The first status counts.
    pub fn set(&self, status: Status) {
        _ = self.0.set(status);
    }

    fn trailers(&self) -> HeaderMap {
        let again = || Status::unavailable("the stream was ended; connect again");
        let status = self.0.get().cloned().unwrap_or_else(again);
        let mut trailers = HeaderMap::with_capacity(2);
        if status.add_header(&mut trailers).is_err() {
            // a text that does not fit into a header; the code always does
            trailers.insert("grpc-status", HeaderValue::from(status.code() as i32));
        }
        trailers
    }
}

pub(super) struct Messages {
    messages: mpsc::Receiver<Message>,
    frames: VecDeque<Bytes>,
    ended: bool,
    ending: Ending,
    stream: Option<OfStream>,
}

struct OfStream {
    /// Told when the client has gone.
    requests: Requests,
    reading: Arc<Reading>,
}

impl Messages {
    pub fn new(messages: mpsc::Receiver<Message>, ending: Ending) -> Self {
        Self { messages, frames: VecDeque::new(), ended: false, ending, stream: None }
    }

    pub fn of(stream: OpenStream, ending: Ending) -> Self {
        let of_stream = OfStream { requests: stream.requests, reading: stream.reading };
        Self { stream: Some(of_stream), ..Self::new(stream.messages, ending) }
    }

    /// The response that it is the body of.
    pub fn into_response(self) -> Response<axum::body::Body> {
        let mut response = Response::new(axum::body::Body::new(self));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        response
    }

    /// The body is asked for more only when the client has room for what it got before.
    fn set_in_hand(&self, in_hand: bool) {
        if let Some(stream) = &self.stream {
            stream.reading.set_in_hand(in_hand);
        }
    }
}

impl Drop for OfStream {
    fn drop(&mut self) {
        self.requests.end();
    }
}

impl Body for Messages {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            if let Some(bytes) = self.frames.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            self.set_in_hand(false);
            if let Some(message) = ready!(self.messages.poll_recv(cx)) {
                self.set_in_hand(true);
                self.frames.extend(message.pieces);
            } else {
                self.ended = true;
                return Poll::Ready(Some(Ok(Frame::trailers(self.ending.trailers()))));
            }
        }
    }
}
