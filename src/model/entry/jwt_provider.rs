//! `jwt-provider`: who issues the JSON Web Tokens that intentions may demand, and how they are proved.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::words::words;

/// What Consul gives a provider that does not say.
pub const DEFAULT_CLOCK_SKEW: Duration = Duration::from_secs(30);

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct JwtProvider {
    pub keys: KeySet,
    /// Empty: any.
    pub issuer: String,
    /// A token must have one of them. Empty: any.
    pub audiences: Vec<String>,
    /// Where a request carries it. Empty: Envoy's two, the header `Authorization` and the parameter `access_token`.
    pub locations: Vec<TokenLocation>,
    pub forwarding: Option<TokenForwarding>,
    pub clock_skew: Duration,
    /// How many proved tokens are remembered. 0: none.
    pub cache_size: u32,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum KeySet {
    /// The key set itself.
    Inline(String),
    /// A file beside the Envoy.
    File(String),
    Remote(RemoteKeySet),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct RemoteKeySet {
    /// `http` or `https`.
    pub uri: String,
    /// `None`: Envoy's default.
    pub request_timeout: Option<Duration>,
    /// `None`: Envoy's default, ten minutes.
    pub cache_duration: Option<Duration>,
    /// The first fetch does not keep the listener waiting.
    pub fetch_asynchronously: bool,
    /// The host's name is sent in TLS.
    pub use_sni: bool,
    pub retry: Option<FetchRetry>,
    pub cluster: KeyCluster,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct FetchRetry {
    /// 0: Envoy's default, one.
    pub most: u32,
    pub base_interval: Option<Duration>,
    pub max_interval: Option<Duration>,
}

/// How the host of a remote key set is reached.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct KeyCluster {
    /// `None`: strict DNS.
    pub discovery: Option<KeyDiscovery>,
    /// `None`: Envoy's default, five seconds.
    pub connect_timeout: Option<Duration>,
    /// `None`: the host's certificate is not proved.
    pub trusted_ca: Option<TrustedCa>,
}

words! {
    KeyDiscovery { Static = "STATIC", StrictDns = "STRICT_DNS", LogicalDns = "LOGICAL_DNS" }
}

/// Where Envoy finds the authorities to trust.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum TrustedCa {
    File(String),
    EnvironmentVariable(String),
    /// PEM.
    Inline(String),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum TokenLocation {
    Header {
        name: String,
        /// What stands before the token in the header's value.
        value_prefix: String,
        /// The application gets the header too.
        forward: bool,
    },
    QueryParam(String),
    Cookie(String),
}

/// The proved token's payload, for the application.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct TokenForwarding {
    pub header_name: String,
    /// Base64 is filled up with `=`.
    pub pad: bool,
}
