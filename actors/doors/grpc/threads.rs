//! Each connection is served on a thread of the actors, so that a stream's actor and the socket it writes to share one:
//! what is sent crosses no thread, and nobody has to be woken for it. Connections take the threads in turn; with TLS, they
//! are decrypted there, too.

use std::future::Future;
use std::io;
use std::time::Duration;

use actix::ArbiterHandle;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::service::Routes;
use tonic::transport::{Error, Server};

use super::connection::Connection;
use crate::doors::listening::{Certificate, shake_hands};

/// Accepted connections that wait for their thread.
const UNSERVED: usize = 1024;
/// Clients of one thread that may be at their handshake at a time.
const SHAKING: usize = 256;
/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(5);

type Accepted = io::Result<std::net::TcpStream>;

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Door {
    pub server: Server,
    pub routes: Routes,
    /// Of TLS; `None`: plaintext.
    pub certificate: Option<Certificate>,
}

/// Serves until `shutdown` is over, then finishes what is open. Without arbiters: on the caller's thread.
pub(super) async fn serve(
    door: &Door,
    arbiters: &[ArbiterHandle],
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let mut accepted = TcpListenerStream::new(listener);
    if arbiters.is_empty() {
        return on_this_thread(door.clone(), accepted, shutdown).await;
    }
    let (threads, ends): (Vec<_>, Vec<_>) = arbiters.iter().map(|arbiter| on_thread(arbiter, door.clone())).unzip();
    let deal = async {
        for thread in threads.iter().cycle() {
            let Some(socket) = accepted.next().await else { return };
            if thread.send(socket.and_then(TcpStream::into_std)).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = deal => {}
        () = shutdown => {}
    }
    drop(threads);
    join_all(ends).await.into_iter().flatten().collect()
}

/// Serves the connections that are sent, on the arbiter's thread, until the sender is dropped and they are finished.
fn on_thread(arbiter: &ArbiterHandle, door: Door) -> (mpsc::Sender<Accepted>, oneshot::Receiver<Result<(), Error>>) {
    let (sender, receiver) = mpsc::channel::<Accepted>(UNSERVED);
    let (end, ended) = oneshot::channel();
    arbiter.spawn(async move {
        let sockets = ReceiverStream::new(receiver).map(|socket| socket.and_then(TcpStream::from_std));
        _ = end.send(on_this_thread(door, sockets, std::future::pending()).await);
    });
    (sender, ended)
}

async fn on_this_thread(
    door: Door,
    sockets: impl Stream<Item = io::Result<TcpStream>>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let Door { server, routes, certificate } = door;
    let sockets = sockets.map(|socket| {
        let socket = socket?;
        socket.set_nodelay(true)?;
        Ok(socket)
    });
    match certificate {
        None => serve_all(server, routes, sockets, shutdown).await,
        Some(certificate) => serve_all(server, routes, Box::pin(shaken(certificate, sockets)), shutdown).await,
    }
}

async fn serve_all<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    mut server: Server,
    routes: Routes,
    sockets: impl Stream<Item = io::Result<S>>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let connections = sockets.map(|socket| socket.map(Connection::new));
    server.add_routes(routes).serve_with_incoming_shutdown(connections, shutdown).await
}

/// Those whose handshake was made. They are made beside each other, so that a client that is slow at it holds up nobody.
fn shaken(
    certificate: Certificate,
    sockets: impl Stream<Item = io::Result<TcpStream>>,
) -> impl Stream<Item = io::Result<TlsStream<TcpStream>>> {
    let shake = move |socket: io::Result<TcpStream>| {
        let acceptor = certificate.acceptor();
        async move {
            let socket = match socket {
                Ok(socket) => socket,
                Err(error) => return Some(Err(error)),
            };
            let caller = socket.peer_addr().ok();
            shake_hands(&acceptor, socket, &caller, PATIENCE).await.map(Ok)
        }
    };
    sockets.map(shake).buffer_unordered(SHAKING).filter_map(std::future::ready)
}
