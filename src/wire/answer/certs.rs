//! Roots and leaves.

use serde::Serialize;

use crate::model::{Index, KeyKind, Leaf, Root, Roots};
use crate::wire::date;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RootsAnswer<'a> {
    #[serde(rename = "ActiveRootID")]
    active_root_id: &'a str,
    trust_domain: &'a str,
    roots: Vec<RootAnswer<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RootAnswer<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    name: &'a str,
    serial_number: u64,
    #[serde(rename = "SigningKeyID")]
    signing_key_id: &'a str,
    /// The cluster's id: the trust domain without `.consul`.
    external_trust_domain: &'a str,
    not_before: String,
    not_after: String,
    root_cert: &'a str,
    intermediate_certs: Option<&'a [String]>,
    active: bool,
    private_key_type: &'static str,
    private_key_bits: u16,
    create_index: Index,
    modify_index: Index,
}

/// As `/v1/agent/connect/ca/roots` and `/v1/connect/ca/roots` answer.
pub fn roots(roots: Option<&Roots>) -> impl Serialize + '_ {
    let Some(roots) = roots else {
        return RootsAnswer { active_root_id: "", trust_domain: "", roots: Vec::new() };
    };
    let trust_domain = roots.trust_domain.as_str();
    RootsAnswer {
        active_root_id: roots.active().map_or("", |root| &root.id),
        trust_domain,
        roots: roots.roots.iter().map(|root| root_answer(trust_domain, root)).collect(),
    }
}

fn root_answer<'a>(trust_domain: &'a str, root: &'a Root) -> RootAnswer<'a> {
    let (private_key_type, private_key_bits) = key_kind(root.key);
    RootAnswer {
        id: &root.id,
        name: &root.name,
        serial_number: root.serial_number,
        signing_key_id: &root.signing_key_id,
        external_trust_domain: trust_domain.trim_end_matches(".consul"),
        not_before: date::show(root.not_before),
        not_after: date::show(root.not_after),
        root_cert: &root.pem,
        intermediate_certs: None,
        active: root.active,
        private_key_type,
        private_key_bits,
        create_index: root.create_index,
        modify_index: root.modify_index,
    }
}

pub(in crate::wire) fn key_kind(kind: KeyKind) -> (&'static str, u16) {
    match kind {
        KeyKind::Ec(bits) => ("ec", bits),
        KeyKind::Rsa(bits) => ("rsa", bits),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LeafAnswer<'a> {
    serial_number: &'a str,
    #[serde(rename = "CertPEM")]
    cert_pem: &'a str,
    #[serde(rename = "PrivateKeyPEM")]
    private_key_pem: &'a str,
    service: &'a str,
    #[serde(rename = "ServiceURI")]
    service_uri: &'a str,
    valid_after: String,
    valid_before: String,
    create_index: Index,
    modify_index: Index,
}

/// As `/v1/agent/connect/ca/leaf/:service` answers, the private key included.
pub fn leaf(leaf: &Leaf) -> impl Serialize + '_ {
    LeafAnswer {
        serial_number: &leaf.serial_number,
        cert_pem: &leaf.cert_pem,
        private_key_pem: leaf.key_pem.reveal(),
        service: leaf.service.as_str(),
        service_uri: &leaf.uri,
        valid_after: date::show(leaf.valid_after),
        valid_before: date::show(leaf.valid_before),
        create_index: leaf.create_index,
        modify_index: leaf.modify_index,
    }
}
