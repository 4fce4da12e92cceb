//! `chancery tls`: an authority and certificates for the agent's own doors; not those of the mesh, which the agent makes.

mod ca;
mod cert;
#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use clap::Subcommand;
use rcgen::{CertificateParams, DistinguishedName, DnType, SerialNumber, date_time_ymd};
use rustls::crypto::ring::default_provider;

use super::error::CliError;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Certificates are valid from a little earlier than now, for clocks that are behind.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
const SERIAL_BYTES: usize = 16;

#[derive(Subcommand)]
pub(super) enum Tls {
    /// The authority
    #[command(subcommand)]
    Ca(Ca),
    /// The certificates that it signs
    #[command(subcommand)]
    Cert(Cert),
}

#[derive(Subcommand)]
pub(super) enum Ca {
    /// Make an authority: its certificate and its key, in this directory
    #[command(after_help = "Example:\n\n    $ chancery tls ca create")]
    Create(ca::Create),
}

#[derive(Subcommand)]
pub(super) enum Cert {
    /// Make a certificate that the authority in this directory signs
    #[command(after_help = "Examples:\n\n    $ chancery tls cert create -server -additional-ipaddress=10.0.0.1\n    \
        $ chancery tls cert create -client\n    $ chancery tls cert create -cli")]
    Create(cert::Create),
}

impl Tls {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Ca(Ca::Create(create)) => create.run(Path::new("."), out),
            Self::Cert(Cert::Create(create)) => create.run(Path::new("."), out),
        }
    }
}

/// What all certificates share: a name, a random number, and their time, from now on.
fn parameters(name: &str, days: u32) -> Result<CertificateParams, CliError> {
    let mut serial = [0; SERIAL_BYTES];
    default_provider()
        .secure_random
        .fill(&mut serial)
        .map_err(|_| CliError::usage("the system has no randomness to give"))?;
    // a serial number is positive
    serial[0] &= 0x7f;
    let mut parameters = CertificateParams::default();
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|_| CliError::usage("this machine's clock is before 1970"))?;
    let at = |since_1970: Duration| {
        date_time_ymd(1970, 1, 1)
            .checked_add(since_1970.try_into().ok()?)
            // a certificate has four digits for the year
            .filter(|time| time.year() <= 9999)
    };
    let wrong = || CliError::usage(format!("-days={days} is past what a certificate can say"));
    parameters.not_before = at(now.saturating_sub(CLOCK_SKEW)).ok_or_else(wrong)?;
    parameters.not_after = at(now + DAY * days).ok_or_else(wrong)?;
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}

fn unmakeable(error: &rcgen::Error) -> CliError {
    CliError::usage(format!("the certificate cannot be made: {error}"))
}

/// A certificate for everybody, or a key for its owner. What is there already is kept.
fn save(folder: &Path, name: &str, pem: &str, mode: u32, out: &mut dyn Write) -> Result<(), CliError> {
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(folder.join(name));
    written.and_then(|mut file| file.write_all(pem.as_bytes())).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => CliError::file(name, &"exists already, and is not overwritten"),
        _ => CliError::file(name, &error),
    })?;
    writeln!(out, "==> Saved {name}")?;
    Ok(())
}
