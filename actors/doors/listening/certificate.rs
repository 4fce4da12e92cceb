//! The certificate that a door shows, from files. It is read again with the configuration; connections that are open
//! keep what they have.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ServerConfig, SupportedProtocolVersion, version};
use tokio_rustls::TlsAcceptor;

use crate::pem::{self, CertificateError};

/// What the configuration says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CertificateFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
    /// Whose certificates clients must have, with [`Self::verify_incoming`].
    pub ca: Option<PathBuf>,
    /// The same, a directory of files.
    pub ca_path: Option<PathBuf>,
    /// Clients without a certificate of those authorities are sent away.
    pub verify_incoming: bool,
    pub oldest: OldestTls,
    /// Of TLS 1.2; empty: those that are safe.
    pub ciphers: CipherNames,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OldestTls {
    #[default]
    V12,
    V13,
}

/// Names such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`, each of which [`Self::parse`] knew.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CipherNames(Vec<String>);

impl CipherNames {
    /// # Errors
    /// When one is not known, with those that are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let known: Vec<String> = of_tls12(&ring::default_provider()).map(|suite| suite.1).collect();
        let names: Vec<String> =
            text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        match names.iter().find(|name| !known.iter().any(|known| same_suite(known, name))) {
            Some(other) => Err(format!("there is no cipher suite {other:?} here; there are {}", known.join(", "))),
            None => Ok(Self(names)),
        }
    }
}

/// Go names the suites of ChaCha20 with their hash, or without.
fn same_suite(known: &str, name: &str) -> bool {
    known == name || known.strip_suffix("_SHA256").is_some_and(|short| short == name && short.ends_with("POLY1305"))
}

fn of_tls12(provider: &CryptoProvider) -> impl Iterator<Item = (rustls::SupportedCipherSuite, String)> {
    let suites = provider.cipher_suites.iter().filter(|suite| suite.tls13().is_none());
    suites.map(|suite| (*suite, format!("{:?}", suite.suite())))
}

/// What is spoken through TLS, agreed upon in its handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spoken {
    Http1,
    /// As gRPC wants it.
    Http2,
}

impl Spoken {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// What is shown to clients that come from now on.
#[derive(Clone)]
pub struct Certificate {
    config: Arc<ArcSwap<ServerConfig>>,
    spoken: Spoken,
}

impl Certificate {
    /// # Errors
    /// When a file cannot be read, is not what it should be, or does not go with the others.
    pub fn read(files: &CertificateFiles, spoken: Spoken) -> Result<Self, CertificateError> {
        Ok(Self { config: Arc::new(ArcSwap::from_pointee(server_config(files, spoken)?)), spoken })
    }

    /// What is in the files now, to be shown in its place.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_again(&self, files: &CertificateFiles) -> Result<Arc<ServerConfig>, CertificateError> {
        server_config(files, self.spoken).map(Arc::new)
    }

    pub fn show(&self, config: Arc<ServerConfig>) {
        self.config.store(config);
    }

    /// For a client that comes now.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

fn server_config(files: &CertificateFiles, spoken: Spoken) -> Result<ServerConfig, CertificateError> {
    let chain = pem::certificates(&files.cert)?;
    let key = pem::private_key(&files.key)?;
    let provider = Arc::new(provider(&files.ciphers));
    let versions: &[&SupportedProtocolVersion] = match files.oldest {
        OldestTls::V12 => &[&version::TLS12, &version::TLS13],
        OldestTls::V13 => &[&version::TLS13],
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| CertificateError::new(&files.cert, error))?;
    let builder = match verifier(files, &provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|error| CertificateError::of_pair(&files.cert, &files.key, error))?;
    config.alpn_protocols = vec![spoken.name().to_vec()];
    Ok(config)
}

fn provider(ciphers: &CipherNames) -> CryptoProvider {
    let mut provider = ring::default_provider();
    if !ciphers.0.is_empty() {
        let named = |known: &str| ciphers.0.iter().any(|name| same_suite(known, name));
        let left_out: Vec<_> = of_tls12(&provider).filter(|(_, known)| !named(known)).map(|(suite, _)| suite).collect();
        provider.cipher_suites.retain(|suite| !left_out.contains(suite));
    }
    provider
}

fn verifier(
    files: &CertificateFiles,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, CertificateError> {
    if !files.verify_incoming {
        return Ok(None);
    }
    let roots = pem::roots(files.ca.as_deref(), files.ca_path.as_deref())?;
    let blamed = files.ca.as_ref().or(files.ca_path.as_ref()).unwrap_or(&files.cert);
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    verifier.map(Some).map_err(|error| CertificateError::new(blamed, error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(name);
            fs::write(&path, text).unwrap();
            path
        }

        fn made(&self, name: &str) -> CertificateFiles {
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate =
                rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
            CertificateFiles {
                cert: self.file(&format!("{name}.pem"), &certificate.pem()),
                key: self.file(&format!("{name}-key.pem"), &key.serialize_pem()),
                ..CertificateFiles::default()
            }
        }

        fn told(&self, files: &CertificateFiles) -> String {
            let error = server_config(files, Spoken::Http1).err().unwrap().to_string();
            error.replace(&*self.0.path().to_string_lossy(), "DIR")
        }
    }

    #[test]
    fn files_that_cannot_be_used_are_named_with_the_reason() {
        let folder = Folder::new();
        let (one, other) = (folder.made("one"), folder.made("other"));
        assert!(server_config(&one, Spoken::Http1).is_ok());
        let empty = CertificateFiles { cert: folder.file("empty.pem", ""), ..one.clone() };
        assert_eq!(folder.told(&empty), "DIR/empty.pem cannot be used for TLS: there is no certificate in it");
        let foreign = CertificateFiles { key: other.key, ..one.clone() };
        assert_eq!(
            folder.told(&foreign),
            "DIR/other-key.pem cannot be used for TLS: it is not the key of the certificate in DIR/one.pem"
        );
        let absent = CertificateFiles { cert: folder.0.path().join("none.pem"), ..one.clone() };
        assert!(folder.told(&absent).starts_with("DIR/none.pem cannot be used for TLS: "), "{}", folder.told(&absent));
        let keyless = CertificateFiles { key: one.cert.clone(), ..one.clone() };
        assert!(folder.told(&keyless).contains("no private key can be read from it"), "{}", folder.told(&keyless));
        let trusting = CertificateFiles { verify_incoming: true, ca: Some(folder.file("ca.pem", "nothing")), ..one };
        assert!(folder.told(&trusting).starts_with("DIR/ca.pem"), "{}", folder.told(&trusting));
    }

    #[test]
    fn only_the_suites_named_are_spoken() {
        let names = CipherNames::parse("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305")
            .unwrap();
        let left: Vec<String> = of_tls12(&provider(&names)).map(|suite| suite.1).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        let all = provider(&CipherNames::default());
        assert!(all.cipher_suites.len() > provider(&names).cipher_suites.len());
        let unknown = CipherNames::parse("TLS_RSA_WITH_RC4_128_SHA").unwrap_err();
        assert!(unknown.contains("TLS_RSA_WITH_RC4_128_SHA") && unknown.contains("there are TLS_ECDHE"), "{unknown}");
    }
}
