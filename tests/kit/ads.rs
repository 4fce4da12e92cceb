//! A scripted xDS client over a real socket, for any management server: it says exactly what a test tells it to, in
//! either dialect, over ADS or a service of one type.
//!
//! | verb | what it does |
//! |---|---|
//! | `subscribe`, `unsubscribe` | asks for names, or no longer |
//! | `expect` | waits for the next response of a type |
//! | `quiet` | holds that nothing comes |
//! | `ack`, `nack` | answers a response |
//! | `reconnect` | a new stream; the first message of each type says what is held |
//! | `send` | anything else |

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chancery::delta::Dialect;
use envoy_types::pb::envoy::config::core::v3::{ControlPlane, Node};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Resource as Wrapper,
};
use envoy_types::pb::google::protobuf::Any;
use envoy_types::pb::google::rpc;
use http::uri::PathAndQuery;
use prost::Message;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

/// How long a response may take: longer than a cluster lingers that nothing leads to any longer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing has to come.
const QUIET: Duration = Duration::from_millis(300);

/// A discovery service and its streaming methods.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Service {
    pub name: &'static str,
    pub state_of_the_world: &'static str,
    pub delta: &'static str,
}

pub const ADS: Service = Service {
    name: "envoy.service.discovery.v3.AggregatedDiscoveryService",
    state_of_the_world: "StreamAggregatedResources",
    delta: "DeltaAggregatedResources",
};

/// A response of either dialect.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    pub type_url: String,
    /// `version_info`, or `system_version_info`.
    pub version: String,
    pub nonce: String,
    pub resources: Vec<Carried>,
    /// Delta only.
    pub removed: Vec<String>,
    pub control_plane: String,
    /// Names with what is wrong with them.
    pub errors: Vec<(String, rpc::Status)>,
}

/// A resource in a response.
#[derive(Clone, PartialEq, Debug)]
pub struct Carried {
    pub name: String,
    /// Empty in state of the world.
    pub version: String,
    pub body: Any,
    pub aliases: Vec<String>,
    /// In whole seconds.
    pub ttl: Option<Duration>,
}

impl Carried {
    /// A heartbeat, or the answer for what does not exist.
    pub fn is_bodiless(&self) -> bool {
        self.body == Any::default()
    }
}

impl From<Wrapper> for Carried {
    fn from(wrapper: Wrapper) -> Self {
        Self {
            name: wrapper.name,
            version: wrapper.version,
            body: wrapper.resource.unwrap_or_default(),
            aliases: wrapper.aliases,
            ttl: wrapper.ttl.map(|ttl| Duration::from_secs(ttl.seconds.unsigned_abs())),
        }
    }
}

impl Answer {
    pub fn names(&self) -> Vec<&str> {
        self.resources.iter().map(|resource| resource.name.as_str()).collect()
    }
}

impl From<DeltaDiscoveryResponse> for Answer {
    fn from(response: DeltaDiscoveryResponse) -> Self {
        Self {
            type_url: response.type_url,
            version: response.system_version_info,
            nonce: response.nonce,
            resources: response.resources.into_iter().map(Carried::from).collect(),
            removed: response.removed_resources,
            control_plane: identifier(response.control_plane),
            errors: response.resource_errors.into_iter().map(error).collect(),
        }
    }
}

impl From<DiscoveryResponse> for Answer {
    fn from(response: DiscoveryResponse) -> Self {
        let carried = |body: Any| match wrapper(&body) {
            Some(wrapper) => Carried::from(wrapper),
            None => Carried { name: inner_name(&body), version: String::new(), body, aliases: Vec::new(), ttl: None },
        };
        Self {
            type_url: response.type_url,
            version: response.version_info,
            nonce: response.nonce,
            resources: response.resources.into_iter().map(carried).collect(),
            removed: Vec::new(),
            control_plane: identifier(response.control_plane),
            errors: response.resource_errors.into_iter().map(error).collect(),
        }
    }
}

/// A resource that goes in a wrapper in state of the world.
fn wrapper(body: &Any) -> Option<Wrapper> {
    let is_wrapper = body.type_url == "type.googleapis.com/envoy.service.discovery.v3.Resource";
    is_wrapper.then(|| Wrapper::decode(&*body.value).expect("a wrapper"))
}

fn identifier(control_plane: Option<ControlPlane>) -> String {
    control_plane.unwrap_or_default().identifier
}

fn error(error: envoy_types::pb::envoy::service::discovery::v3::ResourceError) -> (String, rpc::Status) {
    (error.resource_name.unwrap_or_default().name, error.error_detail.unwrap_or_default())
}

/// The name inside a resource: field 1 of every type.
///
/// # Panics
/// When the body is no message with one.
pub fn inner_name(body: &Any) -> String {
    #[derive(Clone, PartialEq, Message)]
    struct Named {
        #[prost(string, tag = "1")]
        name: String,
    }
    Named::decode(&*body.value).expect("a resource with a name").name
}

/// What the client remembers of one type.
#[derive(Default)]
struct OfType {
    /// Asked for on this stream.
    started: bool,
    names: BTreeSet<String>,
    held: BTreeMap<String, String>,
    version: String,
    nonce: String,
}

/// A message as it is, for what the verbs do not say.
pub enum Say {
    Delta(DeltaDiscoveryRequest),
    StateOfTheWorld(DiscoveryRequest),
}

enum Out {
    Delta(mpsc::Sender<DeltaDiscoveryRequest>),
    StateOfTheWorld(mpsc::Sender<DiscoveryRequest>),
}

pub struct AdsClient {
    pub dialect: Dialect,
    /// Goes with the first message of each stream.
    pub node: Node,
    /// It goes with the others too.
    pub repeats_node: bool,
    service: Service,
    channel: Channel,
    said_node: bool,
    out: Option<Out>,
    answers: mpsc::Receiver<Result<Answer, Status>>,
    types: BTreeMap<String, OfType>,
}

/// A connection that several clients may share.
///
/// # Panics
/// When `address` (host and port) is none.
pub fn connection(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    endpoint.http2_keep_alive_interval(Duration::from_secs(10)).connect_lazy()
}

impl AdsClient {
    /// Says nothing until it is told to.
    pub fn new(channel: Channel, service: Service, dialect: Dialect, node: Node) -> Self {
        let (_, answers) = mpsc::channel(1);
        let mut client = Self {
            dialect,
            node,
            repeats_node: false,
            service,
            channel,
            said_node: false,
            out: None,
            answers,
            types: BTreeMap::new(),
        };
        client.open();
        client
    }

    fn open(&mut self) {
        let method = match self.dialect {
            Dialect::Delta => self.service.delta,
            Dialect::StateOfTheWorld => self.service.state_of_the_world,
        };
        let path = format!("/{}/{method}", self.service.name).parse().expect("names of services are paths");
        match self.dialect {
            Dialect::Delta => {
                let (out, answers) = stream::<_, DeltaDiscoveryResponse>(self.channel.clone(), path);
                (self.out, self.answers) = (Some(Out::Delta(out)), answers);
            }
            Dialect::StateOfTheWorld => {
                let (out, answers) = stream::<_, DiscoveryResponse>(self.channel.clone(), path);
                (self.out, self.answers) = (Some(Out::StateOfTheWorld(out)), answers);
            }
        }
        self.said_node = false;
    }

    /// Ends the stream and opens another. The client keeps what it has accepted, and forgets nonces.
    pub fn reconnect(&mut self) {
        self.open();
        for of_type in self.types.values_mut() {
            of_type.started = false;
            of_type.nonce.clear();
        }
    }

    /// As [`Self::reconnect`], to another server.
    pub fn moves_to(&mut self, address: &str) {
        self.channel = connection(address);
        self.reconnect();
    }

    /// Says that it will say nothing more.
    pub fn half_close(&mut self) {
        self.out = None;
    }

    /// Asks for names; for none: in delta an empty message, in state of the world the names it has.
    pub async fn subscribe(&mut self, type_url: &str, names: &[&str]) {
        let of_type = self.types.entry(type_url.to_owned()).or_default();
        of_type.names.extend(names.iter().map(|name| (*name).to_owned()));
        let first = !std::mem::replace(&mut of_type.started, true);
        let held = if first { of_type.held.clone().into_iter().collect() } else { Default::default() };
        let delta = DeltaDiscoveryRequest {
            type_url: type_url.to_owned(),
            resource_names_subscribe: owned(names),
            initial_resource_versions: held,
            ..Default::default()
        };
        self.say(type_url, delta, None).await;
    }

    pub async fn unsubscribe(&mut self, type_url: &str, names: &[&str]) {
        let of_type = self.types.entry(type_url.to_owned()).or_default();
        of_type.names.retain(|name| !names.contains(&name.as_str()));
        let delta = DeltaDiscoveryRequest {
            type_url: type_url.to_owned(),
            resource_names_unsubscribe: owned(names),
            ..Default::default()
        };
        self.say(type_url, delta, None).await;
    }

    /// State of the world: asks for these names and no others. Delta: for what differs.
    pub async fn replace(&mut self, type_url: &str, names: &[&str]) {
        let of_type = self.types.entry(type_url.to_owned()).or_default();
        let old = std::mem::replace(&mut of_type.names, owned(names).into_iter().collect());
        of_type.started = true;
        let delta = DeltaDiscoveryRequest {
            type_url: type_url.to_owned(),
            resource_names_subscribe: of_type.names.difference(&old).cloned().collect(),
            resource_names_unsubscribe: old.difference(&of_type.names).cloned().collect(),
            ..Default::default()
        };
        self.say(type_url, delta, None).await;
    }

    /// The next response, which must be of this type.
    ///
    /// # Panics
    /// When it is of another, the stream ends, or nothing comes.
    pub async fn expect(&mut self, type_url: &str) -> Answer {
        let answer = timeout(PATIENCE, self.answers.recv()).await;
        let answer = answer.unwrap_or_else(|_| panic!("no response of {type_url} came"));
        let answer = answer.unwrap_or_else(|| Err(Status::ok("")));
        let answer = answer.unwrap_or_else(|status| panic!("the stream ended before {type_url}: {status}"));
        assert_eq!(answer.type_url, type_url, "a response of another type: {answer:?}");
        answer
    }

    /// # Panics
    /// When a response comes, or the stream ends.
    pub async fn quiet(&mut self) {
        if let Ok(answer) = timeout(QUIET, self.answers.recv()).await {
            panic!("expected silence, got {answer:?}");
        }
    }

    /// Waits for the end of the stream, whatever comes before it.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ended(&mut self) -> Status {
        let end = async {
            loop {
                match self.answers.recv().await {
                    Some(Ok(_)) => {}
                    Some(Err(status)) => return status,
                    None => return Status::ok(""),
                }
            }
        };
        timeout(PATIENCE, end).await.expect("the stream ends")
    }

    /// Takes a response in, and says so.
    pub async fn ack(&mut self, answer: &Answer) {
        let of_type = self.types.entry(answer.type_url.clone()).or_default();
        for resource in &answer.resources {
            of_type.held.insert(resource.name.clone(), resource.version.clone());
        }
        for name in &answer.removed {
            of_type.held.remove(name);
        }
        of_type.version.clone_from(&answer.version);
        self.answer(answer, None).await;
    }

    /// Refuses a response.
    pub async fn nack(&mut self, answer: &Answer, why: &str) {
        let error = rpc::Status { code: 13, message: why.to_owned(), details: Vec::new() };
        self.answer(answer, Some(error)).await;
    }

    async fn answer(&mut self, answer: &Answer, error: Option<rpc::Status>) {
        self.types.entry(answer.type_url.clone()).or_default().nonce.clone_from(&answer.nonce);
        let delta = DeltaDiscoveryRequest {
            type_url: answer.type_url.clone(),
            response_nonce: answer.nonce.clone(),
            ..Default::default()
        };
        self.say(&answer.type_url, delta, error).await;
    }

    /// The message as delta has it; in state of the world the same from what is remembered.
    async fn say(&mut self, type_url: &str, delta: DeltaDiscoveryRequest, error: Option<rpc::Status>) {
        let say = match self.dialect {
            Dialect::Delta => Say::Delta(DeltaDiscoveryRequest { error_detail: error, ..delta }),
            Dialect::StateOfTheWorld => {
                let of_type = self.types.entry(type_url.to_owned()).or_default();
                Say::StateOfTheWorld(DiscoveryRequest {
                    type_url: type_url.to_owned(),
                    resource_names: of_type.names.iter().cloned().collect(),
                    version_info: of_type.version.clone(),
                    response_nonce: of_type.nonce.clone(),
                    error_detail: error,
                    ..Default::default()
                })
            }
        };
        self.send(say).await;
    }

    /// Sends a message, with the node if it is due and the message has none.
    ///
    /// # Panics
    /// When it is of the other dialect.
    pub async fn send(&mut self, say: Say) {
        let due = self.repeats_node || !std::mem::replace(&mut self.said_node, true);
        let node = due.then(|| self.node.clone());
        // a stream that has ended takes nothing: the test sees it when it listens
        match (say, &self.out) {
            (Say::Delta(message), Some(Out::Delta(out))) => {
                _ = out.send(DeltaDiscoveryRequest { node: message.node.clone().or(node), ..message }).await;
            }
            (Say::StateOfTheWorld(message), Some(Out::StateOfTheWorld(out))) => {
                _ = out.send(DiscoveryRequest { node: message.node.clone().or(node), ..message }).await;
            }
            (_, None) => {}
            _ => panic!("a message of the other dialect"),
        }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Opens a stream without waiting for its headers, which servers send with their first response. At most one response
/// is read before it is asked for, so a client that is not told to listen does not read.
fn stream<Q, A>(channel: Channel, path: PathAndQuery) -> (mpsc::Sender<Q>, mpsc::Receiver<Result<Answer, Status>>)
where
    Q: Message + 'static,
    A: Message + Default + Into<Answer> + 'static,
{
    let (out, requests) = mpsc::channel(16);
    let (answers, incoming) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut grpc = tonic::client::Grpc::new(channel).max_decoding_message_size(usize::MAX);
        let opened = match grpc.ready().await {
            Ok(()) => {
                let codec = ProstCodec::<Q, A>::default();
                grpc.streaming(Request::new(ReceiverStream::new(requests)), path, codec).await
            }
            Err(error) => Err(Status::unavailable(error.to_string())),
        };
        let mut messages = match opened {
            Ok(response) => response.into_inner(),
            Err(status) => {
                _ = answers.send(Err(status)).await;
                return;
            }
        };
        loop {
            let next = match messages.message().await {
                Ok(Some(message)) => Ok(message.into()),
                Ok(None) => return,
                Err(status) => Err(status),
            };
            let is_end = next.is_err();
            if answers.send(next).await.is_err() || is_end {
                return;
            }
        }
    });
    (out, incoming)
}
