//! Another root takes over. From then on it signs; those before it stay trusted until no leaf of theirs can be alive; and
//! each new leaf brings a bridge, the new root's key signed by the root before it, for those who have not yet heard of
//! the new one. So there is no moment in which one side of a call could not check the other.

use std::time::Duration;

use rcgen::{
    BasicConstraints, DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
};
use x509_parser::asn1_rs::Tag;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::parse_x509_pem;
use x509_parser::x509::X509Name;

use super::{AuthorityError, given_root, new_root, parameters};
use crate::catalog::AuthorityState;
use crate::model::{KeyKind, Lifetimes, Root, Secret, UnixTime};

/// Which root shall be the active one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// The one that is.
    Same,
    /// One that is made now.
    Fresh(KeyKind),
    /// Both PEM.
    Given { certificate: String, key: Secret },
}

/// The state with another root or other lifetimes of certificates that are made from now on.
///
/// # Errors
/// When a given root is not what it must be, or the old root may not sign another authority and a bridge is asked for.
pub fn configure(
    state: &AuthorityState,
    wanted: &Wanted,
    lifetimes: Lifetimes,
    until_now: Lifetimes,
    bridge: bool,
    now: UnixTime,
    serial: [u8; 16],
) -> Result<AuthorityState, AuthorityError> {
    let domain = &state.roots.trust_domain;
    let leaf_ttl = until_now.leaf;
    let mut next = match wanted {
        Wanted::Same => state.clone(),
        Wanted::Fresh(kind) => {
            rotate(state, &new_root(domain, *kind, lifetimes.root, now)?, leaf_ttl, bridge, now, serial)?
        }
        Wanted::Given { certificate, key } => {
            rotate(state, &given_root(domain, certificate, key.reveal(), now)?, leaf_ttl, bridge, now, serial)?
        }
    };
    if lifetimes.root != until_now.root {
        next.root_ttl = Some(lifetimes.root);
    }
    if lifetimes.leaf != leaf_ttl {
        next.leaf_ttl = Some(lifetimes.leaf);
        next.leaves_until = next.leaves_until.max(now.plus(leaf_ttl));
    }
    Ok(next)
}

/// `new` takes over from `old`, whose leaves live at most `leaf_ttl` from now. Without `bridge`, who has not heard of the
/// new root refuses its leaves until it has. `serial` should be random.
///
/// # Errors
/// When the old root may not sign another authority, or the new one has a name that cannot be written again.
fn rotate(
    old: &AuthorityState,
    new: &AuthorityState,
    leaf_ttl: Duration,
    bridge: bool,
    now: UnixTime,
    serial: [u8; 16],
) -> Result<AuthorityState, AuthorityError> {
    let (Some(from), Some(to)) = (old.roots.active(), new.roots.active()) else {
        return Err(AuthorityError::NoActiveRoot);
    };
    if from.id == to.id {
        return Ok(old.clone());
    }
    let mut state = AuthorityState { key: new.key.clone(), ..old.clone() };
    if bridge {
        state.bridges.insert(0, sign_over(old, from, new, to, serial)?);
    } else {
        state.bridges.clear();
    }
    let until = old.leaves_until.max(now.plus(leaf_ttl));
    state.trusted_until.remove(&to.id);
    state.trusted_until.insert(from.id.clone(), until);
    state.roots.roots.retain(|root| root.id != to.id);
    for root in &mut state.roots.roots {
        root.active = false;
    }
    state.roots.roots.push(to.clone());
    state.roots.roots.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(state)
}

/// The authority without the roots of which no leaf can be alive; `None` when all are still needed.
pub fn retire(state: &AuthorityState, now: UnixTime) -> Option<AuthorityState> {
    let over = |root: &Root| {
        let until = state.trusted_until.get(&root.id);
        !root.active && until.is_none_or(|until| *until < now)
    };
    if !state.roots.roots.iter().any(over) {
        return None;
    }
    let mut left = state.clone();
    left.roots.roots.retain(|root| !over(root));
    left.trusted_until.retain(|id, _| left.roots.roots.iter().any(|root| root.id == *id));
    if left.roots.roots.len() == 1 {
        left.bridges.clear();
    }
    Some(left)
}

/// The new root's name and key, signed by the old root: PEM.
fn sign_over(
    old: &AuthorityState,
    from: &Root,
    new: &AuthorityState,
    to: &Root,
    serial: [u8; 16],
) -> Result<String, AuthorityError> {
    let (_, from_pem) = parse_x509_pem(from.pem.as_bytes()).map_err(|_| AuthorityError::NoActiveRoot)?;
    let signer = from_pem.parse_x509().map_err(|_| AuthorityError::NoActiveRoot)?;
    let constraints = signer.basic_constraints().ok().flatten();
    if constraints.and_then(|constraints| constraints.value.path_len_constraint) == Some(0) {
        return Err(AuthorityError::Bridge("the root in use may not sign another authority (its path length is 0)"));
    }
    let (_, to_pem) = parse_x509_pem(to.pem.as_bytes()).map_err(|_| AuthorityError::NoActiveRoot)?;
    let target = to_pem.parse_x509().map_err(|_| AuthorityError::NoActiveRoot)?;
    let issuer = Issuer::from_ca_cert_pem(&from.pem, KeyPair::from_pem(old.key.reveal())?)?;
    let mut serial = serial;
    serial[0] &= 0x7f;
    let mut parameters =
        parameters(serial.to_vec(), from.not_before.max(to.not_before), from.not_after.min(to.not_after))?;
    parameters.distinguished_name = name(target.subject())?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    if let Some(id) = key_id_bytes(&target) {
        parameters.key_identifier_method = KeyIdMethod::PreSpecified(id);
    }
    let key = KeyPair::from_pem(new.key.reveal())?;
    Ok(parameters.signed_by(&key, &issuer)?.pem())
}

fn key_id_bytes(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    let text = super::given::key_id(certificate)?;
    text.split(':').map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

/// The same name, to be written again.
fn name(name: &X509Name<'_>) -> Result<DistinguishedName, AuthorityError> {
    const UNUSUAL: AuthorityError = AuthorityError::Bridge("the new root has a name in an unusual encoding");
    let mut copy = DistinguishedName::new();
    for attribute in name.iter().flat_map(x509_parser::x509::RelativeDistinguishedName::iter) {
        let oid = attribute.attr_type().iter().ok_or(UNUSUAL)?.collect();
        let text = attribute.as_str().map_err(|_| UNUSUAL)?;
        let value = match attribute.attr_value().tag() {
            Tag::Utf8String => DnValue::Utf8String(text.to_owned()),
            Tag::PrintableString => DnValue::PrintableString(text.try_into()?),
            Tag::Ia5String => DnValue::Ia5String(text.try_into()?),
            _ => return Err(UNUSUAL),
        };
        copy.push(DnType::CustomDnType(oid), value);
    }
    Ok(copy)
}

#[cfg(test)]
mod tests;
