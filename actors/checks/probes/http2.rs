//! What speaks HTTP/2: gRPC's protocol for health, and a ping of the connection itself.

use h2::{Ping, client};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::body::Body;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::service_fn;

use chancery::model::check::SocketProbe;

use super::beside;
use super::dialler::{DialError, Dialler, host_and_port};
use super::trust::Alpn;

#[derive(Debug, thiserror::Error)]
pub enum Http2Error {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("HTTP/2 failed: {0}")]
    Http(#[from] hyper::Error),
    #[error("HTTP/2 failed: {0}")]
    Http2(#[from] h2::Error),
    #[error("the address cannot be that of a gRPC server: {0}")]
    Authority(#[from] http::Error),
    #[error("it answered {:?}: {}", .0.code(), .0.message())]
    Grpc(#[from] tonic::Status),
    #[error("it says {0}")]
    NotServing(&'static str),
}

/// A stream of either kind.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Asks the server how the service is, or, with an empty name, how the server itself is.
pub async fn grpc(server: &SocketProbe, service: &str, dialler: &Dialler) -> Result<(), Http2Error> {
    let stream = open(server, dialler).await?;
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let scheme = if server.tls.is_some() { "https" } else { "http" };
    let origin = http::Uri::builder().scheme(scheme).authority(server.address.as_str()).path_and_query("/").build()?;
    let ask = async {
        let send = service_fn(move |request: http::Request<Body>| {
            let mut sender: SendRequest<Body> = sender.clone();
            async move { sender.send_request(request).await }
        });
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = HealthClient::with_origin(send, origin).check(request).await?.into_inner();
        match answer.status() {
            ServingStatus::Serving => Ok(()),
            other => Err(Http2Error::NotServing(other.as_str_name())),
        }
    };
    beside(connection, ask).await
}

/// That the server answers a ping.
pub async fn ping(probe: &SocketProbe, dialler: &Dialler) -> Result<(), Http2Error> {
    let stream = open(probe, dialler).await?;
    // while there is a sender, the connection stays open
    let (_sender, mut connection) = client::handshake(stream).await?;
    let mut pings = connection.ping_pong();
    let ask = async {
        match &mut pings {
            Some(pings) => pings.ping(Ping::opaque()).await.map(|_| ()).map_err(Http2Error::from),
            // it is there until somebody takes it, and nobody has
            None => Ok(()),
        }
    };
    beside(connection, ask).await
}

async fn open(probe: &SocketProbe, dialler: &Dialler) -> Result<Box<dyn Stream>, DialError> {
    let (host, port) = host_and_port(&probe.address)?;
    let stream = dialler.connect(host, port).await?;
    match &probe.tls {
        None => Ok(Box::new(stream)),
        Some(tls) => Ok(Box::new(dialler.secure(stream, host, tls, Alpn::Http2).await?)),
    }
}
