//! Applications of the mesh, inside the test: each answers with its name.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Map, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const LOOPBACK: &str = "127.0.0.1";

/// A server on a port of the loopback, gone when dropped.
pub struct App {
    pub name: String,
    pub port: u16,
    state: Arc<State>,
    server: JoinHandle<()>,
}

struct State {
    name: String,
    /// What is answered in place of its name.
    content: Option<Bytes>,
    healthy: AtomicBool,
    failing: AtomicU8,
    calls: AtomicU64,
}

/// Which calls fail, those of `/health` not counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failing {
    Never = 0,
    /// With 503.
    EveryOther = 1,
    /// With 503.
    Always = 2,
    /// Calls are taken, and never answered.
    ToAnswer = 3,
}

impl App {
    /// Answers each HTTP request with `{"app": its name, "path": …, "headers": what it was asked with}`; `/health` with 200 or 503.
    ///
    /// # Panics
    /// When there is no port to be had.
    pub async fn http(name: &str) -> Self {
        Self::over_http(LOOPBACK, name, None).await
    }

    /// The same at another address of this machine.
    ///
    /// # Panics
    /// When there is no port to be had there.
    pub async fn http_at(address: &str, name: &str) -> Self {
        Self::over_http(address, name, None).await
    }

    /// Answers each HTTP request with `content`.
    ///
    /// # Panics
    /// When there is no port to be had.
    pub async fn http_of(name: &str, content: impl Into<Bytes>) -> Self {
        Self::over_http(LOOPBACK, name, Some(content.into())).await
    }

    async fn over_http(address: &str, name: &str, content: Option<Bytes>) -> Self {
        Self::serve(address, name, content, |stream, state| async move {
            let service = service_fn(move |request| {
                let answer = answer(&request, &state);
                let silent = state.failing.load(Ordering::Relaxed) == Failing::ToAnswer as u8;
                async move {
                    if silent {
                        std::future::pending::<()>().await;
                    }
                    Ok::<_, Infallible>(answer)
                }
            });
            // a client that goes away is nobody's fault
            _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        })
        .await
    }

    /// Reads something from each connection, writes its name, and closes it. It does not speak first: Envoy's RBAC of a
    /// TCP listener decides when the client has.
    ///
    /// # Panics
    /// When there is no port to be had.
    pub async fn tcp(name: &str) -> Self {
        Self::serve(LOOPBACK, name, None, |mut stream, state| async move {
            state.calls.fetch_add(1, Ordering::Relaxed);
            _ = stream.read(&mut [0; 64]).await;
            _ = stream.write_all(state.name.as_bytes()).await;
            _ = stream.shutdown().await;
        })
        .await
    }

    async fn serve<F>(
        address: &str,
        name: &str,
        content: Option<Bytes>,
        handle: impl Fn(TcpStream, Arc<State>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((address, 0)).await.expect("the address has a free port");
        let port = listener.local_addr().expect("a listener has an address").port();
        let (healthy, failing, calls) = (AtomicBool::new(true), AtomicU8::new(0), AtomicU64::new(0));
        let state = Arc::new(State { name: name.to_owned(), content, healthy, failing, calls });
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(handle(stream, Arc::clone(&shared)));
            }
        });
        Self { name: name.to_owned(), port, state, server }
    }

    /// What `/health` says from now on.
    pub fn set_healthy(&self, healthy: bool) {
        self.state.healthy.store(healthy, Ordering::Relaxed);
    }

    pub fn set_failing(&self, failing: Failing) {
        self.state.failing.store(failing as u8, Ordering::Relaxed);
    }

    /// Calls answered so far, those of `/health` not counted.
    pub fn calls(&self) -> u64 {
        self.state.calls.load(Ordering::Relaxed)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn answer(request: &Request<Incoming>, state: &State) -> Response<Full<Bytes>> {
    if request.uri().path() == "/health" {
        let healthy = state.healthy.load(Ordering::Relaxed);
        let mut response = Response::new(Full::default());
        *response.status_mut() = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        return response;
    }
    let number = state.calls.fetch_add(1, Ordering::Relaxed);
    let failing = state.failing.load(Ordering::Relaxed);
    if failing == Failing::Always as u8 || (failing == Failing::EveryOther as u8 && number.is_multiple_of(2)) {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        return response;
    }
    if let Some(content) = &state.content {
        return Response::new(Full::new(content.clone()));
    }
    let mut headers = Map::new();
    for name in request.headers().keys() {
        let values = request.headers().get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        headers.insert(name.to_string(), values.collect::<Vec<_>>().join(", ").into());
    }
    let path = request.uri().to_string();
    Response::new(Full::from(json!({ "app": state.name, "path": path, "headers": headers }).to_string()))
}
