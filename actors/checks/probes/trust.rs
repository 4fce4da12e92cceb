//! TLS of checks: whose certificates are trusted, and what is spoken inside.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WantsClientCert};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::pem::{self, CertificateError};

/// What the client says it will speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Alpn {
    /// Nothing: it only connects.
    Silent,
    /// Whatever HTTP the server prefers.
    Http,
    Http2,
}

/// How a client connects, made once.
pub struct Trust {
    verifying: Configs,
    anybody: Configs,
}

struct Configs {
    silent: Arc<ClientConfig>,
    http: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

/// What checks show and whom they trust, where the agent's configuration says it (`enable_agent_tls_for_checks`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AgentTls {
    /// Certificate and key.
    pub shown: Option<(PathBuf, PathBuf)>,
    /// Without authorities: what the system trusts.
    pub ca: Option<PathBuf>,
    /// The same, a directory of files.
    pub ca_path: Option<PathBuf>,
}

/// What is trusted from now on; read from the system when the first check with TLS runs, unless somebody said it before.
#[derive(Clone, Default)]
pub struct CurrentTrust(Arc<ArcSwapOption<Trust>>);

impl CurrentTrust {
    /// `None`: what the system trusts.
    pub fn set(&self, trust: Option<Trust>) {
        self.0.store(trust.map(Arc::new));
    }

    pub fn get(&self) -> Result<Arc<Trust>, Error> {
        if let Some(known) = self.0.load_full() {
            return Ok(known);
        }
        let read = Arc::new(Trust::of_system()?);
        // somebody may have been faster, with something better
        self.0.compare_and_swap(&None::<Arc<Trust>>, Some(Arc::clone(&read)));
        Ok(self.0.load_full().unwrap_or(read))
    }
}

impl From<Trust> for CurrentTrust {
    fn from(trust: Trust) -> Self {
        Self(Arc::new(ArcSwapOption::from_pointee(trust)))
    }
}

impl Trust {
    /// # Errors
    /// When a file cannot be used.
    pub fn of_agent(tls: &AgentTls) -> Result<Self, CertificateError> {
        let (ca, ca_path) = (tls.ca.as_deref(), tls.ca_path.as_deref());
        let roots = if ca.is_some() || ca_path.is_some() { pem::roots(ca, ca_path)? } else { roots_of_system() };
        let Some((certificate, key)) = &tls.shown else {
            return Self::of(roots)
                .map_err(|error| CertificateError::new(ca.or(ca_path).unwrap_or(Path::new("")), error));
        };
        let chain = pem::certificates(certificate)?;
        let shown = |builder: ConfigBuilder<ClientConfig, WantsClientCert>| {
            builder
                .with_client_auth_cert(chain.clone(), pem::private_key(key)?)
                .map_err(|error| CertificateError::of_pair(certificate, key, error))
        };
        let [verifying, anybody] = builders(roots).map_err(|error| CertificateError::new(certificate, error))?;
        Ok(Self { verifying: Configs::of(shown(verifying)?), anybody: Configs::of(shown(anybody)?) })
    }

    fn of_system() -> Result<Self, Error> {
        Self::of(roots_of_system())
    }

    pub fn of(roots: RootCertStore) -> Result<Self, Error> {
        let [verifying, anybody] = builders(roots)?.map(ConfigBuilder::<_, WantsClientCert>::with_no_client_auth);
        Ok(Self { verifying: Configs::of(verifying), anybody: Configs::of(anybody) })
    }

    pub fn config(&self, skip_verify: bool, alpn: Alpn) -> Arc<ClientConfig> {
        let configs = if skip_verify { &self.anybody } else { &self.verifying };
        Arc::clone(match alpn {
            Alpn::Silent => &configs.silent,
            Alpn::Http => &configs.http,
            Alpn::Http2 => &configs.http2,
        })
    }
}

/// What the system trusts. What of it cannot be read is left out, with a warning.
fn roots_of_system() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate the system trusts cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

/// Of clients that trust these roots, and of those that trust anybody.
fn builders(roots: RootCertStore) -> Result<[ConfigBuilder<ClientConfig, WantsClientCert>; 2], Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = || ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let anybody = anybody(Arc::clone(&provider));
    Ok([builder()?.with_root_certificates(roots), builder()?.dangerous().with_custom_certificate_verifier(anybody)])
}

impl Configs {
    fn of(mut config: ClientConfig) -> Self {
        // a session that is resumed does not show its certificate, which may have expired since
        config.resumption = Resumption::disabled();
        let speaking = |protocols: &[&str]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
            Arc::new(config)
        };
        Self { silent: speaking(&[]), http: speaking(&["h2", "http/1.1"]), http2: speaking(&["h2"]) }
    }
}

/// Takes any certificate (`TLSSkipVerify`), as long as the peer holds its key.
pub fn anybody(provider: Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Anybody(provider))
}

#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
