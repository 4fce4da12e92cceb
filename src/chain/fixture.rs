//! Entries for tests, and what is compiled of them.

use std::collections::BTreeMap;

use super::{Chain, Compiled, Inputs, compile};
use crate::model::entry::service_resolver::{Failover, Redirect, Subset};
use crate::model::entry::service_router::{Mirror, RouteDestination, RouteMatch, ServiceRoute};
use crate::model::entry::service_splitter::{ServiceSplit, Weight};
use crate::model::entry::{EntryBody, ServiceDefaults, ServiceResolver, ServiceRouter, ServiceSplitter};
use crate::model::extension::{Arn, AwsLambda, Extension, ExtensionBody, Invocation, SYSTEM_AUTHORITIES};
use crate::model::http::PathMatch;
use crate::model::topic::ChainKey;
use crate::model::{Entry, EntryKey, Index, Protocol};

#[derive(Clone, Default, Debug)]
pub(crate) struct World(pub BTreeMap<EntryKey, Entry>);

impl World {
    pub fn with(mut self, name: &str, body: EntryBody) -> Self {
        let (create_index, modify_index) = (Index(1), Index(1));
        let entry = Entry { name: name.to_owned(), meta: BTreeMap::new(), body, create_index, modify_index };
        self.0.insert(entry.key(), entry);
        self
    }

    /// Services that speak HTTP.
    pub fn http(services: &[&str]) -> Self {
        services.iter().fold(Self::default(), |world, name| world.speaks(name, Protocol::Http))
    }

    pub fn speaks(self, name: &str, protocol: Protocol) -> Self {
        let body = ServiceDefaults { protocol: Some(protocol), ..Default::default() };
        self.with(name, EntryBody::ServiceDefaults(body))
    }

    /// A service that is a function.
    pub fn function(self, name: &str, protocol: Protocol) -> Self {
        let function = AwsLambda {
            arn: Arn::parse("arn:aws:lambda:us-west-2:1:function:f").expect("it is a name"),
            payload_passthrough: false,
            invocation: Invocation::Synchronous,
            trusted_ca: SYSTEM_AUTHORITIES.to_owned(),
        };
        let extension = Extension {
            body: ExtensionBody::AwsLambda(Box::new(function)),
            required: false,
            consul_version: String::new(),
            envoy_version: String::new(),
            arguments: Default::default(),
        };
        let body = ServiceDefaults { protocol: Some(protocol), extensions: vec![extension], ..Default::default() };
        self.with(name, EntryBody::ServiceDefaults(body))
    }

    pub fn resolver(self, name: &str, body: ServiceResolver) -> Self {
        self.with(name, EntryBody::ServiceResolver(body))
    }

    /// Paths and where they lead.
    pub fn router(self, name: &str, routes: &[(&str, &str)]) -> Self {
        self.routes(name, routes.iter().map(|(path, to)| route(path, to)).collect())
    }

    pub fn routes(self, name: &str, routes: Vec<ServiceRoute>) -> Self {
        self.with(name, EntryBody::ServiceRouter(ServiceRouter { routes }))
    }

    /// Hundredths and where they lead.
    pub fn splitter(self, name: &str, splits: &[(u32, &str)]) -> Self {
        let split = |(weight, to): &(u32, &str)| {
            let (service, subset) = place(to);
            ServiceSplit { weight: Weight(*weight), service: Some(service.into()), subset, ..Default::default() }
        };
        self.with(name, EntryBody::ServiceSplitter(ServiceSplitter { splits: splits.iter().map(split).collect() }))
    }

    pub fn compile(&self, key: &ChainKey) -> Compiled {
        let (datacenter, trust_domain) = ("dc1".into(), "11111111-2222.consul".into());
        compile(key, &Inputs { datacenter: &datacenter, trust_domain: &trust_domain, entries: &self.0 })
    }

    pub fn chain(&self, service: &str) -> Chain {
        self.compile(&ChainKey::plain(service.into())).chain.expect("it compiles")
    }

    pub fn error(&self, service: &str) -> String {
        self.compile(&ChainKey::plain(service.into())).chain.expect_err("it does not compile").to_string()
    }
}

pub(crate) fn route(path: &str, to: &str) -> ServiceRoute {
    let (service, subset) = place(to);
    ServiceRoute {
        matches: RouteMatch { path: Some(PathMatch::Prefix(path.to_owned())), ..Default::default() },
        destination: RouteDestination { service: Some(service.into()), subset, ..Default::default() },
    }
}

/// Of half of the requests.
pub(crate) fn mirror(to: &str) -> Mirror {
    let Redirect { service, subset, .. } = elsewhere(to);
    Mirror { service, subset, share: Weight(5_000) }
}

/// `service` or `service/subset`.
fn place(text: &str) -> (&str, String) {
    let (service, subset) = text.split_once('/').unwrap_or((text, ""));
    (service, subset.to_owned())
}

pub(crate) fn redirect(to: &str) -> ServiceResolver {
    ServiceResolver { redirect: Some(elsewhere(to)), ..Default::default() }
}

pub(crate) fn elsewhere(to: &str) -> Redirect {
    let (service, subset) = place(to);
    let service = (!service.is_empty()).then(|| service.into());
    Redirect { service, subset, datacenter: String::new() }
}

pub(crate) fn failover(of: &str, to: &[&str]) -> ServiceResolver {
    let failover = Failover { targets: to.iter().map(|to| elsewhere(to)).collect(), ..Default::default() };
    ServiceResolver { failover: BTreeMap::from([(of.to_owned(), failover)]), ..Default::default() }
}

pub(crate) fn subsets(names: &[&str]) -> ServiceResolver {
    let subset = |name: &&str| {
        let filter = format!("Service.Meta.version == {name}");
        ((*name).to_owned(), Subset { filter, only_passing: false })
    };
    ServiceResolver { subsets: names.iter().map(subset).collect(), ..Default::default() }
}
