//! A port with TLS. Handshakes are made beside each other, so that a client that is slow at it holds up nobody.

use std::fmt::Debug;
use std::io;
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::port::{Connection, Port};
use super::{Caller, Certificate};

/// Clients that may be at their handshake at a time; others wait to be accepted.
const SHAKING: usize = 256;

pub struct SecurePort {
    port: Port,
    certificate: Certificate,
    patience: Duration,
    shaking: JoinSet<Option<(TlsStream<Connection>, Caller)>>,
}

impl SecurePort {
    /// `patience`: how long a handshake may take.
    pub fn new(port: Port, certificate: &Certificate, patience: Duration) -> Self {
        Self { port, certificate: certificate.clone(), patience, shaking: JoinSet::new() }
    }

    fn shake_hands(&mut self, connection: Connection, caller: Caller) {
        let (acceptor, patience) = (self.certificate.acceptor(), self.patience);
        self.shaking.spawn(async move { Some((shake_hands(&acceptor, connection, &caller, patience).await?, caller)) });
    }
}

/// The connection with TLS; `None` when `caller` does not prove what is asked of it, or takes longer than `patience`.
pub async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    acceptor: &TlsAcceptor,
    connection: S,
    caller: &impl Debug,
    patience: Duration,
) -> Option<TlsStream<S>> {
    match timeout(patience, acceptor.accept(connection)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, ?caller, "a TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(?caller, "a TLS handshake took too long");
            None
        }
    }
}

impl Listener for SecurePort {
    type Io = TlsStream<Connection>;
    type Addr = Caller;

    async fn accept(&mut self) -> (Self::Io, Caller) {
        loop {
            let room = self.shaking.len() < SHAKING;
            tokio::select! {
                (connection, caller) = Listener::accept(&mut self.port), if room => self.shake_hands(connection, caller),
                Some(ended) = self.shaking.join_next() => if let Ok(Some(done)) = ended { return done },
            }
        }
    }

    fn local_addr(&self) -> io::Result<Caller> {
        self.port.local_addr()
    }
}
