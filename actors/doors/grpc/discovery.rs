//! One service for every discovery service, over a body of our own (see `body.rs`): tonic's codec would encode
//! each response into a buffer that stays with the stream for its life.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use chancery::delta::{Dialect, Request};
use chancery::model::NodeName;
use http::{Request as HttpRequest, Response};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};

use super::body::{Ending, Messages};
use super::connection::Hangup;
use super::incoming::Incoming;
use super::node::NodeHead;
use super::request::ClientMessage;
use super::services::Discovery;
use crate::admission::Crowded;
use crate::metrics;
use crate::outgoing::Reading;
use crate::xds_stream::{Program, Requests, Streams};

#[derive(Clone)]
pub(super) struct DiscoveryService {
    pub discovery: &'static Discovery,
    pub streams: Streams,
    pub own_node: NodeName,
}

impl DiscoveryService {
    /// Answers when the first message has come, which says who is calling.
    pub async fn open(&self, request: HttpRequest<Body>) -> Result<Response<Body>, Status> {
        let method = request.uri().path().rsplit('/').next().unwrap_or_default();
        let dialect = self.discovery.dialect(method).ok_or_else(|| {
            Status::unimplemented(format!("{} has no streaming method {method:?}", self.discovery.service))
        })?;
        self.streams.admit().await.map_err(crowded)?;
        let hangup = request.extensions().get::<Hangup>().cloned();
        let mut incoming = Incoming::new(request.into_body(), self.streams.settings().max_request_bytes);
        let first = incoming
            .next()
            .await?
            .ok_or_else(|| Status::invalid_argument("the stream ended before its first message"))?;
        let mut reader = Reader { dialect, carried: self.discovery.type_url, id: String::new() };
        let (node, request) = reader.first(first).inspect_err(|_| metrics::stream_ended("invalid"))?;
        let who = node.who(&self.own_node).inspect_err(|_| metrics::stream_ended("invalid"))?;
        let stream = self
            .streams
            .open_of(self.discovery.type_url, who, dialect, Program::from(&node))
            .map_err(|draining| Status::unavailable(draining.to_string()))?;
        let (requests, reading, ending) = (stream.requests.clone(), Arc::clone(&stream.reading), Ending::default());
        requests.send(request).await;
        let listening = Listening { reader, incoming, requests, reading, ending: ending.clone(), hangup };
        tokio::spawn(listening.run());
        Ok(Messages::of(stream, ending).into_response())
    }
}

impl From<&NodeHead> for Program {
    fn from(node: &NodeHead) -> Self {
        Self { name: node.client(), accepts_wrapped: node.accepts_wrapped() }
    }
}

/// Turns a client's messages into requests, and holds it to its identity.
struct Reader {
    dialect: Dialect,
    carried: Option<&'static str>,
    /// The node id of the first message.
    id: String,
}

impl Reader {
    fn first(&mut self, message: Bytes) -> Result<(NodeHead, Request), Status> {
        let message = ClientMessage::read(self.dialect, message, self.carried)?;
        let node = NodeHead::read(message.node)?;
        self.id.clone_from(&node.id);
        Ok((node, message.request))
    }

    /// A node that is repeated is compared and forgotten.
    fn next(&self, message: Bytes) -> Result<Request, Status> {
        let message = ClientMessage::read(self.dialect, message, self.carried)?;
        if !message.node.is_empty() {
            let id = NodeHead::read(message.node)?.id;
            if !id.is_empty() && id != self.id {
                let text = format!("the stream of {:?} cannot become the stream of {id:?}; open another", self.id);
                return Err(Status::invalid_argument(text));
            }
        }
        Ok(message.request)
    }
}

/// Hears a client to the end of its stream.
struct Listening {
    reader: Reader,
    incoming: Incoming,
    requests: Requests,
    reading: Arc<Reading>,
    ending: Ending,
    hangup: Option<Hangup>,
}

impl Listening {
    async fn run(mut self) {
        loop {
            let next = tokio::select! {
                () = self.reading.given_up() => {
                    if let Some(hangup) = &self.hangup {
                        hangup.hang_up();
                    }
                    break;
                }
                next = self.incoming.next() => next,
            };
            let request = match next {
                Ok(Some(message)) => self.reader.next(message),
                Ok(None) => {
                    self.ending.set(Status::ok(""));
                    break;
                }
                Err(status) => Err(status),
            };
            match request {
                Ok(request) => self.requests.send(request).await,
                Err(status) => {
                    // an error of the connection comes this way too, when nobody is there to be told
                    if status.code() == Code::InvalidArgument {
                        metrics::stream_ended("invalid");
                    }
                    self.ending.set(status);
                    break;
                }
            }
        }
        self.requests.end();
    }
}

/// With the time to wait where gRPC clients look for it.
fn crowded(crowded: Crowded) -> Status {
    let mut hint = MetadataMap::new();
    let wait_ms = u64::try_from(crowded.retry_after.as_millis()).unwrap_or(u64::MAX);
    hint.insert("grpc-retry-pushback-ms", MetadataValue::from(wait_ms));
    Status::with_metadata(Code::ResourceExhausted, crowded.to_string(), hint)
}
