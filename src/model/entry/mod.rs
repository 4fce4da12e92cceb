//! Config entries: the rules of the mesh, one file per kind.

pub mod exported_services;
pub mod jwt_provider;
pub mod mesh;
pub mod proxy_defaults;
pub mod service_defaults;
pub mod service_intentions;
pub mod service_resolver;
pub mod service_router;
pub mod service_splitter;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

pub use exported_services::ExportedServices;
pub use jwt_provider::JwtProvider;
pub use mesh::{Mesh, TlsSettings, TlsVersion};
pub use proxy_defaults::ProxyDefaults;
pub use service_defaults::ServiceDefaults;
pub use service_intentions::{ServiceIntentions, SourceIntention};
pub use service_resolver::ServiceResolver;
pub use service_router::ServiceRouter;
pub use service_splitter::ServiceSplitter;

use super::names::{Index, ServiceName};
use super::words::{Word as _, words};

words! {
    EntryKind {
        ExportedServices = "exported-services",
        JwtProvider = "jwt-provider",
        Mesh = "mesh",
        ProxyDefaults = "proxy-defaults",
        ServiceDefaults = "service-defaults",
        ServiceIntentions = "service-intentions",
        ServiceResolver = "service-resolver",
        ServiceRouter = "service-router",
        ServiceSplitter = "service-splitter",
    }
}

impl EntryKind {
    pub fn all() -> impl Iterator<Item = Self> {
        Self::WORDS.iter().map(|(kind, _)| *kind)
    }

    /// The only name an entry of this kind may have, if there is only one.
    pub fn singleton(self) -> Option<&'static str> {
        match self {
            Self::ExportedServices => Some("default"),
            Self::Mesh => Some("mesh"),
            Self::ProxyDefaults => Some("global"),
            _ => None,
        }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct EntryKey {
    pub kind: EntryKind,
    pub name: String,
}

impl EntryKey {
    pub fn new(kind: EntryKind, name: &str) -> Self {
        Self { kind, name: name.to_owned() }
    }
}

impl fmt::Display for EntryKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.kind, self.name)
    }
}

/// A config entry: what all kinds share, and the body of its own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub name: String,
    pub meta: BTreeMap<String, String>,
    pub body: EntryBody,
    pub create_index: Index,
    pub modify_index: Index,
}

macro_rules! bodies {
    ($($kind:ident),* $(,)?) => {
        #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
        pub enum EntryBody { $($kind($kind)),* }

        impl Entry {
            pub fn kind(&self) -> EntryKind {
                match self.body { $(EntryBody::$kind(_) => EntryKind::$kind),* }
            }
        }

        $(impl Body for $kind {
            const KIND: EntryKind = EntryKind::$kind;

            fn of(body: &EntryBody) -> Option<&Self> {
                if let EntryBody::$kind(body) = body { Some(body) } else { None }
            }
        })*
    };
}

bodies! {
    ExportedServices,
    JwtProvider,
    Mesh,
    ProxyDefaults,
    ServiceDefaults,
    ServiceIntentions,
    ServiceResolver,
    ServiceRouter,
    ServiceSplitter,
}

/// What a kind of entries says.
pub trait Body: Sized {
    const KIND: EntryKind;

    /// `None` when it is one of another kind.
    fn of(body: &EntryBody) -> Option<&Self>;
}

impl Entry {
    /// `None` when it is of another kind.
    pub fn body<B: Body>(&self) -> Option<&B> {
        B::of(&self.body)
    }

    /// The services that it names as places for requests.
    pub fn leads_to(&self) -> BTreeSet<&ServiceName> {
        match &self.body {
            EntryBody::ServiceResolver(body) => body.leads_to().collect(),
            EntryBody::ServiceRouter(body) => {
                body.routes.iter().flat_map(|route| route.destination.leads_to()).collect()
            }
            EntryBody::ServiceSplitter(body) => body.splits.iter().filter_map(|split| split.service.as_ref()).collect(),
            _ => BTreeSet::new(),
        }
    }

    pub fn key(&self) -> EntryKey {
        EntryKey { kind: self.kind(), name: self.name.clone() }
    }
}
