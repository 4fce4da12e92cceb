//! A running `chancery agent`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{Answer, Client};
use crate::ports::free_port;
use crate::process::Program;
use crate::setup;
use crate::wait::eventually;

/// Readiness is promised within two seconds; a machine that also compiles gets more.
const START_PATIENCE: Duration = Duration::from_secs(20);
const END_PATIENCE: Duration = Duration::from_secs(10);

pub struct Agent {
    pub http_port: u16,
    pub grpc_port: u16,
    pub http: Client,
    arguments: Vec<String>,
    /// Of commands that talk to it.
    environment: Vec<(&'static str, String)>,
    program: Program,
    folder: TempDir,
}

impl Agent {
    /// With its state in memory.
    pub async fn dev() -> Self {
        Self::start(&["-dev"]).await
    }

    /// With its state in a folder of its own, so that it survives [`Self::kill`] and [`Self::restart`].
    pub async fn durable() -> Self {
        Self::start(&["-data-dir", "{folder}/data"]).await
    }

    /// With further flags; `{folder}` in one stands for a folder that is gone with the agent.
    ///
    /// # Panics
    /// When it is not ready in time.
    pub async fn start(flags: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let (http_port, grpc_port) = (free_port(), free_port());
        let path = folder.path().to_string_lossy().into_owned();
        let mut arguments: Vec<String> = flags.iter().map(|flag| flag.replace("{folder}", &path)).collect();
        arguments.extend(["-node".into(), "n1".into(), "-bind".into(), "127.0.0.1".into()]);
        arguments.extend(["-http-port".into(), http_port.to_string()]);
        arguments.extend(["-grpc-port".into(), grpc_port.to_string()]);
        let program = Self::launch(&arguments, folder.path());
        let http = Client::new(format!("127.0.0.1:{http_port}"));
        let environment = Vec::new();
        let mut agent = Self { http_port, grpc_port, http, arguments, environment, program, folder };
        agent.wait_ready().await;
        agent
    }

    fn launch(arguments: &[String], folder: &Path) -> Program {
        let mut command = Command::new(setup::chancery());
        command.arg("agent").args(arguments);
        Program::start("chancery agent", &mut command, &folder.join("agent.log"))
    }

    /// Until it has a leader and a root certificate.
    ///
    /// # Panics
    /// When it ends, or takes too long.
    pub async fn wait_ready(&mut self) {
        let (http, program) = (self.http.clone(), &mut self.program);
        eventually("an agent that is ready", START_PATIENCE, async || {
            if let Some(status) = program.ended() {
                panic!("the agent ended with {status}:\n{}", program.last_words());
            }
            let leader = http.get("/v1/status/leader").await.ok()?;
            let roots = http.get("/v1/connect/ca/roots").await.ok()?;
            let leads = leader.status.is_success() && leader.body.len() > 2;
            let certifies = || {
                let answered = roots.status.is_success();
                answered && roots.json()["Roots"].as_array().is_some_and(|roots| !roots.is_empty())
            };
            // an agent without a mesh has none, and says so
            (leads && (roots.text().contains("connect.enabled") || certifies())).then_some(())
        })
        .await;
    }

    /// SIGKILL: no chance to say goodbye.
    pub fn kill(&mut self) {
        self.program.kill();
    }

    /// Starts it again as it was started first.
    pub async fn restart(&mut self) {
        self.program.kill();
        self.program = Self::launch(&self.arguments, self.folder.path());
        self.wait_ready().await;
    }

    /// SIGTERM, as a supervisor ends a service.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn terminate(&mut self) -> ExitStatus {
        self.program.end_by(Signal::TERM, END_PATIENCE).expect("an agent ends soon after SIGTERM")
    }

    /// SIGINT, as a person ends it at a terminal.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn interrupt(&mut self) -> ExitStatus {
        self.program.end_by(Signal::INT, END_PATIENCE).expect("an agent ends soon after SIGINT")
    }

    /// SIGHUP: it reads its configuration again.
    pub fn hang_up(&self) {
        self.program.signal(Signal::HUP);
    }

    /// A write that must succeed.
    ///
    /// # Panics
    /// When it does not; the message is the agent's.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        let answer = self.http.put(path, &body).await;
        answer.unwrap_or_else(|error| panic!("PUT {path}: {error}")).expect_ok(&format!("PUT {path} {body}"))
    }

    /// A deletion that must succeed.
    ///
    /// # Panics
    /// When it does not; the message is the agent's.
    pub async fn delete(&self, path: &str) -> Answer {
        let answer = self.http.delete(path).await;
        answer.unwrap_or_else(|error| panic!("DELETE {path}: {error}")).expect_ok(&format!("DELETE {path}"))
    }

    /// From now on its commands run with this variable.
    #[must_use]
    pub fn commands_with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// A command of the program that talks to this agent.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(setup::chancery());
        command.args(arguments);
        command.env("CONSUL_HTTP_ADDR", format!("http://127.0.0.1:{}", self.http_port));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The same, run to its end.
    ///
    /// # Errors
    /// What it printed, when it failed.
    pub fn run(&self, arguments: &[&str]) -> io::Result<String> {
        let output = self.command(arguments).output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(io::Error::other(format!("chancery {} failed: {said}", arguments.join(" "))))
    }

    /// A folder that is gone with the agent.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into [`Self::folder`].
    ///
    /// # Panics
    /// When it cannot.
    pub fn write_file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("a temporary file can be written");
        path
    }

    pub fn log(&self) -> String {
        self.program.log()
    }
}
