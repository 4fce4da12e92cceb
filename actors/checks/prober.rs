//! Asking an instance how it is, once.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::time::timeout;

use chancery::model::check::HttpProbe;
use chancery::model::{CheckDefinition, Status};

use super::http_probe;
use super::output;
use super::tls::Trust;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// What is asked in one run.
#[derive(Clone, PartialEq, Debug)]
pub struct Question {
    pub target: Target,
    pub timeout: Duration,
    /// Bytes of the answer that are kept.
    pub output_limit: usize,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Target {
    Http(HttpProbe),
    /// `host:port`.
    Tcp(String),
}

/// What one run found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    pub status: Status,
    pub output: String,
}

impl Found {
    pub fn critical(output: String) -> Self {
        Self { status: Status::Critical, output }
    }
}

pub trait Prober: Send + Sync {
    /// Asks once. Answers, at the latest, when the question's timeout is over.
    fn ask(&self, question: Arc<Question>) -> BoxFuture<'static, Found>;
}

/// Asks over the network.
#[derive(Default)]
pub struct Sockets {
    /// Whose certificates are trusted; read from the system when the first `https` check runs.
    trust: Arc<OnceLock<Trust>>,
}

impl Question {
    pub fn new(target: Target, definition: &CheckDefinition) -> Self {
        let timeout = if definition.timeout.is_zero() { DEFAULT_TIMEOUT } else { definition.timeout };
        Self { target, timeout, output_limit: output::limit(definition.output_max_size) }
    }

    /// What is done, as the output begins.
    pub fn title(&self) -> String {
        match &self.target {
            Target::Http(probe) => format!("HTTP {} {}", http_probe::method(probe), probe.url),
            Target::Tcp(address) => format!("TCP connect {address}"),
        }
    }
}

impl Prober for Sockets {
    fn ask(&self, question: Arc<Question>) -> BoxFuture<'static, Found> {
        let trust = Arc::clone(&self.trust);
        async move {
            let answer = async {
                match &question.target {
                    Target::Http(probe) => {
                        http_probe::ask(probe, question.output_limit, &trust).await.map_err(|error| error.to_string())
                    }
                    Target::Tcp(address) => connect(address).await.map_err(|error| error.to_string()),
                }
            };
            let (status, said) = match timeout(question.timeout, answer).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => (Status::Critical, error),
                Err(_) => (Status::Critical, format!("no answer within {:?}", question.timeout)),
            };
            Found { status, output: format!("{}: {said}", question.title()) }
        }
        .boxed()
    }
}

async fn connect(address: &str) -> io::Result<(Status, String)> {
    TcpStream::connect(address).await?;
    Ok((Status::Passing, "Success".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn ask(target: Target, timeout: Duration) -> Found {
        Sockets::default().ask(Arc::new(Question { target, timeout, output_limit: 4096 })).await
    }

    #[tokio::test]
    async fn a_port_that_accepts_passes_and_one_that_is_closed_is_critical() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let open = ask(Target::Tcp(address.clone()), DEFAULT_TIMEOUT).await;
        assert_eq!(open, Found { status: Status::Passing, output: format!("TCP connect {address}: Success") });
        drop(listener);
        let closed = ask(Target::Tcp(address.clone()), DEFAULT_TIMEOUT).await;
        assert_eq!(closed.status, Status::Critical);
        assert!(closed.output.starts_with(&format!("TCP connect {address}: Connection refused")), "{}", closed.output);
    }

    #[tokio::test]
    async fn who_does_not_answer_in_time_is_critical() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        let target = Target::Http(HttpProbe { url: url.clone(), ..HttpProbe::default() });
        let found = ask(target, Duration::from_millis(30)).await;
        assert_eq!(found, Found::critical(format!("HTTP GET {url}: no answer within 30ms")));
    }
}
