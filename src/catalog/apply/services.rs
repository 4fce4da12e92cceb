//! Writes of nodes and instances.

use super::checks::of_service;
use super::draft::Draft;
use super::not_empty;
use super::refusal::Refusal;
use crate::catalog::write::Registration;
use crate::model::intention::WILDCARD;
use crate::model::{Check, Node, NodeName, Proxy, Service, ServiceId, ServiceKind, Upstream};

impl Draft {
    pub(super) fn register_node(&mut self, node: &Node) -> Result<bool, Refusal> {
        not_empty(node.name.as_str(), "node name")?;
        not_empty(&node.address, "node address")?;
        Ok(self.put_node(node.clone()))
    }

    pub(super) fn deregister_node(&mut self, name: &NodeName) -> Result<bool, Refusal> {
        if self.remove_node(name) { Ok(true) } else { Err(Refusal::UnknownNode(name.clone())) }
    }

    /// A sidecar that was registered inside the service earlier stays when this registration has none.
    pub(super) fn register_service(&mut self, registration: &Registration) -> Result<bool, Refusal> {
        let service = Service { managed_by: None, ..registration.service.clone() };
        let replace = registration.replace_existing_checks;
        let mut changed = self.put_instance(&service, &registration.checks, replace)?;
        if let Some(sidecar) = &registration.sidecar {
            changed |= self.register_sidecar(&service, sidecar, replace)?;
        }
        Ok(changed)
    }

    pub(super) fn put_instance(
        &mut self,
        service: &Service,
        checks: &[Check],
        replace_existing_checks: bool,
    ) -> Result<bool, Refusal> {
        self.validate_service(service)?;
        let mut changed = self.put_service(service.clone())?;
        if replace_existing_checks {
            let gone: Vec<_> = self
                .tables
                .checks_of(&service.node, &service.id)
                .filter(|known| checks.iter().all(|check| check.id != known.id))
                .map(|known| known.id.clone())
                .collect();
            for id in gone {
                changed |= self.remove_check(&service.node, &id);
            }
        }
        for check in checks {
            changed |= self.register_check(of_service(check.clone(), service))?;
        }
        Ok(changed)
    }

    pub(super) fn deregister_service(&mut self, node: &NodeName, id: &ServiceId) -> Result<bool, Refusal> {
        self.remove_sidecars(node, id, None);
        if self.remove_service(node, id) {
            Ok(true)
        } else {
            Err(Refusal::UnknownService { node: node.clone(), id: id.clone() })
        }
    }

    fn own_datacenter(&self, service: &Service, proxy: &Proxy) -> Result<(), Refusal> {
        let own = self.tables.datacenter();
        let elsewhere = |upstream: &&Upstream| !upstream.datacenter.is_empty() && upstream.datacenter != own.as_str();
        match proxy.upstreams.iter().find(elsewhere) {
            None => Ok(()),
            Some(upstream) => Err(Refusal::OtherDatacenter {
                id: service.id.clone(),
                upstream: upstream.destination_name.clone(),
                datacenter: upstream.datacenter.clone(),
                own: own.clone(),
            }),
        }
    }

    fn validate_service(&self, service: &Service) -> Result<(), Refusal> {
        if !self.tables.nodes.contains_key(&service.node) {
            return Err(Refusal::UnknownNode(service.node.clone()));
        }
        not_empty(service.id.as_str(), "service id")?;
        not_empty(service.name.as_str(), "service name")?;
        if !self.tables.mesh() && (service.kind == ServiceKind::ConnectProxy || service.connect_native) {
            return Err(Refusal::NoMesh(service.id.clone()));
        }
        match (service.kind, &service.proxy) {
            (ServiceKind::Typical, None) => Ok(()),
            (ServiceKind::ConnectProxy, Some(proxy)) => {
                if proxy.destination_name.is_empty() || proxy.destination_name == WILDCARD {
                    return Err(Refusal::ProxyWithoutDestination(service.id.clone()));
                }
                self.own_datacenter(service, proxy)
            }
            _ => Err(Refusal::ProxyWithoutKind(service.id.clone())),
        }
    }
}
