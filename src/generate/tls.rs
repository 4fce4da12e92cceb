//! Mutual TLS: one context for connections that a sidecar accepts, one for those it opens. Both take their certificates
//! from the secrets by name.

use envoy_types::pb::envoy::config::core::v3::config_source::ConfigSourceSpecifier;
use envoy_types::pb::envoy::config::core::v3::{
    AggregatedConfigSource, ApiVersion, ConfigSource, TransportSocket, transport_socket,
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::{
    CombinedCertificateValidationContext, ValidationContextType,
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::subject_alt_name_matcher::SanType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::tls_parameters::TlsProtocol;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, DownstreamTlsContext, SdsSecretConfig, SubjectAltNameMatcher,
    TlsParameters, UpstreamTlsContext,
};
use envoy_types::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher::MatchPattern};
use envoy_types::pb::google::protobuf::Any;
use envoy_types::util::pack_any;

use super::{address, secret, yes};
use crate::chain::Target;
use crate::model::Protocol;
use crate::model::entry::{TlsSettings, TlsVersion};

/// For connections that come in: shows the leaf, demands a certificate that a root signed. Who may do what is left to
/// the authorisation filter behind it.
pub(super) fn accept(settings: &TlsSettings, protocol: Protocol) -> TransportSocket {
    let common = CommonTlsContext {
        alpn_protocols: alpn(protocol),
        validation_context_type: Some(ValidationContextType::ValidationContextSdsSecretConfig(by_name(secret::ROOTS))),
        ..common(settings)
    };
    transport_socket(pack_any(DownstreamTlsContext {
        common_tls_context: Some(common),
        require_client_certificate: Some(yes()),
        ..Default::default()
    }))
}

/// For connections to an upstream: shows the leaf, demands exactly the target's identity.
pub(super) fn open(settings: &TlsSettings, target: &Target) -> TransportSocket {
    let identity = SubjectAltNameMatcher {
        san_type: SanType::Uri.into(),
        matcher: Some(StringMatcher {
            match_pattern: Some(MatchPattern::Exact(target.spiffe_id.clone())),
            ..Default::default()
        }),
        ..Default::default()
    };
    let validation = CombinedCertificateValidationContext {
        default_validation_context: Some(CertificateValidationContext {
            match_typed_subject_alt_names: vec![identity],
            ..Default::default()
        }),
        validation_context_sds_secret_config: Some(by_name(secret::ROOTS)),
        ..Default::default()
    };
    let common = CommonTlsContext {
        validation_context_type: Some(ValidationContextType::CombinedValidationContext(validation)),
        ..common(settings)
    };
    transport_socket(pack_any(UpstreamTlsContext {
        common_tls_context: Some(common),
        sni: target.sni.clone(),
        ..Default::default()
    }))
}

/// A certificate of somebody else that the same authority signed will not do.
pub(super) fn is_of(host: &str) -> SubjectAltNameMatcher {
    let san_type = if address::is_ip(host) { SanType::IpAddress } else { SanType::Dns };
    let exact = MatchPattern::Exact(host.to_owned());
    SubjectAltNameMatcher {
        san_type: san_type.into(),
        matcher: Some(StringMatcher { match_pattern: Some(exact), ..Default::default() }),
        ..Default::default()
    }
}

/// The aggregated stream.
pub(super) fn ads() -> ConfigSource {
    ConfigSource {
        resource_api_version: ApiVersion::V3.into(),
        config_source_specifier: Some(ConfigSourceSpecifier::Ads(AggregatedConfigSource {})),
        ..Default::default()
    }
}

fn common(settings: &TlsSettings) -> CommonTlsContext {
    CommonTlsContext {
        tls_params: parameters(settings),
        tls_certificate_sds_secret_configs: vec![by_name(secret::LEAF)],
        ..Default::default()
    }
}

fn parameters(settings: &TlsSettings) -> Option<TlsParameters> {
    (*settings != TlsSettings::default()).then(|| TlsParameters {
        tls_minimum_protocol_version: version(settings.min_version),
        tls_maximum_protocol_version: version(settings.max_version),
        cipher_suites: settings.cipher_suites.clone(),
        ..Default::default()
    })
}

fn version(version: Option<TlsVersion>) -> i32 {
    let protocol = match version {
        None | Some(TlsVersion::Auto) => TlsProtocol::TlsAuto,
        Some(TlsVersion::V1_0) => TlsProtocol::TlSv10,
        Some(TlsVersion::V1_1) => TlsProtocol::TlSv11,
        Some(TlsVersion::V1_2) => TlsProtocol::TlSv12,
        Some(TlsVersion::V1_3) => TlsProtocol::TlSv13,
    };
    protocol.into()
}

fn alpn(protocol: Protocol) -> Vec<String> {
    let words: &[&str] = match protocol {
        Protocol::Tcp => &[],
        Protocol::Http => &["http/1.1"],
        Protocol::Http2 | Protocol::Grpc => &["h2", "http/1.1"],
    };
    words.iter().map(|&word| word.to_owned()).collect()
}

fn by_name(name: &str) -> SdsSecretConfig {
    SdsSecretConfig { name: name.to_owned(), sds_config: Some(ads()) }
}

pub(super) fn transport_socket(context: Any) -> TransportSocket {
    TransportSocket { name: "tls".to_owned(), config_type: Some(transport_socket::ConfigType::TypedConfig(context)) }
}
