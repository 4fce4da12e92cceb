//! Who may call whom.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::entry::JwtProvider;
use super::http::{HeaderMatch, PathMatch};
use super::names::{Index, ServiceName};

/// Matches every service.
pub const WILDCARD: &str = "*";

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Action {
    Allow,
    Deny,
}

impl Action {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// One source of one destination.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Intention {
    pub source: ServiceName,
    pub destination: ServiceName,
    /// For every request, when there are no permissions; else deny, which holds where requests are not seen.
    pub action: Action,
    /// The first that matches a request decides; none: the default action does.
    pub permissions: Vec<Permission>,
    /// What every request must prove before anything allows it.
    pub jwt: JwtRequirement,
    pub description: String,
    pub create_index: Index,
    pub modify_index: Index,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Permission {
    pub action: Action,
    pub http: HttpPermission,
    /// Matches only requests that prove it.
    #[serde(default)]
    pub jwt: JwtRequirement,
}

/// All of it must hold. Nothing said: every request.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpPermission {
    pub path: Option<PathMatch>,
    pub headers: Vec<HeaderMatch>,
    /// Any of these. Empty: all.
    pub methods: Vec<String>,
}

/// A token of any of these providers. Empty: nothing is required.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct JwtRequirement {
    pub providers: Vec<RequiredProvider>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct RequiredProvider {
    /// Of a `jwt-provider` entry.
    pub name: String,
    /// All of them.
    pub claims: Vec<Claim>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// Keys from the outermost in; at least one.
    pub path: Vec<String>,
    pub value: String,
}

impl JwtRequirement {
    pub fn is_empty(&self) -> bool {
        self.providers.is_empty()
    }
}

/// A UUID that is made of the two names, so that it is the same as long as there is an intention between them.
pub fn intention_id(source: &ServiceName, destination: &ServiceName) -> String {
    let names = format!("{source}\0{destination}");
    // version 8 and the variant of RFC 9562: what is in it is our own
    let bits = (xxh3_128(names.as_bytes()) & !(0xf << 76) & !(0x3 << 62)) | (0x8 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

impl Intention {
    pub fn id(&self) -> String {
        intention_id(&self.source, &self.destination)
    }

    /// Requests must be seen to know what it says.
    pub fn needs_requests(&self) -> bool {
        !self.permissions.is_empty() || !self.jwt.is_empty()
    }

    /// Names of the JWT providers that it refers to; some may come twice.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        let requirements = self.permissions.iter().map(|permission| &permission.jwt).chain([&self.jwt]);
        requirements.flat_map(|jwt| &jwt.providers).map(|provider| provider.name.as_str())
    }

    /// What holds where only connections are seen: what cannot be proved there is denied.
    pub fn connection_action(&self) -> Action {
        if self.needs_requests() { Action::Deny } else { self.action }
    }

    /// Higher wins. Community numbers of Consul: 9 exact to exact, 8 wildcard source, 6 wildcard destination, 5 both.
    pub fn precedence(&self) -> u8 {
        precedence(&self.source, &self.destination)
    }
}

pub fn precedence(source: &ServiceName, destination: &ServiceName) -> u8 {
    match (destination.as_str() == WILDCARD, source.as_str() == WILDCARD) {
        (false, false) => 9,
        (false, true) => 8,
        (true, false) => 6,
        (true, true) => 5,
    }
}

/// The intentions that bear on one destination, highest precedence first, then by source; a source that is named at a
/// higher precedence hides its later mentions. With the action for whoever is not named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Intentions {
    pub matching: Vec<Intention>,
    pub default_action: Action,
    /// Those that the intentions refer to. One that is missing cannot prove anything: what refers to it denies.
    pub providers: BTreeMap<String, JwtProvider>,
}

impl Intentions {
    /// Orders and thins what was found for one destination.
    pub fn new(mut found: Vec<Intention>, default_action: Action) -> Self {
        found.sort_by(|a, b| b.precedence().cmp(&a.precedence()).then_with(|| a.source.cmp(&b.source)));
        let mut seen = std::collections::BTreeSet::new();
        found.retain(|intention| seen.insert(intention.source.clone()));
        Self { matching: found, default_action, providers: BTreeMap::new() }
    }

    /// Those that are asked, up to the wildcard: behind it nothing is reached.
    pub fn reached(&self) -> &[Intention] {
        let wildcard = self.matching.iter().position(|intention| intention.source == WILDCARD);
        wildcard.map_or(&self.matching[..], |at| &self.matching[..=at])
    }

    /// Whether a token could be asked for.
    pub fn ask_for_tokens(&self) -> bool {
        self.reached().iter().any(|intention| intention.providers().next().is_some())
    }

    /// Whether all providers that the intention refers to are there.
    pub fn can_prove(&self, intention: &Intention) -> bool {
        intention.providers().all(|name| self.providers.contains_key(name))
    }

    /// Nobody is denied, not even a source that is not named here.
    pub fn allow_everybody(&self) -> bool {
        let reached = self.reached();
        let wildcard = reached.last().is_some_and(|intention| intention.source == WILDCARD);
        reached.iter().all(|intention| intention.connection_action() == Action::Allow)
            && (wildcard || self.default_action == Action::Allow)
    }

    /// The naive reading for connections, which every compiled form must agree with.
    pub fn decide(&self, source: &str) -> Action {
        self.matching
            .iter()
            .find(|intention| intention.source == source || intention.source == WILDCARD)
            .map_or(self.default_action, Intention::connection_action)
    }
}
