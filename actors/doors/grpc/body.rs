//! The body of a stream's response: messages as they are made, their bytes shared with every other stream that sends the
//! same resources, and at the end the status.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use chancery::delta::Message;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame};
use tokio::sync::mpsc;

use crate::xds_stream::Requests;

/// Why a stream of ours ends: clients shall connect again (gRPC's UNAVAILABLE).
const UNAVAILABLE: &str = "14";

pub struct Messages {
    messages: mpsc::Receiver<Message>,
    frames: VecDeque<Bytes>,
    ended: bool,
    /// Told when the client has gone.
    requests: Requests,
}

impl Messages {
    pub fn new(messages: mpsc::Receiver<Message>, requests: Requests) -> Self {
        Self { messages, frames: VecDeque::new(), ended: false, requests }
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.requests.end();
    }
}

impl Body for Messages {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        loop {
            if let Some(bytes) = self.frames.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            if let Some(message) = ready!(self.messages.poll_recv(cx)) {
                self.frames.extend(message.pieces);
            } else {
                self.ended = true;
                return Poll::Ready(Some(Ok(Frame::trailers(trailers()))));
            }
        }
    }
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(2);
    trailers.insert("grpc-status", HeaderValue::from_static(UNAVAILABLE));
    trailers.insert("grpc-message", HeaderValue::from_static("the stream was ended; connect again"));
    trailers
}
