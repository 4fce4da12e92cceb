//! `tls { … }`, and the older spellings at the top: what HTTPS is served with.

use std::path::PathBuf;

use super::problem::Problem;
use crate::doors::listening::{CertificateFiles, CipherNames, OldestTls};

/// Of one door, or of all.
#[derive(Clone, Default)]
pub(super) struct DoorKeys {
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) ca: Option<PathBuf>,
    pub(super) ca_path: Option<PathBuf>,
    pub(super) verify_incoming: Option<bool>,
    pub(super) oldest: Option<OldestTls>,
    pub(super) ciphers: Option<CipherNames>,
}

impl DoorKeys {
    /// Beyond how TLS would be spoken.
    fn ask(&self) -> bool {
        let files = [&self.cert, &self.key, &self.ca, &self.ca_path];
        files.into_iter().any(Option::is_some) || self.verify_incoming == Some(true)
    }

    /// These win over the others.
    fn over(self, others: Self) -> Self {
        Self {
            cert: self.cert.or(others.cert),
            key: self.key.or(others.key),
            ca: self.ca.or(others.ca),
            ca_path: self.ca_path.or(others.ca_path),
            verify_incoming: self.verify_incoming.or(others.verify_incoming),
            oldest: self.oldest.or(others.oldest),
            ciphers: self.ciphers.or(others.ciphers),
        }
    }
}

/// Those that were given.
#[derive(Clone, Default)]
pub(super) struct TlsKeys {
    pub(super) https: DoorKeys,
    pub(super) defaults: DoorKeys,
    /// At the top, for all doors.
    pub(super) old: DoorKeys,
    /// At the top, for HTTPS: only whether clients must have certificates.
    pub(super) old_https: DoorKeys,
}

impl TlsKeys {
    /// These win over earlier ones.
    pub(super) fn over(self, earlier: Self) -> Self {
        Self {
            https: self.https.over(earlier.https),
            defaults: self.defaults.over(earlier.defaults),
            old: self.old.over(earlier.old),
            old_https: self.old_https.over(earlier.old_https),
        }
    }

    /// `None`: HTTPS is not served, since nothing was given to serve it with.
    pub(super) fn resolve(
        self,
        https: bool,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<String>,
    ) -> Option<CertificateFiles> {
        if !https {
            if [&self.https, &self.defaults, &self.old, &self.old_https].into_iter().any(DoorKeys::ask) {
                warnings.push("the keys of TLS have no effect: ports.https switches HTTPS on".to_owned());
            }
            return None;
        }
        // the old key of HTTPS adds to the one for all doors, and does not take from it
        let old_https =
            DoorKeys { verify_incoming: self.old_https.verify_incoming.filter(|verify| *verify), ..self.old_https };
        let keys = self.https.over(old_https).over(self.defaults).over(self.old);
        let files = match (keys.cert, keys.key) {
            (Some(cert), Some(key)) => CertificateFiles {
                cert,
                key,
                verify_incoming: keys.verify_incoming.unwrap_or(false),
                ca: keys.ca,
                ca_path: keys.ca_path,
                oldest: keys.oldest.unwrap_or_default(),
                ciphers: keys.ciphers.unwrap_or_default(),
            },
            (None, None) => {
                warnings.push(
                    "ports.https has no effect: HTTPS needs a certificate, give tls.defaults.cert_file and key_file"
                        .to_owned(),
                );
                return None;
            }
            _ => {
                problems.push(Problem::new("cert_file and key_file belong together: give both"));
                return None;
            }
        };
        if files.verify_incoming && files.ca.is_none() && files.ca_path.is_none() {
            problems.push(Problem::new(
                "verify_incoming is on and nobody is trusted: give ca_file or ca_path, whose certificates clients have",
            ));
        }
        Some(files)
    }
}

/// As it is spelt now, and as it was.
pub(super) fn oldest(text: &str) -> Result<OldestTls, String> {
    match text {
        "TLSv1_2" | "tls12" | "TLS_AUTO" => Ok(OldestTls::V12),
        "TLSv1_3" | "tls13" => Ok(OldestTls::V13),
        _ => Err(format!("expected TLSv1_2 or TLSv1_3, got {text:?}; there is nothing older")),
    }
}
