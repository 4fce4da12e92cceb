//! Connections for checks. Each check makes its own, every time: a connection that is kept says only that the instance
//! was well when it was made (see `src/decisions/`).

use std::io;

use futures_util::FutureExt as _;
use futures_util::future::select_ok;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use chancery::model::check::TlsProbe;

use super::names::Names;
use super::trust::{Alpn, CurrentTrust};

#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("cannot connect: {0}")]
    Connect(#[from] io::Error),
    #[error("TLS is not available: {0}")]
    Tls(#[from] rustls::Error),
    #[error("TLS failed: {0}")]
    Handshake(io::Error),
    #[error("the name {0:?} cannot be in a certificate; set TLSServerName")]
    ServerName(String),
    #[error("expected host:port, got {0:?}")]
    Address(String),
}

#[derive(Clone, Default)]
pub struct Dialler {
    pub names: Names,
    trust: CurrentTrust,
}

impl Dialler {
    pub fn trusting(trust: CurrentTrust) -> Self {
        Self { trust, ..Self::default() }
    }

    /// Of a name with several addresses, the first that accepts speaks for all.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, DialError> {
        let addresses = self.names.addresses(host, port).await?;
        let attempts = addresses.into_iter().map(|address| TcpStream::connect(address).boxed());
        let (stream, _others) = select_ok(attempts).await?;
        Ok(stream)
    }

    /// A TLS session over the stream, with a full handshake.
    pub async fn secure(
        &self,
        stream: TcpStream,
        host: &str,
        tls: &TlsProbe,
        alpn: Alpn,
    ) -> Result<TlsStream<TcpStream>, DialError> {
        let config = self.trust.get()?.config(tls.skip_verify, alpn);
        let name = if tls.server_name.is_empty() { host } else { &tls.server_name };
        let name = ServerName::try_from(name.to_owned()).map_err(|_| DialError::ServerName(name.to_owned()))?;
        TlsConnector::from(config).connect(name, stream).await.map_err(DialError::Handshake)
    }
}

/// Host and port of `host:port`; an IPv6 address stands in brackets there, and nowhere else.
pub fn host_and_port(address: &str) -> Result<(&str, u16), DialError> {
    let parts =
        address.rsplit_once(':').and_then(|(host, port)| Some((host.trim_matches(['[', ']']), port.parse().ok()?)));
    parts.ok_or_else(|| DialError::Address(address.to_owned()))
}
