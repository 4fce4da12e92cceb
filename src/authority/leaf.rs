//! Leaves: the certificate of one service.

use std::time::Duration;

use rcgen::{ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType};

use x509_parser::extensions::ParsedExtension;
use x509_parser::pem::parse_x509_pem;
use xxhash_rust::xxh3::xxh3_64;

use super::{AuthorityError, CLOCK_SKEW, hex_pairs, parameters};
use crate::catalog::AuthorityState;
use crate::model::{Index, Leaf, Secret, SpiffeId, UnixTime};

/// Part of a leaf's life after which it may be renewed, and the part by which it must be.
const RENEWAL: std::ops::Range<f64> = 0.6..0.9;

/// A leaf on a new key of the curve P-256, signed by the active root, with the bridges to the roots before it. Its indexes are zero: the caller knows them.
///
/// `serial` should be random: it must not come twice under one root. Its first bit is not used, for serial numbers are
/// positive.
///
/// # Errors
/// When the identity is not of the authority's trust domain, has a name that no SPIFFE id can hold, or there is no active
/// root.
pub fn issue_leaf(
    authority: &AuthorityState,
    identity: &SpiffeId,
    now: UnixTime,
    ttl: Duration,
    serial: [u8; 16],
) -> Result<Leaf, AuthorityError> {
    let own = &authority.roots.trust_domain;
    if identity.trust_domain != *own {
        return Err(AuthorityError::TrustDomain { asked: identity.trust_domain.to_string(), own: own.to_string() });
    }
    for name in [identity.datacenter.as_str(), identity.service.as_str()] {
        check_segment(name)?;
    }
    let root = authority.roots.active().ok_or(AuthorityError::NoActiveRoot)?;
    let issuer = Issuer::from_ca_cert_pem(&root.pem, KeyPair::from_pem(authority.key.reveal())?)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let uri = identity.to_string();
    let (valid_after, valid_before) = (now.minus(CLOCK_SKEW), now.plus(ttl));
    let mut serial = serial;
    serial[0] &= 0x7f;
    let mut parameters = parameters(serial.to_vec(), valid_after, valid_before)?;
    parameters.subject_alt_names = vec![SanType::URI(uri.as_str().try_into()?)];
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
        KeyUsagePurpose::DataEncipherment,
        KeyUsagePurpose::KeyAgreement,
    ];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = parameters.signed_by(&key, &issuer)?;
    Ok(Leaf {
        service: identity.service.clone(),
        uri,
        serial_number: hex_pairs(&serial),
        cert_pem: std::iter::once(certificate.pem())
            .chain(authority.bridges.iter().cloned())
            .collect::<String>()
            .into(),
        key_pem: Secret::new(key.serialize_pem()),
        valid_after,
        valid_before,
        create_index: Index::default(),
        modify_index: Index::default(),
    })
}

/// When to renew: `random` (0 to 1) of the way from 60 % to 90 % of the leaf's life, so that leaves issued together are
/// not all renewed together.
pub fn renewal_time(leaf: &Leaf, random: f64) -> UnixTime {
    let life = leaf.valid_after.until(leaf.valid_before);
    let part = RENEWAL.start + (RENEWAL.end - RENEWAL.start) * random.clamp(0.0, 1.0);
    leaf.valid_after.plus(life.mul_f64(part))
}

/// A number (0 to 1) drawn from the certificate itself: each leaf has its own, and it is the same after a restart.
pub fn draw(leaf: &Leaf) -> f64 {
    let [first, second, third, fourth, ..] = xxh3_64(leaf.cert_pem.as_bytes()).to_be_bytes();
    f64::from(u32::from_be_bytes([first, second, third, fourth])) / f64::from(u32::MAX)
}

/// Whether the leaf names the active root's key as its issuer's. False for a leaf that cannot be read.
pub fn is_signed_by_active_root(authority: &AuthorityState, leaf: &Leaf) -> bool {
    let Some(root) = authority.roots.active() else { return false };
    issuer_key_id(&leaf.cert_pem).is_some_and(|id| id == root.signing_key_id)
}

fn issuer_key_id(cert_pem: &str) -> Option<String> {
    let (_, pem) = parse_x509_pem(cert_pem.as_bytes()).ok()?;
    let certificate = pem.parse_x509().ok()?;
    certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => Some(hex_pairs(id.key_identifier.as_ref()?.0)),
        _ => None,
    })
}

/// A name with a slash would be another identity.
fn check_segment(name: &str) -> Result<(), AuthorityError> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-._~".contains(character);
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(AuthorityError::Name(name.to_owned()));
    }
    Ok(())
}
