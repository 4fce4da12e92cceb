//! `connect.ca_config`: the root of a mesh that has none yet.

use std::time::Duration;

use chancery::authority::{self, AuthorityError};
use chancery::catalog::AuthorityState;
use chancery::model::{KeyKind, Secret, TrustDomain, UnixTime};
use chancery::wire::Fields;
use chancery::wire::authority::{key_kind, root};
use chancery::wire::fields::Result;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FirstRoot {
    /// Somebody has it already: the certificate and its key, PEM.
    Given { certificate: String, key: Secret },
    /// It is made, with such a key.
    Made(KeyKind),
}

impl FirstRoot {
    /// `None` when nothing is said of it.
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Option<Self>> {
        let (kind, given) = (key_kind(fields)?, root(fields)?);
        let given = given.map(|(certificate, key)| Self::Given { certificate, key });
        Ok(given.or_else(|| kind.map(Self::Made)))
    }

    /// `lives`: how long, if it is made.
    ///
    /// # Errors
    /// When the certificate is none of a root for this domain that is valid now, or such a key cannot be made.
    pub fn state(
        &self,
        domain: &TrustDomain,
        lives: Duration,
        now: UnixTime,
    ) -> std::result::Result<AuthorityState, AuthorityError> {
        match self {
            Self::Given { certificate, key } => authority::given_root(domain, certificate, key.reveal(), now),
            Self::Made(kind) => authority::new_root(domain, *kind, lives, now),
        }
    }
}
