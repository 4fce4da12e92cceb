//! What a transparent proxy holds beside its own upstreams: a way to every service that it may call, by the addresses that
//! the service has.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;

use super::kept::{KeptOfMany, fact};
use super::sidecar::{Draft, KeptTarget};
use super::{Origin, Reason, address, cluster, listener};
use crate::chain::{Chain, Target};
use crate::model::{Addresses, ProxyConfig, ServiceName};
use crate::resource::{Resource, ResourceType, Shared};
use crate::snapshot::Snapshot;

/// What was made of one proxy's services.
#[derive(Default)]
pub(super) struct Transparent {
    targets: BTreeMap<ServiceName, Vec<KeptTarget>>,
    listener: KeptOfMany<(Option<Arc<Resource>>, Vec<Taken>)>,
}

/// An address at which a service is not known, because another one is.
#[derive(Clone)]
struct Taken {
    address: IpAddr,
    by: ServiceName,
    service: ServiceName,
}

/// A service that the proxy is led to.
struct Way<'a> {
    service: &'a ServiceName,
    chain: &'a Arc<Shared<Chain>>,
    addresses: &'a Arc<Addresses>,
}

impl<'a> Draft<'a> {
    /// Nothing, for a proxy that is not transparent.
    pub(super) fn transparent(&mut self, kept: &mut Transparent) {
        let Some((port, reachable)) = self.snapshot.proxy.outbound_port.zip(self.snapshot.reachable) else {
            *kept = Transparent::default();
            return;
        };
        let (name, bind) = (listener::outbound_name(port), listener::outbound_bind(port));
        if let Some(reason) = self.taken(&bind, &name) {
            return self.refuse(ResourceType::Listener, name, reason, self.of_proxy());
        }
        if reachable.left_out > 0 {
            let reason = Reason::TooManyReachable(reachable.left_out);
            self.refuse(ResourceType::Listener, name.clone(), reason, self.of_proxy());
        }
        kept.targets.retain(|service, _| reachable.services.contains(service));
        let ways: Vec<Way<'a>> = reachable.services.iter().filter_map(|service| self.way(service, kept)).collect();
        let settings = listener::Outbound {
            ipv6: address::is_ipv6(&self.snapshot.proxy.bind_address),
            port,
            mesh_only: self.snapshot.mesh.mesh_destinations_only,
            telemetry: &self.snapshot.proxy.telemetry,
        };
        let mut facts = vec![fact(self.snapshot.proxy), fact(self.snapshot.mesh), fact(reachable)];
        facts.extend(ways.iter().flat_map(|way| [fact(way.chain), fact(way.addresses)]));
        let (listener, taken) = kept.listener.of(facts, || {
            let (parts, taken) = parts(&ways, self.snapshot.proxy);
            (listener::outbound(settings, &parts, reachable), taken)
        });
        for Taken { address, by, service } in taken {
            let reason = Reason::AddressTaken(address, by);
            self.refuse(ResourceType::Listener, name.clone(), reason, Origin::Instances(service));
        }
        if !settings.mesh_only {
            self.resources.push(cluster::original_destination(reachable));
        }
        if let Some(listener) = listener {
            self.bind(bind, listener);
        }
    }

    /// The clusters of one service, and what the listener's way to it is made of.
    fn way(&mut self, service: &'a ServiceName, kept: &mut Transparent) -> Option<Way<'a>> {
        let Snapshot { proxy, mesh, chains, addresses, .. } = *self.snapshot;
        let upstream = proxy.led_to(service);
        let addresses = addresses.get(service)?;
        let chain = match chains.get(&upstream.chain)? {
            Ok(chain) => chain,
            Err(error) => {
                let origin = Origin::Instances(service.clone());
                self.refuse(ResourceType::Listener, service.to_string(), Reason::Chain(error.clone()), origin);
                return None;
            }
        };
        let kept = kept.targets.entry(service.clone()).or_default();
        match self.targets(&upstream, chain, kept) {
            Ok(targets) => self.lead_along(chain, targets),
            Err((cluster, reason)) => {
                self.refuse(ResourceType::Cluster, cluster, reason, Origin::Instances(service.clone()));
                return None;
            }
        }
        if let Some(target) = own_target(chain).filter(|_| !addresses.instances.is_empty()) {
            self.share(cluster::passthrough(chain, target, &mesh.outgoing));
        }
        Some(Way { service, chain, addresses })
    }
}

/// The parts of the listener, and what they lack: Envoy takes an address once, so the first service by name has it.
fn parts(ways: &[Way<'_>], proxy: &ProxyConfig) -> (Vec<Arc<Resource>>, Vec<Taken>) {
    let (mut parts, mut claims) = (Vec::new(), Claims::default());
    for way in ways {
        let virtual_ips = claims.claim(way.service, &way.addresses.virtual_ips);
        if !virtual_ips.is_empty() {
            parts.push(listener::to_service(way.chain, &virtual_ips, proxy.xds_fetch_timeout, &proxy.telemetry));
        }
        let instances = claims.claim(way.service, &way.addresses.instances);
        if let Some(target) = own_target(way.chain).filter(|_| !instances.is_empty()) {
            parts.push(listener::to_instances(way.chain, target, &instances, &proxy.telemetry));
        }
    }
    (parts, claims.taken)
}

/// Where the instances of the chain's own service are; `None` when it leads to others alone.
fn own_target(chain: &Chain) -> Option<&Target> {
    chain.targets.values().find(|target| target.service == chain.service)
}

#[derive(Default)]
struct Claims<'a> {
    holders: BTreeMap<IpAddr, &'a ServiceName>,
    taken: Vec<Taken>,
}

impl<'a> Claims<'a> {
    /// Those of the addresses that nobody has yet.
    fn claim(&mut self, service: &'a ServiceName, addresses: &[IpAddr]) -> Vec<IpAddr> {
        let mut free = Vec::new();
        for &address in addresses {
            match self.holders.entry(address) {
                Entry::Vacant(vacant) => {
                    vacant.insert(service);
                    free.push(address);
                }
                Entry::Occupied(by) if *by.get() == service => {}
                Entry::Occupied(by) => {
                    self.taken.push(Taken { address, by: ServiceName::clone(by.get()), service: service.clone() });
                }
            }
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::sidecar::tests::{seen, snapshot};
    use crate::generate::{Generated, Sidecar};
    use crate::model::{ProxyConfig, Reachable};
    use crate::snapshot::Facts;

    /// A transparent proxy that is led to `db`.
    fn transparent() -> Facts {
        let mut facts = snapshot();
        let proxy = ProxyConfig::clone(facts.proxy.as_ref().expect("it was given"));
        facts.proxy = Some(Arc::new(ProxyConfig { outbound_port: Some(15001), ..proxy }));
        let services = ["db".into()].into();
        facts.reachable = Some(Arc::new(Shared::new(Reachable { services, left_out: 0 })));
        let virtual_ips = vec![IpAddr::from([240, 0, 0, 7])];
        facts.addresses.insert("db".into(), Arc::new(Addresses { virtual_ips, instances: vec![] }));
        facts
    }

    fn outbound(generated: &Generated) -> Arc<Resource> {
        let listener = generated.view.get(ResourceType::Listener, "outbound_listener:127.0.0.1:15001");
        Arc::clone(listener.expect("it is there"))
    }

    #[test]
    fn proxies_that_are_led_to_the_same_services_share_one_listener() {
        let facts = transparent();
        let (one, other) = (Sidecar::default().generate(&seen(&facts)), Sidecar::default().generate(&seen(&facts)));
        assert!(Arc::ptr_eq(&outbound(&one), &outbound(&other)));
        assert!(one.refusals.is_empty(), "{:?}", one.refusals);
    }

    #[test]
    fn the_parts_one_after_the_other_are_a_whole_listener() {
        let listener = outbound(&Sidecar::default().generate(&seen(&transparent())));
        let any = listener.any().expect("an Any");
        let json = crate::canonical::json(&any).expect("a listener");
        let chains = json["filter_chains"].as_array().expect("a list");
        assert_eq!(chains.len(), 1);
        assert_eq!(chains[0]["filter_chain_match"]["prefix_ranges"][0]["address_prefix"], "240.0.0.7");
        let needs: Vec<&str> = listener.needs.iter().map(|name| &**name).collect();
        assert_eq!(needs, ["db.default.dc1.internal.11111111-2222.consul", "original-destination"]);
    }

    #[test]
    fn instances_that_come_and_go_leave_the_listener_alone() {
        let mut facts = transparent();
        let mut sidecar = Sidecar::default();
        let before = outbound(&sidecar.generate(&seen(&facts)));
        let endpoints = Arc::new(Shared::new(crate::model::Endpoints::default()));
        for known in facts.endpoints.values_mut() {
            *known = Arc::clone(&endpoints);
        }
        assert!(Arc::ptr_eq(&before, &outbound(&sidecar.generate(&seen(&facts)))));
    }

    #[test]
    fn services_beyond_the_bound_are_told() {
        let mut facts = transparent();
        let services = ["db".into()].into();
        facts.reachable = Some(Arc::new(Shared::new(Reachable { services, left_out: 3 })));
        let generated = Sidecar::default().generate(&seen(&facts));
        let told = generated.refusals[0].to_string();
        assert!(told.contains("3 more services may be called than the 4096"), "{told}");
    }

    #[test]
    fn a_transparent_proxy_waits_for_all_that_it_is_led_to() {
        let mut facts = transparent();
        assert!(facts.complete().is_ok());
        facts.addresses.clear();
        assert_eq!(facts.complete().err(), Some(vec![crate::model::Topic::Addresses("db".into())]));
        facts.reachable = None;
        let missing = facts.complete().expect_err("it is not known whom it is led to");
        assert_eq!(missing, [crate::model::Topic::Reachable("web".into())]);
    }
}
