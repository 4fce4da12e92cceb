//! Transparent proxying: an application calls other services at their own addresses, and its connections are led through
//! its proxy without its knowledge.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::names::ServiceName;
use super::words::words;

words! {
    /// How connections get to the proxy.
    ProxyMode {
        /// The application calls a local address for each upstream.
        Direct = "direct",
        Transparent = "transparent",
    }
}

/// Where connections that were led astray arrive, when nobody says otherwise.
pub const OUTBOUND_PORT: u16 = 15001;

/// The most services that one transparent proxy is led to.
pub const REACHABLE_MAX: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TransparentProxy {
    /// `None`: whoever is asked next decides; direct at last.
    pub mode: Option<ProxyMode>,
    /// 0: whoever is asked next decides; [`OUTBOUND_PORT`] at last.
    pub outbound_listener_port: u16,
    /// Others may call the instance at its own address.
    pub dialed_directly: bool,
}

impl TransparentProxy {
    /// What is said here, and where nothing is said what `others` say.
    #[must_use]
    pub fn over(self, others: Self) -> Self {
        let port = self.outbound_listener_port;
        Self {
            mode: self.mode.or(others.mode),
            outbound_listener_port: if port == 0 { others.outbound_listener_port } else { port },
            dialed_directly: self.dialed_directly || others.dialed_directly,
        }
    }

    /// Where the outbound listener binds; `None` for a proxy that is not transparent.
    pub fn outbound_port(self) -> Option<u16> {
        let port = if self.outbound_listener_port == 0 { OUTBOUND_PORT } else { self.outbound_listener_port };
        (self.mode == Some(ProxyMode::Transparent)).then_some(port)
    }
}

/// The services that one service may call, as far as intentions tell without a look at requests.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reachable {
    pub services: BTreeSet<ServiceName>,
    /// How many more there are than [`REACHABLE_MAX`].
    pub left_out: usize,
}

/// What tells a transparent proxy that a connection is meant for a service. Sorted.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Addresses {
    /// Of the service as a whole.
    pub virtual_ips: Vec<IpAddr>,
    /// Of those of its instances that may be called at their own.
    pub instances: Vec<IpAddr>,
}
