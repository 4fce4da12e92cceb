//! Files of certificates and keys, in PEM.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A file of TLS that cannot be used, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateError {
    pub file: PathBuf,
    pub reason: String,
}

impl CertificateError {
    pub fn new(file: &Path, reason: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), reason: reason.to_string() }
    }

    /// Of a certificate and a key that are refused.
    pub fn of_pair(certificate: &Path, key: &Path, error: rustls::Error) -> Self {
        match error {
            rustls::Error::InconsistentKeys(_) => {
                Self::new(key, format!("it is not the key of the certificate in {}", certificate.display()))
            }
            error => Self::new(certificate, error),
        }
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} cannot be used for TLS: {}", self.file.display(), self.reason)
    }
}

impl std::error::Error for CertificateError {}

/// One at least.
///
/// # Errors
/// When there is none, or the file cannot be read.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| CertificateError::new(file, error))?;
    if found.is_empty() { Err(CertificateError::new(file, "there is no certificate in it")) } else { Ok(found) }
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, CertificateError> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
    let mut files = read().map_err(|error| CertificateError::new(folder, error))?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}

/// # Errors
/// When none can be read.
pub fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    let wrong = |error| CertificateError::new(file, format!("no private key can be read from it: {error}"));
    PrivateKeyDer::from_pem_file(file).map_err(wrong)
}

/// Those of a file, and of all files in a folder.
///
/// # Errors
/// When one of the files has no certificate of an authority.
pub fn roots(file: Option<&Path>, folder: Option<&Path>) -> Result<RootCertStore, CertificateError> {
    let in_folder = folder.map(in_folder).transpose()?.unwrap_or_default();
    let mut roots = RootCertStore::empty();
    for file in file.into_iter().chain(in_folder.iter().map(PathBuf::as_path)) {
        for certificate in certificates(file)? {
            roots.add(certificate).map_err(|error| CertificateError::new(file, error))?;
        }
    }
    Ok(roots)
}
