//! Which virtual addresses are in use, and which was given last.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use imbl::OrdMap;

use crate::model::ServiceName;
use crate::model::virtual_ip::{FIRST, LAST, VirtualIp};

#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct VirtualIps {
    by_service: OrdMap<ServiceName, Arc<VirtualIp>>,
    by_address: OrdMap<IpAddr, ServiceName>,
    last: Option<Ipv4Addr>,
}

impl VirtualIps {
    pub(super) fn of(&self, service: &ServiceName) -> Option<&Arc<VirtualIp>> {
        self.by_service.get(service)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<VirtualIp>> {
        self.by_service.values()
    }

    /// Sorted.
    pub(super) fn services(&self) -> impl Iterator<Item = &ServiceName> {
        self.by_service.keys()
    }

    pub(super) fn holder(&self, address: IpAddr) -> Option<&ServiceName> {
        self.by_address.get(&address)
    }

    /// The one after the last that was given, so that an address which somebody still remembers goes to another service
    /// as late as can be. `None` when all are in use.
    pub(super) fn free(&self) -> Option<Ipv4Addr> {
        self.free_of(FIRST, LAST)
    }

    fn free_of(&self, first: Ipv4Addr, last: Ipv4Addr) -> Option<Ipv4Addr> {
        let (first, last) = (u32::from(first), u32::from(last));
        let from =
            self.last.map(u32::from).filter(|given| (first..last).contains(given)).map_or(first, |given| given + 1);
        let next = |address: &Ipv4Addr| !self.by_address.contains_key(&IpAddr::V4(*address));
        (from..=last).chain(first..from).map(Ipv4Addr::from).find(next)
    }

    pub(super) fn last(&self) -> Option<Ipv4Addr> {
        self.last
    }

    pub(super) fn set_last(&mut self, address: Ipv4Addr) {
        self.last = Some(address);
    }

    pub(super) fn insert(&mut self, ip: Arc<VirtualIp>) {
        self.remove(&ip.service);
        for address in ip.addresses() {
            self.by_address.insert(address, ip.service.clone());
        }
        self.by_service.insert(ip.service.clone(), ip);
    }

    pub(super) fn remove(&mut self, service: &ServiceName) {
        let Some(old) = self.by_service.remove(service) else { return };
        for address in old.addresses() {
            self.by_address.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Index;

    fn ip(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(240, 0, 0, last)
    }

    fn give(ips: &mut VirtualIps, service: &str, address: Ipv4Addr) {
        let indexes = (Index(1), Index(1));
        ips.insert(Arc::new(VirtualIp {
            service: service.into(),
            address,
            manual: vec![],
            create_index: indexes.0,
            modify_index: indexes.1,
        }));
        ips.set_last(address);
    }

    #[test]
    fn an_address_that_was_given_back_is_given_again_only_when_all_were() {
        let mut ips = VirtualIps::default();
        let free = |ips: &VirtualIps| ips.free_of(ip(1), ip(3));
        for (service, last) in [("a", 1), ("b", 2)] {
            assert_eq!(free(&ips), Some(ip(last)));
            give(&mut ips, service, ip(last));
        }
        ips.remove(&"a".into());
        assert_eq!(free(&ips), Some(ip(3)));
        give(&mut ips, "c", ip(3));
        assert_eq!(free(&ips), Some(ip(1)));
        give(&mut ips, "d", ip(1));
        assert_eq!(free(&ips), None);
        ips.remove(&"b".into());
        assert_eq!(free(&ips), Some(ip(2)));
    }
}
