//! The gRPC door: xDS for Envoy and gRPC clients, with reflection and health for whoever debugs it.
//!
//! | file | what it is |
//! |---|---|
//! | `services.rs` | the table of discovery services |
//! | `discovery.rs` | all of them, as one tower service |
//! | `request.rs`, `node.rs` | what a client says, and who it is |
//! | `incoming.rs`, `body.rs`, `connection.rs` | messages in, messages out, and the socket below |
//! | `threads.rs` | which thread serves which connection |
//! | `load_report.rs` | what clients report of their load (LRS) |
//! | `client_status.rs`, `node_matcher.rs` | what clients were sent and accepted (CSDS) |

mod body;
mod client_status;
mod connection;
mod discovery;
mod incoming;
mod load_report;
mod node;
mod node_matcher;
mod request;
mod services;
mod threads;

use std::future::Future;

use axum::routing::any;
use chancery::model::NodeName;
use envoy_types::pb::envoy::service::status::v3::client_status_discovery_service_server::ClientStatusDiscoveryServiceServer;
use tokio::net::TcpListener;
use tonic::Status;
use tonic::service::Routes;

use client_status::ClientStatus;
use discovery::DiscoveryService;
use load_report::LoadReporting;
use services::DISCOVERY;
use threads::Door;

use crate::doors::listening::Certificate;
use crate::loads::Loads;
use crate::xds_stream::Streams;

/// Envoy without ADS opens a stream per cluster and route, so their number on one connection is hardly limited.
const MAX_STREAMS_PER_CONNECTION: u32 = 100_000;

const CLIENT_STATUS: &str = "envoy.service.status.v3.ClientStatusDiscoveryService";

/// What the door serves from.
#[derive(Clone)]
pub struct GrpcParts {
    pub streams: Streams,
    pub loads: Loads,
    /// Of proxies that do not name theirs.
    pub own_node: NodeName,
}

/// Serves until `shutdown` is over, then finishes what is open; with TLS where there is a certificate.
pub async fn serve(
    parts: GrpcParts,
    listener: TcpListener,
    certificate: Option<Certificate>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), tonic::transport::Error> {
    let (health_reporter, health) = tonic_health::server::health_reporter();
    for service in services() {
        health_reporter.set_service_status(service, tonic_health::ServingStatus::Serving).await;
    }
    let mut routes = routes(&parts).add_service(health);
    match reflection() {
        Ok(reflection) => routes = routes.add_service(reflection),
        Err(error) => tracing::error!(%error, "gRPC reflection is off"),
    }
    let settings = parts.streams.settings();
    let server = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(settings.keepalive_interval))
        .http2_keepalive_timeout(Some(settings.keepalive_timeout))
        .max_concurrent_streams(Some(MAX_STREAMS_PER_CONNECTION));
    let door = Door { server, routes, certificate };
    threads::serve(&door, parts.streams.cells().arbiters(), listener, shutdown).await
}

/// Our own services, each at its name.
fn services() -> impl Iterator<Item = &'static str> {
    DISCOVERY.iter().map(|discovery| discovery.service).chain([load_report::SERVICE, CLIENT_STATUS])
}

fn routes(parts: &GrpcParts) -> Routes {
    let mut router = axum::Router::new().fallback(async || {
        Status::unimplemented("there is no such service; reflection lists those there are")
            .into_http::<axum::body::Body>()
    });
    for discovery in &DISCOVERY {
        let GrpcParts { streams, own_node, .. } = parts.clone();
        let service = DiscoveryService { discovery, streams, own_node };
        let call = async move |request| service.open(request).await.unwrap_or_else(Status::into_http);
        router = router.route(&format!("/{}/{{method}}", discovery.service), any(call));
    }
    let service = LoadReporting(parts.clone());
    let call = async move |request| service.open(request).await.unwrap_or_else(Status::into_http);
    router = router.route(&format!("/{}/{{method}}", load_report::SERVICE), any(call));
    Routes::from(router)
        .add_service(ClientStatusDiscoveryServiceServer::new(ClientStatus { streams: parts.streams.clone() }))
}

fn reflection() -> Result<
    tonic_reflection::server::v1::ServerReflectionServer<impl tonic_reflection::server::v1::ServerReflection>,
    tonic_reflection::server::Error,
> {
    let mut builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(chancery::canonical::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    for service in services() {
        builder = builder.with_service_name(service);
    }
    builder.build_v1()
}
