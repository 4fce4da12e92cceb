//! Writes to the server under test over its HTTP API: few connections, kept open.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::SwarmError;

/// A write that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request, without an address.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    pub method: Method,
    pub path: String,
    /// Empty when null.
    pub body: Value,
}

#[derive(Clone, Debug)]
pub struct Api {
    /// `host:port`.
    address: String,
    /// In front of each path.
    prefix: String,
    token: Option<String>,
}

impl Api {
    /// # Errors
    /// When `url` is no address of an HTTP server without TLS.
    pub fn new(url: &str, token: Option<String>) -> Result<Self, SwarmError> {
        let wrong = || SwarmError::Usage(format!("expected host:port or http://host:port, got {url:?}"));
        let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = full.parse().map_err(|_| wrong())?;
        let address = uri.authority().filter(|authority| authority.port().is_some()).ok_or_else(wrong)?.to_string();
        if uri.scheme_str() != Some("http") {
            return Err(wrong());
        }
        Ok(Self { address, prefix: uri.path().trim_end_matches('/').to_owned(), token })
    }

    /// # Errors
    /// When nobody listens there.
    pub async fn connect(&self) -> Result<ApiConnection, SwarmError> {
        let unreachable = |reason: String| SwarmError::Unreachable { address: self.address.clone(), reason };
        let socket = TcpStream::connect(&self.address).await.map_err(|error| unreachable(error.to_string()))?;
        socket.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(socket)).await.map_err(|error| unreachable(error.to_string()))?;
        // what breaks the connection is told by the request as well
        tokio::spawn(async move { _ = connection.await });
        Ok(ApiConnection { api: self.clone(), sender })
    }

    /// Makes all calls over `connections` connections, each taking the next when it is done with one.
    ///
    /// # Errors
    /// The first that occurs; the rest is not sent.
    pub async fn call_all(
        &self,
        calls: impl Iterator<Item = Call> + Send + 'static,
        connections: usize,
        done: impl Fn() + Clone + Send + 'static,
    ) -> Result<(), SwarmError> {
        let calls = std::sync::Arc::new(std::sync::Mutex::new(calls));
        let mut workers: tokio::task::JoinSet<Result<(), SwarmError>> = tokio::task::JoinSet::new();
        for _ in 0..connections {
            let mut connection = self.connect().await?;
            let (calls, done) = (std::sync::Arc::clone(&calls), done.clone());
            workers.spawn(async move {
                loop {
                    let call = super::stream::lock(&calls).next();
                    let Some(call) = call else { return Ok(()) };
                    connection.call(&call).await?;
                    done();
                }
            });
        }
        while let Some(worker) = workers.join_next().await {
            worker.map_err(|error| SwarmError::Usage(error.to_string()))??;
        }
        Ok(())
    }
}

pub struct ApiConnection {
    api: Api,
    sender: SendRequest<Full<Bytes>>,
}

impl ApiConnection {
    /// The body of the answer.
    ///
    /// # Errors
    /// When there is no answer, or a refusal.
    pub async fn call(&mut self, call: &Call) -> Result<Bytes, SwarmError> {
        Ok(self.answer(call).await?.into_body())
    }

    /// # Errors
    /// When there is no answer, or a refusal.
    pub async fn answer(&mut self, call: &Call) -> Result<Response<Bytes>, SwarmError> {
        let path = format!("{}{}", self.api.prefix, call.path);
        let name = format!("{} {path}", call.method);
        let failed = |reason: String| SwarmError::Refused { call: name.clone(), reason };
        let mut request = Request::builder().method(&call.method).uri(&path).header(header::HOST, &self.api.address);
        if let Some(token) = &self.api.token {
            request = request.header("x-consul-token", token);
        }
        let body = if call.body.is_null() { String::new() } else { call.body.to_string() };
        let request = request.body(Full::from(body)).map_err(|error| failed(error.to_string()))?;
        let exchange = async {
            self.sender.ready().await?;
            let (head, body) = self.sender.send_request(request).await?.into_parts();
            Ok::<_, hyper::Error>(Response::from_parts(head, body.collect().await?.to_bytes()))
        };
        let answer = tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| failed(format!("no answer within {} s", PATIENCE.as_secs())))?
            .map_err(|error| failed(error.to_string()))?;
        if !answer.status().is_success() {
            let text = String::from_utf8_lossy(answer.body());
            return Err(failed(format!("{} {}", answer.status().as_u16(), text.trim())));
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_with_and_without_a_scheme_and_with_a_path() {
        let api = Api::new("127.0.0.1:8500", None).expect("an address");
        assert_eq!((api.address.as_str(), api.prefix.as_str()), ("127.0.0.1:8500", ""));
        let api = Api::new("http://localhost:1/change/", None).expect("an address");
        assert_eq!((api.address.as_str(), api.prefix.as_str()), ("localhost:1", "/change"));
        for wrong in ["https://a:1", "localhost", "http://a", ""] {
            assert!(Api::new(wrong, None).is_err(), "{wrong:?}");
        }
    }
}
