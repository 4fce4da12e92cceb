//! The words of the domain. Plain values: no behaviour beyond what a value knows of itself, no wire spelling
//! (that is [`crate::wire`]). `serde` here is the store's own format, never Consul's.

pub mod access_logs;
pub mod certs;
pub mod check;
pub mod endpoint;
pub mod entry;
pub mod expose;
pub mod grpc;
pub mod http;
pub mod inbound;
pub mod intention;
pub mod kv;
pub mod member;
pub mod names;
pub mod node;
pub mod proxy;
pub mod proxy_config;
pub mod rate_limits;
pub mod service;
pub mod telemetry;
pub mod topic;
pub mod upstream_settings;
pub mod virtual_ip;
pub mod words;

pub use access_logs::AccessLogs;
pub use certs::{KeyKind, Leaf, Root, Roots, Secret, SpiffeId, UnixTime};
pub use check::{Check, CheckDefinition, Probe, Status, Target};
pub use endpoint::{Endpoint, Endpoints, Instance};
pub use entry::{Entry, EntryKey, EntryKind};
pub use expose::Expose;
pub use grpc::{CertificateProviders, GrpcListener, GrpcNode, GrpcSubscriber};
pub use inbound::Inbound;
pub use intention::{Action, Intention};
pub use kv::KvPair;
pub use member::Member;
pub use names::{CheckId, Datacenter, Index, KvKey, NodeName, ProxyId, ServiceId, ServiceName, TrustDomain};
pub use node::Node;
pub use proxy::{MutualTls, Opaque, Protocol, Proxy, Upstream};
pub use proxy_config::{Bind, LocalApp, ProxyConfig, UpstreamConfig};
pub use rate_limits::RateLimits;
pub use service::{Service, ServiceKind, TaggedAddress, Weights};
pub use telemetry::Telemetry;
pub use topic::{Place, Topic};
pub use upstream_settings::UpstreamSettings;
pub use virtual_ip::VirtualIp;
pub use words::Word;
