//! A gRPC program without a proxy. Its client side gets a listener, a route, a cluster and endpoints for each service
//! that it names; its server side the listener that it names.
//!
//! gRPC reads less of Envoy's messages than Envoy does, and refuses some of what it does not read, so these are made
//! apart from a sidecar's (gRFC A27, A28, A29, A36, A41).

mod client;
mod server;
mod tls;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;

use super::listener::http_filter;
use super::{Generated, Origin, Reason, Refusal};
use crate::model::{GrpcListener, ServiceName};
use crate::resource::{Resource, ResourceType, View};
use crate::snapshot::grpc::{Snapshot, Target};

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
        let stays =
            |target: &&Target| snapshot.subscriber.node.misses_returns || !target.endpoints.endpoints.is_empty();
        let Some(target) = snapshot.targets.get(&service).filter(stays) else { return };
        if target.chain.target.connect_timeout.is_zero() {
            let origin = Origin::Proxy(snapshot.subscriber.node.id.clone());
            return self.refuse(ResourceType::Cluster, &target.chain.cluster_name(), Reason::NoTime, origin);
        }
        self.resources.push(client::listener(name, &target.chain));
        if !self.targets.insert(service) {
            return;
        }
        self.resources.push(client::route(&target.chain));
        let certificates = snapshot.subscriber.node.certificates.as_ref();
        let cluster = client::cluster(&target.chain, &target.endpoints, certificates);
        for reason in client::unusable(&target.endpoints) {
            let origin = Origin::Instances(target.chain.target.service.clone());
            self.refuse(ResourceType::Endpoint, &cluster.name, reason, origin);
        }
        self.resources.push(client::assignment(&cluster.name, &target.endpoints));
        self.resources.push(cluster);
    }

    fn server(&mut self, name: &str, address: SocketAddr) {
        let snapshot = self.snapshot;
        let origin = || Origin::Proxy(snapshot.subscriber.node.id.clone());
        let Some(server) = &snapshot.server else {
            return self.refuse(ResourceType::Listener, name, Reason::NoIdentity, origin());
        };
        let certificates = snapshot.subscriber.node.certificates.as_ref();
        if certificates.is_none() && !server.intentions.allow_everybody() {
            self.refuse(ResourceType::Listener, name, Reason::CallersUnknown, origin());
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
