//! The agent's doors: opened at its start, told of a new configuration, closed at its end.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::AgentError;
use crate::config::AgentConfig;
use crate::doors::grpc::{self, GrpcParts};
use crate::doors::http::{self, HttpState, Process, RequestRates};
use crate::doors::listening::{
    Caller, Certificate, CertificateFiles, ClientLimit, ListenAddress, Port, SecurePort, SocketFile, Spoken, bind,
};
use crate::wiring::House;

/// A door that does not close in this time is left standing: its clients know how to come back.
const CLOSING: Duration = Duration::from_secs(1);

pub(super) struct Doors {
    open: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    limit: ClientLimit,
    rates: RequestRates,
    https: Option<Certificate>,
    grpc: Option<Certificate>,
}

impl Doors {
    pub(super) fn open(house: &House, config: &AgentConfig, process: &Process) -> Result<Self, AgentError> {
        let read = |files: &Option<CertificateFiles>, spoken| {
            files.as_ref().map(|files| Certificate::read(files, spoken)).transpose()
        };
        let https = read(&config.certificate, Spoken::Http1)?;
        let grpc = read(&config.grpc_certificate, Spoken::Http2)?;
        let limit = ClientLimit::default();
        limit.set(config.http_settings.max_connections_per_client);
        let rates = RequestRates::default();
        rates.set(config.http_settings.request_limits);
        let mut doors = Self { open: Vec::new(), stop: watch::Sender::new(false), limit, rates, https, grpc };
        let http = HttpDoors { house, config, process, rates: doors.rates.clone() };
        for address in &config.http {
            doors.http(&http, address)?;
        }
        if let Some(certificate) = doors.https.clone() {
            for address in &config.https {
                doors.https(&http, *address, &certificate)?;
            }
        }
        for address in &config.grpc {
            doors.grpc(house, config, *address, None)?;
        }
        if let Some(certificate) = doors.grpc.clone() {
            for address in &config.grpc_tls {
                doors.grpc(house, config, *address, Some(&certificate))?;
            }
        }
        Ok(doors)
    }

    fn http(&mut self, http: &HttpDoors<'_>, address: &ListenAddress) -> Result<(), AgentError> {
        match address {
            ListenAddress::Port(socket) => {
                let port = Port::open(*socket, self.limit.clone());
                let port = port.map_err(|error| taken("HTTP", address, "-http-port", error))?;
                self.keep(http.serve(port, self.when_stopped()));
            }
            ListenAddress::Socket(path) => {
                let file = SocketFile::open(path, http.config.socket_owner);
                let file = file.map_err(|error| taken("HTTP", address, "addresses.http", error))?;
                self.keep(http.serve(file, self.when_stopped()));
            }
        }
        tracing::info!(%address, "HTTP is listening");
        Ok(())
    }

    fn https(
        &mut self,
        http: &HttpDoors<'_>,
        address: SocketAddr,
        certificate: &Certificate,
    ) -> Result<(), AgentError> {
        let port = Port::open(address, self.limit.clone());
        let port = port.map_err(|error| taken("HTTPS", &ListenAddress::Port(address), "-https-port", error))?;
        let patience = http.config.http_settings.handshake_patience;
        self.keep(http.serve(SecurePort::new(port, certificate, patience), self.when_stopped()));
        tracing::info!(%address, "HTTPS is listening");
        Ok(())
    }

    /// In plaintext, unless there is a certificate.
    fn grpc(
        &mut self,
        house: &House,
        config: &AgentConfig,
        address: SocketAddr,
        certificate: Option<&Certificate>,
    ) -> Result<(), AgentError> {
        let (door, flag) =
            if certificate.is_some() { ("gRPC with TLS", "-grpc-tls-port") } else { ("gRPC", "-grpc-port") };
        let listener = bind(address).map_err(|error| taken(door, &ListenAddress::Port(address), flag, error))?;
        tracing::info!(%address, "{door} is listening");
        let parts = GrpcParts {
            streams: house.streams.clone(),
            loads: house.loads.clone(),
            own_node: config.node_name.clone(),
        };
        let serving = grpc::serve(parts, listener, certificate.cloned(), self.when_stopped());
        self.keep(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the gRPC door failed");
            }
        });
        Ok(())
    }

    fn keep(&mut self, door: impl Future<Output = ()> + Send + 'static) {
        self.open.push(tokio::spawn(door));
    }

    fn when_stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stopped = self.stop.subscribe();
        async move {
            _ = stopped.wait_for(|stopped| *stopped).await;
        }
    }

    /// What can change while they are open: the certificates, how many connections a client may have, and how many
    /// requests are answered.
    pub(super) fn reload(&self, config: &AgentConfig) -> Result<(), AgentError> {
        let doors = [(&self.https, &config.certificate), (&self.grpc, &config.grpc_certificate)];
        let open = doors.into_iter().filter_map(|(shown, files)| shown.as_ref().zip(files.as_ref()));
        let read = open.map(|(certificate, files)| Ok((certificate, certificate.read_again(files)?)));
        // none is shown before all are read
        for (certificate, config) in read.collect::<Result<Vec<_>, AgentError>>()? {
            certificate.show(config);
        }
        self.limit.set(config.http_settings.max_connections_per_client);
        self.rates.set(config.http_settings.request_limits);
        Ok(())
    }

    pub(super) async fn close(self) {
        _ = self.stop.send(true);
        for door in self.open {
            _ = tokio::time::timeout(CLOSING, door).await;
        }
    }
}

/// What every HTTP door is made of.
struct HttpDoors<'a> {
    house: &'a House,
    config: &'a AgentConfig,
    process: &'a Process,
    rates: RequestRates,
}

impl HttpDoors<'_> {
    fn serve<L, S>(&self, listener: L, shutdown: S) -> impl Future<Output = ()> + Send + use<L, S> + 'static
    where
        L: Listener<Addr = Caller>,
        S: Future<Output = ()> + Send + 'static,
        Caller: for<'a> Connected<IncomingStream<'a, L>>,
    {
        let state = HttpState::new(self.house.clone(), self.config, self.process.clone(), self.rates.clone());
        async move {
            if let Err(error) = http::serve(state, listener, shutdown).await {
                tracing::error!(%error, "the HTTP door failed");
            }
        }
    }
}

fn taken(door: &'static str, address: &ListenAddress, flag: &'static str, error: std::io::Error) -> AgentError {
    AgentError::Listen { door, address: address.clone(), flag, error }
}
