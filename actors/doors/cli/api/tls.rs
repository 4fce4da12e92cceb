//! HTTPS to the agent: whom to trust, and who we are.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chancery::model::Secret;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::checks::probes::trust::anybody;
use crate::doors::cli::error::CliError;

/// What flags and environment say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::doors::cli) struct TlsFiles {
    pub ca_file: Option<PathBuf>,
    pub ca_path: Option<PathBuf>,
    pub client_cert: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    /// The name that the agent's certificate must have; the host of its address if not given.
    pub server_name: Option<String>,
    /// Take whatever certificate the agent has.
    pub skip_verify: bool,
}

impl TlsFiles {
    pub fn config(&self) -> Result<Arc<ClientConfig>, CliError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| CliError::usage(format!("TLS cannot be set up: {error}")))?;
        let builder = if self.skip_verify {
            builder.dangerous().with_custom_certificate_verifier(anybody(provider))
        } else {
            builder.with_root_certificates(self.roots()?)
        };
        let config = match (&self.client_cert, &self.client_key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
                builder.with_client_auth_cert(certificates(cert)?, key_der).map_err(|error| wrong(cert, &error))?
            }
            _ => return Err(CliError::usage("-client-cert and -client-key belong together: give both")),
        };
        Ok(Arc::new(config))
    }

    /// The authorities that are named, PEM; `None`: none is.
    pub fn authorities(&self) -> Result<Option<String>, CliError> {
        let folder = self.ca_path.as_deref().map(files).transpose()?.unwrap_or_default();
        let pem = |file: &PathBuf| certificates(file).and_then(|_| text(file));
        let all: Vec<String> = self.ca_file.iter().chain(&folder).map(pem).collect::<Result<_, _>>()?;
        Ok(Some(all.join("\n")).filter(|_| !all.is_empty()))
    }

    /// What is shown to the server: certificate and key, PEM.
    pub fn client(&self) -> Result<Option<(String, Secret)>, CliError> {
        match (&self.client_cert, &self.client_key) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => {
                certificates(cert)?;
                PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
                Ok(Some((text(cert)?, Secret::new(text(key)?))))
            }
            _ => Err(CliError::usage("-client-cert and -client-key belong together: give both")),
        }
    }

    /// Those named, else the system's.
    fn roots(&self) -> Result<RootCertStore, CliError> {
        let mut roots = RootCertStore::empty();
        if self.ca_file.is_none() && self.ca_path.is_none() {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            return Ok(roots);
        }
        let folder = self.ca_path.as_deref().map(files).transpose()?.unwrap_or_default();
        for file in self.ca_file.iter().chain(&folder) {
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(|error| wrong(file, &error))?;
            }
        }
        Ok(roots)
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
    let mut files = read().map_err(|error| wrong(folder, &error))?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}

fn text(file: &Path) -> Result<String, CliError> {
    fs::read_to_string(file).map_err(|error| wrong(file, &error))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, CliError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| wrong(file, &error))?;
    if found.is_empty() { Err(wrong(file, &"there is no certificate in it")) } else { Ok(found) }
}

fn wrong(file: &Path, reason: &dyn std::fmt::Display) -> CliError {
    CliError::file(&file.display().to_string(), reason)
}
