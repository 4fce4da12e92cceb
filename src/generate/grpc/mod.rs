//! A gRPC program without a proxy. Its client side gets a listener, a route, a cluster and endpoints for each service
//! that it names; its server side the listener that it names.
//!
//! gRPC reads less of Envoy's messages than Envoy does, and refuses some of what it does not read, so these are made
//! apart from a sidecar's (gRFC A27, A28, A29, A36, A41).

mod client;
mod server;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;

use super::listener::http_filter;
use super::vantage::Vantage;
use super::{Generated, Origin, Reason, Refusal, route};
use crate::chain::{Chain, Member, Resolver};
use crate::model::topic::EndpointsKey;
use crate::model::{Endpoints, GrpcListener, ServiceName};
use crate::resource::{Resource, ResourceType, Shared, View};
use crate::snapshot::grpc::{Snapshot, Target};

type EndpointsByKey = BTreeMap<EndpointsKey, Arc<Shared<Endpoints>>>;

/// Everything that follows from the listeners the program asks for, and what could not be made of it. A service without
/// instances that the program could call has nothing: not a refusal, but the protocol's way to say that it is not there.
pub fn grpc(snapshot: &Snapshot) -> Generated {
    let mut draft = Draft { snapshot, resources: vec![], refusals: vec![], targets: BTreeSet::new() };
    for name in snapshot.subscriber.listeners.iter() {
        match GrpcListener::of(name) {
            Some(GrpcListener::Client(service)) => draft.client(name, service),
            Some(GrpcListener::Server(address)) => draft.server(name, address),
            None => {}
        }
    }
    Generated { view: View::new(draft.resources), refusals: draft.refusals }
}

struct Draft<'a> {
    snapshot: &'a Snapshot,
    resources: Vec<Arc<Resource>>,
    refusals: Vec<Refusal>,
    /// Services that were looked at already: several listeners may lead to one.
    targets: BTreeSet<ServiceName>,
}

impl Draft<'_> {
    fn client(&mut self, name: &str, service: ServiceName) {
        let snapshot = self.snapshot;
        let anybody = |target: &Target| target.endpoints.values().any(|of| !of.endpoints.is_empty());
        let stays = |target: &&Target| snapshot.subscriber.node.misses_returns || anybody(target);
        let Some(target) = snapshot.targets.get(&service) else { return };
        let chain = match &target.chain {
            Ok(chain) => chain,
            Err(error) => {
                return self.refuse(ResourceType::Listener, name, Reason::Chain(error.clone()), self.of_node());
            }
        };
        if !stays(&target) {
            return;
        }
        if let Some(function) = chain.targets.values().find_map(|target| target.function.as_ref()) {
            let reason = Reason::NotForGrpc(function.arn.host());
            return self.refuse(ResourceType::Listener, name, reason, self.of_node());
        }
        self.resources.push(client::listener(name, chain));
        if !self.targets.insert(service) {
            return;
        }
        for (route, reason) in route::beyond_grpc(chain) {
            self.refuse(ResourceType::Route, &format!("{} {route}", chain.service), reason, self.of_node());
        }
        self.resources.push(client::route(chain));
        for resolver in chain.resolvers() {
            self.resolver(chain, resolver, &target.endpoints);
        }
    }

    fn resolver(&mut self, chain: &Shared<Chain>, resolver: &Resolver, endpoints: &EndpointsByKey) {
        let certificates = self.snapshot.subscriber.node.certificates.as_ref();
        let balancer = &resolver.load_balancer;
        if let Some(policy) = balancer.policy.filter(|_| !client::does(balancer)) {
            let reason = Reason::BeyondGrpc(format!("the load balancer {}", policy.as_str()));
            self.refuse(ResourceType::Cluster, &chain.cluster_name(resolver), reason, self.of_node());
        }
        if balancer.slow_start.is_some() {
            let reason = Reason::BeyondGrpc("SlowStartConfig".to_owned());
            self.refuse(ResourceType::Cluster, &chain.cluster_name(resolver), reason, self.of_node());
        }
        for member in resolver.members(chain) {
            let vantage = Vantage::new(self.snapshot.subscriber.node.locality.as_ref(), &member);
            let Member { cluster: name, target, .. } = member;
            let Some(endpoints) = endpoints.get(&target.endpoints()) else { continue };
            for reason in client::unusable(endpoints, vantage) {
                self.refuse(ResourceType::Endpoint, &name, reason, Origin::Instances(target.service.clone()));
            }
            self.resources.push(client::assignment(&name, endpoints, vantage));
            self.resources.push(client::cluster(&name, target, balancer, endpoints, certificates));
        }
        if !resolver.failover.is_empty() {
            self.resources.push(client::failover(chain, resolver));
        }
    }

    fn of_node(&self) -> Origin {
        Origin::Proxy(self.snapshot.subscriber.node.id.clone())
    }

    fn server(&mut self, name: &str, address: SocketAddr) {
        let snapshot = self.snapshot;
        let Some(server) = &snapshot.server else {
            return self.refuse(ResourceType::Listener, name, Reason::NoIdentity, self.of_node());
        };
        let certificates = snapshot.subscriber.node.certificates.as_ref();
        if certificates.is_none() && !server.intentions.allow_everybody() {
            self.refuse(ResourceType::Listener, name, Reason::CallersUnknown, self.of_node());
        }
        self.resources.push(server::listener(name, address, server, certificates));
    }

    fn refuse(&mut self, kind: ResourceType, name: &str, reason: Reason, origin: Origin) {
        self.refusals.push(Refusal { kind, name: name.to_owned(), reason, origin });
    }
}

/// The filter that every gRPC filter chain ends with.
fn router() -> HttpFilter {
    http_filter("envoy.filters.http.router", Router::default())
}

#[cfg(test)]
mod tests;
