//! One simulated Envoy as a state machine: what it asks, in Envoy's order, and how it answers. It accepts everything.
//!
//! Clusters first; then the endpoints and secrets they name; listeners when the clusters have all they need; then the
//! routes and secrets of the listeners. On a later stream it asks for all of it at once and says which versions it holds.
//!
//! One difference: a changed cluster counts as warm at once, so that its acknowledgement does not wait for endpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message;

use super::content::{Content, Contents};
use super::messages::{DeltaRequest, DeltaResponse, Kind, StateRequest, StateResponse};

/// A route that no server has. Asked for at the end of a reconnect, so that a server with nothing new to say says at
/// least that: what was asked before is then served too.
const SENTINEL: &str = "chancery-swarm-sentinel";

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Dialect {
    Delta,
    /// State of the world: every response has all clusters, all listeners.
    Sotw,
}

impl Dialect {
    pub const fn path(self) -> &'static str {
        match self {
            Self::Delta => "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
            Self::Sotw => "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("a response cannot be decoded: {0}")]
    Decode(#[from] prost::DecodeError),
    #[error("a response of a type that was not asked for: {0:?}")]
    UnknownType(String),
}

/// What a response was.
#[derive(Debug)]
pub struct Received {
    pub kind: Kind,
    pub resources: usize,
    /// Of the resources, encoded.
    pub resource_bytes: usize,
    /// What they are.
    pub contents: Vec<Arc<Content>>,
    /// What Envoy sends now: gRPC messages, the acknowledgement last.
    pub requests: Vec<Bytes>,
}

#[derive(Default)]
struct Subscription {
    /// On this stream.
    asked: bool,
    answered: bool,
    /// Asked for by name.
    names: BTreeSet<Arc<str>>,
    /// By name; nothing where the server said that it has no such resource.
    held: BTreeMap<Arc<str>, Option<Held>>,
    /// Of the last response: state of the world only.
    version_info: String,
    nonce: String,
}

struct Held {
    version: Box<str>,
    content: Arc<Content>,
}

pub struct Envoy {
    dialect: Dialect,
    subscriptions: [Subscription; Kind::ALL.len()],
    /// This stream is not the first.
    resumed: bool,
    sentinel_answered: bool,
}

impl Envoy {
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, subscriptions: Default::default(), resumed: false, sentinel_answered: false }
    }

    /// What it sends first on a new stream. Its own `node` goes on the first message.
    pub fn open(&mut self, node: Bytes) -> Vec<Bytes> {
        let asked_before: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| self.of(*kind).asked).collect();
        self.resumed = !asked_before.is_empty();
        self.sentinel_answered = false;
        for subscription in &mut self.subscriptions {
            subscription.answered = false;
            subscription.nonce.clear();
        }
        let mut node = Some(node);
        if !self.resumed {
            return vec![self.first_request(Kind::Cluster, node)];
        }
        let mut requests: Vec<Bytes> = asked_before.iter().map(|kind| self.first_request(*kind, node.take())).collect();
        if self.dialect == Dialect::Delta && !self.of(Kind::Route).asked {
            requests.push(self.first_request(Kind::Route, None));
            self.of_mut(Kind::Route).asked = true;
        }
        requests
    }

    /// # Errors
    /// When it is no response to what was asked.
    pub fn receive(&mut self, message: Bytes, contents: &mut Contents) -> Result<Received, Unreadable> {
        let (mut received, nonce) = match self.dialect {
            Dialect::Delta => self.receive_delta(DeltaResponse::decode(message)?, contents)?,
            Dialect::Sotw => self.receive_state(StateResponse::decode(message)?, contents)?,
        };
        let kind = received.kind;
        let subscription = self.of_mut(kind);
        subscription.answered = true;
        subscription.nonce = nonce;
        if kind.is_wildcard() {
            self.ask_for_what_is_needed(&mut received.requests);
        }
        if !self.of(Kind::Listener).asked && self.clusters_are_warm() {
            let request = self.first_request(Kind::Listener, None);
            received.requests.push(request);
        }
        received.requests.push(self.acknowledgement(kind));
        Ok(received)
    }

    /// Whether it has everything it needs.
    pub fn is_in_sync(&self) -> bool {
        if self.resumed && self.dialect == Dialect::Delta {
            return self.sentinel_answered;
        }
        let wildcards = [Kind::Cluster, Kind::Listener];
        wildcards.into_iter().all(|kind| self.of(kind).answered) && Kind::ALL.into_iter().all(|kind| self.has_all(kind))
    }

    fn receive_delta(
        &mut self,
        response: DeltaResponse,
        contents: &mut Contents,
    ) -> Result<(Received, String), Unreadable> {
        let kind = kind_of(&response.type_url)?;
        let mut received = Received::of(kind, response.resources.len());
        for resource in response.resources {
            let content = contents.read(kind, &resource.resource)?;
            received.add(&resource.resource, &content);
            self.of_mut(kind).hold(Arc::from(resource.name), resource.version.into(), content);
        }
        for name in response.removed {
            if name == SENTINEL {
                self.sentinel_answered = true;
            } else {
                self.of_mut(kind).forget(&name);
            }
        }
        Ok((received, response.nonce))
    }

    fn receive_state(
        &mut self,
        response: StateResponse,
        contents: &mut Contents,
    ) -> Result<(Received, String), Unreadable> {
        let kind = kind_of(&response.type_url)?;
        let mut received = Received::of(kind, response.resources.len());
        let subscription = self.of_mut(kind);
        if kind.is_wildcard() {
            subscription.held.clear();
        }
        for resource in &response.resources {
            let content = contents.read(kind, resource)?;
            received.add(resource, &content);
            subscription.hold(Arc::clone(&content.name), Box::default(), content);
        }
        subscription.version_info = response.version_info;
        Ok((received, response.nonce))
    }

    /// Endpoints, secrets and routes that clusters and listeners name.
    fn ask_for_what_is_needed(&mut self, requests: &mut Vec<Bytes>) {
        for kind in [Kind::Endpoint, Kind::Secret, Kind::Route] {
            let sources = [Kind::Cluster, Kind::Listener].into_iter().flat_map(|kind| self.of(kind).contents());
            let needs = sources.flat_map(|content| &content.needs).filter(|(needed, _)| *needed == kind);
            let wanted: BTreeSet<Arc<str>> = needs.map(|(_, name)| Arc::clone(name)).collect();
            if wanted == self.of(kind).names {
                continue;
            }
            let before = std::mem::replace(&mut self.of_mut(kind).names, wanted);
            self.of_mut(kind).held.retain(|name, _| !before.contains(name));
            let request = self.change_of_names(kind, &before);
            requests.push(request);
        }
    }

    fn change_of_names(&mut self, kind: Kind, before: &BTreeSet<Arc<str>>) -> Bytes {
        if !self.of(kind).asked {
            return self.first_request(kind, None);
        }
        let names = &self.of(kind).names;
        match self.dialect {
            Dialect::Sotw => self.acknowledgement(kind),
            Dialect::Delta => framed(&DeltaRequest {
                type_url: kind.type_url().to_owned(),
                subscribe: names.difference(before).map(ToString::to_string).collect(),
                unsubscribe: before.difference(names).map(ToString::to_string).collect(),
                ..DeltaRequest::default()
            }),
        }
    }

    /// The first of a type on this stream.
    fn first_request(&mut self, kind: Kind, node: Option<Bytes>) -> Bytes {
        let (dialect, resumed) = (self.dialect, self.resumed);
        let subscription = self.of_mut(kind);
        subscription.asked = true;
        match dialect {
            Dialect::Sotw => framed(&StateRequest { node, ..subscription.state_request(kind) }),
            Dialect::Delta => {
                let mut subscribe: Vec<String> = subscription.names.iter().map(ToString::to_string).collect();
                if kind == Kind::Route && resumed {
                    subscribe.push(SENTINEL.to_owned());
                }
                let initial_resource_versions = subscription.versions();
                let type_url = kind.type_url().to_owned();
                framed(&DeltaRequest {
                    node,
                    type_url,
                    subscribe,
                    initial_resource_versions,
                    ..DeltaRequest::default()
                })
            }
        }
    }

    fn acknowledgement(&self, kind: Kind) -> Bytes {
        let subscription = self.of(kind);
        match self.dialect {
            Dialect::Sotw => framed(&subscription.state_request(kind)),
            Dialect::Delta => framed(&DeltaRequest {
                type_url: kind.type_url().to_owned(),
                response_nonce: subscription.nonce.clone(),
                ..DeltaRequest::default()
            }),
        }
    }

    fn clusters_are_warm(&self) -> bool {
        self.of(Kind::Cluster).answered && self.has_all(Kind::Endpoint) && self.has_all(Kind::Secret)
    }

    fn has_all(&self, kind: Kind) -> bool {
        let subscription = self.of(kind);
        subscription.names.iter().all(|name| subscription.held.contains_key(name))
    }

    fn of(&self, kind: Kind) -> &Subscription {
        &self.subscriptions[kind as usize]
    }

    fn of_mut(&mut self, kind: Kind) -> &mut Subscription {
        &mut self.subscriptions[kind as usize]
    }
}

impl Subscription {
    fn hold(&mut self, name: Arc<str>, version: Box<str>, content: Arc<Content>) {
        self.held.insert(name, Some(Held { version, content }));
    }

    fn forget(&mut self, name: &str) {
        if let Some(name) = self.names.get(name) {
            self.held.insert(Arc::clone(name), None);
        } else {
            self.held.remove(name);
        }
    }

    fn contents(&self) -> impl Iterator<Item = &Content> {
        self.held.values().flatten().map(|held| &*held.content)
    }

    fn versions(&self) -> BTreeMap<String, String> {
        let held = self.held.iter().filter_map(|(name, held)| Some((name, held.as_ref()?)));
        held.map(|(name, held)| (name.to_string(), held.version.to_string())).collect()
    }

    fn state_request(&self, kind: Kind) -> StateRequest {
        StateRequest {
            version_info: self.version_info.clone(),
            resource_names: self.names.iter().map(ToString::to_string).collect(),
            type_url: kind.type_url().to_owned(),
            response_nonce: self.nonce.clone(),
            node: None,
        }
    }
}

impl Received {
    fn of(kind: Kind, resources: usize) -> Self {
        Self { kind, resources, resource_bytes: 0, contents: Vec::with_capacity(resources), requests: Vec::new() }
    }

    fn add(&mut self, encoded: &Bytes, content: &Arc<Content>) {
        self.resource_bytes += encoded.len();
        self.contents.push(Arc::clone(content));
    }
}

fn kind_of(type_url: &str) -> Result<Kind, Unreadable> {
    Kind::of_type_url(type_url).ok_or_else(|| Unreadable::UnknownType(type_url.to_owned()))
}

/// With gRPC's prefix: not compressed, the length.
fn framed(message: &impl Message) -> Bytes {
    let len = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(5 + len);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(len).expect("a request is far below 4 GiB"));
    message.encode(&mut bytes).expect("the buffer grows");
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::config::cluster::v3::Cluster;
    use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType};

    use super::super::messages::{Any, DeltaResource};
    use super::*;

    fn unframed<M: Message + Default>(requests: &[Bytes]) -> Vec<M> {
        requests.iter().map(|request| M::decode(request.slice(5..)).expect("it is a request")).collect()
    }

    fn body(kind: Kind, name: &str, eds: bool) -> Bytes {
        let discovery = if eds { DiscoveryType::Eds } else { DiscoveryType::Static };
        let resource = Cluster {
            name: name.to_owned(),
            cluster_discovery_type: (kind == Kind::Cluster).then_some(ClusterDiscoveryType::Type(discovery as i32)),
            ..Cluster::default()
        };
        Any { type_url: kind.type_url().to_owned(), value: resource.encode_to_vec().into() }.encode_to_vec().into()
    }

    fn delta(kind: Kind, nonce: &str, names: &[&str], removed: &[&str]) -> Bytes {
        let resource = |name: &&str| DeltaResource {
            version: "v1".to_owned(),
            resource: body(kind, name, *name != "local_app"),
            name: (*name).to_owned(),
        };
        let response = DeltaResponse {
            resources: names.iter().map(resource).collect(),
            type_url: kind.type_url().to_owned(),
            nonce: nonce.to_owned(),
            removed: removed.iter().map(|name| (*name).to_owned()).collect(),
        };
        response.encode_to_vec().into()
    }

    fn asked(requests: &[DeltaRequest]) -> Vec<(Option<Kind>, Vec<String>, String)> {
        let of = |request: &DeltaRequest| {
            (Kind::of_type_url(&request.type_url), request.subscribe.clone(), request.response_nonce.clone())
        };
        requests.iter().map(of).collect()
    }

    fn hears(envoy: &mut Envoy, message: Bytes) -> Vec<DeltaRequest> {
        unframed(&envoy.receive(message, &mut Contents::default()).expect("it can be read").requests)
    }

    fn in_sync() -> Envoy {
        let mut envoy = Envoy::new(Dialect::Delta);
        envoy.open(Bytes::new());
        hears(&mut envoy, delta(Kind::Cluster, "1", &["local_app", "up"], &[]));
        hears(&mut envoy, delta(Kind::Endpoint, "2", &["up"], &[]));
        hears(&mut envoy, delta(Kind::Listener, "3", &["public"], &[]));
        assert!(envoy.is_in_sync());
        envoy
    }

    #[test]
    fn it_asks_for_clusters_then_what_they_name_then_listeners() {
        let mut envoy = Envoy::new(Dialect::Delta);
        let first: Vec<DeltaRequest> = unframed(&envoy.open(Bytes::from_static(b"\x0a\x01n")));
        assert_eq!(asked(&first), [(Some(Kind::Cluster), vec![], String::new())]);
        assert!(first[0].node.is_some());

        let then = hears(&mut envoy, delta(Kind::Cluster, "1", &["local_app", "up"], &[]));
        let expected = [
            (Some(Kind::Endpoint), vec!["up".to_owned()], String::new()),
            (Some(Kind::Cluster), vec![], "1".to_owned()),
        ];
        assert_eq!(asked(&then), expected);
        assert!(then.iter().all(|request| request.node.is_none()));

        let then = hears(&mut envoy, delta(Kind::Endpoint, "2", &["up"], &[]));
        let expected = [(Some(Kind::Listener), vec![], String::new()), (Some(Kind::Endpoint), vec![], "2".to_owned())];
        assert_eq!(asked(&then), expected);
        assert!(!envoy.is_in_sync());

        hears(&mut envoy, delta(Kind::Listener, "3", &["public"], &[]));
        assert!(envoy.is_in_sync());
    }

    #[test]
    fn clusters_that_come_and_go_change_what_it_asks_for() {
        let mut envoy = in_sync();
        let then = hears(&mut envoy, delta(Kind::Cluster, "4", &["other"], &["up"]));
        assert_eq!(then[0].subscribe, ["other"]);
        assert_eq!(then[0].unsubscribe, ["up"]);
        assert!(!envoy.is_in_sync());
        hears(&mut envoy, delta(Kind::Endpoint, "5", &[], &["other"]));
        assert!(envoy.is_in_sync(), "that there are none is an answer");
    }

    #[test]
    fn a_new_stream_asks_for_everything_at_once_and_says_what_it_holds() {
        let mut envoy = in_sync();
        let requests: Vec<DeltaRequest> = unframed(&envoy.open(Bytes::new()));
        let kinds: Vec<_> = requests.iter().map(|request| Kind::of_type_url(&request.type_url)).collect();
        let expected = [Kind::Cluster, Kind::Endpoint, Kind::Listener, Kind::Route];
        assert_eq!(kinds, expected.map(Some));
        let held: Vec<Vec<&str>> = requests
            .iter()
            .map(|request| request.initial_resource_versions.keys().map(String::as_str).collect())
            .collect();
        assert_eq!(held, [vec!["local_app", "up"], vec!["up"], vec!["public"], vec![]]);
        assert!(!envoy.is_in_sync());
        hears(&mut envoy, delta(Kind::Route, "1", &[], &[SENTINEL]));
        assert!(envoy.is_in_sync());
    }

    #[test]
    fn in_the_state_of_the_world_an_acknowledgement_repeats_names_and_version() {
        let mut envoy = Envoy::new(Dialect::Sotw);
        envoy.open(Bytes::new());
        let response = |kind: Kind, version: &str, names: &[&str]| {
            let response = StateResponse {
                version_info: version.to_owned(),
                resources: names.iter().map(|name| body(kind, name, true)).collect(),
                type_url: kind.type_url().to_owned(),
                nonce: format!("n{version}"),
            };
            Bytes::from(response.encode_to_vec())
        };
        let mut hears = |message| -> Vec<StateRequest> {
            unframed(&envoy.receive(message, &mut Contents::default()).expect("it can be read").requests)
        };
        hears(response(Kind::Cluster, "7", &["up"]));
        let then = hears(response(Kind::Endpoint, "8", &["up"]));
        let last = then.last().expect("an acknowledgement");
        assert_eq!((last.version_info.as_str(), last.response_nonce.as_str()), ("8", "n8"));
        assert_eq!(last.resource_names, ["up"]);
        // all clusters are in each response: the one that is missing is gone, and its endpoints with it
        let then = hears(response(Kind::Cluster, "9", &["other"]));
        assert_eq!(then[0].resource_names, ["other"]);
    }

    #[test]
    fn what_it_did_not_ask_for_ends_the_stream() {
        let response = DeltaResponse { type_url: "type.googleapis.com/nothing".to_owned(), ..DeltaResponse::default() };
        let message = Bytes::from(response.encode_to_vec());
        let outcome = Envoy::new(Dialect::Delta).receive(message, &mut Contents::default());
        assert!(matches!(outcome, Err(Unreadable::UnknownType(_))));
    }
}
