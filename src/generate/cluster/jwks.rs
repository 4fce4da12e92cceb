//! Where the keys of a JWT provider are fetched.

use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType, DnsLookupFamily};
use envoy_types::pb::envoy::config::core::v3::{DataSource, TransportSocket, data_source::Specifier};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::ValidationContextType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, UpstreamTlsContext,
};
use envoy_types::util::pack_any;

use crate::generate::{Reason, address, duration, endpoint, sharing_key, tls};
use crate::model::entry::jwt_provider::{KeyDiscovery, RemoteKeySet, TrustedCa};
use crate::model::intention::Intentions;
use crate::resource::{Resource, ResourceType, Shared};

pub(in crate::generate) fn jwks_name(provider: &str) -> String {
    format!("jwks_cluster_{provider}")
}

/// Kept by the intentions that demand tokens of the provider.
pub(in crate::generate) fn jwks(
    provider: &str,
    keys: &RemoteKeySet,
    intentions: &Shared<Intentions>,
) -> Result<Arc<Resource>, Reason> {
    let place = Place::of(&keys.uri)?;
    if keys.cluster.connect_timeout.is_some_and(|timeout| timeout.is_zero()) {
        return Err(Reason::NoTime);
    }
    let by_address = address::is_ip(&place.host);
    let discovery = match keys.cluster.discovery {
        Some(KeyDiscovery::Static) if !by_address => return Err(Reason::NotAnAddress(place.host)),
        Some(KeyDiscovery::LogicalDns) if !by_address => DiscoveryType::LogicalDns,
        None | Some(KeyDiscovery::StrictDns | KeyDiscovery::LogicalDns) if !by_address => DiscoveryType::StrictDns,
        _ => DiscoveryType::Static,
    };
    Ok(intentions.resource(sharing_key(("jwks", provider)), || {
        let name = jwks_name(provider);
        let instance = endpoint::at(address::socket(&place.host, place.port));
        let cluster = Cluster {
            cluster_discovery_type: Some(ClusterDiscoveryType::Type(discovery.into())),
            dns_lookup_family: if by_address { 0 } else { DnsLookupFamily::V4Preferred.into() },
            connect_timeout: keys.cluster.connect_timeout.map(duration),
            load_assignment: Some(endpoint::of(&name, vec![instance])),
            transport_socket: place.is_secure.then(|| proved(&place.host, keys)),
            name: name.clone(),
            ..Default::default()
        };
        Resource::new(ResourceType::Cluster, name, vec![], &cluster)
    }))
}

/// What an address of a key set says.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Place {
    is_secure: bool,
    /// Of an IPv6 address without the brackets.
    host: String,
    port: u16,
}

impl Place {
    fn of(uri: &str) -> Result<Self, Reason> {
        let wrong = || Reason::NotAKeySetAddress(uri.to_owned());
        let (scheme, rest) = uri.split_once("://").ok_or_else(wrong)?;
        let is_secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, after)) => (host, after.strip_prefix(':')),
            None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
        };
        let port = match port {
            None => {
                if is_secure {
                    443
                } else {
                    80
                }
            }
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?,
        };
        if host.is_empty() { Err(wrong()) } else { Ok(Self { is_secure, host: host.to_owned(), port }) }
    }
}

fn proved(host: &str, keys: &RemoteKeySet) -> TransportSocket {
    let validation = keys.cluster.trusted_ca.as_ref().map(|authority| {
        ValidationContextType::ValidationContext(CertificateValidationContext {
            trusted_ca: Some(trusted(authority)),
            match_typed_subject_alt_names: vec![tls::is_of(host)],
            ..Default::default()
        })
    });
    let common = CommonTlsContext { validation_context_type: validation, ..Default::default() };
    let sni = if keys.use_sni { host.to_owned() } else { String::new() };
    let context = UpstreamTlsContext { common_tls_context: Some(common), sni, ..Default::default() };
    tls::transport_socket(pack_any(context))
}

fn trusted(authority: &TrustedCa) -> DataSource {
    let specifier = match authority {
        TrustedCa::File(file) => Specifier::Filename(file.clone()),
        TrustedCa::EnvironmentVariable(name) => Specifier::EnvironmentVariable(name.clone()),
        TrustedCa::Inline(pem) => Specifier::InlineString(pem.clone()),
    };
    DataSource { specifier: Some(specifier), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_found_where_the_entry_says() {
        let place = |authority: &TrustedCa| trusted(authority).specifier;
        let file = TrustedCa::File("/ca.pem".to_owned());
        assert_eq!(place(&file), Some(Specifier::Filename("/ca.pem".to_owned())));
        let variable = TrustedCa::EnvironmentVariable("CA".to_owned());
        assert_eq!(place(&variable), Some(Specifier::EnvironmentVariable("CA".to_owned())));
        let inline = TrustedCa::Inline("PEM".to_owned());
        assert_eq!(place(&inline), Some(Specifier::InlineString("PEM".to_owned())));
    }

    #[test]
    fn an_address_says_where_its_keys_are() {
        let at = |uri: &str| Place::of(uri).map(|place| (place.is_secure, place.host, place.port));
        let place = |is_secure, host: &str, port| Ok((is_secure, host.to_owned(), port));
        assert_eq!(at("https://auth.example/keys"), place(true, "auth.example", 443));
        assert_eq!(at("http://auth.example?x=/"), place(false, "auth.example", 80));
        assert_eq!(at("http://10.0.0.1:8080/keys"), place(false, "10.0.0.1", 8080));
        assert_eq!(at("https://[2001:db8::1]/"), place(true, "2001:db8::1", 443));
        assert_eq!(at("https://[2001:db8::1]:8443"), place(true, "2001:db8::1", 8443));
        for wrong in ["ftp://auth.example", "auth.example/keys", "https://", "https://a:0/", "https://a:b/"] {
            assert_eq!(at(wrong), Err(Reason::NotAKeySetAddress(wrong.to_owned())));
        }
    }
}
