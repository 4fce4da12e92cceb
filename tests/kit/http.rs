//! The smallest HTTP client that the suites need: one connection per call, bodies as JSON or text.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any answer takes, blocking reads aside.
const PATIENCE: Duration = Duration::from_secs(20);

/// One server, by address.
#[derive(Clone, Debug)]
pub struct Client {
    address: String,
    patience: Duration,
}

/// What the server said.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Client {
    /// `address` as `host:port`.
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into(), patience: PATIENCE }
    }

    /// For calls whose failure shall be seen soon.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// # Errors
    /// No connection, or no whole answer in time.
    pub async fn get(&self, path: &str) -> io::Result<Answer> {
        self.call(Method::GET, path, Bytes::new()).await
    }

    /// # Errors
    /// As [`Self::get`].
    pub async fn put(&self, path: &str, body: &Value) -> io::Result<Answer> {
        self.call(Method::PUT, path, body.to_string().into()).await
    }

    /// A PUT without a body.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn poke(&self, path: &str) -> io::Result<Answer> {
        self.call(Method::PUT, path, Bytes::new()).await
    }

    /// # Errors
    /// As [`Self::get`].
    pub async fn delete(&self, path: &str) -> io::Result<Answer> {
        self.call(Method::DELETE, path, Bytes::new()).await
    }

    /// The JSON of a read that must succeed.
    ///
    /// # Panics
    /// When it does not.
    pub async fn json(&self, path: &str) -> Value {
        self.get(path).await.unwrap_or_else(|error| panic!("GET {path}: {error}")).expect_ok(path).json()
    }

    /// The text of a read that must succeed.
    ///
    /// # Panics
    /// When it does not.
    pub async fn text(&self, path: &str) -> String {
        self.get(path).await.unwrap_or_else(|error| panic!("GET {path}: {error}")).expect_ok(path).text()
    }

    async fn call(&self, method: Method, path: &str, body: Bytes) -> io::Result<Answer> {
        timeout(self.patience, self.exchange(method, path, body))
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time")))
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> io::Result<Answer> {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let driver = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.address);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body)).map_err(io::Error::other)?;
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        driver.abort();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// # Panics
    /// When the body is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// # Panics
    /// When the status is not 2xx, with the body, which says why.
    pub fn expect_ok(self, what: &str) -> Self {
        assert!(self.status.is_success(), "{what}: {} {}", self.status, self.text());
        self
    }
}
