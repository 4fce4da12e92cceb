//! TCP, with or without TLS, and UDP.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use chancery::model::check::SocketProbe;

use super::dialler::{DialError, Dialler, host_and_port};
use super::trust::Alpn;

/// That it accepts a connection.
pub async fn tcp(probe: &SocketProbe, dialler: &Dialler) -> Result<(), DialError> {
    let (host, port) = host_and_port(&probe.address)?;
    let stream = dialler.connect(host, port).await?;
    if let Some(tls) = &probe.tls {
        dialler.secure(stream, host, tls, Alpn::Silent).await?;
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
pub enum UdpError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("{0} could not be looked up within {1:?}")]
    Lookup(String, Duration),
    #[error("{0}")]
    Socket(#[from] io::Error),
}

/// That its host does not say that nobody is there. Most UDP servers have no answer to an empty datagram, so silence for
/// the whole time is as good as an answer: only an error is bad.
pub async fn udp(address: &str, dialler: &Dialler, wait: Duration) -> Result<&'static str, UdpError> {
    let deadline = Instant::now() + wait;
    let (host, port) = host_and_port(address)?;
    let found = timeout_at(deadline, dialler.names.addresses(host, port)).await;
    let addresses = found.map_err(|_| UdpError::Lookup(host.to_owned(), wait))??;
    let Some(peer) = addresses.first() else { return Err(DialError::Address(address.to_owned()).into()) };
    let own: SocketAddr =
        if peer.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(own).await?;
    socket.connect(peer).await?;
    socket.send(&[]).await?;
    match timeout_at(deadline, socket.recv(&mut [0; 1])).await {
        Ok(answer) => answer.map(|_| "Success").map_err(UdpError::Socket),
        Err(_) => Ok("Success (no answer, and no error)"),
    }
}
