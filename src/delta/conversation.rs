//! A scripted client for the tests of this room. Resources are written `C a@1 e`: a cluster `a` with content 1 that
//! needs `e`, `C a@1~60` one that lasts for 60 s, `C a@1+b` one with an alias; responses `C +a@1 -b ~c`, where `c` comes without a body; a name that
//! does not exist, in state of the world, `!c`.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use prost::Message as _;

use super::{Change, Dialect, Event, Nack, Nonce, Push, Request, Step, Stream};
use crate::resource::{Resource, ResourceType, View, name};

pub(super) fn kind(letter: &str) -> ResourceType {
    let kind = ResourceType::ALL.into_iter().find(|kind| letter_of(*kind) == letter);
    kind.unwrap_or_else(|| panic!("no type {letter}"))
}

pub(super) fn letter_of(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Secret => "S",
        ResourceType::Cluster => "C",
        ResourceType::Endpoint => "E",
        ResourceType::Listener => "L",
        ResourceType::Route => "R",
    }
}

/// A resource of any type; its body stands for itself.
pub(super) fn resource(kind: ResourceType, name: &str, content: &str, needs: &[&str]) -> Arc<Resource> {
    let body =
        Cluster { name: name::canonical(name).into_owned(), alt_stat_name: content.to_owned(), ..Default::default() };
    Arc::new(Resource::new(kind, name, needs.iter().map(|name| Arc::from(*name)).collect(), &body))
}

pub(super) fn content_of(resource: &Resource) -> String {
    Cluster::decode(&*resource.any().unwrap().value).unwrap().alt_stat_name
}

pub(super) fn view(resources: &[&str]) -> Arc<View> {
    Arc::new(View::new(resources.iter().map(|text| {
        let words: Vec<&str> = text.split(' ').collect();
        let (name, content) = words[1].split_once('@').unwrap();
        let (content, aliases) = content
            .split_once('+')
            .map_or((content, vec![]), |(content, aliases)| (content, aliases.split('+').map(Arc::from).collect()));
        let (content, ttl) = content.split_once('~').unwrap_or((content, "0"));
        let resource = resource(kind(words[0]), name, content, &words[2..]);
        let ttl = Duration::from_secs(ttl.parse().unwrap());
        Arc::new(Arc::into_inner(resource).unwrap().with_ttl(ttl).with_aliases(aliases))
    })))
}

pub(super) fn in_words(push: &Push) -> String {
    let mut words = vec![push.kind.map_or_else(|| push.type_url.to_string(), |kind| letter_of(kind).to_owned())];
    words.extend(push.upserts.iter().map(|resource| format!("+{}@{}", resource.name, content_of(resource))));
    words.extend(push.removals.iter().map(|name| format!("-{name}")));
    words.extend(push.bodiless.iter().map(|resource| format!("~{}", resource.name)));
    words.extend(push.missing.iter().map(|name| format!("!{name}")));
    words.join(" ")
}

pub(super) struct Conversation {
    pub stream: Stream,
    pub now: Duration,
    pub last: Step,
}

impl Conversation {
    pub fn new(dialect: Dialect) -> Self {
        Self { stream: Stream::new(dialect), now: Duration::ZERO, last: Step::default() }
    }

    /// A delta stream whose view is there before the first request.
    pub fn over(resources: &[&str]) -> Self {
        let mut talk = Self::new(Dialect::Delta);
        assert_eq!(talk.view(resources), [""; 0]);
        talk
    }

    /// The same in state of the world.
    pub fn world(resources: &[&str]) -> Self {
        let mut talk = Self::new(Dialect::StateOfTheWorld);
        assert_eq!(talk.view(resources), [""; 0]);
        talk
    }

    /// A client with everything of `resources` accepted: all clusters and listeners, and the endpoints and routes by name.
    pub fn settled(resources: &[&str]) -> Self {
        let mut talk = Self::over(resources);
        for letter in ["C", "E", "L", "R"] {
            let list = Arc::clone(talk.stream.view.as_ref().unwrap().list(kind(letter)));
            let names: Vec<&str> = list.iter().map(|resource| &*resource.name).collect();
            let names = if kind(letter).has_wildcard() { &[][..] } else { &names[..] };
            talk.subscribe(letter, names);
            talk.ack(letter);
        }
        assert!(talk.stream.settled());
        talk
    }

    pub fn step(&mut self, event: Event<'_>) -> Vec<String> {
        self.last = self.stream.step(event, self.now);
        self.last.pushes.iter().map(in_words).collect()
    }

    pub fn view(&mut self, resources: &[&str]) -> Vec<String> {
        self.step(Event::View(&view(resources)))
    }

    /// Lets time pass up to the moment that the stream asked for.
    pub fn wait(&mut self) -> Vec<String> {
        self.now = self.last.due.expect("nothing is due");
        self.step(Event::Due)
    }

    pub fn request(&mut self, letter: &str, change: Change, nonce: Option<Nonce>, error: Option<&str>) -> Vec<String> {
        let kind = ResourceType::ALL.into_iter().find(|kind| letter_of(*kind) == letter).ok_or(letter.to_owned());
        let error = error.map(|message| Nack { code: 13, message: message.to_owned() });
        self.step(Event::Request(Request { kind, change, nonce, error }))
    }

    pub fn subscribe(&mut self, letter: &str, names: &[&str]) -> Vec<String> {
        self.request(letter, incremental(names, &[]), None, None)
    }

    pub fn unsubscribe(&mut self, letter: &str, names: &[&str]) -> Vec<String> {
        self.request(letter, incremental(&[], names), None, None)
    }

    /// The first request of a client that comes back; `held` as `a@1`, `?` standing for a version that is not ours.
    pub fn come_back(&mut self, letter: &str, names: &[&str], held: &[&str]) -> Vec<String> {
        let held = held.iter().map(|text| {
            let (name, content) = text.split_once('@').unwrap();
            let version = resource(kind(letter), name, content, &[]).version;
            (name.to_owned(), if content == "?" { content.to_owned() } else { version.to_string() })
        });
        let change = Change::Incremental { subscribe: owned(names), unsubscribe: vec![], held: held.collect() };
        self.request(letter, change, None, None)
    }

    /// State of the world: these names.
    pub fn names(&mut self, letter: &str, names: &[&str]) -> Vec<String> {
        let nonce = self.stream.of(kind(letter)).last_sent.map(|(nonce, _)| nonce);
        self.request(letter, replace(names), nonce, None)
    }

    /// Accepts the last response of a type, if there was one.
    pub fn ack(&mut self, letter: &str) -> Vec<String> {
        let Some((nonce, _)) = self.stream.of(kind(letter)).last_sent else { return vec![] };
        self.ack_nonce(letter, nonce.0)
    }

    pub fn ack_nonce(&mut self, letter: &str, nonce: u64) -> Vec<String> {
        let change = self.unchanged(letter);
        self.request(letter, change, Some(Nonce(nonce)), None)
    }

    pub fn nack(&mut self, letter: &str) -> Vec<String> {
        let (nonce, _) = self.stream.of(kind(letter)).last_sent.expect("nothing to refuse");
        self.nack_nonce(letter, nonce.0)
    }

    pub fn nack_with(&mut self, letter: &str, text: &str) -> Vec<String> {
        let (nonce, _) = self.stream.of(kind(letter)).last_sent.expect("nothing to refuse");
        let change = self.unchanged(letter);
        self.request(letter, change, Some(nonce), Some(text))
    }

    pub fn nack_nonce(&mut self, letter: &str, nonce: u64) -> Vec<String> {
        let change = self.unchanged(letter);
        self.request(letter, change, Some(Nonce(nonce)), Some("no"))
    }

    fn unchanged(&self, letter: &str) -> Change {
        match self.stream.dialect {
            Dialect::Delta => incremental(&[], &[]),
            Dialect::StateOfTheWorld => {
                let named = self.stream.of(kind(letter)).entries.iter().filter(|entry| entry.named);
                replace(&named.map(|entry| &*entry.name).collect::<Vec<_>>())
            }
        }
    }
}

pub(super) fn incremental(subscribe: &[&str], unsubscribe: &[&str]) -> Change {
    Change::Incremental { subscribe: owned(subscribe), unsubscribe: owned(unsubscribe), held: vec![] }
}

pub(super) fn replace(names: &[&str]) -> Change {
    Change::Replace { names: owned(names), version: String::new() }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Nothing was sent.
pub(super) const QUIET: [&str; 0] = [];
