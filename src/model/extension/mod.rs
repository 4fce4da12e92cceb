//! Envoy extensions: what a user adds to the resources of a proxy after they were made.

mod aws_lambda;
mod callee;
mod fate;
mod property_override;
mod version;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use aws_lambda::{Arn, AwsLambda, Invocation, SYSTEM_AUTHORITIES};
pub use callee::{Callee, GrpcCallee, Location, TextMatch, TextMatchKind};
pub use fate::{Fate, fates};
pub use property_override::{Operation, Patch, PatchedType, PropertyOverride};
pub use version::holds;

use super::entry::EntryKey;
use super::proxy::Opaque;
use super::sidecar::EnvoyVersion;
use super::words::words;

/// The release of Consul whose interface is spoken.
pub const CONSUL_VERSION: &str = "1.21.4";

words! {
    ExtensionName {
        AwsLambda = "builtin/aws/lambda",
        ExtAuthz = "builtin/ext-authz",
        LocalRateLimit = "builtin/http/localratelimit",
        Lua = "builtin/lua",
        OtelAccessLogging = "builtin/otel-access-logging",
        PropertyOverride = "builtin/property-override",
        Wasm = "builtin/wasm",
    }

    /// Whose requests: those that come to the service, or those that it makes.
    Direction { Inbound = "inbound", Outbound = "outbound" }
}

impl std::fmt::Display for ExtensionName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Extension {
    pub body: ExtensionBody,
    /// What it cannot be applied to is not served.
    pub required: bool,
    /// Of the Consul whose interface is spoken, a constraint such as `>= 1.16.0`. Empty: any.
    pub consul_version: String,
    /// Of the Envoy, likewise.
    #[serde(default)]
    pub envoy_version: String,
    /// As they were written.
    pub arguments: Opaque,
}

/// One that holds for a proxy, and the entry that says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Configured {
    pub entry: EntryKey,
    pub extension: Extension,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ExtensionBody {
    AwsLambda(Box<AwsLambda>),
    ExtAuthz(Box<ExtAuthz>),
    LocalRateLimit(LocalRateLimit),
    Lua(Lua),
    OtelAccessLogging(Box<OtelAccessLogging>),
    PropertyOverride(PropertyOverride),
    Wasm(Box<Wasm>),
}

impl Extension {
    /// Why it is not meant for this Envoy, or not for this control plane, if so.
    pub fn not_meant(&self, envoy: Option<EnvoyVersion>) -> Option<String> {
        let Self { consul_version, envoy_version, .. } = self;
        if !holds(consul_version, CONSUL_VERSION) {
            return Some(format!("it is for Consul {consul_version}, and {CONSUL_VERSION} is spoken here"));
        }
        match envoy {
            _ if envoy_version.is_empty() => None,
            None => Some(format!("it is for Envoy {envoy_version}, and the proxy does not say its version")),
            Some(envoy) if holds(envoy_version, &envoy.to_string()) => None,
            Some(envoy) => Some(format!("it is for Envoy {envoy_version}, and this one is {envoy}")),
        }
    }

    /// It is not about the proxies of the service: it makes a function of the service, for its callers.
    pub fn function(&self) -> Option<&AwsLambda> {
        match &self.body {
            ExtensionBody::AwsLambda(function) => Some(function),
            _ => None,
        }
    }

    pub fn name(&self) -> ExtensionName {
        match self.body {
            ExtensionBody::AwsLambda(_) => ExtensionName::AwsLambda,
            ExtensionBody::ExtAuthz(_) => ExtensionName::ExtAuthz,
            ExtensionBody::LocalRateLimit(_) => ExtensionName::LocalRateLimit,
            ExtensionBody::Lua(_) => ExtensionName::Lua,
            ExtensionBody::OtelAccessLogging(_) => ExtensionName::OtelAccessLogging,
            ExtensionBody::PropertyOverride(_) => ExtensionName::PropertyOverride,
            ExtensionBody::Wasm(_) => ExtensionName::Wasm,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lua {
    pub direction: Direction,
    pub script: String,
}

/// A bucket of requests to the service, at each of its proxies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LocalRateLimit {
    /// As many may come at once.
    pub max_tokens: u32,
    pub tokens_per_fill: u32,
    pub fill_interval: Duration,
    /// Percent of requests that are counted.
    pub enabled: u32,
    /// Percent of those beyond the limit that are answered with 429.
    pub enforced: u32,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExtAuthz {
    pub direction: Direction,
    pub location: Location,
    pub service: AuthzService,
    pub request_body: Option<RequestBody>,
    /// Of the answer when the service cannot be asked. `None`: 403.
    pub status_on_error: Option<u32>,
    pub stat_prefix: String,
    pub clear_route_cache: bool,
    pub include_peer_certificate: bool,
    pub metadata_context_namespaces: Vec<String>,
    pub bootstrap_metadata_labels_key: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AuthzService {
    Grpc(GrpcCallee),
    Http(Box<HttpAuthz>),
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HttpAuthz {
    pub callee: Callee,
    pub path_prefix: String,
    pub allowed_headers: Vec<TextMatch>,
    pub headers_to_add: Vec<(String, String)>,
    pub upstream_headers: Vec<TextMatch>,
    pub upstream_headers_to_append: Vec<TextMatch>,
    pub client_headers: Vec<TextMatch>,
    pub client_headers_on_success: Vec<TextMatch>,
    pub metadata_from_headers: Vec<TextMatch>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RequestBody {
    pub max_bytes: u32,
    pub allow_partial: bool,
    pub as_bytes: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OtelAccessLogging {
    pub direction: Direction,
    pub log_name: String,
    pub service: GrpcCallee,
    pub flush_interval: Option<Duration>,
    pub buffer_bytes: Option<u32>,
    pub filter_state_objects: Vec<String>,
    pub retry: Option<Retry>,
    /// Any JSON, in which Envoy fills in its `%FIELDS%`.
    pub body: serde_json::Value,
    pub attributes: Opaque,
    pub resource_attributes: Opaque,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Retry {
    pub times: Option<u32>,
    pub base_interval: Option<Duration>,
    pub max_interval: Option<Duration>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Wasm {
    pub direction: Direction,
    /// It looks at connections, not at requests.
    pub tcp: bool,
    pub name: String,
    pub root_id: String,
    pub configuration: String,
    pub allowed_capabilities: Vec<String>,
    pub vm_id: String,
    pub runtime: WasmRuntime,
    pub vm_configuration: String,
    pub host_variables: Vec<String>,
    pub variables: BTreeMap<String, String>,
    pub code: WasmCode,
}

words! {
    WasmRuntime { V8 = "v8", Wamr = "wamr", Wasmtime = "wasmtime", Wavm = "wavm" }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum WasmCode {
    /// On the machine of the proxy.
    File(String),
    Remote {
        callee: Callee,
        uri: String,
        sha256: String,
        retry: Option<Retry>,
    },
}
