//! What generation makes and streams send: a resource, encoded once, shared by everybody who holds it.

pub mod name;
mod view;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::{Deref, Range};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::{Buf as _, BufMut, Bytes, BytesMut};
use envoy_types::pb::envoy::service::discovery::v3::Resource as Wrapper;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

pub use view::{ResourceList, View, find};

const WRAPPER: &str = "type.googleapis.com/envoy.service.discovery.v3.Resource";

/// The types Chancery serves, in the order of make before break: what is referred to comes before what refers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ResourceType {
    Secret,
    Cluster,
    Endpoint,
    Listener,
    Route,
}

impl ResourceType {
    pub const ALL: [Self; 5] = [Self::Secret, Self::Cluster, Self::Endpoint, Self::Listener, Self::Route];

    pub fn type_url(self) -> &'static str {
        match self {
            Self::Secret => "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            Self::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            Self::Endpoint => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            Self::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            Self::Route => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        }
    }

    pub fn from_type_url(url: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.type_url() == url)
    }

    /// The word for metrics, cards and file names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Cluster => "cluster",
            Self::Endpoint => "endpoint",
            Self::Listener => "listener",
            Self::Route => "route",
        }
    }

    /// An empty first subscription means everything (listeners and clusters) or nothing (the rest).
    /// "For Listener and Cluster resource types, there is also a 'wildcard' subscription" (xDS protocol).
    pub fn has_wildcard(self) -> bool {
        matches!(self, Self::Cluster | Self::Listener)
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Hash of a resource's bytes: its version. Equal content has an equal version in every run and on every replica.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ResourceHash(pub u64);

impl ResourceHash {
    /// From the version text a client returns; `None` if it was never ours.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for ResourceHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

/// One resource. `needs` are the names it refers to: the clusters of a listener or route, the endpoint name of a
/// cluster (most often its own) or the clusters that it is made of, so that a stream can send what is needed first. They follow
/// from the content: with equal versions they are equal.
pub struct Resource {
    pub kind: ResourceType,
    pub name: Arc<str>,
    pub version: ResourceHash,
    pub needs: Box<[Arc<str>]>,
    /// Field 2 of `DeltaDiscoveryResponse` with tag and length: a whole `Resource` message.
    delta_chunk: Bytes,
    /// Field 2 of that `Resource`, which is bit for bit field 2 of `DiscoveryResponse`: the `Any` with tag and length.
    any_chunk: Range<usize>,
    extras: Option<Box<Extras>>,
}

/// What few resources have. It is a part of their version, so that a change of it is sent like any other.
#[derive(Clone)]
struct Extras {
    /// Hash of the body alone.
    body: ResourceHash,
    ttl: Option<Duration>,
    aliases: Vec<Arc<str>>,
}

impl Resource {
    /// Encodes `message`, which must encode the same way each time (no map with more than one key).
    pub fn new<M: prost::Message>(
        kind: ResourceType,
        name: impl Into<Arc<str>>,
        needs: Vec<Arc<str>>,
        message: &M,
    ) -> Self {
        Self::of_body(kind, name, needs, &message.encode_to_vec())
    }

    /// Of a message that was encoded already.
    pub fn of_body(kind: ResourceType, name: impl Into<Arc<str>>, needs: Vec<Arc<str>>, body: &[u8]) -> Self {
        let name = in_canonical_form(name.into());
        let needs: Box<[Arc<str>]> = needs.into_iter().map(in_canonical_form).collect();
        let version = ResourceHash(xxh3_64(body));
        let (delta_chunk, any_chunk) = encode_chunk(kind.type_url(), &name, version, body);
        Self { kind, name, version, needs, delta_chunk, any_chunk, extras: None }
    }

    /// The client drops the resource this long after it was last told that it stands; zero: never. Envoy ignores it
    /// for endpoints.
    #[must_use]
    pub fn with_ttl(self, ttl: Duration) -> Self {
        self.with(|extras| extras.ttl = Some(ttl).filter(|ttl| !ttl.is_zero()))
    }

    /// Other names by which clients may ask for it.
    #[must_use]
    pub fn with_aliases(self, aliases: Vec<Arc<str>>) -> Self {
        self.with(|extras| extras.aliases = aliases)
    }

    fn with(mut self, change: impl FnOnce(&mut Extras)) -> Self {
        let plain = || Extras { body: self.version, ttl: None, aliases: Vec::new() };
        let mut extras = self.extras.take().map_or_else(plain, |extras| *extras);
        change(&mut extras);
        self.version = extras.version();
        self.extras = (!extras.is_empty()).then(|| Box::new(extras));
        (self.delta_chunk, self.any_chunk) = encode_around(&self.head(), self.any_chunk());
        self
    }

    pub fn ttl(&self) -> Option<Duration> {
        self.extras.as_ref().and_then(|extras| extras.ttl)
    }

    pub fn aliases(&self) -> &[Arc<str>] {
        self.extras.as_ref().map_or(&[], |extras| &extras.aliases)
    }

    /// The same resource under another spelling of its name.
    #[must_use]
    pub fn renamed(&self, name: Arc<str>) -> Self {
        let head = Wrapper { name: name.to_string(), ..self.head() };
        let (delta_chunk, any_chunk) = encode_around(&head, self.any_chunk());
        let (needs, extras) = (self.needs.clone(), self.extras.clone());
        Self { kind: self.kind, name, version: self.version, needs, delta_chunk, any_chunk, extras }
    }

    /// Everything but the body.
    pub fn head(&self) -> Wrapper {
        Wrapper {
            name: self.name.to_string(),
            version: self.version.to_string(),
            ttl: self.ttl().map(wire_duration),
            aliases: self.aliases().iter().map(ToString::to_string).collect(),
            ..Default::default()
        }
    }

    /// The clusters that this cluster is made of: under its own name it needs endpoints. Endpoints of another name are
    /// among them, where there are such; no cluster has that name.
    pub fn members(&self) -> impl Iterator<Item = &Arc<str>> {
        self.needs.iter().filter(|need| self.kind == ResourceType::Cluster && **need != self.name)
    }

    /// The same bytes under the same name; most often the same allocation.
    fn is(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other) || **self == **other
    }

    /// A complete `resources` field of a `DeltaDiscoveryResponse`.
    pub fn delta_chunk(&self) -> &Bytes {
        &self.delta_chunk
    }

    /// A complete `resources` field of a `DiscoveryResponse`.
    pub fn any_chunk(&self) -> &[u8] {
        &self.delta_chunk[self.any_chunk.clone()]
    }

    /// The same for a resource inside its wrapper, which has its name and its time to live.
    pub fn wrapped_chunk(&self) -> Bytes {
        let mut wrapper = &*self.delta_chunk;
        // what precedes the wrapper: a tag below 16, which is one byte, and a length
        wrapper.advance(1);
        let len = prost::encoding::decode_varint(&mut wrapper).map_or(0, |_| wrapper.len());
        encode_any(WRAPPER, &self.delta_chunk[self.delta_chunk.len() - len..])
    }

    /// The encoded message.
    pub fn body(&self) -> Vec<u8> {
        // the chunk was made here, of an `Any`
        self.any().map(|any| any.value).unwrap_or_default()
    }

    /// The `Any` itself.
    pub fn any(&self) -> Result<envoy_types::pb::google::protobuf::Any, prost::DecodeError> {
        let mut chunk = self.any_chunk();
        prost::encoding::decode_key(&mut chunk)?;
        envoy_types::pb::google::protobuf::Any::decode_length_delimited(chunk)
    }
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name && self.version == other.version
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}@{}", self.kind, self.name, self.version)
    }
}

impl Extras {
    fn is_empty(&self) -> bool {
        self.ttl.is_none() && self.aliases.is_empty()
    }

    fn version(&self) -> ResourceHash {
        if self.is_empty() {
            return self.body;
        }
        let mut hash = Xxh3::new();
        hash.update(&self.body.0.to_be_bytes());
        hash.update(&self.ttl.unwrap_or_default().as_nanos().to_be_bytes());
        for alias in &self.aliases {
            hash.update(alias.as_bytes());
            hash.update(&[0]);
        }
        ResourceHash(hash.digest())
    }
}

fn in_canonical_form(name: Arc<str>) -> Arc<str> {
    match name::canonical(&name) {
        Cow::Borrowed(_) => name,
        Cow::Owned(canonical) => canonical.into(),
    }
}

fn wire_duration(duration: Duration) -> envoy_types::pb::google::protobuf::Duration {
    envoy_types::pb::google::protobuf::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}

/// The same as [`encode_chunk`] for a head that holds more, around an `Any` with its tag and length.
fn encode_around(head: &Wrapper, any_chunk: &[u8]) -> (Bytes, Range<usize>) {
    let len = head.encoded_len() + any_chunk.len();
    let mut out = BytesMut::with_capacity(1 + encoded_len_varint(len as u64) + len);
    encode_key(2, WireType::LengthDelimited, &mut out);
    encode_varint(len as u64, &mut out);
    head.encode_raw(&mut out);
    let start = out.len();
    out.put_slice(any_chunk);
    let end = out.len();
    (out.freeze(), start..end)
}

/// An `Any` as field 2 of what is around it.
fn encode_any(type_url: &str, value: &[u8]) -> Bytes {
    let any = envoy_types::pb::google::protobuf::Any { type_url: type_url.to_owned(), value: value.to_vec() };
    let mut out = BytesMut::new();
    prost::encoding::message::encode(2, &any, &mut out);
    out.freeze()
}

/// `Resource { version = 1, resource = 2 (Any), name = 3 }` as field 2 of the response around it.
fn encode_chunk(type_url: &str, name: &str, version: ResourceHash, body: &[u8]) -> (Bytes, Range<usize>) {
    fn field_len(len: usize) -> usize {
        1 + encoded_len_varint(len as u64) + len
    }
    fn put_field(out: &mut BytesMut, number: u32, bytes: &[u8]) {
        put_head(out, number, bytes.len());
        out.put_slice(bytes);
    }
    fn put_head(out: &mut BytesMut, number: u32, len: usize) {
        encode_key(number, WireType::LengthDelimited, out);
        encode_varint(len as u64, out);
    }
    let version = version.to_string();
    let any_len = field_len(type_url.len()) + field_len(body.len());
    let resource_len = field_len(version.len()) + field_len(any_len) + field_len(name.len());
    let mut out = BytesMut::with_capacity(field_len(resource_len));
    put_head(&mut out, 2, resource_len);
    put_field(&mut out, 3, name.as_bytes());
    put_field(&mut out, 1, version.as_bytes());
    let start = out.len();
    put_head(&mut out, 2, any_len);
    put_field(&mut out, 1, type_url.as_bytes());
    put_field(&mut out, 2, body);
    let end = out.len();
    (out.freeze(), start..end)
}

/// A fact that many proxies share, with the resources that were made of it: the first proxy that needs one makes it,
/// the others take it. The key must stand for everything else the resource was made of. What no proxy holds any longer
/// is forgotten, so a fact that lives long does not collect what came and went.
pub struct Shared<T> {
    value: T,
    made: Mutex<HashMap<u64, Weak<Resource>>>,
}

impl<T> Shared<T> {
    pub fn new(value: T) -> Self {
        Self { value, made: Mutex::default() }
    }

    pub fn resource(&self, key: u64, make: impl FnOnce() -> Resource) -> Arc<Resource> {
        // a panic in `make` leaves the map as it was, so a poisoned lock is still good
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(resource) = made.get(&key).and_then(Weak::upgrade) {
            return resource;
        }
        let resource = Arc::new(make());
        if made.len() == made.capacity() {
            made.retain(|_, resource| resource.strong_count() > 0);
        }
        made.insert(key, Arc::downgrade(&resource));
        resource
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use envoy_types::pb::envoy::config::cluster::v3::Cluster;
    use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryResponse, DiscoveryResponse};

    fn cluster(name: &str) -> Resource {
        let message = Cluster { name: name.to_owned(), ..Default::default() };
        Resource::new(ResourceType::Cluster, name, vec![], &message)
    }

    #[test]
    fn a_chunk_is_a_field_of_the_delta_response() {
        let resource = cluster("backend");
        let response = DeltaDiscoveryResponse::decode(resource.delta_chunk().clone()).unwrap();
        let [decoded] = &response.resources[..] else { panic!("one resource") };
        assert_eq!(decoded.name, "backend");
        assert_eq!(decoded.version, resource.version.to_string());
        let any = decoded.resource.clone().unwrap();
        assert_eq!(any.type_url, ResourceType::Cluster.type_url());
        assert_eq!(Cluster::decode(&*any.value).unwrap().name, "backend");
    }

    #[test]
    fn its_middle_is_a_field_of_the_state_of_the_world_response() {
        let resource = cluster("backend");
        let response = DiscoveryResponse::decode(resource.any_chunk()).unwrap();
        assert_eq!(response.resources, [resource.any().unwrap()]);
    }

    // rows 91, 122 and 126
    #[test]
    fn a_time_to_live_and_aliases_go_with_the_resource_and_change_its_version() {
        let plain = cluster("backend");
        let lasting = cluster("backend").with_ttl(Duration::from_millis(1500));
        let known = cluster("backend").with_ttl(Duration::from_secs(9)).with_aliases(vec!["b".into(), "c".into()]);
        assert_eq!(BTreeSet::from([plain.version, lasting.version, known.version]).len(), 3);
        let response = DeltaDiscoveryResponse::decode(lasting.delta_chunk().clone()).unwrap();
        let ttl = response.resources[0].ttl.unwrap();
        assert_eq!((ttl.seconds, ttl.nanos), (1, 500_000_000));
        assert_eq!(response.resources[0].version, lasting.version.to_string());
        assert_eq!(response.resources[0].resource, Some(plain.any().unwrap()));
        assert_eq!(lasting.any_chunk(), plain.any_chunk());
        let cleared = lasting.with_ttl(Duration::ZERO);
        assert_eq!(DeltaDiscoveryResponse::decode(cleared.delta_chunk().clone()).unwrap().resources[0].ttl, None);
        assert_eq!(cleared.version, plain.version);
        let response = DeltaDiscoveryResponse::decode(known.delta_chunk().clone()).unwrap();
        assert_eq!(response.resources[0].aliases, ["b", "c"]);
        assert_eq!(response.resources[0].ttl.unwrap().seconds, 9);
    }

    // row 124
    #[test]
    fn in_its_wrapper_a_resource_is_a_field_of_the_state_of_the_world_response() {
        for content in ["x", &"x".repeat(1000)] {
            let lasting = cluster(content).with_ttl(Duration::from_secs(9));
            let response = DiscoveryResponse::decode(lasting.wrapped_chunk()).unwrap();
            assert_eq!(response.resources[0].type_url, WRAPPER);
            let wrapper = Wrapper::decode(&*response.resources[0].value).unwrap();
            assert_eq!(wrapper, Wrapper { resource: Some(lasting.any().unwrap()), ..lasting.head() });
        }
    }

    #[test]
    fn a_shared_fact_makes_each_resource_once() {
        let fact = Shared::new(());
        let first = fact.resource(7, || cluster("a"));
        let second = fact.resource(7, || panic!("made twice"));
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn a_shared_fact_forgets_what_nobody_holds() {
        let fact = Shared::new(());
        let kept = fact.resource(0, || cluster("kept"));
        for key in 1..1000 {
            drop(fact.resource(key, || cluster("dropped")));
        }
        assert!(fact.made.lock().unwrap().len() < 10);
        assert!(Arc::ptr_eq(&kept, &fact.resource(0, || panic!("made twice"))));
    }
}
