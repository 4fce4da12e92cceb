//! The aggregated discovery service, both methods, over a body of our own (see `body.rs`): tonic's codec would encode
//! each response into a buffer that stays with the stream for its life.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use chancery::delta::{Dialect, Request};
use chancery::model::NodeName;
use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use http::{HeaderValue, Response};
use tonic::codec::{Codec as _, Streaming};
use tonic::server::NamedService;
use tonic::{Status, body::Body};
use tonic_prost::ProstCodec;

use super::body::Messages;
use super::node::{client_of, proxy_of};
use crate::xds_stream::Streams;

/// Of one request. A reconnecting Envoy lists every version it holds.
const MAX_REQUEST_BYTES: usize = 64 << 20;

#[derive(Clone)]
pub struct AggregatedDiscovery {
    streams: Streams,
    own_node: NodeName,
}

impl AggregatedDiscovery {
    pub fn new(streams: Streams, own_node: NodeName) -> Self {
        Self { streams, own_node }
    }
}

impl NamedService for AggregatedDiscovery {
    const NAME: &'static str = "envoy.service.discovery.v3.AggregatedDiscoveryService";
}

impl tower_service::Service<http::Request<Body>> for AggregatedDiscovery {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
            let body = request.into_body();
            let answer = match method.as_str() {
                "DeltaAggregatedResources" => service.open::<DeltaDiscoveryRequest>(body).await,
                "StreamAggregatedResources" => service.open::<DiscoveryRequest>(body).await,
                _ => Err(Status::unimplemented(format!("{} has no method {method}", Self::NAME))),
            };
            Ok(answer.unwrap_or_else(|status| status.into_http()))
        })
    }
}

impl AggregatedDiscovery {
    /// Answers when the first message has come, which says who is calling.
    async fn open<M: ClientMessage>(&self, body: Body) -> Result<Response<Body>, Status> {
        let mut messages = M::decode(body);
        let first = messages
            .message()
            .await?
            .ok_or_else(|| Status::invalid_argument("the stream ended before its first message"))?;
        let proxy = proxy_of(first.node(), &self.own_node)?;
        let client = client_of(first.node());
        let stream = self
            .streams
            .open(proxy, M::DIALECT, client)
            .map_err(|draining| Status::unavailable(draining.to_string()))?;
        let requests = stream.requests.clone();
        requests.send(first.into_request()).await;
        tokio::spawn(async move {
            // an error is the client's end of the stream, or its connection's
            while let Ok(Some(message)) = messages.message().await {
                requests.send(message.into_request()).await;
            }
            requests.end();
        });
        let mut response = Response::new(Body::new(Messages::new(stream.messages, stream.requests)));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        Ok(response)
    }
}

/// A request message of one of the dialects.
trait ClientMessage: Sized + Send + 'static {
    const DIALECT: Dialect;
    fn decode(body: Body) -> Streaming<Self>;
    fn node(&self) -> Option<&Node>;
    fn into_request(self) -> Request;
}

impl ClientMessage for DeltaDiscoveryRequest {
    const DIALECT: Dialect = Dialect::Delta;

    fn decode(body: Body) -> Streaming<Self> {
        let decoder = ProstCodec::<DeltaDiscoveryResponse, Self>::default().decoder();
        Streaming::new_request(decoder, body, None, Some(MAX_REQUEST_BYTES))
    }

    fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }

    fn into_request(self) -> Request {
        Request::from_delta(self)
    }
}

impl ClientMessage for DiscoveryRequest {
    const DIALECT: Dialect = Dialect::StateOfTheWorld;

    fn decode(body: Body) -> Streaming<Self> {
        let decoder = ProstCodec::<DiscoveryResponse, Self>::default().decoder();
        Streaming::new_request(decoder, body, None, Some(MAX_REQUEST_BYTES))
    }

    fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }

    fn into_request(self) -> Request {
        Request::from_state_of_the_world(self)
    }
}
