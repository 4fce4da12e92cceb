//! One stream: what is asked is answered from constants, what is pushed is sent. There is no task beside the
//! connection's own, no state but what waits to be sent, and no buffer that outlives a message.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready as try_ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderValue, Response};
use http_body::{Body as _, Frame};
use prost::Message;
use tokio::sync::watch;
use tokio_stream::Stream as _;
use tokio_stream::wrappers::WatchStream;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;

use crate::responses::{CLUSTER, ENDPOINT, LISTENER, ROUTE, Responses, SECRET};

/// The newest of each kind.
#[derive(Clone, Default)]
pub struct Pushed {
    pub endpoint: Option<Bytes>,
    pub cluster: Option<Bytes>,
}

/// All that is looked at of a client's message.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(string, tag = "2")]
    type_url: String,
    #[prost(string, repeated, tag = "3")]
    subscribe: Vec<String>,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    held: Vec<Bytes>,
    #[prost(string, tag = "6")]
    nonce: String,
}

#[derive(Clone)]
pub struct Discovery {
    pub responses: Arc<Responses>,
    pub pushes: watch::Receiver<Pushed>,
}

impl NamedService for Discovery {
    const NAME: &'static str = "envoy.service.discovery.v3.AggregatedDiscoveryService";
}

impl tower_service::Service<http::Request<Body>> for Discovery {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let talk = Talk {
            requests: Requests { body: request.into_body(), begun: BytesMut::new() },
            pushes: WatchStream::from_changes(self.pushes.clone()),
            sent: self.pushes.borrow().clone(),
            responses: Arc::clone(&self.responses),
            waiting: VecDeque::new(),
        };
        let mut response = Response::new(Body::new(talk));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        ready(Ok(response))
    }
}

/// gRPC messages out of the body of a request.
struct Requests {
    body: Body,
    /// What is there of a message that is not complete.
    begun: BytesMut,
}

impl Requests {
    const PREFIX: usize = 5;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Request, Status>>> {
        loop {
            if let Some(message) = self.complete() {
                let decoded = Request::decode(message);
                return Poll::Ready(Some(decoded.map_err(|error| Status::invalid_argument(error.to_string()))));
            }
            match try_ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.begun.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn complete(&mut self) -> Option<Bytes> {
        let prefix: [u8; 4] = self.begun.get(1..Self::PREFIX)?.try_into().ok()?;
        let end = Self::PREFIX + u32::from_be_bytes(prefix) as usize;
        if self.begun.len() < end {
            self.begun.reserve(end - self.begun.len());
            return None;
        }
        let mut message = if self.begun.len() == end {
            // the whole buffer goes with the message
            std::mem::take(&mut self.begun).freeze()
        } else {
            self.begun.split_to(end).freeze()
        };
        message.advance(Self::PREFIX);
        Some(message)
    }
}

struct Talk {
    requests: Requests,
    pushes: WatchStream<Pushed>,
    sent: Pushed,
    responses: Arc<Responses>,
    waiting: VecDeque<Bytes>,
}

impl Talk {
    fn answer(&mut self, request: &Request) {
        // an acknowledgement, or the client says that it holds everything already
        if !request.nonce.is_empty() || !request.held.is_empty() {
            return;
        }
        self.waiting.push_back(match request.type_url.as_str() {
            CLUSTER => self.responses.clusters.clone(),
            ENDPOINT => self.responses.endpoints(),
            SECRET => self.responses.secrets.clone(),
            LISTENER => self.responses.listeners.clone(),
            _ => Responses::nothing(ROUTE, &request.subscribe),
        });
    }

    fn push(&mut self, pushed: Pushed) {
        if pushed.endpoint != self.sent.endpoint {
            self.waiting.extend(pushed.endpoint.clone());
        }
        if pushed.cluster != self.sent.cluster {
            self.waiting.extend(pushed.cluster.clone());
        }
        self.sent = pushed;
    }
}

impl http_body::Body for Talk {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            if let Some(bytes) = self.waiting.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match self.requests.poll_next(cx) {
                Poll::Ready(Some(Ok(request))) => self.answer(&request),
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(None),
                Poll::Pending => match Pin::new(&mut self.pushes).poll_next(cx) {
                    Poll::Ready(Some(pushed)) => self.push(pushed),
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                },
            }
        }
    }
}
