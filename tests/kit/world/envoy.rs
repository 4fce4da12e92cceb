//! A scripted Envoy: subscribes in Envoy's order, answers like Envoy unless told otherwise, and remembers what it holds.

use std::collections::{BTreeMap, BTreeSet};

use chancery::canonical;
use chancery::delta::{Change, Dialect, Message, Nack, Nonce, Request};
use chancery::model::{NodeName, ProxyId, ServiceId};
use chancery::resource::ResourceType;
use chancery_actors::wiring::House;
use chancery_actors::xds_stream::OpenStream;
use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryResponse;
use prost::Message as _;
use serde_json::Value;

use super::NODE;

pub struct ScriptedEnvoy {
    pub proxy: ProxyId,
    stream: Option<OpenStream>,
    /// By type and name: version and content.
    pub holds: BTreeMap<(ResourceType, String), (String, Value)>,
    subscribed: BTreeMap<ResourceType, BTreeSet<String>>,
    started: BTreeSet<ResourceType>,
    /// Types whose responses are taken in but not answered.
    pub withheld: BTreeSet<ResourceType>,
    unanswered: Vec<(ResourceType, Nonce)>,
    /// Responses with a resource of such a name are refused.
    pub refuses: Option<(ResourceType, String)>,
    /// It has refused clusters, or let the wait for its answer run out: then listeners come without them.
    is_difficult: bool,
}

impl ScriptedEnvoy {
    pub(super) fn connect(house: &House, proxy: &str) -> Self {
        let id = ProxyId { node: NodeName::from(NODE), service: ServiceId::from(proxy) };
        let mut envoy = Self {
            proxy: id,
            stream: None,
            holds: BTreeMap::new(),
            subscribed: BTreeMap::new(),
            started: BTreeSet::new(),
            withheld: BTreeSet::new(),
            unanswered: Vec::new(),
            refuses: None,
            is_difficult: false,
        };
        envoy.reconnect(house);
        envoy
    }

    /// A new stream; what it holds it says in the first message of each type.
    pub fn reconnect(&mut self, house: &House) {
        let opened = house.streams.open(self.proxy.clone(), Dialect::Delta, "scripted 1.40.0".to_owned());
        self.stream = Some(opened.expect("the house takes streams"));
        self.started.clear();
        self.unanswered.clear();
    }

    pub fn disconnect(&mut self) {
        if let Some(stream) = self.stream.take() {
            stream.requests.end();
        }
    }

    /// Sends what Envoy would send at the start: clusters first, everything it knew after a reconnect.
    pub async fn start(&mut self) {
        self.subscribe(ResourceType::Cluster, []).await;
        for kind in [ResourceType::Endpoint, ResourceType::Secret, ResourceType::Listener, ResourceType::Route] {
            let names: Vec<String> = self.subscribed.get(&kind).into_iter().flatten().cloned().collect();
            let held = self.holds.keys().any(|(of, _)| *of == kind);
            // once its first clusters are there it wants listeners, whether any have come or not
            let has_clusters = self.holds.keys().any(|(of, _)| *of == ResourceType::Cluster);
            if !names.is_empty() || held || (kind == ResourceType::Listener && has_clusters) {
                self.subscribe(kind, names).await;
            }
        }
    }

    pub async fn subscribe(&mut self, kind: ResourceType, names: impl IntoIterator<Item = String>) {
        let names: Vec<String> = names.into_iter().collect();
        self.subscribed.entry(kind).or_default().extend(names.iter().cloned());
        let held = if self.started.insert(kind) { self.held(kind) } else { Vec::new() };
        let change = Change::Incremental { subscribe: names, unsubscribe: Vec::new(), held };
        self.say(Request { kind: Ok(kind), change, nonce: None, error: None }).await;
    }

    fn held(&self, kind: ResourceType) -> Vec<(String, String)> {
        let of_kind = self.holds.iter().filter(|((of, _), _)| *of == kind);
        of_kind.map(|((_, name), (version, _))| (name.clone(), version.clone())).collect()
    }

    async fn say(&self, request: Request) {
        if let Some(stream) = &self.stream {
            stream.requests.send(request).await;
        }
    }

    pub fn is_connected(&self) -> bool {
        self.stream.is_some()
    }

    /// Names and versions of one type.
    pub fn held_versions(&self, kind: ResourceType) -> BTreeMap<String, String> {
        self.held(kind).into_iter().collect()
    }

    /// Every cluster that a listener or route of its names is there.
    ///
    /// # Panics
    /// When one is missing: it was sent before what it leans on, or what it leans on was removed too early.
    pub fn assert_made_before_leaned_on(&self) {
        if self.is_difficult {
            return;
        }
        for ((kind, name), (_, content)) in &self.holds {
            if !matches!(kind, ResourceType::Listener | ResourceType::Route) {
                continue;
            }
            let mut clusters = BTreeSet::new();
            collect_clusters(content, &mut clusters);
            for cluster in clusters {
                let held = self.holds.contains_key(&(ResourceType::Cluster, cluster.clone()));
                assert!(held, "{}: {kind} {name} leans on {cluster}, which is not there", self.proxy);
            }
        }
    }

    /// Takes in what has come, answers it, asks for what it leads to; a line for each response.
    pub async fn hear(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(stream) = &mut self.stream {
            match stream.messages.try_recv() {
                Ok(message) => lines.push(self.take(&message).await),
                Err(tokio::sync::mpsc::error::TryRecvError::Empty) => break,
                Err(tokio::sync::mpsc::error::TryRecvError::Disconnected) => {
                    lines.push("the stream was ended".to_owned());
                    self.stream = None;
                }
            }
        }
        lines
    }

    async fn take(&mut self, message: &Message) -> String {
        let bytes: Vec<u8> = message.pieces.concat();
        let response = DeltaDiscoveryResponse::decode(&bytes[5..]).expect("a response");
        let kind = ResourceType::from_type_url(&response.type_url).expect("a type of ours");
        let nonce = Nonce(response.nonce.parse().expect("a number"));
        let mut words: Vec<String> = response.resources.iter().map(|resource| format!("+{}", resource.name)).collect();
        words.extend(response.removed_resources.iter().map(|name| format!("-{name}")));
        let refused = self.refuses.clone().filter(|(of, name)| {
            *of == kind && response.resources.iter().any(|resource| resource.name.starts_with(name.as_str()))
        });
        let line = format!("{kind} {}", words.join(" "));
        if refused.is_some() {
            self.is_difficult |= kind == ResourceType::Cluster;
            let error = Some(Nack { code: 13, message: "I do not like it".to_owned() });
            self.answer(kind, nonce, error).await;
            return format!("{line} (refused)");
        }
        for resource in response.resources {
            let any = resource.resource.expect("a body");
            let content = canonical::json(&any).expect("a known type");
            self.holds.insert((kind, resource.name), (resource.version, content));
        }
        for name in response.removed_resources {
            self.holds.remove(&(kind, name));
        }
        self.ask_for_what_it_needs(kind).await;
        if self.withheld.contains(&kind) {
            self.is_difficult |= kind == ResourceType::Cluster;
            self.unanswered.push((kind, nonce));
            return format!("{line} (not answered)");
        }
        self.answer(kind, nonce, None).await;
        // Envoy asks for listeners once its first clusters are there
        if kind == ResourceType::Cluster && !self.started.contains(&ResourceType::Listener) {
            self.subscribe(ResourceType::Listener, []).await;
        }
        line
    }

    async fn answer(&self, kind: ResourceType, nonce: Nonce, error: Option<Nack>) {
        let change = Change::Incremental { subscribe: vec![], unsubscribe: vec![], held: vec![] };
        self.say(Request { kind: Ok(kind), change, nonce: Some(nonce), error }).await;
    }

    /// Answers what was withheld.
    pub async fn release(&mut self) {
        self.withheld.clear();
        for (kind, nonce) in std::mem::take(&mut self.unanswered) {
            self.answer(kind, nonce, None).await;
        }
    }

    /// Endpoints of its clusters, secrets of clusters and listeners, routes of listeners.
    async fn ask_for_what_it_needs(&mut self, kind: ResourceType) {
        let mut needs: BTreeMap<ResourceType, BTreeSet<String>> = BTreeMap::new();
        for ((of, name), (_, content)) in self.holds.iter().filter(|((of, _), _)| *of == kind) {
            if *of == ResourceType::Cluster && content["type"] == "EDS" {
                let service = content["eds_cluster_config"]["service_name"].as_str().filter(|name| !name.is_empty());
                needs.entry(ResourceType::Endpoint).or_default().insert(service.unwrap_or(name).to_owned());
            }
            collect_secrets(content, needs.entry(ResourceType::Secret).or_default());
        }
        for (needed, names) in needs {
            let known = self.subscribed.get(&needed).cloned().unwrap_or_default();
            let new: Vec<String> = names.difference(&known).cloned().collect();
            if !new.is_empty() {
                self.subscribe(needed, new).await;
            }
        }
    }
}

/// Names under any `cluster` of a route or a proxy filter.
fn collect_clusters(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if let ("cluster", Value::String(name)) = (key.as_str(), value) {
                    names.insert(name.clone());
                }
                collect_clusters(value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_clusters(item, names)),
        _ => {}
    }
}

/// Names under any `…sds_secret_config(s)`.
fn collect_secrets(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if key.contains("sds_secret_config") || key.contains("sdsSecretConfig") {
                    let configs = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                    names.extend(configs.iter().filter_map(|config| config["name"].as_str()).map(str::to_owned));
                }
                collect_secrets(value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_secrets(item, names)),
        _ => {}
    }
}
