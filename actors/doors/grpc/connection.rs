//! A client's connection, with a way to close it. A client that does not read cannot be told so, and the server asks the
//! body of a stream for nothing while the client has no room; what is left is to hang up.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tonic::transport::server::Connected;

pub(super) struct Connection<S> {
    socket: S,
    closed: Option<oneshot::Receiver<()>>,
    hangup: Hangup,
}

/// Closes one connection, with all its streams; requests carry it in their extensions.
#[derive(Clone)]
pub(super) struct Hangup(Arc<Mutex<Option<oneshot::Sender<()>>>>);

impl Hangup {
    pub fn hang_up(&self) {
        if let Some(close) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            _ = close.send(());
        }
    }
}

impl<S> Connection<S> {
    pub fn new(socket: S) -> Self {
        let (close, closed) = oneshot::channel();
        Self { socket, closed: Some(closed), hangup: Hangup(Arc::new(Mutex::new(Some(close)))) }
    }
}

impl<S> Connected for Connection<S> {
    type ConnectInfo = Hangup;

    fn connect_info(&self) -> Hangup {
        self.hangup.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(closed) = &mut self.closed
            && Pin::new(closed).poll(cx).is_ready()
        {
            self.closed = None;
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the client does not read")));
        }
        Pin::new(&mut self.socket).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
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
