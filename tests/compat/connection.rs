//! One connection, kept alive over a whole scenario.

use std::io::Read as _;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn index(&self) -> u64 {
        self.header("x-consul-index").and_then(|index| index.parse().ok()).expect("X-Consul-Index on every read")
    }
}

impl Connection {
    pub async fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the agent listens");
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        // ends when the sender is dropped
        tokio::spawn(driver);
        Self { sender }
    }

    /// Bodies go as curl sends them: with the content type of a form.
    pub async fn send(&mut self, method: Method, path: &str, body: impl Into<Bytes>) -> Reply {
        self.send_with(method, path, &[], body).await
    }

    /// The same, with further headers.
    pub async fn send_with(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let body = body.into();
        let mut request = Request::builder().method(method).uri(path).header(HOST, "agent");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Full::new(body)).unwrap_or_else(|error| panic!("{path}: {error}"));
        self.sender.ready().await.expect("the connection stays open");
        let response = self.sender.send_request(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let body = match head.headers.get(CONTENT_ENCODING) {
            Some(_) if body.is_empty() => String::new(),
            Some(encoding) if encoding == "gzip" => unpacked(&body),
            Some(other) => panic!("{path}: an encoding that was not asked for: {other:?}"),
            None => String::from_utf8_lossy(&body).into_owned(),
        };
        Reply { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// The status, or nothing where the connection was not taken.
    pub async fn try_get(&mut self, path: &str) -> Option<u16> {
        let request = Request::builder().uri(path).header(HOST, "agent").body(Full::default()).expect("a request");
        self.sender.ready().await.ok()?;
        Some(self.sender.send_request(request).await.ok()?.status().as_u16())
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path, "").await
    }

    /// A write that must succeed.
    pub async fn put(&mut self, path: &str, body: &'static str) {
        let reply = self.send(Method::PUT, path, body).await;
        assert_eq!(reply.status, 200, "PUT {path}: {}", reply.body);
    }
}

fn unpacked(body: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(body).read_to_string(&mut text).expect("gzip");
    text
}
