//! The smallest mesh: `frontend` reaches instances of `backend` through two Envoys, which an agent configures.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::agent::Agent;
use crate::app::App;
use crate::envoy::Envoy;
use crate::http::{Answer, Client};
use crate::ports::free_port;
use crate::raw::{self, Reply};
use crate::wait::eventually;

/// A call through the mesh that takes longer has failed.
const CALL_PATIENCE: Duration = Duration::from_secs(3);
/// Longer than a health check's interval.
const CHANGE_PATIENCE: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    Tcp,
    Http,
}

/// How the agent learns whether an instance is well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watched {
    /// It does not, and takes it to be.
    Not,
    /// It asks the application once a second.
    Http,
    /// The application tells it: `service:<id>`.
    Ttl,
}

pub struct Mesh {
    pub frontend: Envoy,
    pub backends: Vec<Instance>,
    /// Where `frontend` finds `backend`.
    pub upstream: Upstream,
    protocol: Protocol,
    _frontend_app: App,
    /// Last, because its folder holds the logs of the others.
    pub agent: Agent,
}

/// One instance of `backend`: the application and its sidecar.
pub struct Instance {
    pub id: String,
    pub app: App,
    pub envoy: Envoy,
}

#[derive(Clone, Debug)]
pub enum Upstream {
    Port(u16),
    Socket(PathBuf),
}

/// Answers by application; failures under the empty name.
pub type Tally = BTreeMap<String, usize>;

impl Mesh {
    pub async fn http() -> Self {
        Self::on(Agent::dev().await, Protocol::Http).await
    }

    pub async fn tcp() -> Self {
        Self::on(Agent::dev().await, Protocol::Tcp).await
    }

    /// With one instance, reached over a port of the loopback.
    pub async fn on(agent: Agent, protocol: Protocol) -> Self {
        Self::with_upstream(agent, protocol, Upstream::Port(free_port())).await
    }

    /// With one instance, reached by `upstream`.
    pub async fn with_upstream(agent: Agent, protocol: Protocol, upstream: Upstream) -> Self {
        Self::with_bootstrap(agent, protocol, upstream, |_| ()).await
    }

    /// The same, after `edit` has changed the bootstrap of the frontend's Envoy.
    pub async fn with_bootstrap(
        agent: Agent,
        protocol: Protocol,
        upstream: Upstream,
        edit: impl FnOnce(&mut Value),
    ) -> Self {
        if protocol == Protocol::Http {
            let entry = json!({ "Kind": "service-defaults", "Name": "backend", "Protocol": "http" });
            agent.put("/v1/config", entry).await;
        }
        let first = Instance::start(&agent, "backend-1", protocol, Watched::Not).await;
        let app = App::http("frontend").await;
        agent.put("/v1/agent/service/register", frontend(app.port, &upstream)).await;
        let frontend = Envoy::sidecar_edited(&agent, "frontend", &[], edit).await;
        let mesh = Self { agent, frontend, backends: vec![first], upstream, protocol, _frontend_app: app };
        mesh.until("the first call to succeed", async |mesh| mesh.call().await.is_ok()).await;
        mesh
    }

    /// One more instance, with its own Envoy; waits until calls reach it.
    pub async fn add_backend(&mut self, id: &str, watched: Watched) {
        let instance = Instance::start(&self.agent, id, self.protocol, watched).await;
        if watched == Watched::Ttl {
            self.agent.http.poke(&format!("/v1/agent/check/pass/service:{id}")).await.expect("a report is taken");
        }
        self.backends.push(instance);
        self.until(&format!("calls to reach {id}"), async |mesh| mesh.tally(12).await.contains_key(id)).await;
    }

    pub fn backend(&self, id: &str) -> &Instance {
        self.backends.iter().find(|instance| instance.id == id).unwrap_or_else(|| panic!("there is no {id}"))
    }

    /// One call through the mesh: the name of the application that answered.
    ///
    /// # Errors
    /// Whatever a client of the mesh would see, a status that is not 200 included.
    pub async fn call(&self) -> io::Result<String> {
        call(self.protocol, &self.upstream).await
    }

    /// One HTTP call through the mesh.
    ///
    /// # Errors
    /// When there is no answer.
    ///
    /// # Panics
    /// When the upstream is a socket.
    pub async fn http_call(&self) -> io::Result<Answer> {
        let Upstream::Port(port) = self.upstream else { panic!("HTTP is spoken over ports here") };
        http_call(port).await
    }

    /// One HTTP request through the mesh, sent as it is written here.
    ///
    /// # Errors
    /// When there is no answer.
    ///
    /// # Panics
    /// When the upstream is a socket.
    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> io::Result<Reply> {
        let Upstream::Port(port) = self.upstream else { panic!("HTTP is spoken over ports here") };
        raw::send(port, method, path, headers).await
    }

    /// Makes calls, one after the other.
    pub async fn tally(&self, calls: usize) -> Tally {
        let mut tally = Tally::new();
        for _ in 0..calls {
            *tally.entry(self.call().await.unwrap_or_default()).or_default() += 1;
        }
        tally
    }

    /// Looks until `condition` is true.
    pub async fn until(&self, what: &str, mut condition: impl AsyncFnMut(&Self) -> bool) {
        eventually(what, CHANGE_PATIENCE, async || condition(self).await.then_some(())).await;
    }

    /// Allows or denies that `frontend` calls `backend`.
    pub async fn set_intention(&self, action: &str) {
        let path = "/v1/connect/intentions/exact?source=frontend&destination=backend";
        self.agent.put(path, json!({ "Action": action })).await;
    }

    pub async fn remove_intention(&self) {
        self.agent.delete("/v1/connect/intentions/exact?source=frontend&destination=backend").await;
    }

    /// All Envoys.
    pub fn envoys(&self) -> impl Iterator<Item = &Envoy> {
        std::iter::once(&self.frontend).chain(self.backends.iter().map(|instance| &instance.envoy))
    }

    /// Until every change that was written before has reached all whom it concerns, and every stream has acknowledged all
    /// that it was sent.
    pub async fn settle(&self) {
        self.until("all proxies to be in sync", async |mesh| {
            // a proxy is in sync too as long as it has not heard of a change
            let changes = mesh.agent.http.json("/admin/changes").await;
            let arrived = changes.as_array().is_some_and(|list| list.iter().all(|change| change["converged"] == true));
            let proxies = mesh.agent.http.json("/admin/proxies").await;
            let proxies = proxies.as_array().cloned().unwrap_or_default();
            arrived && proxies.len() >= mesh.envoys().count() && proxies.iter().all(in_sync)
        })
        .await;
    }

    /// The end of every test: nothing that any Envoy was sent may have been refused.
    pub async fn finish(self) {
        for envoy in self.envoys() {
            envoy.assert_no_rejections().await;
        }
        let metrics = self.agent.http.text("/metrics").await;
        let refused: Vec<&str> = metrics.lines().filter(|line| line.starts_with("chancery_xds_nacks_total{")).collect();
        assert!(refused.iter().all(|line| line.ends_with(" 0")), "the agent counted refusals: {refused:?}");
    }
}

fn in_sync(proxy: &Value) -> bool {
    proxy["synced"] == true && proxy["streams"].as_array().is_some_and(|streams| !streams.is_empty())
}

impl Instance {
    /// Starts the application, registers it with a sidecar, and starts that.
    pub async fn start(agent: &Agent, id: &str, protocol: Protocol, watched: Watched) -> Self {
        let app = match protocol {
            Protocol::Http => App::http(id).await,
            Protocol::Tcp => App::tcp(id).await,
        };
        agent.put("/v1/agent/service/register", backend(id, app.port, watched)).await;
        let envoy = Envoy::sidecar_for(agent, id).await;
        Self { id: id.to_owned(), app, envoy }
    }
}

fn backend(id: &str, port: u16, watched: Watched) -> Value {
    let checks = match watched {
        Watched::Not => json!([]),
        Watched::Http => json!([{ "HTTP": format!("http://127.0.0.1:{port}/health"), "Interval": "1s" }]),
        Watched::Ttl => json!([{ "TTL": "10m" }]),
    };
    json!({
        "ID": id,
        "Name": "backend",
        "Port": port,
        "Checks": checks,
        "Meta": { "instance": id },
        // as well as its service; the default, a look at its port every ten seconds, would only make tests wait
        "Connect": { "SidecarService": { "Port": free_port(), "Checks": [{ "Name": "its service", "AliasService": id }] } }
    })
}

fn frontend(port: u16, upstream: &Upstream) -> Value {
    let upstream = match upstream {
        Upstream::Port(port) => json!({ "DestinationName": "backend", "LocalBindPort": port }),
        Upstream::Socket(path) => json!({ "DestinationName": "backend", "LocalBindSocketPath": path }),
    };
    json!({
        "Name": "frontend",
        "Port": port,
        "Connect": { "SidecarService": { "Port": free_port(), "Proxy": { "Upstreams": [upstream] } } }
    })
}

/// One call, as an application beside the sidecar makes it.
///
/// # Errors
/// Whatever it would see.
pub async fn call(protocol: Protocol, upstream: &Upstream) -> io::Result<String> {
    match (protocol, upstream) {
        (Protocol::Http, Upstream::Port(port)) => {
            let answer = http_call(*port).await?;
            let name = answer.status.is_success().then(|| answer.json()["app"].as_str().map(str::to_owned)).flatten();
            name.ok_or_else(|| io::Error::other(format!("{} {}", answer.status, answer.text())))
        }
        (_, Upstream::Port(port)) => ask(TcpStream::connect(("127.0.0.1", *port)).await?).await,
        (_, Upstream::Socket(path)) => ask(UnixStream::connect(path).await?).await,
    }
}

async fn http_call(port: u16) -> io::Result<Answer> {
    Client::new(format!("127.0.0.1:{port}")).with_patience(CALL_PATIENCE).get("/").await
}

/// Says something, and reads until the other side closes; nothing at all is a failure.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<String> {
    let mut text = String::new();
    stream.write_all(b"who is there?").await?;
    timeout(CALL_PATIENCE, stream.read_to_string(&mut text)).await.map_err(io::Error::other)??;
    if text.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(text) }
}

/// A client that keeps calling until it is asked how that went.
pub struct Caller {
    stop: tokio::sync::oneshot::Sender<()>,
    task: tokio::task::JoinHandle<(usize, Vec<String>)>,
}

impl Caller {
    /// Calls without pause, one call at a time.
    pub fn start(mesh: &Mesh) -> Self {
        let (protocol, upstream) = (mesh.protocol, mesh.upstream.clone());
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let (mut calls, mut failures) = (0, Vec::new());
            while stopped.try_recv().is_err() {
                calls += 1;
                if let Err(error) = call(protocol, &upstream).await {
                    failures.push(error.to_string());
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            (calls, failures)
        });
        Self { stop, task }
    }

    /// The number of calls made.
    ///
    /// # Panics
    /// When one of them failed.
    pub async fn expect_no_failure(self) -> usize {
        _ = self.stop.send(());
        let (calls, failures) = self.task.await.expect("the caller does not panic");
        assert!(
            failures.is_empty(),
            "{} of {calls} calls failed: {:?}",
            failures.len(),
            &failures[..failures.len().min(5)]
        );
        calls
    }
}
