//! The certificate authority of the mesh: makes the root, issues leaves, says when to renew them. Time is an argument.
//!
//! Keys are the exception to "no randomness in a still room": rcgen makes them with ring, which takes its randomness from
//! the system and from nowhere else. Nothing but key material and signatures depends on it.

mod given;
mod leaf;
mod root;
mod rotation;

use std::fmt::Write as _;
use std::time::Duration;

use rcgen::{CertificateParams, SerialNumber, date_time_ymd};

pub use given::given_root;
pub use leaf::{draw, is_signed_by_active_root, issue_leaf, renewal_time};
pub use root::new_root;
pub use rotation::{Wanted, configure, retire};

use crate::model::UnixTime;

/// Certificates are valid from a little earlier than now, for clocks that are behind.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Restore the authority's state, or have a new root made.
    #[error("the authority has no active root")]
    NoActiveRoot,
    #[error("the trust domain {asked} is not the authority's, {own}")]
    TrustDomain { asked: String, own: String },
    #[error("the name {0:?} has no place in a SPIFFE id: letters, digits, dots, hyphens and underscores have")]
    Name(String),
    #[error("the moment {0} (seconds since 1970) has no place in a certificate")]
    Time(i64),
    #[error("keys of new roots are of type ec with 256 or 384 bits; bring a root with another key as RootCert")]
    KeyKind,
    /// Bring another root, or have one made.
    #[error("RootCert {0}")]
    GivenRoot(String),
    /// Rotate with ForceWithoutCrossSigning.
    #[error(
        "no bridge between the roots can be made: {0}; with ForceWithoutCrossSigning calls may fail until everybody has \
        heard of the new root"
    )]
    Bridge(&'static str),
    #[error("cannot make or sign a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// Parameters that all certificates share.
fn parameters(
    serial: impl Into<SerialNumber>,
    not_before: UnixTime,
    not_after: UnixTime,
) -> Result<CertificateParams, AuthorityError> {
    let mut parameters = CertificateParams::default();
    // the subject stays empty unless one is pushed, which makes the identity (the URI) critical
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.serial_number = Some(serial.into());
    let at = |time: UnixTime| {
        let since_1970 = u64::try_from(time.0).map_err(|_| AuthorityError::Time(time.0))?;
        date_time_ymd(1970, 1, 1)
            .checked_add(Duration::from_secs(since_1970).try_into().map_err(|_| AuthorityError::Time(time.0))?)
            .ok_or(AuthorityError::Time(time.0))
    };
    parameters.not_before = at(not_before)?;
    parameters.not_after = at(not_after)?;
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}

/// `0a:1b:…`
fn hex_pairs(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (position, byte) in bytes.iter().enumerate() {
        if position > 0 {
            text.push(':');
        }
        write!(text, "{byte:02x}").expect("a string takes all that is written");
    }
    text
}

#[cfg(test)]
mod tests;
