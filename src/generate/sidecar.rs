//! A sidecar (`connect-proxy`): accepts the mesh's connections for its application, and takes the application's
//! connections to its upstreams.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Generated, Origin, Reason, Refusal, cluster, endpoint, listener, secret};
use crate::chain::Chain;
use crate::model::{Bind, Endpoints, UpstreamConfig};
use crate::resource::{Resource, ResourceType, Shared, View};
use crate::snapshot::Snapshot;

/// Everything the sidecar shall hold, and what could not be made of it.
pub fn sidecar(snapshot: &Snapshot) -> Generated {
    let mut draft = Draft { snapshot, resources: vec![], refusals: vec![], bound: BTreeMap::new() };
    draft.secrets();
    draft.public();
    let mut instances_of = BTreeSet::new();
    for upstream in &snapshot.proxy.upstreams {
        draft.upstream(upstream, &mut instances_of);
    }
    Generated { view: View::new(draft.resources), refusals: draft.refusals }
}

struct Draft<'a> {
    snapshot: &'a Snapshot,
    resources: Vec<Arc<Resource>>,
    refusals: Vec<Refusal>,
    /// Where listeners bind, with their names.
    bound: BTreeMap<Bind, String>,
}

impl<'a> Draft<'a> {
    fn secrets(&mut self) {
        self.resources.push(secret::leaf(&self.snapshot.leaf));
        self.resources.push(secret::roots(&self.snapshot.roots));
    }

    fn public(&mut self) {
        let snapshot = self.snapshot;
        let proxy = &*snapshot.proxy;
        let origin = || Origin::Proxy(proxy.id.clone());
        let bind = Bind::Address { address: proxy.bind_address.clone(), port: proxy.bind_port };
        match cluster::local_app(proxy) {
            Ok(cluster) => self.resources.push(Arc::new(cluster)),
            // a listener that leads nowhere is no use
            Err(reason) => return self.refuse(ResourceType::Cluster, cluster::LOCAL_APP.to_owned(), reason, origin()),
        }
        let inbound =
            listener::Inbound { proxy, trust_domain: &snapshot.roots.trust_domain, incoming: &snapshot.mesh.incoming };
        match listener::public(&bind, inbound, &snapshot.intentions) {
            Ok(listener) => {
                self.bound.insert(bind, listener.name.to_string());
                self.resources.push(listener);
            }
            Err(reason) => self.refuse(ResourceType::Listener, listener::public_name(&bind), reason, origin()),
        }
    }

    /// `instances_of`: the clusters whose instances were looked at already.
    fn upstream(&mut self, upstream: &'a UpstreamConfig, instances_of: &mut BTreeSet<Arc<str>>) {
        let snapshot = self.snapshot;
        let name = listener::upstream_name(upstream);
        let origin = || Origin::Upstream { proxy: snapshot.proxy.id.clone(), name: upstream.name.clone() };
        let facts = snapshot
            .chains
            .get(&upstream.chain)
            .and_then(|chain| Some((chain, snapshot.endpoints.get(&chain.target.service)?)));
        let Some((chain, endpoints)) = facts else {
            return self.refuse(ResourceType::Listener, name, Reason::Unknown, origin());
        };
        if let Some(reason) = self.taken(upstream, &name) {
            return self.refuse(ResourceType::Listener, name, reason, origin());
        }
        let listener = match listener::upstream(upstream, chain) {
            Ok(listener) => listener,
            Err(reason) => return self.refuse(ResourceType::Listener, name, reason, origin()),
        };
        match self.target(chain, endpoints, instances_of) {
            Ok(()) => {
                self.bound.insert(upstream.bind.clone(), name);
                self.resources.push(listener);
            }
            Err(reason) => self.refuse(ResourceType::Cluster, chain.cluster_name(), reason, origin()),
        }
    }

    fn taken(&self, upstream: &UpstreamConfig, name: &str) -> Option<Reason> {
        if self.bound.values().any(|other| other == name) {
            return Some(Reason::NameTaken);
        }
        let same_place = |bind: &Bind| match (bind, &upstream.bind) {
            (Bind::Socket { path, .. }, Bind::Socket { path: wanted, .. }) => path == wanted,
            (bind, wanted) => bind == wanted,
        };
        let (_, other) = self.bound.iter().find(|(bind, _)| same_place(bind))?;
        Some(Reason::BindTaken(other.clone()))
    }

    fn target(
        &mut self,
        chain: &Chain,
        endpoints: &Shared<Endpoints>,
        instances_of: &mut BTreeSet<Arc<str>>,
    ) -> Result<(), Reason> {
        let settings = cluster::Settings {
            outgoing: &self.snapshot.mesh.outgoing,
            fetch_timeout: self.snapshot.proxy.xds_fetch_timeout,
        };
        let cluster = cluster::upstream(chain, endpoints, settings)?;
        if instances_of.insert(Arc::clone(&cluster.name)) {
            let by_name = cluster.needs.is_empty();
            for reason in endpoint::unusable(endpoints, by_name) {
                let origin = Origin::Instances(chain.target.service.clone());
                self.refuse(ResourceType::Endpoint, cluster.name.to_string(), reason, origin);
            }
            if !by_name {
                self.resources.push(endpoint::resource(&cluster.name, endpoints));
            }
            self.resources.push(cluster);
        }
        Ok(())
    }

    fn refuse(&mut self, kind: ResourceType, name: String, reason: Reason, origin: Origin) {
        self.refusals.push(Refusal { kind, name, reason, origin });
    }
}

#[cfg(test)]
mod tests;
