//! Conversations as text: commands, then after `----` what was said until the world was quiet again. With
//! `UPDATE_SCRIPTS=1` the files are rewritten with what happens now.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use chancery::catalog::Write;
use chancery::model::{Action, NodeName, ServiceId};
use chancery::resource::ResourceType;
use chancery::wire::entry;
use serde_json::{Value, json};

use super::{NODE, ScriptedEnvoy, World, in_virtual_time};

/// Runs every `.txt` of a folder, each in a world of its own; panics with the difference.
pub fn run_folder(folder: &Path) {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of scripts")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no scripts in {}", folder.display());
    for file in files {
        let told = std::fs::read_to_string(&file).expect("a script");
        let happened = run_script(&told);
        if std::env::var_os("UPDATE_SCRIPTS").is_some() {
            std::fs::write(&file, &happened).expect("a script can be rewritten");
        } else {
            assert!(told == happened, "{}: told\n{told}\nbut it happened thus\n{happened}", file.display());
        }
    }
}

/// Blocks are separated by empty lines; each is commands, `----`, what is said.
pub fn run_script(text: &str) -> String {
    let mut happened = String::new();
    in_virtual_time(|| async {
        let mut stage = Stage { world: World::new().await, envoys: BTreeMap::new() };
        let blocks: Vec<&str> = text.trim_end().split("\n\n").collect();
        for (at, block) in blocks.iter().enumerate() {
            let commands = block.split("\n----").next().unwrap_or_default();
            let mut said = Vec::new();
            for command in commands.lines().filter(|line| !line.starts_with('#')) {
                said.extend(stage.perform(command).await);
            }
            said.extend(stage.listen().await);
            happened.push_str(if at > 0 { "\n" } else { "" });
            happened.push_str(commands);
            happened.push('\n');
            if commands.lines().any(|line| !line.starts_with('#')) {
                happened.push_str("----\n");
                for line in said {
                    writeln!(happened, "{line}").expect("text can be written to text");
                }
            }
        }
    });
    happened
}

struct Stage {
    world: World,
    envoys: BTreeMap<String, ScriptedEnvoy>,
}

impl Stage {
    /// One command; what it says by itself.
    async fn perform(&mut self, command: &str) -> Vec<String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words[..] {
            ["service", name, port, ref upstreams @ ..] => self.service(name, port, upstreams).await,
            ["instance", id, name, address] => self.instance(id, name, address).await,
            ["deregister", id] => {
                let write = Write::DeregisterService { node: NodeName::from(NODE), id: ServiceId::from(id) };
                self.commit(write).await
            }
            ["entry", ..] => {
                let body: Value = serde_json::from_str(command.trim_start_matches("entry")).expect("JSON");
                self.commit(Write::PutEntry { entry: entry::decode(&body).expect("a good entry"), cas: None }).await
            }
            ["intention", action, source, destination] => {
                let action = if action == "allow" { Action::Allow } else { Action::Deny };
                let (source, destination) = (source.into(), destination.into());
                self.commit(Write::PutIntention {
                    source,
                    destination,
                    action,
                    permissions: vec![],
                    description: String::new(),
                })
                .await
            }
            ["connect", proxy] => {
                let mut envoy = self.world.envoy(proxy);
                envoy.start().await;
                self.envoys.insert(proxy.to_owned(), envoy);
                Vec::new()
            }
            ["advance", hours] => {
                let hours: f64 = hours.trim_end_matches('h').parse().expect("hours");
                self.advance(Duration::from_secs_f64(hours * 3600.0)).await
            }
            ["panic", kind, key] => {
                let card = self.world.house.desk.read(Some(kind), Some(key));
                let [reading] = &card[..] else { panic!("one {kind} {key}, not {}", card.len()) };
                let card = self.world.house.desk.get(reading.kind, &reading.key).expect("its card");
                card.fail_next();
                Vec::new()
            }
            ["actors", kind] => vec![format!("{kind}: {}", self.world.actors(kind))],
            [verb, proxy, ref rest @ ..] => self.envoy(verb, proxy, rest).await,
            _ => panic!("no such command: {command}"),
        }
    }

    /// Time passes in steps, because a client that does not read for a minute is cut off.
    async fn advance(&mut self, time: Duration) -> Vec<String> {
        let until = tokio::time::Instant::now() + time;
        let mut said = Vec::new();
        while tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_secs(30)).await;
            for (proxy, envoy) in &mut self.envoys {
                said.extend(envoy.hear().await.into_iter().map(|line| format!("{proxy} <- {line}")));
            }
        }
        said
    }

    /// What an Envoy does out of the ordinary.
    async fn envoy(&mut self, verb: &str, proxy: &str, rest: &[&str]) -> Vec<String> {
        let envoy = self.envoys.get_mut(proxy).unwrap_or_else(|| panic!("{proxy} is not connected"));
        let kind = |word: &str| ResourceType::ALL.into_iter().find(|kind| kind.as_str() == word).expect("a type");
        match (verb, rest) {
            ("disconnect", []) => envoy.disconnect(),
            ("reconnect", []) => {
                envoy.reconnect(&self.world.house);
                envoy.start().await;
            }
            ("withhold", [word]) => drop(envoy.withheld.insert(kind(word))),
            ("release", []) => envoy.release().await,
            ("refuse", [word, name]) => envoy.refuses = Some((kind(word), (*name).to_owned())),
            ("relent", []) => envoy.refuses = None,
            ("holds", [word]) => {
                let names = envoy.holds.keys().filter(|(of, _)| *of == kind(word)).map(|(_, name)| name.clone());
                return vec![format!("{proxy} holds {}", names.collect::<Vec<_>>().join(" "))];
            }
            ("show", [word, name, pointer]) => {
                let found = envoy.holds.iter().find(|((of, held), _)| *of == kind(word) && held.starts_with(name));
                return vec![found.map_or("nothing".to_owned(), |(_, (_, content))| {
                    content.pointer(pointer).unwrap_or(&Value::Null).to_string()
                })];
            }
            ("state", []) => {
                let sheets = self.world.house.streams.sheets();
                let of_proxy = sheets.iter().filter(|sheet| sheet.proxy == envoy.proxy);
                return of_proxy
                    .map(|sheet| {
                        format!("{proxy} is {}", if sheet.protocol().settled() { "in sync" } else { "behind" })
                    })
                    .collect();
            }
            _ => panic!("no such command: {verb} {proxy} {rest:?}"),
        }
        Vec::new()
    }

    /// `service NAME PORT [UPSTREAM:PORT…]`, with a sidecar.
    async fn service(&self, name: &str, port: &str, upstreams: &[&str]) -> Vec<String> {
        let upstreams: Vec<Value> = upstreams
            .iter()
            .map(|upstream| {
                let (name, port) = upstream.split_once(':').expect("NAME:PORT");
                json!({ "DestinationName": name, "LocalBindPort": port.parse::<u16>().expect("a port") })
            })
            .collect();
        let port: u16 = port.parse().expect("a port");
        let sidecar = json!({ "Checks": [], "Proxy": { "Upstreams": upstreams } });
        let body = json!({ "Name": name, "Port": port, "Connect": { "SidecarService": sidecar } });
        self.said(self.world.register(&body).await)
    }

    /// `instance ID NAME ADDRESS`: one more instance, with a sidecar.
    async fn instance(&self, id: &str, name: &str, address: &str) -> Vec<String> {
        let sidecar = json!({ "Checks": [], "Port": 20000 });
        let body =
            json!({ "ID": id, "Name": name, "Address": address, "Port": 80, "Connect": { "SidecarService": sidecar } });
        self.said(self.world.register(&body).await)
    }

    async fn commit(&self, write: Write) -> Vec<String> {
        self.said(self.world.commit(write).await)
    }

    fn said(
        &self,
        result: Result<chancery_actors::catalog::Committed, chancery_actors::catalog::CommitError>,
    ) -> Vec<String> {
        result.err().map(|error| format!("refused: {error}")).into_iter().collect()
    }

    /// Until nobody has anything more to say.
    async fn listen(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            self.world.settle().await;
            let before = said.len();
            for (proxy, envoy) in &mut self.envoys {
                said.extend(envoy.hear().await.into_iter().map(|line| format!("{proxy} <- {line}")));
            }
            if said.len() == before {
                return said;
            }
        }
    }
}
