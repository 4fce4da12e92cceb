//! The connection of one simulated Envoy: HTTP/2 with a single stream, as cheap as it can be, because it takes its time
//! from the same processor as a server on the same machine.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use h2::client::{Connection, ResponseFuture};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::board::Board;
use super::content::Contents;
use super::envoy::{Dialect, Envoy, Received, Unreadable};
use super::mark::Marks;
use super::messages::Kind;

/// What Envoy lets a server send ahead: 16 MiB on a stream, 24 MiB on a connection.
const WINDOWS: (u32, u32) = (16 << 20, 24 << 20);

/// Where the Envoys connect to, and how.
pub struct Target {
    pub address: SocketAddr,
    pub dialect: Dialect,
    pub token: Option<String>,
    /// Permits to be connecting: a server's queue of connections it has not accepted yet is short.
    pub connecting: Semaphore,
}

/// What an Envoy keeps when its stream ends.
pub struct Memory {
    pub envoy: Envoy,
    /// The changes it has heard of.
    pub marks: Marks,
}

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
pub enum StreamEnd {
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    #[error("{0}")]
    Http2(#[from] h2::Error),
    #[error("the request cannot be made: {0}")]
    Request(#[from] http::Error),
    #[error("the server ended the stream: {0}")]
    Ended(String),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// One Envoy at its place on the board.
pub struct Speaker<'a> {
    pub at: usize,
    pub target: &'a Target,
    pub board: &'a Board,
    pub memory: &'a Mutex<Memory>,
    /// Shared by those on the same thread.
    pub contents: &'a Mutex<Contents>,
}

impl Speaker<'_> {
    /// Connects and talks until the stream ends; says why it did.
    pub async fn talk(&self, node: Bytes) -> StreamEnd {
        match self.try_talk(node).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn try_talk(&self, node: Bytes) -> Result<std::convert::Infallible, StreamEnd> {
        let Ok(permit) = self.target.connecting.acquire().await else {
            return Err(StreamEnd::Ended("the swarm is over".to_owned()));
        };
        let socket = TcpStream::connect(self.target.address).await?;
        socket.set_nodelay(true)?;
        let (mut sender, connection) = h2::client::Builder::new()
            .initial_window_size(WINDOWS.0)
            .initial_connection_window_size(WINDOWS.1)
            .enable_push(false)
            .handshake(socket)
            .await?;
        let (response, mut requests) = sender.send_request(self.target.request()?, false)?;
        for request in lock(self.memory).envoy.open(node) {
            requests.send_data(request, false)?;
        }
        let mut line = Line { connection, unsent: false };
        let mut body = line.response(response).await?;
        drop(permit);
        self.board.accepted(self.at);
        let mut framing = Framing::default();
        loop {
            let data = line.data(&mut body, || self.board.acknowledged(self.at)).await?;
            self.board.places[self.at].may_read().await;
            body.flow_control().release_capacity(data.len())?;
            self.board.totals.bytes.fetch_add(data.len() as u64, Relaxed);
            framing.push(data);
            while let Some(message) = framing.next() {
                line.unsent |= self.answer(message, &mut requests)?;
            }
        }
    }

    /// True when it was what the round waits for.
    fn answer(&self, message: Bytes, requests: &mut SendStream<Bytes>) -> Result<bool, StreamEnd> {
        let mut memory = lock(self.memory);
        let received = memory.envoy.receive(message, &mut lock(self.contents))?;
        let before = memory.marks.clone();
        if let Some(marks) = newest_marks(&received) {
            memory.marks = marks;
        }
        let totals = &self.board.totals;
        totals.responses.fetch_add(1, Relaxed);
        totals.resources.fetch_add(received.resources as u64, Relaxed);
        totals.resource_bytes.fetch_add(received.resource_bytes as u64, Relaxed);
        let awaited = self.board.hear(self.at, received.kind, received.resources, &before, &memory.marks);
        for request in received.requests {
            requests.send_data(request, false)?;
        }
        if memory.envoy.is_in_sync() {
            self.board.in_sync(self.at);
        }
        Ok(awaited)
    }
}

impl Target {
    fn request(&self) -> Result<Request<()>, http::Error> {
        let mut request = Request::post(format!("http://{}{}", self.address, self.dialect.path()))
            .header("te", "trailers")
            .header("content-type", "application/grpc");
        if let Some(token) = &self.token {
            request = request.header("x-consul-token", token);
        }
        request.body(())
    }
}

fn newest_marks(received: &Received) -> Option<Marks> {
    if received.kind != Kind::Endpoint {
        return None;
    }
    let marks = received.contents.iter().filter_map(|content| content.marks.as_deref());
    marks.rev().find(|marks| **marks != Marks::default()).cloned()
}

/// The connection, driven by whoever waits on it.
struct Line {
    connection: Connection<TcpStream, Bytes>,
    /// The acknowledgement that the round waits for has been made, and not yet written.
    unsent: bool,
}

impl Line {
    async fn response(&mut self, mut response: ResponseFuture) -> Result<RecvStream, StreamEnd> {
        let response = poll_fn(|cx| {
            let ended = self.drive(cx);
            match Future::poll(std::pin::Pin::new(&mut response), cx) {
                Poll::Ready(response) => Poll::Ready(response.map_err(StreamEnd::from)),
                Poll::Pending => ended.map(Err),
            }
        })
        .await?;
        if response.status() != http::StatusCode::OK || response.headers().contains_key("grpc-status") {
            return Err(StreamEnd::Ended(format!("HTTP {}, {}", response.status().as_u16(), grpc(response.headers()))));
        }
        Ok(response.into_body())
    }

    async fn data(&mut self, body: &mut RecvStream, sent: impl Fn()) -> Result<Bytes, StreamEnd> {
        let data = poll_fn(|cx| {
            let ended = self.drive(cx);
            if std::mem::take(&mut self.unsent) {
                sent();
            }
            match body.poll_data(cx) {
                Poll::Ready(data) => Poll::Ready(data.transpose().map_err(StreamEnd::from)),
                Poll::Pending => ended.map(Err),
            }
        })
        .await?;
        if let Some(data) = data {
            return Ok(data);
        }
        let trailers = poll_fn(|cx| {
            let ended = self.drive(cx);
            match body.poll_trailers(cx) {
                Poll::Ready(trailers) => Poll::Ready(trailers.map_err(StreamEnd::from)),
                Poll::Pending => ended.map(Err),
            }
        })
        .await?;
        Err(StreamEnd::Ended(trailers.map_or_else(|| "no status".to_owned(), |trailers| grpc(&trailers))))
    }

    /// Reads what came and writes what waits. Ready when the connection is over.
    fn drive(&mut self, cx: &mut Context<'_>) -> Poll<StreamEnd> {
        let end = ready!(Future::poll(std::pin::Pin::new(&mut self.connection), cx));
        Poll::Ready(match end {
            Ok(()) => StreamEnd::Ended("the connection was closed".to_owned()),
            Err(error) => error.into(),
        })
    }
}

fn grpc(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("none");
    format!("gRPC status {}, {}", text("grpc-status"), text("grpc-message"))
}

pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Cuts the bytes of a body into gRPC messages. What comes in one piece is not copied.
#[derive(Default)]
struct Framing {
    piece: Bytes,
    /// The beginning of a message whose rest is still to come.
    begun: BytesMut,
}

impl Framing {
    const PREFIX: usize = 5;

    fn push(&mut self, data: Bytes) {
        if self.begun.is_empty() {
            self.piece = data;
        } else {
            self.begun.extend_from_slice(&data);
        }
    }

    /// To be asked until there is no more.
    fn next(&mut self) -> Option<Bytes> {
        if !self.begun.is_empty() {
            let len = Self::len_of_message(&self.begun)?;
            let message = self.begun.split_to(Self::PREFIX + len).freeze().slice(Self::PREFIX..);
            // whole messages may follow in the same buffer; cut from it without another copy
            self.piece = std::mem::take(&mut self.begun).freeze();
            return Some(message);
        }
        let Some(len) = Self::len_of_message(&self.piece) else {
            self.begun.extend_from_slice(&std::mem::take(&mut self.piece));
            return None;
        };
        self.piece.advance(Self::PREFIX);
        Some(self.piece.split_to(len))
    }

    /// Nothing when it is not complete.
    fn len_of_message(bytes: &[u8]) -> Option<usize> {
        let prefix = bytes.get(1..Self::PREFIX)?;
        let len = u32::from_be_bytes(prefix.try_into().ok()?) as usize;
        (bytes.len() >= Self::PREFIX + len).then_some(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_the_same_wherever_the_pieces_end() {
        let messages: [&[u8]; 4] = [b"one", b"", b"a longer message", b"x"];
        let mut wire = Vec::new();
        for message in messages {
            wire.push(0);
            wire.extend_from_slice(&u32::try_from(message.len()).expect("short").to_be_bytes());
            wire.extend_from_slice(message);
        }
        for size in 1..=wire.len() {
            let mut framing = Framing::default();
            let mut cut: Vec<Bytes> = Vec::new();
            for piece in wire.chunks(size) {
                framing.push(Bytes::copy_from_slice(piece));
                while let Some(message) = framing.next() {
                    cut.push(message);
                }
            }
            assert_eq!(cut, messages, "pieces of {size} bytes");
        }
    }
}
