//! A root that somebody brings: what must be true of it before the mesh may trust it.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use rcgen::{KeyPair, PublicKeyData as _};
use ring::digest;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::Pem;
use x509_parser::public_key::PublicKey;

use super::{AuthorityError, hex_pairs};
use crate::catalog::AuthorityState;
use crate::model::{Index, KeyKind, Root, Roots, Secret, TrustDomain, UnixTime};

/// The root of `certificate` and `key`, both PEM, as the only and the active one. The key is PKCS#8, PKCS#1 or SEC 1.
///
/// # Errors
/// When it is not a self-signed certificate of an authority that is valid now and whose key this is.
pub fn given_root(
    trust_domain: &TrustDomain,
    certificate: &str,
    key: &str,
    now: UnixTime,
) -> Result<AuthorityState, AuthorityError> {
    let pem = only_certificate(certificate)?;
    let parsed = pem.parse_x509().map_err(|error| wrong(format!("the certificate cannot be read: {error}")))?;
    let key = key_pair(key)?;
    check(&parsed, &key, trust_domain, now)?;
    let Some(signing_key_id) = key_id(&parsed) else {
        return Err(wrong("has no subject key identifier, by which leaves name the root that signed them"));
    };
    let serial = parsed.raw_serial();
    let tail = &serial[serial.len().saturating_sub(8)..];
    let root = Root {
        id: hex_pairs(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &pem.contents).as_ref()),
        name: "Consul CA Primary Cert".to_owned(),
        serial_number: tail.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        signing_key_id,
        not_before: UnixTime(parsed.validity().not_before.timestamp()),
        not_after: UnixTime(parsed.validity().not_after.timestamp()),
        pem: encode("CERTIFICATE", &pem.contents),
        key: key_kind(&parsed)?,
        active: true,
        create_index: Index::default(),
        modify_index: Index::default(),
    };
    let roots = Roots { trust_domain: trust_domain.clone(), roots: vec![root] };
    Ok(AuthorityState::new(roots, Secret::new(key.serialize_pem())))
}

fn wrong(message: impl Into<String>) -> AuthorityError {
    AuthorityError::GivenRoot(message.into())
}

fn only_certificate(text: &str) -> Result<Pem, AuthorityError> {
    let mut pems = Pem::iter_from_buffer(text.as_bytes());
    let first = pems.next().and_then(Result::ok).filter(|pem| pem.label == "CERTIFICATE");
    let first = first.ok_or_else(|| wrong("is not a certificate in PEM"))?;
    match pems.next() {
        None => Ok(first),
        Some(_) => Err(wrong("is more than one certificate: give the root alone, it signs the leaves itself")),
    }
}

fn check(
    certificate: &X509Certificate<'_>,
    key: &KeyPair,
    trust_domain: &TrustDomain,
    now: UnixTime,
) -> Result<(), AuthorityError> {
    if certificate.public_key().raw != key.subject_public_key_info() {
        return Err(wrong("PrivateKey is not the key of this certificate"));
    }
    if certificate.subject() != certificate.issuer() || certificate.verify_signature(None).is_err() {
        return Err(wrong("is not self-signed: give the root itself, not an intermediate"));
    }
    if certificate.subject().iter().next().is_none() {
        return Err(wrong("has an empty subject, by which no leaf could name it"));
    }
    let constraints = certificate.basic_constraints().ok().flatten().filter(|constraints| constraints.value.ca);
    if constraints.is_none() {
        return Err(wrong("is not the certificate of an authority: its basic constraints must say CA"));
    }
    let usage = certificate.key_usage().ok().flatten();
    if usage.is_some_and(|usage| !usage.value.key_cert_sign()) {
        return Err(wrong("may not sign certificates: its key usage must have keyCertSign"));
    }
    let (from, until) = (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    if !(from..=until).contains(&now.0) {
        return Err(wrong("is not valid now"));
    }
    let own = format!("spiffe://{trust_domain}");
    match certificate.subject_alternative_name() {
        Ok(None) => Ok(()),
        Ok(Some(names)) => match names.value.general_names.iter().find(|name| is_other_domain(name, &own)) {
            None => Ok(()),
            Some(_) => Err(wrong(format!("names another trust domain than {own}"))),
        },
        Err(_) => Err(wrong("has names that cannot be read")),
    }
}

fn is_other_domain(name: &GeneralName<'_>, own: &str) -> bool {
    matches!(name, GeneralName::URI(uri) if uri.starts_with("spiffe://") && *uri != own)
}

pub(super) fn key_id(certificate: &X509Certificate<'_>) -> Option<String> {
    certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(hex_pairs(id.0)),
        _ => None,
    })
}

fn key_kind(certificate: &X509Certificate<'_>) -> Result<KeyKind, AuthorityError> {
    let kind = match certificate.public_key().parsed() {
        Ok(PublicKey::EC(point)) => u16::try_from(point.key_size()).ok().map(KeyKind::Ec),
        Ok(PublicKey::RSA(key)) => u16::try_from(key.key_size()).ok().map(KeyKind::Rsa),
        _ => None,
    };
    let known = kind.filter(|kind| matches!(kind, KeyKind::Ec(256 | 384)) || matches!(kind, KeyKind::Rsa(2048..)));
    known.ok_or_else(|| wrong("has a key that Envoy does not take: P-256, P-384, or RSA of 2048 bits or more"))
}

fn key_pair(pem: &str) -> Result<KeyPair, AuthorityError> {
    let unreadable = || wrong("PrivateKey is not a private key in PEM (PKCS#8, PKCS#1 or SEC 1)");
    let pem = Pem::iter_from_buffer(pem.as_bytes())
        .filter_map(Result::ok)
        // openssl writes the curve before the key
        .find(|pem| pem.label.ends_with("PRIVATE KEY"))
        .ok_or_else(unreadable)?;
    let candidates = match pem.label.as_str() {
        "PRIVATE KEY" => vec![pem.contents],
        "EC PRIVATE KEY" => vec![pkcs8(&EC_P256, &pem.contents), pkcs8(&EC_P384, &pem.contents)],
        "RSA PRIVATE KEY" => vec![pkcs8(&RSA, &pem.contents)],
        _ => return Err(unreadable()),
    };
    candidates.iter().find_map(|der| KeyPair::try_from(der.as_slice()).ok()).ok_or_else(unreadable)
}

/// `AlgorithmIdentifier`s, in DER.
const EC_P256: [u8; 21] = [
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07,
];
const EC_P384: [u8; 18] =
    [0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const RSA: [u8; 15] = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// `PrivateKeyInfo` around an older form of key.
fn pkcs8(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let content = [&[0x02, 0x01, 0x00], algorithm, &element(0x04, key)].concat();
    element(0x30, &content)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let bytes = content.len().to_be_bytes();
    let significant = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1)..];
    let short = [significant[0]];
    let long_form = [&[0x80 | u8::try_from(significant.len()).unwrap_or(8)], significant].concat();
    let length: &[u8] = if content.len() < 0x80 { &short } else { &long_form };
    [&[tag], length, content].concat()
}

/// In lines of 64, as everybody's tools write it.
fn encode(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
