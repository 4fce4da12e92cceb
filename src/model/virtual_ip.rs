//! The addresses at which a service can be called before anybody knows where its instances are.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::names::{Index, ServiceName};

/// The tagged address that an instance carries it under.
pub const TAG: &str = "consul-virtual";

/// The first and the last that are given: those of 240.0.0.0/4, but for the network's own address and the broadcast.
pub const FIRST: Ipv4Addr = Ipv4Addr::new(240, 0, 0, 1);
pub const LAST: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 254);

/// The most that a service can have of its user's choice.
pub const MANUAL_MAX: usize = 8;

/// One service's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VirtualIp {
    pub service: ServiceName,
    /// Given by the catalog; the same for as long as the service is in the mesh.
    pub address: Ipv4Addr,
    /// Chosen by the user, sorted.
    pub manual: Vec<IpAddr>,
    pub create_index: Index,
    pub modify_index: Index,
}

impl VirtualIp {
    /// All of them, sorted.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let mut all: Vec<_> = self.manual.iter().copied().chain([IpAddr::V4(self.address)]).collect();
        all.sort();
        all
    }
}

/// Whether the catalog itself gives such addresses.
pub fn is_given(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.octets()[0] >= 240)
}
