//! TLS of what Prometheus scrapes.

use std::path::PathBuf;

use chancery::bootstrap::PrometheusTls;
use clap::Args;

use crate::doors::cli::api::TlsFiles;
use crate::doors::cli::error::CliError;

#[derive(Args)]
pub(super) struct PrometheusFlags {
    /// The authorities of whoever scrapes `envoy_prometheus_bind_addr` with a certificate
    #[arg(long, value_name = "FILE")]
    prometheus_ca_file: Option<PathBuf>,
    /// A directory of such authorities
    #[arg(long, value_name = "DIR")]
    prometheus_ca_path: Option<PathBuf>,
    /// The certificate that `envoy_prometheus_bind_addr` is served with, on Envoy's machine
    #[arg(long, value_name = "FILE")]
    prometheus_cert_file: Option<String>,
    /// Its key
    #[arg(long, value_name = "FILE")]
    prometheus_key_file: Option<String>,
}

impl PrometheusFlags {
    /// All of it, or none.
    pub fn read(&self) -> Result<Option<PrometheusTls>, CliError> {
        let files = TlsFiles {
            ca_file: self.prometheus_ca_file.clone(),
            ca_path: self.prometheus_ca_path.clone(),
            ..TlsFiles::default()
        };
        match (files.authorities()?, &self.prometheus_cert_file, &self.prometheus_key_file) {
            (None, None, None) => Ok(None),
            (Some(authorities), Some(certificate), Some(key)) => {
                Ok(Some(PrometheusTls { authorities, certificate: certificate.clone(), key: key.clone() }))
            }
            _ => Err(CliError::usage(
                "TLS for Prometheus needs all of -prometheus-ca-file (or -prometheus-ca-path), -prometheus-cert-file and \
                 -prometheus-key-file",
            )),
        }
    }
}
