//! The secrets a sidecar holds: its leaf and the roots it trusts. Listeners and clusters refer to them by name, so a
//! renewed leaf is one changed secret and nothing else.
//!
//! The names are the same for every proxy (each stream gets its own service's leaf as `leaf`), which keeps an upstream's
//! cluster the same for all who call it. In Envoy's statistics they are `sds.leaf.*` and `sds.roots.*`.

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::{DataSource, data_source};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, Secret, TlsCertificate, secret,
};

use super::sharing_key;
use crate::model::{Leaf, Roots};
use crate::resource::{Resource, ResourceType, Shared};

/// The proxy's own certificate and key.
pub(super) const LEAF: &str = "leaf";
/// Every root that the mesh trusts.
pub(super) const ROOTS: &str = "roots";

pub(super) fn leaf(leaf: &Shared<Leaf>) -> Arc<Resource> {
    leaf.resource(sharing_key(LEAF), || {
        let certificate = TlsCertificate {
            certificate_chain: Some(inline(leaf.cert_pem.to_string())),
            private_key: Some(inline(leaf.key_pem.reveal().to_owned())),
            ..Default::default()
        };
        resource(LEAF, secret::Type::TlsCertificate(certificate))
    })
}

pub(super) fn roots(roots: &Shared<Roots>) -> Arc<Resource> {
    roots.resource(sharing_key(ROOTS), || {
        let mut bundle = String::new();
        for root in &roots.roots {
            bundle.push_str(root.pem.trim_end());
            bundle.push('\n');
        }
        let context = CertificateValidationContext { trusted_ca: Some(inline(bundle)), ..Default::default() };
        resource(ROOTS, secret::Type::ValidationContext(context))
    })
}

fn resource(name: &str, body: secret::Type) -> Resource {
    let message = Secret { name: name.to_owned(), r#type: Some(body) };
    Resource::new(ResourceType::Secret, name, vec![], &message)
}

fn inline(text: String) -> DataSource {
    DataSource { specifier: Some(data_source::Specifier::InlineString(text)), ..Default::default() }
}
