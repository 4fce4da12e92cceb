//! TLS of checks: whose certificates are trusted, and what is spoken inside.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

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

impl Trust {
    /// Trusts what the system trusts. What of it cannot be read is left out, with a warning.
    pub fn of_system() -> Result<Self, Error> {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "a certificate the system trusts cannot be read");
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        Self::of(roots)
    }

    pub fn of(roots: RootCertStore) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let builder =
            || ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let anybody = anybody(Arc::clone(&provider));
        Ok(Self {
            verifying: Configs::of(builder()?.with_root_certificates(roots).with_no_client_auth()),
            anybody: Configs::of(
                builder()?.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth(),
            ),
        })
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
