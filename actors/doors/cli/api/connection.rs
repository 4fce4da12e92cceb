//! One connection to the agent, for one request.

use std::sync::Arc;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::HttpAddress;

/// How to speak TLS with the agent.
pub(super) struct Tls {
    pub config: Arc<ClientConfig>,
    pub server_name: String,
}

/// Sends one request. The connection ends with the runtime, or when the answer has been read.
pub(super) async fn send(
    address: &HttpAddress,
    tls: Option<&Tls>,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, String> {
    let told = |error: std::io::Error| error.to_string();
    match (address, tls) {
        (HttpAddress::Tcp { authority, .. }, None) => {
            exchange(TcpStream::connect(authority).await.map_err(told)?, request).await
        }
        (HttpAddress::Tcp { authority, .. }, Some(tls)) => {
            let name = ServerName::try_from(tls.server_name.clone())
                .map_err(|_| format!("{:?} is no name for a certificate", tls.server_name))?;
            let stream = TcpStream::connect(authority).await.map_err(told)?;
            let stream = TlsConnector::from(Arc::clone(&tls.config)).connect(name, stream).await.map_err(told)?;
            exchange(stream, request).await
        }
        (HttpAddress::Unix(path), _) => exchange(UnixStream::connect(path).await.map_err(told)?, request).await,
    }
}

async fn exchange<Stream>(stream: Stream, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, String>
where
    Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // what breaks the connection is told by the request as well
    tokio::spawn(async move { _ = connection.await });
    sender.send_request(request).await.map_err(|error| error.to_string())
}
