//! What a resource means to an Envoy: which other resources it needs, and which instances of the shared upstream it
//! lists. Equal bytes are read once, however many Envoys they are sent to.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType};
use envoy_types::pb::envoy::config::core::v3::transport_socket::ConfigType;
use envoy_types::pb::envoy::config::core::v3::{TransportSocket, address, socket_address::PortSpecifier};
use envoy_types::pb::envoy::config::endpoint::v3::{ClusterLoadAssignment, lb_endpoint::HostIdentifier};
use envoy_types::pb::envoy::config::listener::v3::{Filter, Listener, filter};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, http_connection_manager::RouteSpecifier,
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, common_tls_context::ValidationContextType,
};
use prost::Message as _;
use xxhash_rust::xxh3::xxh3_64;

use super::mark::Marks;
use super::messages::{Any, Kind};

/// Beyond this many different resources the memory starts anew: each proxy has a few of its own.
const MOST_REMEMBERED: usize = 200_000;

#[derive(Debug, Default, PartialEq)]
pub struct Content {
    pub name: Arc<str>,
    /// By type and name.
    pub needs: Vec<(Kind, Arc<str>)>,
    /// Of an assignment of endpoints: the changes whose instances it lists.
    pub marks: Option<Box<Marks>>,
}

/// The resources that were read, by the hash of their bytes.
#[derive(Default)]
pub struct Contents {
    known: HashMap<u64, Arc<Content>>,
}

impl Contents {
    /// `encoded` is an [`Any`].
    ///
    /// # Errors
    /// When the bytes are no resource of that type.
    pub fn read(&mut self, kind: Kind, encoded: &Bytes) -> Result<Arc<Content>, prost::DecodeError> {
        let hash = xxh3_64(encoded);
        if let Some(content) = self.known.get(&hash) {
            return Ok(Arc::clone(content));
        }
        let any = Any::decode(encoded.clone())?;
        let content = Arc::new(Content::decode(kind, any.value)?);
        if self.known.len() >= MOST_REMEMBERED {
            self.known.clear();
        }
        self.known.insert(hash, Arc::clone(&content));
        Ok(content)
    }
}

/// Every xDS resource has its name in field 1.
#[derive(Clone, PartialEq, prost::Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

/// What the TLS contexts of both directions have in common.
#[derive(Clone, PartialEq, prost::Message)]
struct TlsContext {
    #[prost(message, optional, tag = "1")]
    common: Option<CommonTlsContext>,
}

impl Content {
    fn decode(kind: Kind, bytes: Bytes) -> Result<Self, prost::DecodeError> {
        let mut content = Self { name: Arc::from(Named::decode(bytes.clone())?.name), ..Self::default() };
        match kind {
            Kind::Cluster => content.read_cluster(&Cluster::decode(bytes)?)?,
            Kind::Listener => content.read_listener(&Listener::decode(bytes)?)?,
            Kind::Endpoint => {
                content.marks = Some(Box::new(Marks::of_ports(ports(&ClusterLoadAssignment::decode(bytes)?))));
            }
            Kind::Secret | Kind::Route => {}
        }
        content.needs.sort_unstable();
        content.needs.dedup();
        Ok(content)
    }

    fn read_cluster(&mut self, cluster: &Cluster) -> Result<(), prost::DecodeError> {
        let eds = ClusterDiscoveryType::Type(DiscoveryType::Eds as i32);
        if cluster.cluster_discovery_type == Some(eds) {
            let service = cluster.eds_cluster_config.as_ref().map(|eds| eds.service_name.as_str());
            let name = service.filter(|name| !name.is_empty()).unwrap_or(&cluster.name);
            self.needs.push((Kind::Endpoint, Arc::from(name)));
        }
        let matches = cluster.transport_socket_matches.iter().filter_map(|one| one.transport_socket.as_ref());
        cluster.transport_socket.iter().chain(matches).try_for_each(|socket| self.read_transport_socket(socket))
    }

    fn read_listener(&mut self, listener: &Listener) -> Result<(), prost::DecodeError> {
        for chain in listener.filter_chains.iter().chain(&listener.default_filter_chain) {
            if let Some(socket) = &chain.transport_socket {
                self.read_transport_socket(socket)?;
            }
            for filter in &chain.filters {
                self.read_filter(filter)?;
            }
        }
        Ok(())
    }

    fn read_filter(&mut self, filter: &Filter) -> Result<(), prost::DecodeError> {
        let Some(filter::ConfigType::TypedConfig(any)) = &filter.config_type else { return Ok(()) };
        if !any.type_url.ends_with(".HttpConnectionManager") {
            return Ok(());
        }
        let manager = HttpConnectionManager::decode(any.value.as_slice())?;
        if let Some(RouteSpecifier::Rds(rds)) = manager.route_specifier {
            self.needs.push((Kind::Route, Arc::from(rds.route_config_name)));
        }
        Ok(())
    }

    fn read_transport_socket(&mut self, socket: &TransportSocket) -> Result<(), prost::DecodeError> {
        let Some(ConfigType::TypedConfig(any)) = &socket.config_type else { return Ok(()) };
        if !any.type_url.ends_with("TlsContext") {
            return Ok(());
        }
        let Some(context) = TlsContext::decode(any.value.as_slice())?.common else { return Ok(()) };
        let trusted = match context.validation_context_type {
            Some(ValidationContextType::ValidationContextSdsSecretConfig(secret)) => Some(secret),
            Some(ValidationContextType::CombinedValidationContext(both)) => both.validation_context_sds_secret_config,
            _ => None,
        };
        let secrets = context.tls_certificate_sds_secret_configs.into_iter().chain(trusted);
        self.needs.extend(secrets.map(|secret| (Kind::Secret, Arc::from(secret.name))));
        Ok(())
    }
}

fn ports(assignment: &ClusterLoadAssignment) -> impl Iterator<Item = u16> {
    let endpoints = assignment.endpoints.iter().flat_map(|locality| &locality.lb_endpoints);
    endpoints.filter_map(|endpoint| {
        let HostIdentifier::Endpoint(endpoint) = endpoint.host_identifier.as_ref()? else { return None };
        let address::Address::SocketAddress(socket) = endpoint.address.as_ref()?.address.as_ref()? else { return None };
        let PortSpecifier::PortValue(port) = socket.port_specifier.as_ref()? else { return None };
        u16::try_from(*port).ok()
    })
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::config::core::v3::{Address, SocketAddress};
    use envoy_types::pb::envoy::config::endpoint::v3::{Endpoint, LbEndpoint, LocalityLbEndpoints};
    use envoy_types::pb::envoy::config::listener::v3::FilterChain;
    use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::Rds;
    use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{DownstreamTlsContext, SdsSecretConfig};
    use envoy_types::pb::google::protobuf::Any as PlainAny;

    use super::super::mark::Mark;
    use super::*;

    fn any(type_name: &str, message: &impl prost::Message) -> PlainAny {
        PlainAny { type_url: format!("type.googleapis.com/{type_name}"), value: message.encode_to_vec() }
    }

    #[test]
    fn a_listener_needs_its_secrets_and_its_routes() {
        let secret = |name: &str| SdsSecretConfig { name: name.to_owned(), ..SdsSecretConfig::default() };
        let tls = DownstreamTlsContext {
            common_tls_context: Some(CommonTlsContext {
                tls_certificate_sds_secret_configs: vec![secret("leaf")],
                validation_context_type: Some(ValidationContextType::ValidationContextSdsSecretConfig(secret("roots"))),
                ..CommonTlsContext::default()
            }),
            ..DownstreamTlsContext::default()
        };
        let rds = Rds { route_config_name: "web".to_owned(), ..Rds::default() };
        let manager = HttpConnectionManager { route_specifier: Some(RouteSpecifier::Rds(rds)), ..Default::default() };
        let filter = Filter {
            config_type: Some(filter::ConfigType::TypedConfig(any("envoy.HttpConnectionManager", &manager))),
            ..Filter::default()
        };
        let socket = TransportSocket {
            config_type: Some(ConfigType::TypedConfig(any("envoy.DownstreamTlsContext", &tls))),
            ..TransportSocket::default()
        };
        let chain = FilterChain { transport_socket: Some(socket), filters: vec![filter], ..FilterChain::default() };
        let listener = Listener { name: "in".to_owned(), filter_chains: vec![chain], ..Listener::default() };
        let content = Content::decode(Kind::Listener, listener.encode_to_vec().into()).expect("a listener");
        let needs: Vec<(Kind, &str)> = content.needs.iter().map(|(kind, name)| (*kind, &**name)).collect();
        assert_eq!(needs, [(Kind::Secret, "leaf"), (Kind::Secret, "roots"), (Kind::Route, "web")]);
        assert_eq!(&*content.name, "in");
    }

    #[test]
    fn equal_bytes_are_read_once_and_ports_are_changes() {
        let socket = SocketAddress {
            port_specifier: Some(PortSpecifier::PortValue(Mark::new(5).port().into())),
            ..SocketAddress::default()
        };
        let address = Address { address: Some(address::Address::SocketAddress(socket)) };
        let endpoint = Endpoint { address: Some(address), ..Endpoint::default() };
        let endpoint =
            LbEndpoint { host_identifier: Some(HostIdentifier::Endpoint(endpoint)), ..LbEndpoint::default() };
        let locality = LocalityLbEndpoints { lb_endpoints: vec![endpoint], ..LocalityLbEndpoints::default() };
        let assignment = ClusterLoadAssignment {
            cluster_name: "up".to_owned(),
            endpoints: vec![locality],
            ..ClusterLoadAssignment::default()
        };
        let encoded = Bytes::from(any("x", &assignment).encode_to_vec());
        let mut contents = Contents::default();
        let first = contents.read(Kind::Endpoint, &encoded).expect("an assignment");
        let mut marks = Marks::default();
        marks.add(Mark::new(5));
        assert_eq!(first.marks.as_deref(), Some(&marks));
        let second = contents.read(Kind::Endpoint, &Bytes::copy_from_slice(&encoded)).expect("an assignment");
        assert!(Arc::ptr_eq(&first, &second));
    }
}
