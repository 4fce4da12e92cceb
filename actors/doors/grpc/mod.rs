//! The gRPC door: xDS for Envoy and gRPC clients, with reflection and health for whoever debugs it.

mod ads;
mod body;
mod node;

use std::future::Future;
use std::time::Duration;

use chancery::model::NodeName;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

pub use ads::AggregatedDiscovery;

use crate::xds_stream::Streams;

/// Finds clients that vanished without a word: a ping each 30 s, 10 s for its answer.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));

/// Envoy without ADS opens a stream per cluster and route, so their number on one connection is hardly limited.
const MAX_STREAMS_PER_CONNECTION: u32 = 100_000;

/// Serves until `shutdown` is over, then finishes what is open.
pub async fn serve(
    streams: Streams,
    own_node: NodeName,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), tonic::transport::Error> {
    let (health_reporter, health) = tonic_health::server::health_reporter();
    health_reporter
        .set_service_status("envoy.service.discovery.v3.AggregatedDiscoveryService", tonic_health::ServingStatus::Serving)
        .await;
    let mut server = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE.0))
        .http2_keepalive_timeout(Some(KEEPALIVE.1))
        .max_concurrent_streams(Some(MAX_STREAMS_PER_CONNECTION))
        .tcp_nodelay(true)
        .add_service(AggregatedDiscovery::new(streams, own_node))
        .add_service(health);
    match reflection() {
        Ok(reflection) => server = server.add_service(reflection),
        Err(error) => tracing::error!(%error, "gRPC reflection is off"),
    }
    server.serve_with_incoming_shutdown(TcpListenerStream::new(listener), shutdown).await
}

fn reflection() -> Result<
    tonic_reflection::server::v1::ServerReflectionServer<impl tonic_reflection::server::v1::ServerReflection>,
    tonic_reflection::server::Error,
> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(chancery::canonical::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("envoy.service.discovery.v3.AggregatedDiscoveryService")
        .with_service_name("grpc.health.v1.Health")
        .build_v1()
}
