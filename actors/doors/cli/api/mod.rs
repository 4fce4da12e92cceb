//! A client of the agent's HTTP API: one connection per request, answers as JSON or as they come.

mod address;
mod connection;
mod tls;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::error::CliError;
pub(super) use address::HttpAddress;
use connection::Tls;
pub(super) use tls::TlsFiles;

/// Unless a request blocks on purpose, an agent that is silent this long is stuck.
const PATIENCE: Duration = Duration::from_secs(60);
/// After this a person at a terminal is told what is awaited.
const TOLD_AFTER: Duration = Duration::from_secs(2);

/// Who asks, and which part of the world.
#[derive(Clone, Default)]
pub(super) struct Scope {
    pub token: Option<String>,
    /// `user:password`, for a proxy in front of the agent.
    pub basic: Option<String>,
    /// Parameters of every request: `dc`, `ns`, `partition`, `stale`.
    pub parameters: Vec<(&'static str, String)>,
}

pub(super) struct AgentApi {
    pub address: HttpAddress,
    tls: Option<Tls>,
    scope: Scope,
    runtime: Runtime,
}

/// Parameters of a request, not yet encoded.
pub(super) type Query<'a> = [(&'a str, &'a str)];

/// What an agent that did it answered.
pub(super) struct Answer {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl AgentApi {
    pub fn new(address: HttpAddress, tls: &TlsFiles, scope: Scope) -> Result<Self, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(CliError::system("cannot start a runtime"))?;
        let tls = match address {
            HttpAddress::Tcp { tls: true, .. } => {
                let server_name = tls.server_name.clone().unwrap_or_else(|| address.host().to_owned());
                Some(Tls { config: tls.config()?, server_name })
            }
            _ => None,
        };
        Ok(Self { address, tls, scope, runtime })
    }

    /// The answer to a GET.
    pub fn get(&self, path: &str, query: &Query<'_>) -> Result<Value, CliError> {
        self.json(&Method::GET, path, query, Bytes::new())
    }

    /// The answer to a GET, or nothing where the agent says 404.
    pub fn find(&self, path: &str, query: &Query<'_>) -> Result<Option<Value>, CliError> {
        match self.get(path, query) {
            Err(CliError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    pub fn put(&self, path: &str, query: &Query<'_>, body: Option<&Value>) -> Result<Value, CliError> {
        self.json(&Method::PUT, path, query, body.map(Value::to_string).unwrap_or_default().into())
    }

    /// A PUT of bytes as they are.
    pub fn put_bytes(&self, path: &str, query: &Query<'_>, body: Bytes) -> Result<Value, CliError> {
        self.json(&Method::PUT, path, query, body)
    }

    pub fn delete(&self, path: &str, query: &Query<'_>) -> Result<Value, CliError> {
        self.json(&Method::DELETE, path, query, Bytes::new())
    }

    /// The answer to a GET as it comes.
    pub fn fetch(&self, path: &str, query: &Query<'_>) -> Result<Answer, CliError> {
        self.call(&Method::GET, path, query, Bytes::new(), Patience::Short)
    }

    /// The answer to a GET that blocks for up to `longest`. What is not there may come: it is an empty answer.
    pub fn wait(&self, path: &str, query: &Query<'_>, longest: Duration) -> Result<Answer, CliError> {
        self.call(&Method::GET, path, query, Bytes::new(), Patience::Blocking(longest))
    }

    /// Reads an answer that need not end, piece by piece, until it ends or `take` has had enough of it.
    pub fn follow(
        &self,
        path: &str,
        query: &Query<'_>,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), CliError> {
        self.runtime.block_on(async {
            let answer = self.ask(&Method::GET, path, query, Bytes::new(), Patience::Short).await?;
            let Some(mut body) = answer.body else { return Ok(()) };
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|error| self.unreachable(error.to_string()))?;
                if let Some(piece) = frame.data_ref() {
                    take(piece)?;
                }
            }
            Ok(())
        })
    }

    /// Waits, and tells whether somebody pressed Ctrl-C meanwhile.
    pub fn interrupted_within(&self, time: Duration) -> bool {
        self.runtime.block_on(async {
            tokio::select! {
                () = tokio::time::sleep(time) => false,
                pressed = tokio::signal::ctrl_c() => pressed.is_ok(),
            }
        })
    }

    /// An empty body is `null`.
    fn json(&self, method: &Method, path: &str, query: &Query<'_>, body: Bytes) -> Result<Value, CliError> {
        self.call(method, path, query, body, Patience::Short)?.json(&format!("{method} {path}"))
    }

    fn call(
        &self,
        method: &Method,
        path: &str,
        query: &Query<'_>,
        body: Bytes,
        patience: Patience,
    ) -> Result<Answer, CliError> {
        let asked = async {
            let answer = self.ask(method, path, query, body, patience).await?;
            let body = match answer.body {
                Some(body) => body.collect().await.map_err(|error| self.unreachable(error.to_string()))?.to_bytes(),
                None => Bytes::new(),
            };
            Ok(Answer { headers: answer.headers, body })
        };
        let longest = match patience {
            Patience::Short => PATIENCE,
            Patience::Blocking(longest) => longest,
        };
        self.runtime.block_on(async {
            let told = async {
                tokio::time::sleep(TOLD_AFTER).await;
                if io::stderr().is_terminal() && matches!(patience, Patience::Short) {
                    eprintln!("waiting for {} ...", self.address);
                }
                std::future::pending().await
            };
            tokio::select! {
                answer = tokio::time::timeout(longest, asked) => answer.unwrap_or_else(|_| {
                    Err(self.unreachable(format!("no answer within {} s", longest.as_secs())))
                }),
                never = told => never,
            }
        })
    }

    /// The answer's head was read and is a success, or says that there is nothing yet where that is waited for.
    async fn ask(
        &self,
        method: &Method,
        path: &str,
        query: &Query<'_>,
        body: Bytes,
        patience: Patience,
    ) -> Result<Opened, CliError> {
        let target = self.target(path, query);
        let request = self.request(method, &target, body);
        let request = request
            .map_err(|error| CliError::usage(format!("cannot ask {method} {target} with this token: {error}")))?;
        let sent = connection::send(&self.address, self.tls.as_ref(), request).await;
        let (head, body) = sent.map_err(|reason| self.unreachable(reason))?.into_parts();
        if head.status.is_success() {
            return Ok(Opened { headers: head.headers, body: Some(body) });
        }
        let nothing_yet = head.status == StatusCode::NOT_FOUND && head.headers.contains_key("x-consul-index");
        if nothing_yet && matches!(patience, Patience::Blocking(_)) {
            return Ok(Opened { headers: head.headers, body: None });
        }
        let told = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        Err(CliError::Refused { status: head.status, body: String::from_utf8_lossy(&told).trim().to_owned() })
    }

    fn unreachable(&self, reason: String) -> CliError {
        CliError::Unreachable { address: self.address.to_string(), reason }
    }

    fn target(&self, path: &str, query: &Query<'_>) -> String {
        let scope = self.scope.parameters.iter().map(|(name, value)| (*name, value.as_str()));
        let parameters: Vec<String> = query
            .iter()
            .copied()
            .chain(scope)
            .map(|(name, value)| match value {
                "" => name.to_owned(),
                value => format!("{name}={}", percent_encoded(value)),
            })
            .collect();
        let path = format!("{}{path}", self.address.prefix());
        if parameters.is_empty() { path } else { format!("{path}?{}", parameters.join("&")) }
    }

    fn request(&self, method: &Method, target: &str, body: Bytes) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut request = Request::builder().method(method).uri(target).header(header::HOST, self.address.authority());
        if let Some(token) = &self.scope.token {
            request = request.header("x-consul-token", token);
        }
        if let Some(basic) = &self.scope.basic {
            request = request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(basic)));
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(Full::from(body))
    }
}

/// An answer whose head has been read.
struct Opened {
    headers: HeaderMap,
    body: Option<Incoming>,
}

/// How long an answer may take.
#[derive(Clone, Copy)]
enum Patience {
    Short,
    /// The agent holds it back until there is news.
    Blocking(Duration),
}

impl Answer {
    /// An empty body is `null`. `request` is for the one who reads the error.
    pub fn json(&self, request: &str) -> Result<Value, CliError> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| CliError::Misread { request: request.to_owned(), reason: error.to_string() })
    }
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

    use super::{AgentApi, HttpAddress, Scope, TlsFiles, percent_encoded};

    fn of(address: &str) -> AgentApi {
        let scope = Scope {
            token: Some("t0ken".to_owned()),
            basic: Some("user:pass".to_owned()),
            parameters: vec![("dc", "dc 2".to_owned())],
        };
        let address = HttpAddress::parse(address, false).expect("it is an address");
        AgentApi::new(address, &TlsFiles::default(), scope).expect("a runtime")
    }

    /// Answers one request with the given text and returns what was asked.
    fn scripted(answer: &'static str) -> (AgentApi, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("one client");
            let mut asked = vec![0; 4096];
            let length = stream.read(&mut asked).expect("a request");
            stream.write_all(answer.as_bytes()).expect("the client reads");
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        (of(&format!("http://{address}/consul/")), server)
    }

    #[test]
    fn a_request_carries_token_and_datacenter() {
        let (api, server) = scripted("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue");
        let answer = api.put("/v1/config", &[("cas", "7")], Some(&json!({ "Kind": "mesh" }))).expect("it is accepted");
        assert_eq!(answer, json!(true));
        let asked = server.join().expect("the server ends").to_lowercase();
        assert!(asked.starts_with("put /consul/v1/config?cas=7&dc=dc%202 http/1.1"), "{asked}");
        assert!(asked.contains("x-consul-token: t0ken"), "{asked}");
        assert!(asked.contains("authorization: basic dxnlcjpwyxnz"), "{asked}");
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
        let api = of(&free.to_string());
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
