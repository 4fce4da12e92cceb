//! Streams behind a real gRPC door on the loopback, showing views that tests write by hand: `C a@1 e` is a cluster `a`
//! with content 1 that needs `e`, `C a@1~60` one that lasts for 60 s; a response reads `C +a@1 -b ~c`, where
//! `c` comes without a body.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use chancery::delta::Dialect;
use chancery::model::{NodeName, ProxyId, ServiceId};
use chancery::resource::{Resource, ResourceType, View};
use chancery_actors::doors::grpc::{GrpcParts, serve};
use chancery_actors::kit::{Bell, Cells, Clock, Desk, Ripples};
use chancery_actors::loads::Loads;
use chancery_actors::proxy_registry::Proxies;
use chancery_actors::proxy_state::Published;
use chancery_actors::views::Publications;
use chancery_actors::xds_settings::XdsSettings;
use chancery_actors::xds_stream::{Sheet, Streams};
use chancery_tests::ads::{ADS, AdsClient, Answer, Service, connection};
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::{DataSource, Locality, Node};
use envoy_types::pb::envoy::config::endpoint::v3::{ClusterLoadAssignment, LocalityLbEndpoints};
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{GenericSecret, Secret, secret};
use envoy_types::pb::google::protobuf::Any;
use prost::Message as _;
use tonic::transport::Channel;

pub(crate) const DIALECTS: [Dialect; 2] = [Dialect::Delta, Dialect::StateOfTheWorld];

/// The proxy that views are for unless a test says otherwise.
pub(crate) const PROXY: &str = "p";
const NODE: &str = "n1";

pub(crate) struct Stage {
    pub streams: Streams,
    pub loads: Loads,
    pub address: String,
    proxies: Proxies,
}

/// Runs a story with a stage of its own.
pub(crate) fn on_stage(story: impl AsyncFnOnce(Stage)) {
    on_stage_with(XdsSettings::default(), story);
}

pub(crate) fn on_stage_with(settings: XdsSettings, story: impl AsyncFnOnce(Stage)) {
    let system = actix::System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    });
    system.block_on(async {
        let arbiter = actix::Arbiter::new();
        story(Stage::new(&arbiter, settings).await).await;
        arbiter.stop();
        _ = arbiter.join();
    });
}

/// The same story in both dialects.
pub(crate) fn in_both(story: impl AsyncFn(Stage, Talk)) {
    for dialect in DIALECTS {
        on_stage(async |stage| {
            let talk = stage.talk(dialect);
            story(stage, talk).await;
        });
    }
}

pub(crate) fn in_delta(story: impl AsyncFnOnce(Stage, Talk)) {
    on_stage(async |stage| {
        let talk = stage.talk(Dialect::Delta);
        story(stage, talk).await;
    });
}

pub(crate) fn in_the_world(story: impl AsyncFnOnce(Stage, Talk)) {
    on_stage(async |stage| {
        let talk = stage.talk(Dialect::StateOfTheWorld);
        story(stage, talk).await;
    });
}

impl Stage {
    async fn new(arbiter: &actix::Arbiter, settings: XdsSettings) -> Self {
        let cells = Cells::on(std::slice::from_ref(arbiter));
        let proxies = Proxies { snapshots: Bell::new(), board: Arc::default() };
        let programs = Proxies { snapshots: Bell::new(), board: Arc::default() };
        let publications = Publications { sidecars: proxies.clone(), programs };
        let streams = Streams::new(publications, &Desk::new(), &cells, Clock::system(), settings);
        let loads = Loads::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let parts = GrpcParts { streams: streams.clone(), loads: loads.clone(), own_node: NodeName::from(NODE) };
        tokio::spawn(serve(parts, listener, None, std::future::pending()));
        Self { streams, loads, address, proxies }
    }

    /// What the proxy shall hold from now on.
    pub fn show(&self, resources: &[&str]) {
        self.show_to(PROXY, NODE, resources);
    }

    pub fn show_to(&self, proxy: &str, node: &str, resources: &[&str]) {
        let id = ProxyId { node: NodeName::from(node), service: ServiceId::from(proxy) };
        let view = View::new(resources.iter().map(|words| Arc::new(resource(words))));
        let published =
            Published { version: 1, view: Some(Arc::new(view)), refusals: Arc::new([]), missing: Arc::new([]) };
        _ = self.proxies.board.post(id.clone().into(), published);
        self.proxies.snapshots.ring(&id.into(), &Ripples::default());
    }

    pub fn connection(&self) -> Channel {
        connection(&self.address)
    }

    /// A client of the proxy over ADS.
    pub fn talk(&self, dialect: Dialect) -> Talk {
        self.talk_to(ADS, dialect)
    }

    pub fn talk_to(&self, service: Service, dialect: Dialect) -> Talk {
        Talk(AdsClient::new(self.connection(), service, dialect, node(PROXY)))
    }

    /// A client of another proxy.
    pub fn talk_as(&self, node: Node, dialect: Dialect) -> Talk {
        Talk(AdsClient::new(self.connection(), ADS, dialect, node))
    }

    /// Until what clients said of the responses has arrived: a client that leaves at once may take its last word along.
    pub async fn hears_all_answers(&self) {
        let is_answered = |sheet: &Arc<Sheet>| sheet.protocol().in_flight().next().is_none();
        self.eventually("every response is answered", |stage| stage.streams.sheets().iter().all(is_answered)).await;
    }

    /// Until the streams' own state is so; the newest of each type by its word.
    pub async fn eventually(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..500 {
            if is_so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{what}: it did not become so");
    }
}

pub(crate) fn node(id: &str) -> Node {
    Node { id: id.to_owned(), ..Default::default() }
}

/// A client that speaks of types by their letters.
pub(crate) struct Talk(pub AdsClient);

impl Deref for Talk {
    type Target = AdsClient;

    fn deref(&self) -> &AdsClient {
        &self.0
    }
}

impl DerefMut for Talk {
    fn deref_mut(&mut self) -> &mut AdsClient {
        &mut self.0
    }
}

impl Talk {
    pub fn is_delta(&self) -> bool {
        self.dialect == Dialect::Delta
    }

    pub async fn asks(&mut self, letter: &str, names: &[&str]) {
        self.0.subscribe(url(letter), names).await;
    }

    pub async fn drops(&mut self, letter: &str, names: &[&str]) {
        self.0.unsubscribe(url(letter), names).await;
    }

    pub async fn names(&mut self, letter: &str, names: &[&str]) {
        self.0.replace(url(letter), names).await;
    }

    /// The next response reads like this.
    pub async fn hears(&mut self, told: &str) -> Answer {
        let letter = told.split(' ').next().unwrap_or_default();
        let answer = self.0.expect(url(letter)).await;
        assert_eq!(telling(&answer), told);
        answer
    }

    /// Hears it and accepts it.
    pub async fn takes(&mut self, told: &str) -> Answer {
        let answer = self.hears(told).await;
        self.0.ack(&answer).await;
        answer
    }

    /// Asks for names and accepts what comes.
    pub async fn settles(&mut self, letter: &str, names: &[&str], told: &str) {
        self.asks(letter, names).await;
        self.takes(told).await;
    }
}

pub(crate) fn url(letter: &str) -> &'static str {
    kind(letter).type_url()
}

fn kind(letter: &str) -> ResourceType {
    match letter {
        "C" => ResourceType::Cluster,
        "E" => ResourceType::Endpoint,
        "L" => ResourceType::Listener,
        "R" => ResourceType::Route,
        "S" => ResourceType::Secret,
        _ => panic!("{letter:?} is no type"),
    }
}

fn letter(type_url: &str) -> &'static str {
    let known = ["C", "E", "L", "R", "S"];
    known.into_iter().find(|letter| url(letter) == type_url).unwrap_or("?")
}

/// As tests write it.
pub(crate) fn telling(answer: &Answer) -> String {
    let mut words = vec![letter(&answer.type_url).to_owned()];
    words.extend(answer.resources.iter().map(|resource| match resource.is_bodiless() {
        true => format!("~{}", resource.name),
        false => format!("+{}@{}", resource.name, content(&resource.body)),
    }));
    words.extend(answer.removed.iter().map(|name| format!("-{name}")));
    words.extend(answer.errors.iter().map(|(name, _)| format!("!{name}")));
    words.join(" ")
}

fn resource(words: &str) -> Resource {
    let mut words = words.split(' ');
    let (kind, named) = (kind(words.next().unwrap_or_default()), words.next().unwrap_or_default());
    let (name, content) = named.split_once('@').expect("name@content");
    let (content, ttl) = content.split_once('~').unwrap_or((content, "0"));
    let ttl = Duration::from_secs(ttl.parse().expect("seconds"));
    let (name, content) = (name.to_owned(), content.to_owned());
    let needs: Vec<Arc<str>> = words.map(Arc::from).collect();
    let key = name.clone();
    let resource = match kind {
        ResourceType::Cluster => {
            Resource::new(kind, key, needs, &Cluster { name, alt_stat_name: content, ..Default::default() })
        }
        ResourceType::Endpoint => {
            let locality = Some(Locality { zone: content, ..Default::default() });
            let endpoints = vec![LocalityLbEndpoints { locality, ..Default::default() }];
            let message = ClusterLoadAssignment { cluster_name: name, endpoints, ..Default::default() };
            Resource::new(kind, key, needs, &message)
        }
        ResourceType::Listener => {
            Resource::new(kind, key, needs, &Listener { name, stat_prefix: content, ..Default::default() })
        }
        ResourceType::Route => {
            let message = RouteConfiguration { name, response_headers_to_remove: vec![content], ..Default::default() };
            Resource::new(kind, key, needs, &message)
        }
        ResourceType::Secret => {
            let source = DataSource { specifier: Some(Specifier::InlineString(content)), ..Default::default() };
            let body = GenericSecret { secret: Some(source), ..Default::default() };
            let message = Secret { name, r#type: Some(secret::Type::GenericSecret(body)) };
            Resource::new(kind, key, needs, &message)
        }
    };
    resource.with_ttl(ttl)
}

fn content(body: &Any) -> String {
    let bytes = &*body.value;
    match letter(&body.type_url) {
        "C" => Cluster::decode(bytes).expect("a cluster").alt_stat_name,
        "L" => Listener::decode(bytes).expect("a listener").stat_prefix,
        "R" => RouteConfiguration::decode(bytes).expect("a route").response_headers_to_remove.concat(),
        "E" => {
            let endpoints = ClusterLoadAssignment::decode(bytes).expect("endpoints").endpoints;
            endpoints.into_iter().filter_map(|of| of.locality).map(|locality| locality.zone).collect()
        }
        "S" => match Secret::decode(bytes).expect("a secret").r#type {
            Some(secret::Type::GenericSecret(GenericSecret { secret: Some(source), .. })) => match source.specifier {
                Some(Specifier::InlineString(content)) => content,
                _ => panic!("no content"),
            },
            _ => panic!("no content"),
        },
        _ => panic!("{} is no type of ours", body.type_url),
    }
}

/// Names and contents of many resources, for `show`.
pub(crate) fn many(letter: &str, count: usize, changed: &BTreeMap<usize, &str>) -> Vec<String> {
    (0..count).map(|at| format!("{letter} n{at:05}@{}", changed.get(&at).unwrap_or(&"1"))).collect()
}

pub(crate) fn slices(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}
