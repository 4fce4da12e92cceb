//! The bytes: resources that an Envoy could use, filled up to the sizes of those that Chancery generates for a sidecar with
//! one TCP upstream.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::{BufMut as _, Bytes, BytesMut};
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType, EdsClusterConfig};
use envoy_types::pb::envoy::config::core::v3::transport_socket::ConfigType;
use envoy_types::pb::envoy::config::core::v3::{
    Address, SocketAddress, TransportSocket, address, socket_address::PortSpecifier,
};
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::endpoint::v3::{ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints};
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::ValidationContextType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, SdsSecretConfig, Secret, UpstreamTlsContext,
};
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryResponse, Resource};
use envoy_types::pb::google::protobuf::{Any, Duration, UInt32Value};
use prost::Message;

const UPSTREAM: &str = "swarm-upstream.default.dc1.internal.247a991f-fa33-4b4d-93cb-511863a0d8fb.consul";
/// Bytes of each resource's body, as Chancery makes them.
const LOCAL_APP_BYTES: usize = 70;
const UPSTREAM_BYTES: usize = 480;
const LISTENER_BYTES: [(&str, usize); 2] =
    [("public_listener:0.0.0.0:20000", 560), ("swarm-upstream:127.0.0.1:9191", 180)];
const SECRET_BYTES: [(&str, usize); 2] = [("leaf", 1250), ("roots", 650)];
/// A field that no message has: it is skipped by every reader.
const FILLER_TAG: u64 = 15_000 << 3 | 2;

/// The types, as in their URLs.
pub const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
pub const ENDPOINT: &str = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
pub const SECRET: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
pub const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";
pub const ROUTE: &str = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";

/// Each is one gRPC message with its prefix.
pub struct Responses {
    pub clusters: Bytes,
    pub secrets: Bytes,
    pub listeners: Bytes,
    nonce: AtomicU64,
    /// By slot. The first instance has a slot of its own.
    ports: Mutex<BTreeMap<usize, u16>>,
}

impl Responses {
    pub fn new() -> Self {
        let resources = |type_url: &'static str, sizes: [(&str, usize); 2]| {
            let of = |(name, bytes): (&str, usize)| {
                let named = Secret { name: name.to_owned(), ..Secret::default() };
                resource(type_url, name, filled(&named, bytes))
            };
            message(type_url, "1", sizes.map(of).to_vec(), &[])
        };
        // a listener and a secret both have their name in field 1
        debug_assert_eq!(
            Listener { name: "x".to_owned(), ..Listener::default() }.encode_to_vec(),
            Secret { name: "x".to_owned(), ..Secret::default() }.encode_to_vec()
        );
        Self {
            clusters: message(CLUSTER, "1", vec![local_app(5000), upstream()], &[]),
            secrets: resources(SECRET, SECRET_BYTES),
            listeners: resources(LISTENER, LISTENER_BYTES),
            nonce: AtomicU64::new(1),
            ports: Mutex::new(BTreeMap::from([(usize::MAX, 9000)])),
        }
    }

    /// As it is now.
    pub fn endpoints(&self) -> Bytes {
        let ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        let endpoint = |(slot, port): (&usize, &u16)| {
            let text = format!("10.200.{}.{}", usize::from(*slot == usize::MAX), slot.wrapping_add(1) % 256);
            let socket = SocketAddress {
                address: text,
                port_specifier: Some(PortSpecifier::PortValue((*port).into())),
                ..SocketAddress::default()
            };
            let address = Address { address: Some(address::Address::SocketAddress(socket)) };
            let endpoint = Endpoint { address: Some(address), ..Endpoint::default() };
            LbEndpoint {
                host_identifier: Some(HostIdentifier::Endpoint(endpoint)),
                health_status: 1,
                load_balancing_weight: Some(UInt32Value { value: 1 }),
                ..LbEndpoint::default()
            }
        };
        let locality = LocalityLbEndpoints {
            lb_endpoints: ports.iter().map(endpoint).collect(),
            ..LocalityLbEndpoints::default()
        };
        let assignment = ClusterLoadAssignment {
            cluster_name: UPSTREAM.to_owned(),
            endpoints: vec![locality],
            ..ClusterLoadAssignment::default()
        };
        let resource = resource(ENDPOINT, UPSTREAM, assignment.encode_to_vec());
        message(ENDPOINT, &self.nonce(), vec![resource], &[])
    }

    pub fn endpoint(&self, slot: usize, port: u16) -> Bytes {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).insert(slot, port);
        self.endpoints()
    }

    pub fn cluster(&self, connect_timeout_ms: u32) -> Bytes {
        message(CLUSTER, &self.nonce(), vec![local_app(connect_timeout_ms)], &[])
    }

    /// What somebody asked for by name is not there.
    pub fn nothing(type_url: &str, names: &[String]) -> Bytes {
        message(type_url, "1", Vec::new(), names)
    }

    fn nonce(&self) -> String {
        (self.nonce.fetch_add(1, Relaxed) + 1).to_string()
    }
}

fn local_app(connect_timeout_ms: u32) -> Resource {
    let milliseconds = i64::from(connect_timeout_ms);
    let timeout =
        Duration { seconds: milliseconds / 1000, nanos: (connect_timeout_ms % 1000 * 1_000_000).cast_signed() };
    let cluster = Cluster { name: "local_app".to_owned(), connect_timeout: Some(timeout), ..Cluster::default() };
    resource(CLUSTER, "local_app", filled(&cluster, LOCAL_APP_BYTES))
}

fn upstream() -> Resource {
    let secret = |name: &str| SdsSecretConfig { name: name.to_owned(), ..SdsSecretConfig::default() };
    let context = CommonTlsContext {
        tls_certificate_sds_secret_configs: vec![secret("leaf")],
        validation_context_type: Some(ValidationContextType::ValidationContextSdsSecretConfig(secret("roots"))),
        ..CommonTlsContext::default()
    };
    let tls = UpstreamTlsContext { common_tls_context: Some(context), ..UpstreamTlsContext::default() };
    let any = Any {
        type_url: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext".to_owned(),
        value: tls.encode_to_vec(),
    };
    let socket = TransportSocket { name: "tls".to_owned(), config_type: Some(ConfigType::TypedConfig(any)) };
    let cluster = Cluster {
        name: UPSTREAM.to_owned(),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Eds as i32)),
        eds_cluster_config: Some(EdsClusterConfig::default()),
        transport_socket: Some(socket),
        ..Cluster::default()
    };
    resource(CLUSTER, UPSTREAM, filled(&cluster, UPSTREAM_BYTES))
}

fn resource(type_url: &str, name: &str, value: Vec<u8>) -> Resource {
    Resource {
        name: name.to_owned(),
        version: "0123456789abcdef".to_owned(),
        resource: Some(Any { type_url: type_url.to_owned(), value }),
        ..Resource::default()
    }
}

/// The message, made `bytes` long by something that no reader looks at.
fn filled(message: &impl Message, bytes: usize) -> Vec<u8> {
    let mut encoded = message.encode_to_vec();
    let missing = bytes.saturating_sub(encoded.len() + 5);
    prost::encoding::encode_varint(FILLER_TAG, &mut encoded);
    prost::encoding::encode_varint(missing as u64, &mut encoded);
    encoded.resize(encoded.len() + missing, b'x');
    encoded
}

fn message(type_url: &str, nonce: &str, resources: Vec<Resource>, removed: &[String]) -> Bytes {
    let response = DeltaDiscoveryResponse {
        type_url: type_url.to_owned(),
        nonce: nonce.to_owned(),
        system_version_info: "0123456789abcdef".to_owned(),
        resources,
        removed_resources: removed.to_vec(),
        ..DeltaDiscoveryResponse::default()
    };
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(response.encoded_len()).unwrap_or(u32::MAX));
    bytes.extend_from_slice(&response.encode_to_vec());
    bytes.freeze()
}
