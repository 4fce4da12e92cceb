//! A running Envoy, configured by an agent.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::http::Client;
use crate::ports::free_port;
use crate::process::Program;
use crate::setup;
use crate::wait::eventually;

/// "An Envoy is expected to serve within about 5 s of its start"; a busy machine gets more.
const START_PATIENCE: Duration = Duration::from_secs(30);
const END_PATIENCE: Duration = Duration::from_secs(5);
/// As `chancery connect envoy` starts it: connections that were accepted under an older listener keep its rules until
/// they have had an answer, or for ten seconds.
const ARGUMENTS: &[&str] =
    &["--concurrency", "1", "--log-level", "info", "--drain-strategy", "immediate", "--drain-time-s", "10"];

pub struct Envoy {
    pub service: String,
    pub admin: Client,
    program: Program,
}

/// Stats by name. A histogram has none.
pub type Stats = BTreeMap<String, u64>;

impl Envoy {
    /// Starts the sidecar of a service's instance from the bootstrap that `chancery connect envoy -bootstrap` prints,
    /// and waits until it serves.
    ///
    /// # Panics
    /// When there is no Envoy (see [`setup::envoy`]), or it does not come up.
    pub async fn sidecar_for(agent: &Agent, service: &str) -> Self {
        Self::sidecar_with(agent, service, &[]).await
    }

    /// The same, with further arguments for Envoy.
    pub async fn sidecar_with(agent: &Agent, service: &str, arguments: &[&str]) -> Self {
        Self::sidecar_edited(agent, service, arguments, |_| ()).await
    }

    /// The same, from a bootstrap that was changed before.
    ///
    /// # Panics
    /// As [`Self::sidecar_for`].
    pub async fn sidecar_edited(
        agent: &Agent,
        service: &str,
        arguments: &[&str],
        edit: impl FnOnce(&mut Value),
    ) -> Self {
        let (admin, file) = bootstrap(agent, service, edit);
        let mut envoy = Self::launch(envoy(), service, &admin, &file, agent.folder(), arguments);
        envoy.wait_ready().await;
        envoy
    }

    /// The same, by a program that becomes Envoy.
    ///
    /// # Panics
    /// As [`Self::sidecar_for`].
    pub async fn sidecar_by(program: &Path, agent: &Agent, service: &str) -> Self {
        let (admin, file) = bootstrap(agent, service, |_| ());
        let mut envoy = Self::launch(Command::new(program), service, &admin, &file, agent.folder(), &[]);
        envoy.wait_ready().await;
        envoy
    }

    /// One without an agent, with all it shall know in its bootstrap, which is kept in the folder.
    ///
    /// # Panics
    /// As [`Self::sidecar_for`].
    pub async fn alone(folder: &Path, name: &str, bootstrap: &mut Value) -> Self {
        let port = free_port();
        let admin = format!("127.0.0.1:{port}");
        bootstrap["admin"] = json!({ "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } } });
        let file = folder.join(format!("{name}.json"));
        std::fs::write(&file, bootstrap.to_string()).expect("a temporary file can be written");
        let mut envoy = Self::launch(envoy(), name, &admin, &file, folder, &[]);
        envoy.wait_ready().await;
        envoy
    }

    /// The same by `chancery connect envoy`, which becomes Envoy: no file with the bootstrap is left behind.
    ///
    /// # Panics
    /// As [`Self::sidecar_for`].
    pub async fn connect(agent: &Agent, service: &str) -> Self {
        let admin = format!("127.0.0.1:{}", free_port());
        let binary = setup::envoy().expect("an Envoy to run");
        let mut command = agent.command(&["connect", "envoy", "-sidecar-for", service, "-admin-bind", &admin]);
        command.arg("-envoy-binary").arg(binary).arg("--").args(ARGUMENTS);
        let log = agent.folder().join(format!("envoy-{service}.log"));
        let program = Program::start(format!("the Envoy of {service}"), &mut command, &log);
        let mut envoy = Self { service: service.to_owned(), admin: Client::new(admin), program };
        envoy.wait_ready().await;
        envoy
    }

    fn launch(
        mut command: Command,
        service: &str,
        admin: &str,
        bootstrap: &Path,
        folder: &Path,
        arguments: &[&str],
    ) -> Self {
        command.arg("--config-path").arg(bootstrap);
        command.arg("--use-dynamic-base-id").args(ARGUMENTS).args(arguments);
        let log = folder.join(format!("envoy-{service}.log"));
        let program = Program::start(format!("the Envoy of {service}"), &mut command, &log);
        Self { service: service.to_owned(), admin: Client::new(admin), program }
    }

    /// Until all that it was told to have before it serves is there.
    ///
    /// # Panics
    /// When it ends, or takes too long.
    pub async fn wait_ready(&mut self) {
        let (admin, program, service) = (self.admin.clone(), &mut self.program, &self.service);
        eventually(&format!("the Envoy of {service} to serve"), START_PATIENCE, async || {
            if let Some(status) = program.ended() {
                panic!("the Envoy of {service} ended with {status}:\n{}", program.last_words());
            }
            admin.get("/ready").await.ok().filter(|answer| answer.status.is_success()).map(drop)
        })
        .await;
        eventually(&format!("the public listener of {service}"), START_PATIENCE, async || {
            let listeners = admin.text("/listeners").await;
            listeners.contains("public_listener").then_some(())
        })
        .await;
    }

    /// All counters and gauges whose name matches `filter`, a regular expression.
    pub async fn stats(&self, filter: &str) -> Stats {
        let answer = self.admin.json(&format!("/stats?format=json&filter={}", escape(filter))).await;
        let stats = answer["stats"].as_array().cloned().unwrap_or_default();
        stats.iter().filter_map(|stat| Some((stat["name"].as_str()?.to_owned(), stat["value"].as_u64()?))).collect()
    }

    /// One counter or gauge; 0 when Envoy has none of that name.
    pub async fn stat(&self, name: &str) -> u64 {
        let all = self.stats(&format!("^{}$", name.replace('.', r"\."))).await;
        all.get(name).copied().unwrap_or_default()
    }

    /// How often each kind of resource was taken over: the type's short name, with the number of updates.
    pub async fn updates(&self) -> Stats {
        let all = self.stats(r"update_success$").await;
        let mut updates = Stats::new();
        for (name, value) in all {
            let kind = match () {
                () if name.starts_with("cluster_manager.cds.") => "cds",
                () if name.starts_with("listener_manager.lds.") => "lds",
                () if name.starts_with("sds.") => "sds",
                () if name.contains(".rds.") => "rds",
                () => "eds",
            };
            *updates.entry(kind.to_owned()).or_default() += value;
        }
        updates
    }

    /// The version and a hash of the content of each dynamic resource that it holds, by name, as `/config_dump` shows
    /// it. The version alone would not do: Envoy keeps the old one when it replaces a listener's filter chains in place.
    pub async fn versions(&self) -> BTreeMap<String, String> {
        let dump = self.admin.json("/config_dump?include_eds").await;
        let mut versions = BTreeMap::new();
        for section in dump["configs"].as_array().into_iter().flatten() {
            for (list, kind) in DYNAMIC {
                for entry in section[*list].as_array().into_iter().flatten() {
                    versions.extend(version_of(kind, entry));
                }
            }
        }
        versions
    }

    /// # Panics
    /// When it has refused anything since it started.
    pub async fn assert_no_rejections(&self) {
        let rejected: Stats =
            self.stats("update_rejected$").await.into_iter().filter(|(_, times)| *times > 0).collect();
        assert!(rejected.is_empty(), "the Envoy of {} refused: {rejected:?}\n{}", self.service, self.last_words());
    }

    pub fn last_words(&self) -> String {
        self.program.last_words()
    }

    /// SIGTERM; it is killed when that does not end it.
    pub fn terminate(&mut self) {
        if self.program.end_by(Signal::TERM, END_PATIENCE).is_none() {
            self.program.kill();
        }
    }
}

/// The lists of a config dump that come over xDS, and a word for each.
const DYNAMIC: &[(&str, &str)] = &[
    ("dynamic_active_clusters", "cluster"),
    ("dynamic_listeners", "listener"),
    ("dynamic_endpoint_configs", "endpoint"),
    ("dynamic_route_configs", "route"),
    ("dynamic_active_secrets", "secret"),
];

fn version_of(kind: &str, entry: &Value) -> Option<(String, String)> {
    let (holder, body) = match kind {
        "listener" => (&entry["active_state"], &entry["active_state"]["listener"]),
        "endpoint" => (entry, &entry["endpoint_config"]),
        "route" => (entry, &entry["route_config"]),
        "secret" => (entry, &entry["secret"]),
        _ => (entry, &entry["cluster"]),
    };
    let name = body["name"].as_str().or(body["cluster_name"].as_str())?;
    let version = holder["version_info"].as_str().unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    body.to_string().hash(&mut hasher);
    Some((format!("{kind} {name}"), format!("{version}/{:016x}", hasher.finish())))
}

fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn envoy() -> Command {
    Command::new(setup::envoy().expect("an Envoy to run"))
}

/// Where the Envoy shall be asked about itself, and the file with its bootstrap.
fn bootstrap(agent: &Agent, service: &str, edit: impl FnOnce(&mut Value)) -> (String, PathBuf) {
    let admin = format!("127.0.0.1:{}", free_port());
    let bootstrap = agent
        .run(&["connect", "envoy", "-sidecar-for", service, "-admin-bind", &admin, "-bootstrap"])
        .unwrap_or_else(|error| panic!("{error}"));
    let mut bootstrap: Value = serde_json::from_str(&bootstrap).expect("a bootstrap is JSON");
    edit(&mut bootstrap);
    let file = agent.write_file(&format!("bootstrap-{service}.json"), &bootstrap.to_string());
    (admin, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_wherever_a_dump_keeps_it() {
        let listener = json!({ "active_state": { "version_info": "1", "listener": { "name": "public_listener" } } });
        let (name, version) = version_of("listener", &listener).unwrap();
        assert_eq!(name, "listener public_listener");
        assert!(version.starts_with("1/"), "{version}");
        let endpoint = json!({ "version_info": "2", "endpoint_config": { "cluster_name": "backend" } });
        assert_eq!(version_of("endpoint", &endpoint).unwrap().0, "endpoint backend");
        assert_eq!(version_of("secret", &json!({})), None);
    }

    #[test]
    fn other_content_under_the_same_version_is_seen() {
        let of = |weight: u32| version_of("cluster", &json!({ "cluster": { "name": "backend", "weight": weight } }));
        assert_ne!(of(1), of(2));
        assert_eq!(of(1), of(1));
    }

    #[test]
    fn a_filter_survives_its_way_in_an_address() {
        assert_eq!(escape("^a.b$"), "%5Ea.b%24");
    }
}
