//! Requests written by hand: paths and headers that a well-behaved client would not send.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    pub status: u16,
    /// The head, in lower case.
    pub head: String,
    pub body: String,
}

impl Reply {
    /// What [`crate::app::App`] says it was asked with; null when it was somebody else who answered.
    pub fn told(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// Sends exactly this path and these headers to a port of the loopback.
///
/// # Errors
/// When there is no answer in time, or none that looks like HTTP.
pub async fn send(port: u16, method: &str, path: &str, headers: &[(&str, &str)]) -> io::Result<Reply> {
    send_after("", port, method, path, headers).await
}

/// The same, after something else.
///
/// # Errors
/// As [`send`].
pub async fn send_after(
    first: &str,
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<Reply> {
    timeout(PATIENCE, exchange(first, port, method, path, headers)).await.map_err(io::Error::other)?
}

async fn exchange(first: &str, port: u16, method: &str, path: &str, headers: &[(&str, &str)]) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!("{first}{method} {path} HTTP/1.1\r\nhost: backend\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    // an Envoy that answers by itself closes a second later than it could
    while !is_whole(&bytes) && stream.read_buf(&mut bytes).await? > 0 {}
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| io::Error::other(format!("no head: {text:?}")))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no status: {head:?}")))?;
    Ok(Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
}

/// As far as a length was told; without one the end of the connection is the end.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}
