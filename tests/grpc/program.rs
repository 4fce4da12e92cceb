//! gRPC programs as child processes: a client that calls when it is told to, and servers.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use chancery_tests::agent::Agent;
use chancery_tests::ports::free_port;
use chancery_tests::process::Program;
use chancery_tests::setup::{on_path, root, skip};
use chancery_tests::wait::eventually;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

/// How long a change may take on a machine that also compiles.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The language whose gRPC library is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    Python,
    Node,
}

/// Who a program is to the control plane, and what TLS it brings.
pub struct Identity<'a> {
    pub id: &'a str,
    /// Its metadata asks to be served, registered or not.
    pub asks: bool,
    /// A folder with `cert.pem`, `key.pem` and `roots.pem`.
    pub certificates: Option<&'a Path>,
    /// Its region and zone.
    pub place: Option<(&'a str, &'a str)>,
}

impl<'a> Identity<'a> {
    /// Served because it asks.
    pub fn asking(id: &'a str) -> Self {
        Self { id, asks: true, certificates: None, place: None }
    }

    /// Served because it is registered with `Connect.Native`.
    pub fn native(id: &'a str) -> Self {
        Self { id, asks: false, certificates: None, place: None }
    }

    pub fn at(self, region: &'a str, zone: &'a str) -> Self {
        Self { place: Some((region, zone)), ..self }
    }

    pub fn with(self, certificates: &'a Path) -> Self {
        Self { certificates: Some(certificates), ..self }
    }

    /// The bootstrap of a gRPC library.
    fn bootstrap(&self, xds_port: u16) -> Value {
        let mut metadata = json!({});
        if self.asks {
            metadata["chancery-grpc"] = json!(true);
        }
        let mut bootstrap = json!({
            "xds_servers": [{
                "server_uri": format!("127.0.0.1:{xds_port}"),
                "channel_creds": [{"type": "insecure"}],
                "server_features": ["xds_v3"],
            }],
            "server_listener_resource_name_template": "grpc/server?xds.resource.listening_address=%s",
        });
        if let Some(folder) = self.certificates {
            metadata["chancery-certificate-provider"] = json!("mesh");
            metadata["chancery-ca-certificate-provider"] = json!("mesh");
            bootstrap["certificate_providers"] = json!({"mesh": {"plugin_name": "file_watcher", "config": {
                "certificate_file": folder.join("cert.pem"),
                "private_key_file": folder.join("key.pem"),
                "ca_certificate_file": folder.join("roots.pem"),
                "refresh_interval": "600s",
            }}});
        }
        let locality = self.place.map_or(json!({}), |(region, zone)| json!({"region": region, "zone": zone}));
        bootstrap["node"] = json!({"id": self.id, "cluster": "", "locality": locality, "metadata": metadata});
        bootstrap
    }
}

static INSTALLED: LazyLock<Result<(), String>> = LazyLock::new(|| {
    let output = Command::new(root().join("tests/grpc/setup")).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
});

/// Whether the language is there, with Python for the servers; installs its library. Says aloud what is missing.
///
/// # Panics
/// When something is missing and `CI` is set, or the libraries cannot be installed.
pub fn has(language: Language, test: &str) -> bool {
    let wanted: &[&str] = if language == Language::Node { &["python3", "node", "npm"] } else { &["python3"] };
    if let Some(missing) = wanted.iter().find(|program| on_path(program).is_none()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "{test}: there is no {missing}, and with CI set it may not be skipped"
        );
        skip(test, missing);
        return false;
    }
    if let Err(said) = &*INSTALLED {
        panic!("the gRPC libraries could not be installed: {said}");
    }
    true
}

fn python(script: &str) -> Command {
    let mut command = Command::new(root().join("target/tools/grpc-venv/bin/python"));
    command.arg(root().join("tests/grpc").join(script));
    command
}

/// A client that was given its target.
pub struct Client {
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Client {
    pub fn start(language: Language, agent: &Agent, identity: &Identity<'_>, target: &str) -> Self {
        Self::start_at(language, agent.grpc_port, identity, target)
    }

    /// One whose control plane is any that listens on this port of the loopback.
    pub fn start_at(language: Language, xds_port: u16, identity: &Identity<'_>, target: &str) -> Self {
        let mut command = match language {
            Language::Python => python("client.py"),
            Language::Node => {
                let mut command = Command::new("node");
                command.arg(root().join("tests/grpc/client.mjs"));
                command.env("GRPC_NODE", root().join("target/tools/grpc-node"));
                command
            }
        };
        command.arg(target).args(identity.certificates.map(|_| "tls"));
        command.env("GRPC_XDS_BOOTSTRAP_CONFIG", identity.bootstrap(xds_port).to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut command = tokio::process::Command::from(command);
        let mut child = command.kill_on_drop(true).spawn().expect("the client starts");
        let orders = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { _child: child, orders, answers }
    }

    /// One call: `ok TAG`, or `error CODE DETAILS`.
    pub async fn call(&mut self) -> String {
        self.call_within(PATIENCE).await
    }

    /// One call that has an answer soon.
    pub async fn call_now(&mut self) -> String {
        self.call_within(Duration::from_secs(5)).await
    }

    async fn call_within(&mut self, deadline: Duration) -> String {
        let order = format!("{}\n", deadline.as_secs());
        self.orders.write_all(order.as_bytes()).await.expect("the client listens");
        let answer = self.answers.next_line().await.expect("the client speaks");
        answer.expect("the client lives")
    }

    /// Calls until the answer begins so; returns it.
    pub async fn expect(&mut self, answer: &str) -> String {
        let mut last = String::new();
        let began = std::time::Instant::now();
        while began.elapsed() < PATIENCE {
            last = self.call().await;
            if last.starts_with(answer) {
                return last;
            }
        }
        panic!("waited in vain for {answer:?}; the last answer was {last:?}");
    }

    /// Calls until the answers of several calls in a row are these and no others.
    pub async fn expect_all(&mut self, tags: &[&str]) {
        let began = std::time::Instant::now();
        loop {
            let mut seen = std::collections::BTreeSet::new();
            for _ in 0..10 {
                seen.insert(self.call().await);
            }
            if seen.iter().map(String::as_str).eq(tags.iter().copied()) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "wanted {tags:?}, the last answers were {seen:?}");
        }
    }
}

/// A server that answers with its tag.
pub struct Server {
    pub port: u16,
    _program: Program,
}

impl Server {
    /// Plain gRPC that knows nothing of xDS.
    pub async fn plain(folder: &Path, tag: &str) -> Self {
        Self::start(folder, tag, "plain", None).await
    }

    /// One that takes calls as the control plane says. It is not up before the control plane wants it to be.
    pub async fn xds(agent: &Agent, identity: &Identity<'_>, tag: &str) -> Self {
        let mode = if identity.certificates.is_some() { "xds-tls" } else { "xds" };
        Self::start(agent.folder(), tag, mode, Some(identity.bootstrap(agent.grpc_port))).await
    }

    async fn start(folder: &Path, tag: &str, mode: &str, bootstrap: Option<Value>) -> Self {
        let port = free_port();
        let mut command = python("server.py");
        command.args([&format!("127.0.0.1:{port}"), tag, mode]);
        if let Some(bootstrap) = bootstrap {
            command.env("GRPC_XDS_BOOTSTRAP_CONFIG", bootstrap.to_string());
        }
        let program = Program::start(format!("server {tag}"), &mut command, &folder.join(format!("server-{tag}.log")));
        eventually("a server that has started", PATIENCE, async || program.log().contains("started").then_some(()))
            .await;
        Self { port, _program: program }
    }
}
