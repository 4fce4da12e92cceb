//! `tls { … }`, and the older spellings at the top: what HTTPS and gRPC are served with.

use std::path::PathBuf;

use super::problem::Problem;
use crate::checks::AgentTls;
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
    pub(super) grpc: DoorKeys,
    pub(super) defaults: DoorKeys,
    /// At the top, for all doors.
    pub(super) old: DoorKeys,
    /// At the top, for HTTPS: only whether clients must have certificates.
    pub(super) old_https: DoorKeys,
    /// The agent's own are for checks too.
    pub(super) for_checks: Option<bool>,
}

impl TlsKeys {
    /// These win over earlier ones.
    pub(super) fn over(self, earlier: Self) -> Self {
        Self {
            https: self.https.over(earlier.https),
            grpc: self.grpc.over(earlier.grpc),
            defaults: self.defaults.over(earlier.defaults),
            old: self.old.over(earlier.old),
            old_https: self.old_https.over(earlier.old_https),
            for_checks: self.for_checks.or(earlier.for_checks),
        }
    }

    /// With what the doors that speak TLS are served; those that are not switched on have nothing.
    pub(super) fn resolve(self, https: bool, grpc: bool, told: &mut Told<'_>) -> SecureDoors {
        // the old key of HTTPS adds to the one for all doors, and does not take from it
        let old_https =
            DoorKeys { verify_incoming: self.old_https.verify_incoming.filter(|verify| *verify), ..self.old_https };
        let (shared, alone) =
            ([&self.defaults, &self.old], [(&self.https, https), (&old_https, https), (&self.grpc, grpc)]);
        let for_checks = self.for_checks == Some(true);
        let asked_for_nothing = !(https || grpc || for_checks) && shared.into_iter().any(DoorKeys::ask);
        if asked_for_nothing || alone.into_iter().any(|(keys, on)| !on && keys.ask()) {
            let text = "some keys of TLS have no effect: ports.https switches HTTPS on, ports.grpc_tls gRPC with TLS";
            told.warnings.push(text.to_owned());
        }
        let for_all = self.defaults.over(self.old);
        let checks = for_checks.then(|| of_checks(&for_all, told)).flatten();
        let of_https = self.https.over(old_https).over(for_all.clone());
        SecureDoors {
            checks,
            https: https.then(|| files("ports.https", "HTTPS", of_https, told)).flatten(),
            grpc: grpc.then(|| files("ports.grpc_tls", "gRPC with TLS", self.grpc.over(for_all), told)).flatten(),
        }
    }
}

/// What is said of the keys meanwhile.
pub(super) struct Told<'a> {
    pub(super) problems: &'a mut Vec<Problem>,
    pub(super) warnings: &'a mut Vec<String>,
}

/// `None`: the door is not served, since nothing was given to serve it with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct SecureDoors {
    pub(super) https: Option<CertificateFiles>,
    pub(super) grpc: Option<CertificateFiles>,
    pub(super) checks: Option<AgentTls>,
}

fn of_checks(keys: &DoorKeys, told: &mut Told<'_>) -> Option<AgentTls> {
    let shown = match (keys.cert.clone(), keys.key.clone()) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        _ => {
            told.problems.push(Problem::new("cert_file and key_file belong together: give both"));
            return None;
        }
    };
    let tls = AgentTls { shown, ca: keys.ca.clone(), ca_path: keys.ca_path.clone() };
    if tls == AgentTls::default() {
        let text = "enable_agent_tls_for_checks has no effect: give tls.defaults.cert_file and key_file, or ca_file";
        told.warnings.push(text.to_owned());
        return None;
    }
    Some(tls)
}

fn files(port: &str, door: &str, keys: DoorKeys, told: &mut Told<'_>) -> Option<CertificateFiles> {
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
            told.warnings.push(format!(
                "{port} has no effect: {door} needs a certificate, give tls.defaults.cert_file and key_file"
            ));
            return None;
        }
        _ => {
            told.problems.push(Problem::new("cert_file and key_file belong together: give both"));
            return None;
        }
    };
    if files.verify_incoming && files.ca.is_none() && files.ca_path.is_none() {
        told.problems.push(Problem::new(
            "verify_incoming is on and nobody is trusted: give ca_file or ca_path, whose certificates clients have",
        ));
    }
    Some(files)
}

/// As it is spelt now, and as it was.
pub(super) fn oldest(text: &str) -> Result<OldestTls, String> {
    match text {
        "TLSv1_2" | "tls12" | "TLS_AUTO" => Ok(OldestTls::V12),
        "TLSv1_3" | "tls13" => Ok(OldestTls::V13),
        _ => Err(format!("expected TLSv1_2 or TLSv1_3, got {text:?}; there is nothing older")),
    }
}
