//! The floor: a server that does nothing but send constant bytes to every stream of ADS, over the same gRPC library and
//! through the same kind of body as Chancery. No server can be faster on these libraries; how close Chancery comes is what
//! the figures in `benches/README.md` say.
//!
//! `floor <xds address> <trigger address>`, made for `chancery swarm --setup none --trigger http://<trigger address>`.

mod responses;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;

use responses::Responses;
use stream::{Discovery, Pushed};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct Endpoint {
    slot: usize,
    port: u16,
}

#[derive(Deserialize)]
struct MeshWide {
    milliseconds: u32,
}

#[derive(Clone)]
struct Trigger {
    responses: Arc<Responses>,
    pushed: Arc<watch::Sender<Pushed>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut addresses = std::env::args().skip(1).map(|address| address.parse::<SocketAddr>());
    let (Some(xds), Some(trigger)) = (addresses.next().transpose()?, addresses.next().transpose()?) else {
        return Err("usage: floor <xds address> <trigger address>".into());
    };
    let responses = Arc::new(Responses::new());
    let (pushed, pushes) = watch::channel(Pushed::default());
    let state = Trigger { responses: Arc::clone(&responses), pushed: Arc::new(pushed) };
    let routes = Router::new().route("/endpoint", get(endpoint)).route("/mesh-wide", get(mesh_wide)).with_state(state);
    let listener = TcpListener::bind(trigger).await?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let listener = listen(xds)?;
    tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .add_service(Discovery { responses, pushes })
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await?;
    Ok(())
}

/// A storm of connections waits in the kernel's queue rather than being dropped, which would cost a client a second.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4096)
}

/// Sends everybody an assignment with one more endpoint, or another port in the place that the slot had.
async fn endpoint(State(trigger): State<Trigger>, Query(change): Query<Endpoint>) {
    let message = trigger.responses.endpoint(change.slot, change.port);
    trigger.pushed.send_modify(|pushed| pushed.endpoint = Some(message));
}

/// Sends everybody a cluster that has changed.
async fn mesh_wide(State(trigger): State<Trigger>, Query(change): Query<MeshWide>) {
    let message = trigger.responses.cluster(change.milliseconds);
    trigger.pushed.send_modify(|pushed| pushed.cluster = Some(message));
}
