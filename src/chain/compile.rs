//! Routers and splitters, down to resolvers.

use std::collections::{BTreeMap, BTreeSet};

use super::customization::Overrides;
use super::error::Fault;
use super::resolve::Wanted;
use super::{Chain, ChainError, Compiled, Inputs, Node, NodeId, Resolver, Route, Split, Step, Target, TargetId, split};
use crate::model::entry::service_router::{RouteDestination, RouteMatch};
use crate::model::entry::{Body, ProxyDefaults, ServiceDefaults, ServiceRouter, ServiceSplitter};
use crate::model::fault::{Abort, AbortStatus};
use crate::model::http::PathMatch;
use crate::model::topic::ChainKey;
use crate::model::{self, Entry, EntryKey, EntryKind, Protocol, ServiceName};

/// How many splitters may lead to one another: more is a mistake, and each costs a frame of the stack.
const DEEPEST: usize = 64;

/// The graph of where requests for the key's service go.
pub fn compile(key: &ChainKey, inputs: &Inputs<'_>) -> Compiled {
    let mut compiler = Compiler {
        key,
        inputs: *inputs,
        read: BTreeSet::new(),
        protocol: None,
        seen_as_requests: None,
        timeout_overridden: false,
        nodes: BTreeMap::new(),
        splitters: Vec::new(),
        targets: BTreeMap::new(),
        way: Vec::new(),
    };
    let chain = compiler.chain();
    let chain = chain.map_err(|fault| ChainError { service: key.service.clone(), fault });
    Compiled { chain, read: compiler.read }
}

pub(super) struct Compiler<'a> {
    pub(super) key: &'a ChainKey,
    pub(super) inputs: Inputs<'a>,
    read: BTreeSet<EntryKey>,
    /// Of every service on the way.
    protocol: Option<Protocol>,
    /// The first entry that needs requests to be seen.
    seen_as_requests: Option<EntryKey>,
    pub(super) timeout_overridden: bool,
    nodes: BTreeMap<NodeId, Node>,
    /// Each after those that it leads to.
    splitters: Vec<NodeId>,
    pub(super) targets: BTreeMap<TargetId, Target>,
    /// The splitters that lead to where we are.
    way: Vec<ServiceName>,
}

impl<'a> Compiler<'a> {
    fn chain(&mut self) -> Result<Chain, Fault> {
        let service = self.key.service.clone();
        let own = self.speaks(&service)?;
        let start = match self.advanced::<ServiceRouter>(&service) {
            Some(router) => self.router(&service, router)?,
            None => self.splitter_or_resolver(&service)?,
        };
        if let Some(entry) = self.seen_as_requests.take().filter(|_| !own.is_http_like()) {
            return Err(Fault::NotHttp { entry, protocol: own });
        }
        split::flatten(&mut self.nodes, &self.splitters)?;
        self.prune(&start);
        let overrides = Overrides {
            protocol: self.key.protocol.filter(|wanted| *wanted != own),
            connect_timeout: self.key.connect_timeout.filter(|_| self.timeout_overridden),
        };
        let meta = self.read_entry::<ServiceDefaults>(&service).map(|entry| entry.meta.clone());
        Ok(Chain {
            default: self.is_default(&start),
            datacenter: self.inputs.datacenter.clone(),
            protocol: self.key.protocol.unwrap_or(own),
            customization_hash: overrides.hash(),
            meta: meta.unwrap_or_default(),
            start,
            nodes: std::mem::take(&mut self.nodes),
            targets: std::mem::take(&mut self.targets),
            service,
        })
    }

    fn router(&mut self, service: &ServiceName, router: &ServiceRouter) -> Result<NodeId, Fault> {
        let mut routes = Vec::with_capacity(router.routes.len() + 1);
        for route in &router.routes {
            let destination = route.destination.clone();
            let to = destination.service.as_ref().unwrap_or(service);
            let next = if destination.subset.is_empty() {
                self.splitter_or_resolver(to)?
            } else {
                self.resolver(Wanted::subset(to, &destination.subset))?
            };
            let mirror = destination.mirror.as_ref().map(|mirror| {
                let to = mirror.service.as_ref().unwrap_or(to);
                self.resolver(Wanted::subset(to, &mirror.subset))
            });
            let mirror = mirror.transpose()?;
            self.fault_is_of_its_protocol(service, &destination.fault)?;
            routes.push(Route { matches: route.matches.clone(), destination, next, mirror });
        }
        let everything = RouteMatch { path: Some(PathMatch::Prefix("/".to_owned())), ..Default::default() };
        let next = self.splitter_or_resolver(service)?;
        let destination = RouteDestination { service: Some(service.clone()), ..Default::default() };
        routes.push(Route { matches: everything, destination, next, mirror: None });
        let id = format!("router:{service}.default.default");
        self.insert::<ServiceRouter>(&id, Step::Router(routes), service);
        Ok(id)
    }

    /// Statuses of gRPC say nothing to who speaks something else.
    fn fault_is_of_its_protocol(&self, service: &ServiceName, fault: &model::Fault) -> Result<(), Fault> {
        let of_grpc = matches!(fault.abort, Some(Abort { status: AbortStatus::Grpc(_), .. }));
        match self.protocol {
            Some(protocol) if of_grpc && protocol.is_http_like() && protocol != Protocol::Grpc => {
                Err(Fault::GrpcStatus { entry: EntryKey::new(EntryKind::ServiceRouter, service.as_str()), protocol })
            }
            _ => Ok(()),
        }
    }

    fn splitter_or_resolver(&mut self, service: &ServiceName) -> Result<NodeId, Fault> {
        match self.advanced::<ServiceSplitter>(service) {
            Some(splitter) => self.splitter(service, splitter),
            None => self.resolver(Wanted::all(service)),
        }
    }

    fn splitter(&mut self, service: &ServiceName, splitter: &ServiceSplitter) -> Result<NodeId, Fault> {
        let id = format!("splitter:{service}.default.default");
        if self.nodes.contains_key(&id) {
            return Ok(id);
        }
        self.speaks(service)?;
        if let Some(from) = self.way.iter().position(|passed| passed == service) {
            let circle = self.way[from..].iter().chain([service]);
            return Err(Fault::Circle(circle.map(ToString::to_string).collect()));
        }
        if self.way.len() == DEEPEST {
            return Err(Fault::TooDeep(DEEPEST));
        }
        self.way.push(service.clone());
        let mut splits = Vec::with_capacity(splitter.splits.len());
        for split in &splitter.splits {
            let to = split.service.as_ref().unwrap_or(service);
            let next = if split.subset.is_empty() && to != service {
                self.splitter_or_resolver(to)?
            } else {
                self.resolver(Wanted::subset(to, &split.subset))?
            };
            splits.push(Split {
                weight: split.weight,
                request_headers: split.request_headers.clone(),
                response_headers: split.response_headers.clone(),
                next,
            });
        }
        self.way.pop();
        self.insert::<ServiceSplitter>(&id, Step::Splitter(splits), service);
        self.splitters.push(id.clone());
        Ok(id)
    }

    /// The node of what is wanted in the end. Several ways may lead to one.
    fn resolver(&mut self, wanted: Wanted) -> Result<NodeId, Fault> {
        let resolved = self.resolve(wanted)?;
        let id = format!("resolver:{}", resolved.target);
        if let Some(node) = self.nodes.get_mut(&id) {
            node.entries.extend(resolved.entries);
            return Ok(id);
        }
        let mut entries = resolved.entries.clone();
        let (failover, failover_policy) = self.failover(&resolved, &mut entries)?;
        let body = resolved.body.cloned().unwrap_or_default();
        let resolver = Resolver {
            default: body == Default::default(),
            connect_timeout: resolved.connect_timeout,
            request_timeout: body.request_timeout,
            target: resolved.target,
            failover,
            failover_policy,
            load_balancer: body.load_balancer,
        };
        self.nodes.insert(id.clone(), Node { step: Step::Resolver(resolver), entries });
        Ok(id)
    }

    fn insert<B: Body>(&mut self, id: &str, step: Step, service: &ServiceName) {
        let entries = BTreeSet::from([EntryKey::new(B::KIND, service.as_str())]);
        self.nodes.insert(id.to_owned(), Node { step, entries });
    }

    /// Splitters that have become a part of others lead nowhere any longer.
    fn prune(&mut self, start: &NodeId) {
        let mut reached = BTreeSet::new();
        let mut next = vec![start.clone()];
        while let Some(id) = next.pop() {
            next.extend(self.nodes[&id].step.nexts().into_iter().cloned());
            reached.insert(id);
        }
        self.nodes.retain(|id, _| reached.contains(id));
    }

    fn is_default(&self, start: &NodeId) -> bool {
        match &self.nodes[start].step {
            Step::Resolver(resolver) => resolver.default && self.targets[&resolver.target].service == self.key.service,
            Step::Router(_) | Step::Splitter(_) => false,
        }
    }

    /// What the service speaks, which must be what all others on the way speak.
    pub(super) fn speaks(&mut self, service: &ServiceName) -> Result<Protocol, Fault> {
        let own = self.body::<ServiceDefaults>(service).and_then(|defaults| defaults.protocol);
        let protocol = match own {
            Some(protocol) => protocol,
            None => {
                let defaults = self.body::<ProxyDefaults>(&ProxyDefaults::NAME.into());
                defaults.and_then(ProxyDefaults::protocol).unwrap_or_default()
            }
        };
        match *self.protocol.get_or_insert(protocol) {
            own if own == protocol => Ok(own),
            own => Err(Fault::Protocols { own, other: service.clone(), protocol }),
        }
    }

    /// An entry that has no effect where a downstream says that it does not speak HTTP.
    fn advanced<B: Body>(&mut self, service: &ServiceName) -> Option<&'a B> {
        if self.key.protocol.is_some_and(|protocol| !protocol.is_http_like()) {
            return None;
        }
        let body = self.body::<B>(service)?;
        self.seen_as_requests.get_or_insert_with(|| EntryKey::new(B::KIND, service.as_str()));
        Some(body)
    }

    pub(super) fn body<B: Body>(&mut self, name: &ServiceName) -> Option<&'a B> {
        self.read_entry::<B>(name)?.body()
    }

    fn read_entry<B: Body>(&mut self, name: &ServiceName) -> Option<&'a Entry> {
        let key = EntryKey::new(B::KIND, name.as_str());
        let found = self.inputs.entries.entry(&key);
        self.read.insert(key);
        found
    }
}
