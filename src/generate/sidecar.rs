//! A sidecar (`connect-proxy`): accepts the mesh's connections for its application, and takes the application's
//! connections to its upstreams.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::exposed::{self, Exposed};
use super::extension::Extensions;
use super::kept::{Kept, fact};
use super::transparent::Transparent;
use super::vantage::Vantage;
use super::{Generated, Origin, Reason, Refusal, cluster, endpoint, hatch, jwt, listener, route, secret};
use crate::chain::{self, Chain, Member, Resolver};
use crate::model::entry::jwt_provider::KeySet;
use crate::model::intention::Intentions;
use crate::model::{Bind, Endpoints, ServiceName, UpstreamConfig};
use crate::resource::{Resource, ResourceType, Shared, View};
use crate::snapshot::Snapshot;

/// Everything the sidecar shall hold, and what could not be made of it.
pub fn sidecar(snapshot: &Snapshot<'_>) -> Generated {
    Sidecar::default().generate(snapshot)
}

/// Generates one proxy's view again and again. It remembers what each piece was made of, so that a rebuild makes only the
/// pieces whose facts are others than before; what comes out is what [`sidecar`] makes of the same facts.
#[derive(Default)]
pub struct Sidecar {
    local_app: Kept<1, Made>,
    key_sets: Kept<2, KeySets>,
    public: Kept<4, Made>,
    exposed: Kept<1, Vec<Result<Exposed, (String, Reason)>>>,
    /// In the order of the registration.
    upstreams: Vec<KeptUpstream>,
    transparent: Transparent,
    extensions: Extensions,
}

#[derive(Default)]
struct KeptUpstream {
    listener: Kept<2, Made>,
    /// In the order of the chain's resolvers.
    targets: Vec<KeptTarget>,
}

pub(super) type KeptTarget = Kept<4, Result<Target, Reason>>;

type Made = Result<Arc<Resource>, Reason>;
/// Where the keys of the providers are fetched, or the provider of whom that cannot be told.
type KeySets = Result<Vec<Arc<Resource>>, (String, Reason)>;

/// Where connections of an upstream go.
#[derive(Clone)]
pub(super) struct Target {
    service: ServiceName,
    cluster: Arc<Resource>,
    /// `None` where Envoy resolves host names itself.
    endpoints: Option<Arc<Resource>>,
    unusable: Vec<Reason>,
}

impl Sidecar {
    pub fn generate(&mut self, snapshot: &Snapshot<'_>) -> Generated {
        self.upstreams.resize_with(snapshot.proxy.upstreams.len(), KeptUpstream::default);
        let mut draft = Draft { snapshot, resources: vec![], shared: BTreeSet::new(), refusals: vec![], bound: vec![] };
        draft.resources.extend([secret::leaf(snapshot.leaf), secret::roots(snapshot.roots)]);
        draft.public(self);
        draft.exposed(self);
        for (upstream, kept) in snapshot.proxy.upstreams.iter().zip(&mut self.upstreams) {
            draft.upstream(upstream, kept);
        }
        draft.transparent(&mut self.transparent);
        let Draft { resources, mut refusals, .. } = draft;
        let resources = self.extensions.apply(snapshot.proxy, snapshot.envoy, resources, &mut refusals);
        Generated { view: View::new(resources), refusals }
    }
}

pub(super) struct Draft<'a> {
    pub(super) snapshot: &'a Snapshot<'a>,
    pub(super) resources: Vec<Arc<Resource>>,
    /// Those of them that several upstreams may lead to.
    shared: BTreeSet<(ResourceType, Arc<str>)>,
    refusals: Vec<Refusal>,
    /// Where listeners bind, with their names.
    bound: Vec<(Bind, Arc<str>)>,
}

impl Draft<'_> {
    fn public(&mut self, kept: &mut Sidecar) {
        let Snapshot { proxy, roots, mesh, intentions, .. } = self.snapshot;
        let local_app = kept.local_app.of([fact(proxy)], || cluster::local_app(proxy));
        match local_app {
            Ok(cluster) => self.resources.push(cluster),
            // a listener that leads nowhere is no use
            Err(reason) => {
                return self.refuse(ResourceType::Cluster, cluster::LOCAL_APP.to_owned(), reason, self.of_proxy());
            }
        }
        let key_sets = kept.key_sets.of([fact(proxy), fact(intentions)], || {
            if proxy.sees_requests() { key_sets(intentions) } else { Ok(vec![]) }
        });
        match key_sets {
            Ok(clusters) => self.resources.extend(clusters),
            // Envoy takes no listener that fetches keys from a cluster it does not have
            Err((provider, reason)) => {
                let origin = Origin::JwtProvider(provider.clone());
                return self.refuse(ResourceType::Cluster, cluster::jwks_name(&provider), reason, origin);
            }
        }
        let bind = Bind::Address { address: proxy.bind_address.clone(), port: proxy.bind_port };
        let public = kept.public.of([fact(proxy), fact(roots), fact(mesh), fact(intentions)], || {
            let inbound = listener::Inbound { proxy, trust_domain: &roots.trust_domain, mesh };
            listener::public(&bind, inbound, intentions)
        });
        match public {
            Ok(listener) => self.bind(bind.clone(), listener),
            Err(reason) => {
                return self.refuse(ResourceType::Listener, listener::public_name(&bind), reason, self.of_proxy());
            }
        }
        for reason in listener::left_out(proxy) {
            self.refuse(ResourceType::Listener, listener::public_name(&bind), reason, self.of_proxy());
        }
    }

    fn exposed(&mut self, kept: &mut Sidecar) {
        let proxy = self.snapshot.proxy;
        for exposed in kept.exposed.of([fact(proxy)], || exposed::exposed(proxy)) {
            let taken = |exposed: Exposed| match self.taken(&exposed.bind, &exposed.name) {
                Some(reason) => Err((exposed.name, reason)),
                None => Ok(exposed),
            };
            match exposed.and_then(taken) {
                Ok(exposed) => {
                    // several paths of one port share it
                    if let Some(cluster) = exposed.cluster
                        && !self.resources.contains(&cluster)
                    {
                        self.resources.push(cluster);
                    }
                    self.bind(exposed.bind, exposed.listener);
                }
                Err((name, reason)) => self.refuse(ResourceType::Listener, name, reason, self.of_proxy()),
            }
        }
    }

    fn upstream(&mut self, upstream: &UpstreamConfig, kept: &mut KeptUpstream) {
        let Snapshot { proxy, chains, .. } = self.snapshot;
        let chain = match chains.get(&upstream.chain) {
            Some(Ok(chain)) => chain,
            Some(Err(error)) => return self.refuse_listener(upstream, Reason::Chain(error.clone())),
            None => return self.refuse_listener(upstream, Reason::Unknown),
        };
        let fetch_timeout = proxy.xds_fetch_timeout;
        let listener = kept
            .listener
            .of([fact(proxy), fact(chain)], || listener::upstream(upstream, chain, fetch_timeout, &proxy.telemetry));
        let listener = match listener {
            Ok(listener) => listener,
            Err(reason) => return self.refuse_listener(upstream, reason),
        };
        if let Some(reason) = self.taken(&upstream.bind, &listener.name) {
            return self.refuse_listener(upstream, reason);
        }
        let targets = match self.targets(upstream, chain, &mut kept.targets) {
            Ok(targets) => targets,
            Err((cluster, reason)) => {
                return self.refuse(ResourceType::Cluster, cluster, reason, self.of_upstream(upstream));
            }
        };
        self.bind(upstream.bind.clone(), listener);
        if !chain.default {
            self.left_out(upstream);
        }
        self.lead_along(chain, targets);
    }

    /// To all that the chain's resolvers lead to, and its routes.
    pub(super) fn lead_along(&mut self, chain: &Shared<Chain>, targets: Vec<Target>) {
        for target in targets {
            self.lead_to(target);
        }
        for resolver in chain.resolvers().filter(|resolver| !resolver.failover.is_empty()) {
            self.share(cluster::failover(chain, resolver));
        }
        if listener::has_named_routes(chain) {
            self.share(route::resource(chain, self.snapshot.mesh.validate_clusters));
        }
    }

    /// What was written by hand for an upstream that routers, splitters or resolvers shape: they could not be put into it.
    fn left_out(&mut self, upstream: &UpstreamConfig) {
        let settings = &upstream.settings;
        let written =
            [(hatch::LISTENER, &settings.envoy_listener_json), (hatch::CLUSTER, &settings.envoy_cluster_json)];
        for (key, _) in written.into_iter().filter(|(_, json)| !json.is_empty()) {
            let why = "does not count: a router, splitter or resolver shapes the service's calls".to_owned();
            self.refuse_listener(upstream, Reason::Hatch(key, why));
        }
    }

    /// What every resolver of the chain leads to.
    pub(super) fn targets(
        &self,
        upstream: &UpstreamConfig,
        chain: &Arc<Shared<Chain>>,
        kept: &mut Vec<KeptTarget>,
    ) -> Result<Vec<Target>, (String, Reason)> {
        let Snapshot { proxy, mesh, endpoints, .. } = self.snapshot;
        let members =
            chain.resolvers().flat_map(|resolver| resolver.members(chain).map(move |member| (resolver, member)));
        let members: Vec<_> = members.collect();
        kept.resize_with(members.len(), KeptTarget::default);
        let target = |((resolver, member), kept): ((&Resolver, Member<'_>), &mut KeptTarget)| {
            let vantage = Vantage::new(proxy.locality.as_ref(), &member);
            let Member { cluster, target, .. } = member;
            let Some(endpoints) = endpoints.get(&target.endpoints()) else { return Err((cluster, Reason::Unknown)) };
            let settings = cluster::Settings {
                outgoing: &mesh.outgoing,
                fetch_timeout: proxy.xds_fetch_timeout,
                protocol: chain.protocol,
                load_balancer: &resolver.load_balancer,
                limits: upstream.settings.limits,
                passive_health_check: upstream.settings.passive_health_check,
            };
            let of = [fact(proxy), fact(mesh), fact(chain), fact(endpoints)];
            let made = || {
                if chain.default && !upstream.settings.envoy_cluster_json.is_empty() {
                    let cluster = cluster::by_hand(&upstream.settings, &cluster, target, &mesh.outgoing)?;
                    return Ok(behind(cluster, target, endpoints, vantage));
                }
                let made = match &target.function {
                    Some(function) => cluster::function(&cluster, target, function, endpoints, settings)?,
                    None => cluster::upstream(&cluster, target, endpoints, settings, vantage)?,
                };
                Ok(behind(made, target, endpoints, vantage))
            };
            kept.of(of, made).map_err(|reason| (cluster, reason))
        };
        members.into_iter().zip(kept).map(target).collect()
    }

    /// Several upstreams may lead to one target, which is there once.
    pub(super) fn lead_to(&mut self, target: Target) {
        if !self.is_new(&target.cluster) {
            return;
        }
        for reason in target.unusable {
            let origin = Origin::Instances(target.service.clone());
            self.refuse(ResourceType::Endpoint, target.cluster.name.to_string(), reason, origin);
        }
        self.resources.extend(target.endpoints);
        self.resources.push(target.cluster);
    }

    pub(super) fn share(&mut self, resource: Arc<Resource>) {
        if self.is_new(&resource) {
            self.resources.push(resource);
        }
    }

    fn is_new(&mut self, resource: &Resource) -> bool {
        self.shared.insert((resource.kind, Arc::clone(&resource.name)))
    }

    pub(super) fn bind(&mut self, bind: Bind, listener: Arc<Resource>) {
        self.bound.push((bind, Arc::clone(&listener.name)));
        self.resources.push(listener);
    }

    pub(super) fn taken(&self, bind: &Bind, name: &str) -> Option<Reason> {
        if self.bound.iter().any(|(_, other)| **other == *name) {
            return Some(Reason::NameTaken);
        }
        let same_place = |other: &Bind| match (other, bind) {
            (Bind::Socket { path, .. }, Bind::Socket { path: wanted, .. }) => path == wanted,
            (other, wanted) => other == wanted,
        };
        let (_, other) = self.bound.iter().find(|(other, _)| same_place(other))?;
        Some(Reason::BindTaken(other.to_string()))
    }

    pub(super) fn of_proxy(&self) -> Origin {
        Origin::Proxy(self.snapshot.proxy.id.clone())
    }

    fn of_upstream(&self, upstream: &UpstreamConfig) -> Origin {
        Origin::Upstream { proxy: self.snapshot.proxy.id.clone(), name: upstream.name.clone() }
    }

    fn refuse_listener(&mut self, upstream: &UpstreamConfig, reason: Reason) {
        let name = listener::upstream_name(upstream);
        self.refuse(ResourceType::Listener, name, reason, self.of_upstream(upstream));
    }

    pub(super) fn refuse(&mut self, kind: ResourceType, name: String, reason: Reason, origin: Origin) {
        self.refusals.push(Refusal { kind, name, reason, origin });
    }
}

fn key_sets(intentions: &Shared<Intentions>) -> KeySets {
    let remote = jwt::used(intentions).filter_map(|(name, provider)| match &provider.keys {
        KeySet::Remote(keys) => Some((name, keys)),
        KeySet::Inline(_) | KeySet::File(_) => None,
    });
    let cluster = |(name, keys)| cluster::jwks(name, keys, intentions).map_err(|reason| (String::from(name), reason));
    remote.map(cluster).collect()
}

/// With the endpoints that the cluster asks for, if it does.
fn behind(
    cluster: Arc<Resource>,
    target: &chain::Target,
    endpoints: &Shared<Endpoints>,
    vantage: Vantage<'_>,
) -> Target {
    let by_name = cluster.needs.is_empty();
    if target.function.is_some() {
        return Target { service: target.service.clone(), cluster, endpoints: None, unusable: vec![] };
    }
    let unusable = endpoint::unusable(endpoints, by_name, vantage).collect();
    let endpoints = (!by_name).then(|| endpoint::resource(&cluster.name, endpoints, vantage));
    Target { service: target.service.clone(), cluster, endpoints, unusable }
}

#[cfg(test)]
mod localities;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub(super) mod tests;
