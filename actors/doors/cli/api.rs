//! A client of the agent's HTTP API: one connection per request, answers as JSON.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Runtime;

use super::error::CliError;
use super::flags::HttpAddress;

/// No command blocks on purpose, so an agent that is silent this long is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct AgentApi {
    pub address: HttpAddress,
    token: Option<String>,
    datacenter: Option<String>,
    runtime: Runtime,
}

/// Parameters of a request, not yet encoded.
pub(super) type Query<'a> = [(&'a str, &'a str)];

impl AgentApi {
    pub fn new(address: HttpAddress, token: Option<String>, datacenter: Option<String>) -> Result<Self, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(CliError::system("cannot start a runtime"))?;
        Ok(Self { address, token, datacenter, runtime })
    }

    /// The answer to a GET.
    pub fn get(&self, path: &str, query: &Query<'_>) -> Result<Value, CliError> {
        self.call(&Method::GET, path, query, None)
    }

    /// The answer to a GET, or nothing where the agent says 404.
    pub fn find(&self, path: &str, query: &Query<'_>) -> Result<Option<Value>, CliError> {
        match self.get(path, query) {
            Err(CliError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    pub fn put(&self, path: &str, query: &Query<'_>, body: Option<&Value>) -> Result<Value, CliError> {
        self.call(&Method::PUT, path, query, body)
    }

    pub fn delete(&self, path: &str, query: &Query<'_>) -> Result<Value, CliError> {
        self.call(&Method::DELETE, path, query, None)
    }

    /// An empty body is `null`.
    fn call(&self, method: &Method, path: &str, query: &Query<'_>, body: Option<&Value>) -> Result<Value, CliError> {
        let target = self.target(path, query);
        let name = format!("{method} {target}");
        let misread = |reason: String| CliError::Misread { request: name.clone(), reason };
        let request = self.request(method, &target, body);
        let request =
            request.map_err(|error| CliError::usage(format!("cannot ask {name} with this token: {error}")))?;
        let (status, answer) = self
            .runtime
            .block_on(async { tokio::time::timeout(PATIENCE, self.send(request)).await })
            .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
            .map_err(|reason| CliError::Unreachable { address: self.address.to_string(), reason })?;
        if !status.is_success() {
            let body = String::from_utf8_lossy(&answer).trim().to_owned();
            return Err(CliError::Refused { status, body });
        }
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).map_err(|error| misread(error.to_string()))
    }

    fn target(&self, path: &str, query: &Query<'_>) -> String {
        let datacenter = self.datacenter.as_deref().map(|name| ("dc", name));
        let parameters = query.iter().copied().chain(datacenter);
        let parameters: Vec<String> =
            parameters.map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        if parameters.is_empty() { path.to_owned() } else { format!("{path}?{}", parameters.join("&")) }
    }

    fn request(
        &self,
        method: &Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let host = match &self.address {
            HttpAddress::Tcp(address) => address.as_str(),
            HttpAddress::Unix(_) => "localhost",
        };
        let mut request = Request::builder().method(method).uri(target).header(header::HOST, host);
        if let Some(token) = &self.token {
            request = request.header("x-consul-token", token);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(Full::from(body.map(Value::to_string).unwrap_or_default()))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), String> {
        match &self.address {
            HttpAddress::Tcp(address) => {
                let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
                exchange(stream, request).await
            }
            HttpAddress::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(|error| error.to_string())?;
                exchange(stream, request).await
            }
        }
    }
}

async fn exchange<Stream>(stream: Stream, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), String>
where
    Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // what breaks the connection is told by the request as well
    let driver = tokio::spawn(async move { _ = connection.await });
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    let answer: Result<_, hyper::Error> = answer.await;
    driver.abort();
    answer.map_err(|error| error.to_string())
}

/// A name as one segment of a path or one value of a query.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use serde_json::json;

    use super::{AgentApi, percent_encoded};
    use crate::doors::cli::flags::HttpAddress;

    /// Answers one request with the given text and returns what was asked.
    fn scripted(answer: &'static str) -> (AgentApi, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = HttpAddress::Tcp(listener.local_addr().expect("it is bound").to_string());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("one client");
            let mut asked = vec![0; 4096];
            let length = stream.read(&mut asked).expect("a request");
            stream.write_all(answer.as_bytes()).expect("the client reads");
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        (AgentApi::new(address, Some("t0ken".to_owned()), Some("dc 2".to_owned())).expect("a runtime"), server)
    }

    #[test]
    fn a_request_carries_token_and_datacenter() {
        let (api, server) = scripted("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue");
        let answer = api.put("/v1/config", &[("cas", "7")], Some(&json!({ "Kind": "mesh" }))).expect("it is accepted");
        assert_eq!(answer, json!(true));
        let asked = server.join().expect("the server ends").to_lowercase();
        assert!(asked.starts_with("put /v1/config?cas=7&dc=dc%202 http/1.1"), "{asked}");
        assert!(asked.contains("x-consul-token: t0ken"), "{asked}");
    }

    #[test]
    fn a_refusal_shows_status_and_body() {
        let (api, server) = scripted("HTTP/1.1 400 Bad Request\r\ncontent-length: 8\r\n\r\nno name\n");
        let told = api.get("/v1/config/mesh", &[]).expect_err("it is refused").to_string();
        assert_eq!(told, "Unexpected response code: 400 (no name)");
        drop(server);
    }

    #[test]
    fn nothing_found_is_not_an_error_where_it_is_expected() {
        let (api, server) = scripted("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(api.find("/v1/config/mesh/mesh", &[]).expect("404 is an answer"), None);
        drop(server);
    }

    #[test]
    fn an_agent_that_does_not_run_is_named() {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it is bound");
        let api = AgentApi::new(HttpAddress::Tcp(free.to_string()), None, None).expect("a runtime");
        let told = api.get("/v1/status/leader", &[]).expect_err("nothing listens").to_string();
        assert!(told.starts_with(&format!("Error connecting to Chancery agent: http://{free}: ")), "{told}");
        assert!(told.ends_with(": is it running?"), "{told}");
    }

    #[test]
    fn names_are_encoded_for_a_url() {
        assert_eq!(percent_encoded("web-1.a_b~c"), "web-1.a_b~c");
        assert_eq!(percent_encoded("a/b *ü"), "a%2Fb%20%2A%C3%BC");
    }
}
