//! The root: made once, kept by the store.

use std::time::Duration;

use rcgen::{
    BasicConstraints, DnType, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, SanType,
};
use ring::digest;

use super::{AuthorityError, CLOCK_SKEW, hex_pairs, parameters};
use crate::catalog::AuthorityState;
use crate::model::{Index, KeyKind, Root, Roots, Secret, TrustDomain, UnixTime};

/// A self-signed root on a new key, the only and the active one. Its name in Consul's style tells it
/// from other roots of the trust domain by the start of its key's id.
///
/// # Errors
/// When a certificate cannot hold the time or the trust domain, the kind of key is none that is made here, or the system has no randomness to give.
pub fn new_root(
    trust_domain: &TrustDomain,
    kind: KeyKind,
    lives: Duration,
    now: UnixTime,
) -> Result<AuthorityState, AuthorityError> {
    let algorithm = match kind {
        KeyKind::Ec(256) => &PKCS_ECDSA_P256_SHA256,
        KeyKind::Ec(384) => &PKCS_ECDSA_P384_SHA384,
        _ => return Err(AuthorityError::KeyKind),
    };
    let key = KeyPair::generate_for(algorithm)?;
    let (not_before, not_after) = (now.minus(CLOCK_SKEW), now.plus(lives));
    // roots follow each other by years, so the second of its making is number enough
    let serial_number = u64::try_from(now.0).map_err(|_| AuthorityError::Time(now.0))?;
    let mut parameters = parameters(serial_number, not_before, not_after)?;
    let key_id = parameters.key_identifier(&key);
    let uid: String = hex_pairs(&key_id).split(':').take(4).collect();
    let domain_start: String = trust_domain.as_str().chars().take(8).collect();
    parameters.distinguished_name.push(DnType::CommonName, format!("pri-{uid}.consul.ca.{domain_start}.consul"));
    parameters.subject_alt_names = vec![SanType::URI(format!("spiffe://{trust_domain}").try_into()?)];
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let certificate = parameters.self_signed(&key)?;
    let fingerprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate.der());
    let root = Root {
        id: hex_pairs(fingerprint.as_ref()),
        name: "Consul CA Primary Cert".to_owned(),
        serial_number,
        signing_key_id: hex_pairs(&key_id),
        not_before,
        not_after,
        pem: certificate.pem(),
        key: kind,
        active: true,
        create_index: Index::default(),
        modify_index: Index::default(),
    };
    let roots = Roots { trust_domain: trust_domain.clone(), roots: vec![root] };
    Ok(AuthorityState::new(roots, Secret::new(key.serialize_pem())))
}
