//! Whom a service calls and who calls it, as far as registrations, chains and intentions tell.

use std::collections::{BTreeMap, BTreeSet};

use super::central::{protocol, transparent};
use super::{intentions, reachable};
use crate::catalog::tables::Tables;
use crate::model::intention::{Action, WILDCARD};
use crate::model::topic::ChainKey;
use crate::model::{EntryKey, EntryKind, Protocol, ProxyMode, Service, ServiceKind, ServiceName, TrustDomain};

/// In the metadata of an entry: what wrote it.
const SOURCE: &str = "external-source";

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Topology {
    pub protocol: Protocol,
    /// A proxy of the service is led to whom it may call, beside those that it names.
    pub transparent: bool,
    pub upstreams: BTreeMap<ServiceName, Neighbour>,
    pub downstreams: BTreeMap<ServiceName, Neighbour>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Neighbour {
    pub reason: Reason,
    /// Of calls between the two.
    pub decision: Decision,
}

/// What makes two services neighbours; the first that does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// A proxy names the upstream.
    Registration,
    /// A proxy names an upstream whose chain leads there.
    Routing,
    /// A transparent proxy, and an intention that names both.
    SpecificIntention,
    /// A transparent proxy, and an intention for everybody.
    WildcardIntention,
    /// A transparent proxy, and no intention.
    DefaultAllow,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decision {
    pub default_allow: bool,
    pub allowed: bool,
    pub has_permissions: bool,
    /// An intention names both.
    pub has_exact: bool,
    /// What wrote the intention, where it says so.
    pub external_source: String,
}

/// Of one service; one that nobody knows has no neighbours.
pub fn topology(tables: &Tables, service: &ServiceName) -> Topology {
    let mut upstreams: BTreeMap<ServiceName, Reason> = BTreeMap::new();
    let mut downstreams: BTreeMap<ServiceName, Reason> = BTreeMap::new();
    let mut led = BTreeSet::new();
    for proxy in tables.services.values().filter(|service| service.kind == ServiceKind::ConnectProxy) {
        let Some(caller) = proxy.connect_name() else { continue };
        for (called, reason) in named(tables, proxy) {
            if caller == service {
                keep(&mut upstreams, called.clone(), reason);
            }
            if called == *service {
                keep(&mut downstreams, caller.clone(), reason);
            }
        }
        if transparent(tables, proxy).mode == Some(ProxyMode::Transparent) {
            led.insert(caller.clone());
        }
    }
    if led.contains(service) {
        for called in reachable(tables, service).services {
            keep(&mut upstreams, called.clone(), by_intention(tables, service, &called));
        }
    }
    let in_mesh = tables.virtual_ips.of(service).is_some();
    for caller in led.iter().filter(|caller| in_mesh && reachable(tables, caller).services.contains(service)) {
        keep(&mut downstreams, caller.clone(), by_intention(tables, caller, service));
    }
    upstreams.remove(service);
    downstreams.remove(service);
    let neighbour = |source: &ServiceName, destination: &ServiceName, reason| Neighbour {
        reason,
        decision: decide(tables, source, destination),
    };
    Topology {
        protocol: protocol(tables, service),
        transparent: led.contains(service),
        upstreams: upstreams.into_iter().map(|(of, why)| (of.clone(), neighbour(service, &of, why))).collect(),
        downstreams: downstreams.into_iter().map(|(of, why)| (of.clone(), neighbour(&of, service, why))).collect(),
    }
}

fn keep(neighbours: &mut BTreeMap<ServiceName, Reason>, name: ServiceName, reason: Reason) {
    let known = neighbours.entry(name).or_insert(reason);
    *known = reason.min(*known);
}

/// The upstreams that the proxy names, and where their chains lead.
fn named(tables: &Tables, proxy: &Service) -> BTreeMap<ServiceName, Reason> {
    let mut found = BTreeMap::new();
    // names in a chain's targets, not those that Envoy sees: any domain will do
    let domain = tables.roots().map_or_else(TrustDomain::default, |roots| roots.trust_domain.clone());
    for upstream in proxy.proxy.iter().flat_map(|proxy| &proxy.upstreams) {
        let name = &upstream.destination_name;
        keep(&mut found, name.clone(), Reason::Registration);
        if let Ok(chain) = super::chain(tables, &ChainKey::plain(name.clone()), &domain).chain {
            for target in chain.targets.values().filter(|target| target.service != *name) {
                keep(&mut found, target.service.clone(), Reason::Routing);
            }
        }
    }
    found
}

fn by_intention(tables: &Tables, source: &ServiceName, destination: &ServiceName) -> Reason {
    let found = intentions(tables, destination);
    let bears = found.matching.iter().find(|known| known.source == *source || known.source == WILDCARD);
    match bears {
        None => Reason::DefaultAllow,
        Some(known) if known.source == *source && known.destination == *destination => Reason::SpecificIntention,
        Some(_) => Reason::WildcardIntention,
    }
}

fn decide(tables: &Tables, source: &ServiceName, destination: &ServiceName) -> Decision {
    let found = intentions(tables, destination);
    let bears = found.matching.iter().find(|known| known.source == *source || known.source == WILDCARD);
    let written_by = |name: &ServiceName| {
        let entry = tables.entries.get(&EntryKey::new(EntryKind::ServiceIntentions, name.as_str()))?;
        entry.meta.get(SOURCE).cloned()
    };
    Decision {
        default_allow: found.default_action == Action::Allow,
        allowed: found.decide(source.as_str()) == Action::Allow,
        has_permissions: bears.is_some_and(|known| !known.permissions.is_empty()),
        has_exact: bears.is_some_and(|known| known.source == *source && known.destination == *destination),
        external_source: bears.and_then(|known| written_by(&known.destination)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::{World, intentions as entry, put, register, register_with_sidecar, sidecar};
    use crate::model::{Proxy, TransparentProxy, Upstream};

    fn calls(caller: &str, upstreams: &[&str], mode: Option<ProxyMode>) -> crate::catalog::Write {
        let registered = sidecar(caller);
        let upstream = |name: &&str| Upstream { destination_name: (*name).into(), ..Upstream::default() };
        let transparent = TransparentProxy { mode, ..TransparentProxy::default() };
        let proxy = registered.proxy.clone().unwrap();
        let proxy = Proxy { upstreams: upstreams.iter().map(upstream).collect(), transparent, ..proxy };
        register(Service { proxy: Some(proxy), ..registered })
    }

    fn world() -> World {
        let mut world = World::with_nodes();
        for service in ["web", "db", "shop"] {
            world.write(register_with_sidecar(service));
        }
        world
    }

    fn reasons(neighbours: &BTreeMap<ServiceName, Neighbour>) -> Vec<(&str, Reason)> {
        neighbours.iter().map(|(name, neighbour)| (name.as_str(), neighbour.reason)).collect()
    }

    #[test]
    fn those_that_proxies_name_are_neighbours_in_both_directions() {
        let mut world = world();
        world.write(calls("web", &["db"], None));
        assert_eq!(reasons(&topology(&world.tables, &"web".into()).upstreams), [("db", Reason::Registration)]);
        assert_eq!(reasons(&topology(&world.tables, &"db".into()).downstreams), [("web", Reason::Registration)]);
        assert_eq!(topology(&world.tables, &"shop".into()), Topology::default());
        assert_eq!(topology(&world.tables, &"nobody".into()), Topology::default());
    }

    #[test]
    fn a_transparent_proxy_reaches_whom_it_may_call() {
        let mut world = world();
        world.write(calls("web", &[], Some(ProxyMode::Transparent)));
        world.write(put(entry("db", &[("web", Action::Deny)])));
        world.write(put(entry("shop", &[("web", Action::Allow)])));
        let found = topology(&world.tables, &"web".into());
        assert!(found.transparent);
        assert_eq!(reasons(&found.upstreams), [("shop", Reason::SpecificIntention)]);
        let decision = &found.upstreams[&ServiceName::from("shop")].decision;
        assert!(decision.allowed && decision.has_exact && decision.default_allow && !decision.has_permissions);
        assert_eq!(topology(&world.tables, &"db".into()).downstreams, BTreeMap::new());
        assert_eq!(reasons(&topology(&world.tables, &"shop".into()).downstreams), [("web", Reason::SpecificIntention)]);
    }

    #[test]
    fn what_is_registered_and_denied_is_a_neighbour_that_may_not_call() {
        let mut world = world();
        world.write(calls("web", &["db"], None));
        world.write(put(entry("db", &[("*", Action::Deny)])));
        let found = topology(&world.tables, &"db".into());
        let decision = &found.downstreams[&ServiceName::from("web")].decision;
        assert!(!decision.allowed && !decision.has_exact, "{decision:?}");
    }
}
