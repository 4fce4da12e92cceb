//! A port. What one client may hold of it is counted over all ports that share a limit.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use dashmap::DashMap;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::Caller;

/// Connections that may wait to be accepted. A shorter queue overflows when a whole mesh comes back at once, and who
/// finds it full tries again only after a second.
const BACKLOG: u32 = 4096;
/// Said to a client that has all connections it may have.
const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
/// How long it may take to hear it.
const HEARING: Duration = Duration::from_millis(100);

/// How many connections one address may hold at a time.
#[derive(Clone, Default)]
pub struct ClientLimit(Arc<Held>);

#[derive(Default)]
struct Held {
    /// 0: as many as it likes.
    most: AtomicUsize,
    connections: DashMap<IpAddr, usize>,
}

impl ClientLimit {
    /// Holds for connections that come from now on; 0: no limit.
    pub fn set(&self, most: usize) {
        self.0.most.store(most, Ordering::Relaxed);
    }

    fn take(&self, client: IpAddr) -> Option<Permit> {
        let most = self.0.most.load(Ordering::Relaxed);
        let mut held = self.0.connections.entry(client).or_default();
        if most > 0 && *held >= most {
            return None;
        }
        *held += 1;
        Some(Permit { limit: self.clone(), client })
    }
}

/// One connection of a client.
struct Permit {
    limit: ClientLimit,
    client: IpAddr,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(mut held) = self.limit.0.connections.get_mut(&self.client) {
            *held -= 1;
        }
        self.limit.0.connections.remove_if(&self.client, |_, held| *held == 0);
    }
}

pub struct Port {
    listener: TcpListener,
    limit: ClientLimit,
}

impl Port {
    /// # Errors
    /// When the address is not this machine's, or somebody else has it.
    pub fn open(address: SocketAddr, limit: ClientLimit) -> io::Result<Self> {
        Ok(Self { listener: bind(address)?, limit })
    }
}

/// # Errors
/// As [`Port::open`].
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Listener for Port {
    type Io = Connection;
    type Addr = Caller;

    async fn accept(&mut self) -> (Connection, Caller) {
        loop {
            let (socket, address) = Listener::accept(&mut self.listener).await;
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps its delay");
            }
            // a client of IPv4 at a port of IPv6 is the same client
            let client = address.ip().to_canonical();
            match self.limit.take(client) {
                Some(permit) => return (Connection { socket, _permit: permit }, Caller::Remote(client)),
                None => refuse(socket),
            }
        }
    }

    fn local_addr(&self) -> io::Result<Caller> {
        self.listener.local_addr().map(|address| Caller::Remote(address.ip()))
    }
}

fn refuse(mut socket: TcpStream) {
    tokio::spawn(tokio::time::timeout(HEARING, async move {
        _ = socket.write_all(TOO_MANY).await;
        _ = socket.shutdown().await;
    }));
}

/// A connection, which counts as long as it lives.
pub struct Connection {
    socket: TcpStream,
    _permit: Permit,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, into)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_holds_no_more_than_it_may() {
        let limit = ClientLimit::default();
        let (a, b) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());
        let before = limit.take(a);
        limit.set(2);
        let second = limit.take(a);
        assert!(before.is_some() && second.is_some());
        assert!(limit.take(a).is_none() && limit.take(b).is_some());
        drop(second);
        assert!(limit.take(a).is_some(), "one was given back");
        drop(before);
        assert!(limit.0.connections.is_empty(), "who holds nothing is not remembered");
    }
}
