//! Virtual addresses come with the first instance that accepts mesh connections for a service, or with the first entry that
//! leads its connections elsewhere, and go with the last of these.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use super::draft::Draft;
use super::refusal::Refusal;
use crate::model::virtual_ip::{MANUAL_MAX, TAG, is_given};
use crate::model::{EntryKey, EntryKind, Index, Service, ServiceName, TaggedAddress, VirtualIp};

/// Kinds of entries that lead connections of the service they are named after.
const LEADING: [EntryKind; 3] = [EntryKind::ServiceResolver, EntryKind::ServiceRouter, EntryKind::ServiceSplitter];

impl Draft {
    /// Gives the service its virtual address if it has none yet, and writes it into the instance.
    pub(super) fn give_virtual_ip(&mut self, service: &mut Service) -> Result<(), Refusal> {
        let Some(name) = service.connect_name().cloned() else { return Ok(()) };
        let address = self.virtual_ip_of(name)?;
        let tagged = TaggedAddress { address: address.to_string(), port: service.port };
        service.tagged_addresses.insert(TAG.to_owned(), tagged);
        Ok(())
    }

    /// A service that entries lead to another is there without instances of its own.
    pub(super) fn follow_entry(&mut self, key: &EntryKey) -> Result<(), Refusal> {
        if !LEADING.contains(&key.kind) {
            return Ok(());
        }
        let service = ServiceName::from(key.name.as_str());
        if self.tables.entries.contains_key(key) {
            self.virtual_ip_of(service)?;
        } else {
            self.take_virtual_ip(&service);
        }
        Ok(())
    }

    /// The one that the service has, else one that is given to it.
    fn virtual_ip_of(&mut self, service: ServiceName) -> Result<Ipv4Addr, Refusal> {
        if let Some(known) = self.tables.virtual_ips.of(&service) {
            return Ok(known.address);
        }
        let address = self.tables.virtual_ips.free().ok_or(Refusal::NoVirtualIp)?;
        let (create_index, modify_index) = (Index::default(), Index::default());
        self.put_virtual_ip(VirtualIp { service, address, manual: vec![], create_index, modify_index });
        self.put_last_virtual_ip(address);
        Ok(address)
    }

    /// Takes the address back when nothing is left of the service.
    pub(super) fn take_virtual_ip(&mut self, service: &ServiceName) {
        let led =
            || LEADING.iter().any(|kind| self.tables.entries.contains_key(&EntryKey::new(*kind, service.as_str())));
        if self.tables.instances_for_connect(service).next().is_none() && !led() {
            self.remove_virtual_ip(service);
        }
    }

    /// Replaces the addresses that the user chose for the service; a service that had one of them loses it.
    pub(super) fn set_manual_virtual_ips(
        &mut self,
        service: &ServiceName,
        wanted: &BTreeSet<IpAddr>,
    ) -> Result<bool, Refusal> {
        if wanted.len() > MANUAL_MAX {
            return Err(Refusal::ManualVirtualIps { given: wanted.len() });
        }
        if let Some(address) = wanted.iter().find(|address| is_given(**address)) {
            return Err(Refusal::GivenVirtualIp(*address));
        }
        let Some(own) = self.tables.virtual_ips.of(service).cloned() else {
            return Err(Refusal::NotInMesh(service.clone()));
        };
        let holders: BTreeSet<ServiceName> =
            wanted.iter().filter_map(|address| self.tables.virtual_ips.holder(*address).cloned()).collect();
        let mut changed = false;
        for holder in holders.iter().filter(|holder| *holder != service) {
            let Some(mut other) = self.tables.virtual_ips.of(holder).map(|other| VirtualIp::clone(other)) else {
                continue;
            };
            other.manual.retain(|address| !wanted.contains(address));
            changed |= self.put_virtual_ip(other);
        }
        changed |=
            self.put_virtual_ip(VirtualIp { manual: wanted.iter().copied().collect(), ..VirtualIp::clone(&own) });
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::{World, entry, put, register, register_with_sidecar, service, sidecar};
    use crate::catalog::{Write, query};
    use crate::model::NodeName;
    use crate::model::entry::EntryBody;
    use crate::model::topic::Place;

    fn address(world: &World, service: &str) -> Option<String> {
        query::virtual_ip(&world.tables, &service.into()).map(|ip| ip.address.to_string())
    }

    fn manual(service: &str, addresses: &[&str]) -> Write {
        let addresses = addresses.iter().map(|address| address.parse().expect("an address")).collect();
        Write::SetManualVirtualIps { service: service.into(), addresses }
    }

    fn deregister(id: &str) -> Write {
        Write::DeregisterService { node: "n1".into(), id: id.into() }
    }

    #[test]
    fn a_service_of_the_mesh_gets_an_address_and_its_instances_carry_it() {
        let mut world = World::with_nodes();
        world.write(register(service("plain")));
        assert_eq!(address(&world, "plain"), None);
        world.write(register_with_sidecar("web"));
        world.write(register(Service { connect_native: true, ..service("native") }));
        assert_eq!(address(&world, "web").as_deref(), Some("240.0.0.1"));
        assert_eq!(address(&world, "native").as_deref(), Some("240.0.0.2"));
        let tag = |id: &str| {
            let instance = query::service(&world.tables, &NodeName::from("n1"), &id.into()).expect("registered");
            instance.tagged_addresses.get(TAG).map(|tagged| (tagged.address.clone(), tagged.port))
        };
        assert_eq!(tag("web-sidecar-proxy"), Some(("240.0.0.1".to_owned(), 21000)));
        assert_eq!(tag("native"), Some(("240.0.0.2".to_owned(), 8080)));
        assert_eq!(tag("web"), None);
        // and says nothing new when it is registered again
        world.idle(register_with_sidecar("web"));
    }

    #[test]
    fn an_address_stays_with_its_service_until_the_last_instance_goes_and_is_not_given_to_the_next() {
        let mut world = World::with_nodes();
        world.write(register_with_sidecar("web"));
        world.write(register(Service { node: "n2".into(), port: 7, ..sidecar("web") }));
        world.write(deregister("web"));
        assert_eq!(address(&world, "web").as_deref(), Some("240.0.0.1"));
        world.write(Write::DeregisterService { node: "n2".into(), id: "web-sidecar-proxy".into() });
        assert_eq!(address(&world, "web"), None);
        world.write(register_with_sidecar("db"));
        assert_eq!(address(&world, "db").as_deref(), Some("240.0.0.2"));
        world.write(register_with_sidecar("web"));
        assert_eq!(address(&world, "web").as_deref(), Some("240.0.0.3"));
    }

    #[test]
    fn a_proxy_that_stands_for_another_service_takes_the_address_of_that() {
        let mut world = World::with_nodes();
        world.write(register(Service { port: 7, ..sidecar("web") }));
        let mut moved = Service { port: 7, ..sidecar("web") };
        moved.proxy.as_mut().expect("a proxy").destination_name = "db".into();
        world.write(register(moved));
        assert_eq!((address(&world, "web"), address(&world, "db").as_deref()), (None, Some("240.0.0.2")));
    }

    #[test]
    fn a_service_that_an_entry_leads_elsewhere_has_an_address_without_instances() {
        let mut world = World::with_nodes();
        let resolver = EntryBody::ServiceResolver(Default::default());
        world.write(put(entry("virtual", resolver)));
        assert_eq!(address(&world, "virtual").as_deref(), Some("240.0.0.1"));
        world.write(register_with_sidecar("virtual"));
        world.write(deregister("virtual"));
        assert_eq!(address(&world, "virtual").as_deref(), Some("240.0.0.1"));
        let key = EntryKey::new(EntryKind::ServiceResolver, "virtual");
        world.write(Write::DeleteEntry { key, cas: None });
        assert_eq!(address(&world, "virtual"), None);
    }

    #[test]
    fn addresses_outlive_the_process() {
        let mut world = World::with_nodes();
        world.write(register_with_sidecar("web"));
        world.write(register_with_sidecar("db"));
        world.write(manual("db", &["10.9.9.9"]));
        world.write(deregister("db"));
        world.tables = world.reloaded();
        assert_eq!(address(&world, "web").as_deref(), Some("240.0.0.1"));
        world.write(register_with_sidecar("db"));
        assert_eq!(address(&world, "db").as_deref(), Some("240.0.0.3"));
    }

    #[test]
    fn a_manual_address_belongs_to_one_service() {
        let mut world = World::with_nodes();
        world.write(register_with_sidecar("web"));
        world.write(register_with_sidecar("db"));
        world.write(manual("web", &["10.0.0.9", "10.0.0.8"]));
        let applied = world.write(manual("db", &["10.0.0.9"]));
        let places = [Place::VirtualIp("db".into()), Place::VirtualIp("web".into())];
        assert_eq!(applied.places, BTreeSet::from(places));
        let all = |service: &str| query::virtual_ip(&world.tables, &service.into()).expect("in the mesh").addresses();
        let parse = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(all("web"), [parse("10.0.0.8"), parse("240.0.0.1")]);
        assert_eq!(all("db"), [parse("10.0.0.9"), parse("240.0.0.2")]);
        world.idle(manual("db", &["10.0.0.9"]));
    }

    #[test]
    fn a_manual_address_is_refused_for_a_service_out_of_the_mesh_and_when_it_could_be_given() {
        let mut world = World::with_nodes();
        world.write(register(service("plain")));
        assert_eq!(world.refuse(manual("plain", &["10.0.0.9"])), Refusal::NotInMesh("plain".into()));
        world.write(register_with_sidecar("web"));
        let given: IpAddr = "240.0.0.7".parse().expect("an address");
        assert_eq!(world.refuse(manual("web", &["240.0.0.7"])), Refusal::GivenVirtualIp(given));
        let many: Vec<String> = (0..=MANUAL_MAX).map(|last| format!("10.0.0.{last}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(world.refuse(manual("web", &many)), Refusal::ManualVirtualIps { given: 9 });
    }
}
