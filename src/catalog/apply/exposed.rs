//! Checks that are asked past the mesh. An application that listens for its proxy alone cannot be asked by the agent; so
//! each of its checks over HTTP or gRPC gets a port of the proxy, where its path is exposed, and is asked there.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::refusal::Refusal;
use crate::catalog::query;
use crate::catalog::tables::Tables;
use crate::model::check::{Asked, Exposed};
use crate::model::{Check, EntryKey, EntryKind, NodeName, Probe, Service, ServiceId, ServiceName};

impl Draft {
    /// The instances whose checks a change of the entry may expose, or hide.
    pub(super) fn expose_again_after(&mut self, key: &EntryKey) {
        let proxies: Vec<(NodeName, ServiceId)> = match key.kind {
            EntryKind::ServiceDefaults => {
                let name = ServiceName::from(key.name.as_str());
                self.tables.instances_for_connect(&name).filter_map(beside).collect()
            }
            EntryKind::ProxyDefaults => self.tables.services.values().filter_map(beside).collect(),
            _ => return,
        };
        self.to_expose.extend(proxies);
    }

    /// Once everything else is written.
    pub(super) fn expose_checks(&mut self) -> Result<(), Refusal> {
        for (node, id) in std::mem::take(&mut self.to_expose) {
            let checks: Vec<_> = self.tables.checks_of(&node, &id).cloned().collect();
            let host = exposing(&self.tables, &node, &id).map(|proxy| host(&self.tables, &proxy));
            let mut protocols = BTreeMap::new();
            for check in checks {
                let asked = host.as_ref().and_then(|_| asked(&self.tables, &check));
                // one port of the application is spoken to in one way
                let asked =
                    asked.filter(|asked| *protocols.entry(asked.port).or_insert(asked.protocol) == asked.protocol);
                let exposed = match (&host, asked) {
                    (Some(host), Some(_)) => Some(Exposed { host: host.clone(), port: self.exposed_port(&check)? }),
                    _ => None,
                };
                if check.exposed != exposed {
                    self.put_check(Check { exposed, ..(*check).clone() });
                }
            }
        }
        Ok(())
    }

    /// The one it has, else the lowest that is free on the node.
    fn exposed_port(&self, check: &Check) -> Result<u16, Refusal> {
        let range = self.tables.exposed_ports();
        if let Some(known) = check.exposed.as_ref().filter(|known| range.contains(&known.port)) {
            return Ok(known.port);
        }
        let of_checks = self.tables.checks_on(&check.node).filter_map(|other| Some(other.exposed.as_ref()?.port));
        let of_services = self.tables.services_on(&check.node).map(|service| service.port);
        let taken: BTreeSet<u16> = of_checks.chain(of_services).collect();
        let free = range.clone().find(|port| !taken.contains(port));
        free.ok_or_else(|| Refusal::NoExposedPort { id: check.id.clone(), range })
    }
}

/// The instance that the proxy stands before.
fn beside(proxy: &std::sync::Arc<Service>) -> Option<(NodeName, ServiceId)> {
    let of = &proxy.proxy.as_ref()?.destination_id;
    (!of.is_empty()).then(|| (proxy.node.clone(), of.clone()))
}

/// The proxy that exposes the checks of the instance.
fn exposing(tables: &Tables, node: &NodeName, id: &ServiceId) -> Option<Service> {
    let exposes = |proxy: &&std::sync::Arc<Service>| {
        let own = proxy.proxy.as_ref().filter(|own| own.destination_id == *id);
        own.is_some_and(|own| query::inbound::expose(tables, own).checks)
    };
    tables.proxies_beside(node, id).find(exposes).map(|proxy| (**proxy).clone())
}

/// Where the proxy listens, as this machine can call it.
fn host(tables: &Tables, proxy: &Service) -> String {
    let bound = query::bind_address(tables, proxy);
    if matches!(bound.as_str(), "0.0.0.0" | "::" | "") { "127.0.0.1".to_owned() } else { bound }
}

/// What is asked of the application, if the proxy can be asked instead.
pub(in crate::catalog) fn asked(tables: &Tables, check: &Check) -> Option<Asked> {
    let Probe::Periodic(target) = &check.definition.as_ref()?.probe else { return None };
    let asked = target.asked()?;
    let service = tables.services.get(&(check.node.clone(), check.service_id.clone()))?;
    let node = tables.nodes.get(&check.node)?;
    // a check of somebody else's machine is none of the application's paths
    let own = asked.is_local() || asked.host == service.address || asked.host == node.address;
    own.then_some(asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::{World, check, entry, put, registration, service, sidecar};
    use crate::catalog::write::SidecarRegistration;
    use crate::catalog::{Registration, Write};
    use crate::model::check::{HttpProbe, SocketProbe};
    use crate::model::entry::{EntryBody, ServiceDefaults};
    use crate::model::expose::ExposedProtocol;
    use crate::model::topic::Place;
    use crate::model::{CheckDefinition, Expose, ProxyId, Target};

    fn http(id: &str, url: &str) -> Check {
        let probe = Probe::Periodic(Target::Http(HttpProbe { url: url.to_owned(), ..HttpProbe::default() }));
        Check { definition: Some(CheckDefinition::new(probe)), ..check(id, "web") }
    }

    fn grpc(id: &str, address: &str) -> Check {
        let server = SocketProbe { address: address.to_owned(), tls: None };
        let probe = Probe::Periodic(Target::Grpc { server, service: String::new() });
        Check { definition: Some(CheckDefinition::new(probe)), ..check(id, "web") }
    }

    fn exposes(checks: bool) -> Write {
        let expose = Expose { checks, ..Expose::default() };
        put(entry("web", EntryBody::ServiceDefaults(ServiceDefaults { expose, ..ServiceDefaults::default() })))
    }

    fn register(checks: Vec<Check>) -> Write {
        let sidecar = Some(SidecarRegistration { service: sidecar("web"), checks: Some(vec![]) });
        Write::RegisterService(Box::new(Registration { checks, sidecar, ..registration(service("web")) }))
    }

    fn at(world: &World, id: &str) -> Option<(String, u16)> {
        let check = query::check(&world.tables, &"n1".into(), &id.into()).expect("it is registered");
        check.exposed.as_ref().map(|exposed| (exposed.host.clone(), exposed.port))
    }

    fn paths(world: &World) -> Vec<(u16, String, u16, ExposedProtocol)> {
        let id = ProxyId { node: "n1".into(), service: "web-sidecar-proxy".into() };
        let proxy = query::proxy(&world.tables, &id).expect("it is registered");
        let path = |path: &crate::model::expose::ExposedPath| {
            assert_eq!(path.agent.as_deref(), Some("10.0.0.1"));
            (path.listener_port, path.path.clone(), path.local_path_port, path.protocol)
        };
        proxy.inbound.expose.iter().map(path).collect()
    }

    #[test]
    fn checks_get_ports_of_their_proxy_and_keep_them() {
        let mut world = World::with_nodes();
        let checks = vec![
            http("a", "http://127.0.0.1:8080/health?deep"),
            grpc("b", "localhost:9090"),
            http("c", "https://127.0.0.1:8443/health"),
            http("d", "http://elsewhere:8080/health"),
            http("e", "http://10.0.0.1"),
            check("f", "web"),
        ];
        world.write(register(checks));
        assert_eq!(at(&world, "a"), None);
        let applied = world.write(exposes(true));
        let proxy = Place::Proxy(ProxyId { node: "n1".into(), service: "web-sidecar-proxy".into() });
        assert!(applied.places.contains(&proxy));
        let here = |port| Some(("127.0.0.1".to_owned(), port));
        let all = |world: &World| ["a", "b", "c", "d", "e", "f"].map(|id| at(world, id));
        assert_eq!(all(&world), [here(21500), here(21501), None, None, here(21502), None]);
        let of_grpc = "/grpc.health.v1.Health/Check".to_owned();
        assert_eq!(
            paths(&world),
            [
                (21500, "/health".to_owned(), 8080, ExposedProtocol::Http),
                (21501, of_grpc, 9090, ExposedProtocol::Http2),
                (21502, "/".to_owned(), 80, ExposedProtocol::Http),
            ]
        );

        // another one takes the place of the first, the others stay where they are
        world.write(Write::DeregisterCheck { node: "n1".into(), id: "a".into() });
        world.write(Write::RegisterCheck(http("g", "http://localhost:8080/other")));
        assert_eq!((at(&world, "b"), at(&world, "g")), (here(21501), here(21500)));
        let again = world.tables.clone();
        world.write(Write::UpdateCheck {
            node: "n1".into(),
            id: "b".into(),
            status: crate::model::Status::Critical,
            output: String::new(),
        });
        assert_eq!(again.index_of(&proxy), world.tables.index_of(&proxy), "how a check is moves no listener");

        world.write(exposes(false));
        assert_eq!((at(&world, "b"), at(&world, "g"), paths(&world)), (None, None, vec![]));
    }

    #[test]
    fn a_port_of_the_application_is_spoken_to_in_one_way() {
        let mut world = World::with_nodes();
        world.write(exposes(true));
        world.write(register(vec![http("a", "http://localhost:80/"), grpc("b", "localhost:80")]));
        assert!(at(&world, "a").is_some() && at(&world, "b").is_none());
    }
}
