use x509_parser::prelude::*;

use super::*;
use crate::catalog::AuthorityState;
use crate::model::{KeyKind, Leaf, Lifetimes, SpiffeId, TrustDomain};

const NOW: UnixTime = UnixTime(1_800_000_000);
const SERIAL: [u8; 16] = [0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const DOMAIN: &str = "11111111-2222-3333-4444-555555555555.consul";

fn authority() -> AuthorityState {
    new_root(&TrustDomain::from(DOMAIN), KeyKind::default(), Lifetimes::DEFAULT.root, NOW).unwrap()
}

fn identity(service: &str) -> SpiffeId {
    SpiffeId { trust_domain: DOMAIN.into(), datacenter: "dc1".into(), service: service.into() }
}

fn leaf() -> (AuthorityState, Leaf) {
    let authority = authority();
    let leaf = issue_leaf(&authority, &identity("web"), NOW, Lifetimes::DEFAULT.leaf, SERIAL).unwrap();
    (authority, leaf)
}

fn der(pem: &str) -> Vec<u8> {
    parse_x509_pem(pem.as_bytes()).unwrap().1.contents
}

fn extension<'a>(certificate: &'a X509Certificate<'_>, oid: &oid_registry::Oid<'_>) -> &'a X509Extension<'a> {
    certificate.get_extension_unique(oid).unwrap().expect("the extension is there")
}

#[test]
fn the_root_is_a_ca_with_consuls_name_and_the_trust_domain() {
    let state = authority();
    let root = state.roots.active().unwrap();
    let der = der(&root.pem);
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    let uid = root.signing_key_id.replace(':', "")[..8].to_owned();
    assert_eq!(certificate.subject().to_string(), format!("CN=pri-{uid}.consul.ca.11111111.consul"));
    assert_eq!(certificate.serial.to_string(), root.serial_number.to_string());
    assert!(certificate.is_ca());
    assert_eq!(certificate.validity().not_after.timestamp(), NOW.0 + 87_600 * 3600);
    let names = &certificate.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(names[..], [GeneralName::URI(&format!("spiffe://{DOMAIN}"))]);
    let usage = certificate.key_usage().unwrap().unwrap().value;
    assert!(usage.key_cert_sign() && usage.crl_sign() && usage.digital_signature());
    certificate.verify_signature(None).unwrap();
    assert_eq!(root.id, hex_pairs(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &der).as_ref()));
    assert_eq!(root.id.len(), 59);
    let ParsedExtension::SubjectKeyIdentifier(id) =
        extension(&certificate, &oid_registry::OID_X509_EXT_SUBJECT_KEY_IDENTIFIER).parsed_extension()
    else {
        panic!("a key id")
    };
    assert_eq!(root.signing_key_id, hex_pairs(id.0));
}

#[test]
fn a_leaf_is_the_identity_and_nothing_else() {
    let (_, leaf) = leaf();
    let der = der(&leaf.cert_pem);
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.subject().iter().count(), 0);
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert!(names.critical);
    assert_eq!(leaf.uri, format!("spiffe://{DOMAIN}/ns/default/dc/dc1/svc/web"));
    assert_eq!(names.value.general_names[..], [GeneralName::URI(&leaf.uri)]);
    assert!(!certificate.is_ca());
    let usage = certificate.key_usage().unwrap().unwrap().value;
    assert!(usage.data_encipherment() && usage.key_agreement());
    assert!(usage.digital_signature() && usage.key_encipherment() && !usage.key_cert_sign());
    let purposes = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(purposes.client_auth && purposes.server_auth && !purposes.any);
    assert_eq!(certificate.validity().not_before.timestamp(), NOW.0 - 60);
    assert_eq!(certificate.validity().not_after.timestamp(), NOW.0 + 72 * 3600);
    assert_eq!((leaf.valid_after, leaf.valid_before), (UnixTime(NOW.0 - 60), UnixTime(NOW.0 + 72 * 3600)));
    assert_eq!(leaf.serial_number, "00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f");
    assert_eq!(certificate.raw_serial(), &SERIAL[1..]);
}

#[test]
fn the_chain_verifies_and_names_its_issuers_key() {
    let (authority, leaf) = leaf();
    let (root, leaf) = (der(&authority.roots.active().unwrap().pem), der(&leaf.cert_pem));
    let (_, root) = X509Certificate::from_der(&root).unwrap();
    let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
    leaf.verify_signature(Some(root.public_key())).unwrap();
    assert_eq!(leaf.issuer(), root.subject());
    let issuer = extension(&leaf, &oid_registry::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER).parsed_extension();
    let own = extension(&root, &oid_registry::OID_X509_EXT_SUBJECT_KEY_IDENTIFIER).parsed_extension();
    let (ParsedExtension::AuthorityKeyIdentifier(issuer), ParsedExtension::SubjectKeyIdentifier(own)) = (issuer, own)
    else {
        panic!("two key ids")
    };
    assert_eq!(issuer.key_identifier.as_ref(), Some(own));
}

#[test]
fn a_leaf_of_another_authority_does_not_verify() {
    let (_, leaf) = leaf();
    let (stranger, leaf) = (der(&authority().roots.active().unwrap().pem), der(&leaf.cert_pem));
    let (_, stranger) = X509Certificate::from_der(&stranger).unwrap();
    let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
    assert!(leaf.verify_signature(Some(stranger.public_key())).is_err());
}

#[test]
fn a_leaf_is_known_by_its_issuers_key() {
    let (own, leaf) = leaf();
    assert!(is_signed_by_active_root(&own, &leaf));
    assert!(!is_signed_by_active_root(&authority(), &leaf));
    let unreadable = Leaf { cert_pem: "nonsense".into(), ..leaf.clone() };
    assert!(!is_signed_by_active_root(&own, &unreadable));
    let mut retired = own;
    retired.roots.roots[0].active = false;
    assert!(!is_signed_by_active_root(&retired, &leaf));
}

#[test]
fn what_is_drawn_from_a_leaf_is_its_own_and_stays() {
    let (one, other) = (leaf().1, leaf().1);
    assert_eq!(draw(&one).to_bits(), draw(&one.clone()).to_bits());
    assert_ne!(draw(&one).to_bits(), draw(&other).to_bits());
    assert!((0.0..=1.0).contains(&draw(&one)));
}

#[test]
fn the_key_of_a_leaf_is_its_own() {
    let (_, leaf) = leaf();
    let key = rcgen::KeyPair::from_pem(leaf.key_pem.reveal()).unwrap();
    let der = der(&leaf.cert_pem);
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.public_key().subject_public_key.data, key.public_key_raw());
    assert!(!format!("{leaf:?}").contains("PRIVATE KEY"));
}

#[test]
fn no_leaf_is_issued_for_another_trust_domain_or_a_name_that_is_a_path() {
    let authority = authority();
    let stranger = SpiffeId { trust_domain: "other.consul".into(), ..identity("web") };
    assert!(matches!(
        issue_leaf(&authority, &stranger, NOW, Lifetimes::DEFAULT.leaf, SERIAL),
        Err(AuthorityError::TrustDomain { .. })
    ));
    for name in ["web/../db", "", "a b", "web?x"] {
        assert!(
            matches!(
                issue_leaf(&authority, &identity(name), NOW, Lifetimes::DEFAULT.leaf, SERIAL),
                Err(AuthorityError::Name(_))
            ),
            "{name}"
        );
    }
}

#[test]
fn nothing_is_issued_without_an_active_root() {
    let mut authority = authority();
    authority.roots.roots[0].active = false;
    assert!(matches!(
        issue_leaf(&authority, &identity("web"), NOW, Lifetimes::DEFAULT.leaf, SERIAL),
        Err(AuthorityError::NoActiveRoot)
    ));
}

#[test]
fn a_time_before_1970_is_refused() {
    assert!(matches!(
        new_root(&DOMAIN.into(), KeyKind::default(), Lifetimes::DEFAULT.root, UnixTime(0)),
        Err(AuthorityError::Time(-60))
    ));
}

#[test]
fn renewal_falls_between_60_and_90_percent_of_life() {
    let (_, leaf) = leaf();
    let life = leaf.valid_before.0 - leaf.valid_after.0;
    for (random, percent) in [(0.0, 60), (0.5, 75), (1.0, 90)] {
        let renewed_after = renewal_time(&leaf, random).0 - leaf.valid_after.0;
        assert!((renewed_after - life * percent / 100).abs() <= 1, "{random}: {renewed_after} of {life}");
    }
}
