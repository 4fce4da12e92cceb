//! Where doors listen: on ports in plaintext or with TLS, and on unix sockets.
//!
//! | file | what it is |
//! |---|---|
//! | `port.rs` | a port in plaintext; how many connections one client may have |
//! | `secure.rs` | a port with TLS, and the handshake of every door |
//! | `certificate.rs` | what the files of TLS say |
//! | `socket_file.rs` | a unix socket, whose it is, and its end |

mod certificate;
mod port;
mod secure;
mod socket_file;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;

pub use certificate::{Certificate, CertificateFiles, CipherNames, OldestTls, Spoken};
pub use port::{ClientLimit, Port, bind};
pub use secure::{SecurePort, shake_hands};
pub use socket_file::{SocketFile, SocketOwner};

/// Where a door listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ListenAddress {
    Port(SocketAddr),
    /// A unix socket.
    Socket(PathBuf),
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(address) => address.fmt(out),
            Self::Socket(path) => write!(out, "unix://{}", path.display()),
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    Remote(IpAddr),
    /// A process of this machine, through a unix socket.
    Local,
}

impl Connected<IncomingStream<'_, Port>> for Caller {
    fn connect_info(stream: IncomingStream<'_, Port>) -> Self {
        *stream.remote_addr()
    }
}

impl Connected<IncomingStream<'_, SecurePort>> for Caller {
    fn connect_info(stream: IncomingStream<'_, SecurePort>) -> Self {
        *stream.remote_addr()
    }
}

impl Connected<IncomingStream<'_, SocketFile>> for Caller {
    fn connect_info(stream: IncomingStream<'_, SocketFile>) -> Self {
        *stream.remote_addr()
    }
}
