//! A sidecar that is registered inside its service: its port, its checks, and that it goes with its service.

use std::time::Duration;

use super::draft::Draft;
use super::refusal::Refusal;
use crate::catalog::tables::Tables;
use crate::catalog::write::SidecarRegistration;
use crate::model::Target;
use crate::model::check::SocketProbe;
use crate::model::{Check, CheckDefinition, CheckId, Index, NodeName, Probe, Service, ServiceId, ServiceKind, Status};

const CHECK_INTERVAL: Duration = Duration::from_secs(10);

impl Draft {
    pub(super) fn register_sidecar(
        &mut self,
        service: &Service,
        sidecar: &SidecarRegistration,
        replace_existing_checks: bool,
    ) -> Result<bool, Refusal> {
        if service.kind == ServiceKind::ConnectProxy {
            return Err(Refusal::NestedSidecar(service.id.clone()));
        }
        if sidecar.service.id == service.id {
            return Err(Refusal::SidecarHasServiceId(service.id.clone()));
        }
        let mut proxy =
            Service { node: service.node.clone(), managed_by: Some(service.id.clone()), ..sidecar.service.clone() };
        let mut changed = self.remove_sidecars(&service.node, &service.id, Some(&proxy.id));
        if proxy.port == 0 && proxy.socket_path.is_empty() {
            let taken = || Refusal::NoSidecarPort { id: proxy.id.clone(), range: self.tables.sidecar_ports() };
            proxy.port = port(&self.tables, &proxy).ok_or_else(taken)?;
        }
        let checks = sidecar.checks.clone().unwrap_or_else(|| default_checks(service, &proxy));
        changed |= self.put_instance(&proxy, &checks, replace_existing_checks)?;
        Ok(changed)
    }

    /// Removes the sidecars that were registered inside the service, but not the one named.
    pub(super) fn remove_sidecars(&mut self, node: &NodeName, service: &ServiceId, keep: Option<&ServiceId>) -> bool {
        let managed: Vec<_> = self
            .tables
            .proxies_beside(node, service)
            .filter(|proxy| proxy.managed_by.as_ref() == Some(service) && Some(&proxy.id) != keep)
            .map(|proxy| proxy.id.clone())
            .collect();
        for id in &managed {
            self.remove_service(node, id);
        }
        !managed.is_empty()
    }
}

/// The port it has already, else the lowest that is free on the node.
fn port(tables: &Tables, proxy: &Service) -> Option<u16> {
    let known = tables.services.get(&(proxy.node.clone(), proxy.id.clone())).map_or(0, |known| known.port);
    if known != 0 {
        return Some(known);
    }
    let mut ports = tables.sidecar_ports();
    let from = (proxy.node.clone(), *ports.start(), ServiceId::default());
    let mut taken = tables.ports.range(from..).take_while(|(node, ..)| *node == proxy.node).map(|(_, port, _)| *port);
    let mut next_taken = taken.next();
    ports.find(|port| {
        let free = next_taken != Some(*port);
        while next_taken == Some(*port) {
            next_taken = taken.next();
        }
        free
    })
}

/// That it listens (on a port, if it has one), and that its service is healthy.
fn default_checks(service: &Service, proxy: &Service) -> Vec<Check> {
    let alias = Probe::Alias { node: NodeName::default(), service: service.id.clone() };
    let alias = (format!("Connect Sidecar Aliasing {}", service.id), CheckDefinition::new(alias));
    if proxy.port == 0 {
        return vec![check(proxy, format!("service:{}", proxy.id), alias)];
    }
    let listening = Probe::Periodic(Target::Tcp(SocketProbe { address: listening_at(proxy), tls: None }));
    let listening = CheckDefinition { interval: CHECK_INTERVAL, ..CheckDefinition::new(listening) };
    let listening = ("Connect Sidecar Listening".to_owned(), listening);
    vec![
        check(proxy, format!("service:{}:1", proxy.id), listening),
        check(proxy, format!("service:{}:2", proxy.id), alias),
    ]
}

/// The address that the proxy was registered with, else the one it reaches its service at.
fn listening_at(proxy: &Service) -> String {
    let local = proxy.proxy.as_ref().map_or("", |proxy| &proxy.local_address);
    let given = [proxy.address.as_str(), local].into_iter().find(|address| !address.is_empty());
    let address = given.unwrap_or("127.0.0.1");
    if address.contains(':') { format!("[{address}]:{}", proxy.port) } else { format!("{address}:{}", proxy.port) }
}

fn check(proxy: &Service, id: String, (name, definition): (String, CheckDefinition)) -> Check {
    Check {
        node: proxy.node.clone(),
        id: CheckId::from(id),
        name,
        status: Status::Critical,
        notes: String::new(),
        output: String::new(),
        service_id: proxy.id.clone(),
        service_name: proxy.name.clone(),
        service_tags: proxy.tags.clone(),
        exposed: None,
        definition: Some(definition),
        create_index: Index::default(),
        modify_index: Index::default(),
    }
}
