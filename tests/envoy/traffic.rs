//! Constant load: clients that keep their connections and never pause for long, and count what they see.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONNECTION, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// A call that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(2);
/// As many failures of one kind are told in full.
const TOLD: usize = 5;

pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Seen>>,
}

/// What clients saw.
#[derive(Default)]
pub(crate) struct Seen {
    pub requests: usize,
    pub connections: usize,
    /// By kind, each with its moment since the traffic began.
    pub failures: BTreeMap<String, Vec<Duration>>,
}

impl Traffic {
    pub fn start(clients: usize, port: u16) -> Self {
        let (stop, began) = (Arc::new(AtomicBool::new(false)), Instant::now());
        let client = |_| tokio::spawn(client(port, began, Arc::clone(&stop)));
        Self { clients: (0..clients).map(client).collect(), stop }
    }

    pub async fn stop(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Seen::default();
        for client in self.clients {
            let seen = client.await.expect("a client does not panic");
            all.requests += seen.requests;
            all.connections += seen.connections;
            for (kind, moments) in seen.failures {
                all.failures.entry(kind).or_default().extend(moments);
            }
        }
        all
    }
}

async fn client(port: u16, began: Instant, stop: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen::default();
    let mut kept = None;
    while !stop.load(Ordering::Relaxed) {
        let connection = match kept.take() {
            Some(connection) => Ok(connection),
            None => {
                seen.connections += 1;
                open(port).await
            }
        };
        let outcome = match connection {
            Ok(connection) => timeout(PATIENCE, call(connection)).await.unwrap_or(Outcome::Failed("no answer".into())),
            Err(error) => Outcome::Failed(format!("no connection: {error}")),
        };
        match outcome {
            // the server closed the connection while it was idle: nothing was asked
            Outcome::NotSent => continue,
            Outcome::Answered(connection) => kept = connection,
            Outcome::Failed(kind) => seen.failures.entry(kind).or_default().push(began.elapsed()),
        }
        seen.requests += 1;
        sleep(PAUSE).await;
    }
    seen
}

type Connection = SendRequest<Empty<Bytes>>;

enum Outcome {
    /// With the connection, unless the server asked to leave it.
    Answered(Option<Connection>),
    NotSent,
    Failed(String),
}

async fn open(port: u16) -> Result<Connection, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn call(mut connection: Connection) -> Outcome {
    let request = Request::get("/").header(HOST, "backend").body(Empty::new()).expect("a request");
    let response = match connection.send_request(request).await {
        Ok(response) => response,
        Err(error) if error.is_canceled() => return Outcome::NotSent,
        Err(error) => return Outcome::Failed(format!("no response: {error}")),
    };
    let (head, body) = response.into_parts();
    match body.collect().await {
        Err(error) => Outcome::Failed(format!("{} with half a body: {error}", head.status)),
        Ok(body) if !head.status.is_success() => {
            Outcome::Failed(format!("{} {}", head.status, String::from_utf8_lossy(&body.to_bytes())))
        }
        Ok(_) => {
            let leave = head.headers.get(CONNECTION).is_some_and(|value| value.as_bytes() == b"close");
            Outcome::Answered((!leave).then_some(connection))
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed: usize = self.failures.values().map(Vec::len).sum();
        write!(out, "{} requests on {} connections, {failed} failed", self.requests, self.connections)?;
        for (kind, moments) in &self.failures {
            write!(out, "\n  {} × {kind}, after {:?}", moments.len(), &moments[..moments.len().min(TOLD)])?;
        }
        Ok(())
    }
}
