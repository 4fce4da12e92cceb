//! Each connection is served on a thread of the actors, so that a stream's actor and the socket it writes to share one:
//! what is sent crosses no thread, and nobody has to be woken for it. Connections take the threads in turn.

use std::future::Future;
use std::io;

use actix::ArbiterHandle;
use futures_util::future::join_all;
use futures_util::stream::Stream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::service::Routes;
use tonic::transport::{Error, Server};

use super::connection::Connection;

/// Accepted connections that wait for their thread.
const UNSERVED: usize = 1024;

type Accepted = io::Result<std::net::TcpStream>;

/// Serves until `shutdown` is over, then finishes what is open. Without arbiters: on the caller's thread.
pub(super) async fn serve(
    server: Server,
    routes: &Routes,
    arbiters: &[ArbiterHandle],
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let mut accepted = TcpListenerStream::new(listener);
    if arbiters.is_empty() {
        let connections = accepted.map(|socket| connection(socket?));
        return on_this_thread(server, routes.clone(), connections, shutdown).await;
    }
    let (threads, ends): (Vec<_>, Vec<_>) =
        arbiters.iter().map(|arbiter| on_thread(arbiter, server.clone(), routes.clone())).unzip();
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
fn on_thread(
    arbiter: &ArbiterHandle,
    server: Server,
    routes: Routes,
) -> (mpsc::Sender<Accepted>, oneshot::Receiver<Result<(), Error>>) {
    let (sender, receiver) = mpsc::channel::<Accepted>(UNSERVED);
    let (end, ended) = oneshot::channel();
    arbiter.spawn(async move {
        let connections =
            ReceiverStream::new(receiver).map(|socket| socket.and_then(TcpStream::from_std).and_then(connection));
        _ = end.send(on_this_thread(server, routes, connections, std::future::pending()).await);
    });
    (sender, ended)
}

async fn on_this_thread(
    mut server: Server,
    routes: Routes,
    connections: impl Stream<Item = io::Result<Connection>>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    server.add_routes(routes).serve_with_incoming_shutdown(connections, shutdown).await
}

fn connection(socket: TcpStream) -> io::Result<Connection> {
    socket.set_nodelay(true)?;
    Ok(Connection::new(socket))
}
