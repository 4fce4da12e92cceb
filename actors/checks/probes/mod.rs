//! Asking in earnest: a file for each way to ask, and what they share.
//!
//! | file | what it is |
//! |---|---|
//! | `http/` | HTTP, with redirects |
//! | `socket.rs` | TCP and UDP |
//! | `http2.rs` | gRPC's protocol for health, and a ping |
//! | `script.rs` | a program |
//! | `dialler.rs`, `names.rs`, `trust.rs` | connections, host names, certificates |

mod dialler;
mod http;
mod http2;
mod names;
mod script;
mod socket;
pub mod trust;

use std::fmt::Display;
use std::future::pending;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::timeout;

use chancery::model::check::SocketProbe;
use chancery::model::{Status, Target};

use super::prober::{Found, Prober, Question};

use self::dialler::Dialler;
pub use self::trust::{AgentTls, CurrentTrust, Trust};

/// The prober of a running agent.
#[derive(Clone, Default)]
pub struct Probes {
    dialler: Dialler,
}

impl Probes {
    pub fn trusting(trust: CurrentTrust) -> Self {
        Self { dialler: Dialler::trusting(trust) }
    }
}

impl Prober for Probes {
    fn ask(&self, question: Arc<Question>) -> BoxFuture<'static, Found> {
        let probes = self.clone();
        async move {
            let answer = probes.answer(&question);
            let answer = match &question.target {
                // keeps the time itself, because silence is an answer there
                Target::Udp(_) => Ok(answer.await),
                _ => timeout(question.timeout, answer).await,
            };
            if let (Target::Script(args), Err(_)) = (&question.target, &answer) {
                let output = format!("{}: ended after {:?}", args.join(" "), question.timeout);
                return Found::critical(output);
            }
            let (status, said) = match answer {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => (Status::Critical, error),
                Err(_) => (Status::Critical, format!("no answer within {:?}", question.timeout)),
            };
            let output = match title(&question.target) {
                // a program says all that is to be said
                None => said,
                Some(title) => format!("{title}: {said}"),
            };
            Found { status, output }
        }
        .boxed()
    }
}

impl Probes {
    async fn answer(&self, question: &Question) -> Result<(Status, String), String> {
        let dialler = &self.dialler;
        match &question.target {
            Target::Http(probe) => http::ask(probe, question.output_limit, dialler).await.map_err(in_words),
            Target::Tcp(probe) => passes(socket::tcp(probe, dialler).await, "Success"),
            Target::Udp(address) => {
                let answer = socket::udp(address, dialler, question.timeout).await;
                answer.map(|said| (Status::Passing, said.to_owned())).map_err(in_words)
            }
            Target::Grpc { server, service } => passes(http2::grpc(server, service, dialler).await, "success"),
            Target::Script(args) => script::run(args, question.output_limit).await.map_err(in_words),
            Target::H2Ping(probe) => passes(http2::ping(probe, dialler).await, "HTTP2 ping was successful"),
        }
    }
}

fn passes(answer: Result<(), impl Display>, said: &str) -> Result<(Status, String), String> {
    answer.map(|()| (Status::Passing, said.to_owned())).map_err(in_words)
}

fn in_words(error: impl Display) -> String {
    error.to_string()
}

/// What is done, as the output begins.
fn title(target: &Target) -> Option<String> {
    Some(match target {
        Target::Http(probe) => format!("HTTP {} {}", http::method(probe), probe.url),
        Target::Tcp(SocketProbe { address, .. }) => format!("TCP connect {address}"),
        Target::Udp(address) => format!("UDP connect {address}"),
        Target::Grpc { server, service } if service.is_empty() => format!("gRPC check {}", server.address),
        Target::Grpc { server, service } => format!("gRPC check {}/{service}", server.address),
        Target::H2Ping(SocketProbe { address, .. }) => format!("HTTP2 ping {address}"),
        Target::Script(_) => return None,
    })
}

/// Drives the connection while the exchange goes on. When the connection ends, well or not, the exchange gets to know and
/// says how it went.
async fn beside<T>(connection: impl Future, exchange: impl Future<Output = T>) -> T {
    let connection = async {
        connection.await;
        pending().await
    };
    tokio::select! {
        answer = exchange => answer,
        never = connection => never,
    }
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
