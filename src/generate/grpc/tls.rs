//! Mutual TLS in the words that gRPC reads: certificates come from providers in its own bootstrap, which are named here.
//! There are no TLS parameters and no ALPN: gRPC refuses the first and settles the second itself.

use envoy_types::pb::envoy::config::core::v3::TransportSocket;
use envoy_types::pb::envoy::config::core::v3::transport_socket::ConfigType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::ValidationContextType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateProviderPluginInstance, CertificateValidationContext, CommonTlsContext, DownstreamTlsContext,
    UpstreamTlsContext,
};
use envoy_types::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher::MatchPattern};
use envoy_types::pb::google::protobuf::Any;
use envoy_types::util::pack_any;

use crate::chain::Target;
use crate::generate::yes;
use crate::model::CertificateProviders;

/// For calls to a service: shows the program's certificate, demands exactly the target's identity.
pub(super) fn open(certificates: &CertificateProviders, target: &Target) -> TransportSocket {
    let identity =
        StringMatcher { match_pattern: Some(MatchPattern::Exact(target.spiffe_id.clone())), ..Default::default() };
    transport_socket(pack_any(UpstreamTlsContext {
        common_tls_context: Some(common(certificates, vec![identity])),
        sni: target.sni.clone(),
        ..Default::default()
    }))
}

/// For calls that come in: demands a certificate that a root signed. Who may do what is left to the rules behind it.
pub(super) fn accept(certificates: &CertificateProviders) -> TransportSocket {
    transport_socket(pack_any(DownstreamTlsContext {
        common_tls_context: Some(common(certificates, vec![])),
        require_client_certificate: Some(yes()),
        ..Default::default()
    }))
}

#[allow(deprecated, reason = "gRPC reads the older of the two lists of names, and Envoy never sees this one")]
fn common(certificates: &CertificateProviders, match_subject_alt_names: Vec<StringMatcher>) -> CommonTlsContext {
    let validation = CertificateValidationContext {
        ca_certificate_provider_instance: Some(provider(&certificates.roots)),
        match_subject_alt_names,
        ..Default::default()
    };
    CommonTlsContext {
        tls_certificate_provider_instance: Some(provider(&certificates.identity)),
        validation_context_type: Some(ValidationContextType::ValidationContext(validation)),
        ..Default::default()
    }
}

fn provider(name: &str) -> CertificateProviderPluginInstance {
    CertificateProviderPluginInstance { instance_name: name.to_owned(), ..Default::default() }
}

fn transport_socket(context: Any) -> TransportSocket {
    TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(ConfigType::TypedConfig(context)),
    }
}
