//! gRPC without a proxy: programs whose gRPC library speaks xDS by itself.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::locality::Locality;
use super::names::{ProxyId, ServiceName};

/// The name under which a gRPC server asks for its listener: what stands as
/// `server_listener_resource_name_template` in its bootstrap, without the `%s`.
pub const SERVER_LISTENER: &str = "grpc/server?xds.resource.listening_address=";

/// A program as its node describes it. Everything it is made of bears on what it gets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GrpcNode {
    pub id: ProxyId,
    /// Its metadata asks to be served; otherwise its id must be that of a service registered with `Connect.Native`.
    pub asks: bool,
    /// Its library does not notice when something that was deleted comes back as it was (gRPC for Node, up to 1.14), so
    /// that services without instances must stay for it.
    pub misses_returns: bool,
    /// Where it is, if it says.
    pub locality: Option<Locality>,
    /// Mutual TLS with what these provide; `None`: plain text.
    pub certificates: Option<CertificateProviders>,
}

/// Names in `certificate_providers` of the program's own bootstrap: gRPC libraries take no certificates over xDS.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CertificateProviders {
    /// Provides the certificate and key that the program shows.
    pub identity: Arc<str>,
    /// Provides the roots that it trusts.
    pub roots: Arc<str>,
}

/// A program and the listeners one of its streams asks for, which everything else that it is sent follows from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GrpcSubscriber {
    pub node: Arc<GrpcNode>,
    pub listeners: Arc<BTreeSet<String>>,
}

/// What the name of a listener means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GrpcListener {
    /// Of a client: `NAME`, or `NAME:port`, from the target `xds:///NAME`.
    Client(ServiceName),
    /// Of a server that listens here.
    Server(SocketAddr),
}

impl GrpcListener {
    /// `None`: no listener can have that name.
    pub fn of(name: &str) -> Option<Self> {
        if let Some(address) = name.strip_prefix(SERVER_LISTENER) {
            return address.parse().ok().map(Self::Server);
        }
        let is_port = |text: &str| !text.is_empty() && text.parse::<u16>().is_ok();
        let service = name.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(name, |(service, _)| service);
        let is_name = !service.is_empty() && !service.contains(['/', ':', '*']);
        is_name.then(|| Self::Client(ServiceName::from(service)))
    }
}

impl GrpcSubscriber {
    pub fn new(node: Arc<GrpcNode>) -> Self {
        Self { node, listeners: Arc::default() }
    }

    /// The services that its client listeners lead to.
    pub fn targets(&self) -> BTreeSet<ServiceName> {
        let meant = self.listeners.iter().filter_map(|name| GrpcListener::of(name));
        meant.filter_map(|meant| if let GrpcListener::Client(service) = meant { Some(service) } else { None }).collect()
    }

    /// It asks for a listener of a server.
    pub fn serves(&self) -> bool {
        self.listeners.iter().any(|name| matches!(GrpcListener::of(name), Some(GrpcListener::Server(_))))
    }
}

/// The proxy's id, then what it asks for: `n1/web (echo, shop)`.
impl fmt::Display for GrpcSubscriber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (", self.node.id)?;
        for (at, name) in self.listeners.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(out, "{comma}{name}")?;
        }
        out.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_asks_by_the_name_of_a_service_with_or_without_a_port() {
        let echo = Some(GrpcListener::Client("echo".into()));
        assert_eq!(GrpcListener::of("echo"), echo);
        assert_eq!(GrpcListener::of("echo:443"), echo);
        assert_eq!(GrpcListener::of("e.c-h_o:443"), Some(GrpcListener::Client("e.c-h_o".into())));
    }

    #[test]
    fn a_server_asks_by_the_address_it_listens_at() {
        let of = |address: &str| GrpcListener::of(&format!("{SERVER_LISTENER}{address}"));
        assert_eq!(of("0.0.0.0:50051"), Some(GrpcListener::Server("0.0.0.0:50051".parse().unwrap())));
        assert_eq!(of("[::]:50051"), Some(GrpcListener::Server("[::]:50051".parse().unwrap())));
        assert_eq!(of("localhost:50051"), None);
    }

    #[test]
    fn what_cannot_be_the_name_of_a_service_is_none() {
        for name in ["", ":443", "a/b", "*", "a:b", "echo:99999", "xdstp://x/envoy.config.listener.v3.Listener/echo"] {
            assert_eq!(GrpcListener::of(name), None, "{name}");
        }
    }

    #[test]
    fn a_subscriber_is_shown_with_what_it_asks_for() {
        let id = ProxyId { node: "n1".into(), service: "web".into() };
        let node = GrpcNode { id, asks: false, misses_returns: false, locality: None, certificates: None };
        let listeners = ["echo", "shop:80", "shop"].map(str::to_owned);
        let subscriber = GrpcSubscriber { node: Arc::new(node), listeners: Arc::new(BTreeSet::from(listeners)) };
        assert_eq!(subscriber.to_string(), "n1/web (echo, shop, shop:80)");
        assert_eq!(subscriber.targets().len(), 2);
        assert!(!subscriber.serves());
    }
}
