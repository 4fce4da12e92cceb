//! How a command finds its agent: flags first, then the environment, then the agent on this machine.

use std::fmt;
use std::path::PathBuf;

use clap::Args;

use super::api::AgentApi;
use super::error::CliError;

const DEFAULT_ADDRESS: &str = "127.0.0.1:8500";

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "HTTP API options")]
pub(super) struct HttpFlags {
    /// The agent: host:port, http://host:port or unix:///path [env: CHANCERY_HTTP_ADDR, CONSUL_HTTP_ADDR] [default: 127.0.0.1:8500]
    #[arg(long, value_name = "ADDRESS")]
    http_addr: Option<String>,
    /// The token to send [env: CONSUL_HTTP_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// A file that holds the token [env: CONSUL_HTTP_TOKEN_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// The datacenter to ask; the agent's own if not given
    #[arg(long, value_name = "NAME")]
    datacenter: Option<String>,
}

/// Where an agent's HTTP API listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum HttpAddress {
    /// `host:port`.
    Tcp(String),
    /// Path of a unix socket.
    Unix(PathBuf),
}

impl fmt::Display for HttpAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(out, "http://{address}"),
            Self::Unix(path) => write!(out, "unix://{}", path.display()),
        }
    }
}

impl HttpAddress {
    fn parse(text: &str) -> Result<Self, CliError> {
        if let Some(path) = text.strip_prefix("unix://") {
            return Ok(Self::Unix(path.into()));
        }
        if text.starts_with("https://") {
            return Err(no_tls(text));
        }
        let address = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        let is_socket =
            address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if address.contains('/') || !is_socket {
            return Err(CliError::usage(format!("the agent's address must be host:port, it is {text:?}")));
        }
        Ok(Self::Tcp(address.to_owned()))
    }
}

fn no_tls(asked_by: &str) -> CliError {
    CliError::usage(format!("{asked_by}: HTTPS to the agent is not supported yet, use http://host:port"))
}

/// A variable of the environment; empty counts as unset.
pub(super) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl HttpFlags {
    pub fn connect(&self) -> Result<AgentApi, CliError> {
        AgentApi::new(self.address(env)?, self.token(env)?, self.datacenter.clone())
    }

    fn address(&self, env: impl Fn(&str) -> Option<String>) -> Result<HttpAddress, CliError> {
        if env("CONSUL_HTTP_SSL")
            .is_some_and(|word| matches!(word.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"))
        {
            return Err(no_tls("CONSUL_HTTP_SSL"));
        }
        let given = self.http_addr.clone().or_else(|| env("CHANCERY_HTTP_ADDR")).or_else(|| env("CONSUL_HTTP_ADDR"));
        HttpAddress::parse(given.as_deref().unwrap_or(DEFAULT_ADDRESS))
    }

    /// A token on the command line is seen by everyone on the machine: a file or the environment is the better way.
    pub fn token(&self, env: impl Fn(&str) -> Option<String>) -> Result<Option<String>, CliError> {
        if let Some(token) = &self.token {
            return Ok(Some(token.clone()));
        }
        let file = self.token_file.clone();
        let file = file
            .or_else(|| env("CONSUL_HTTP_TOKEN").is_none().then(|| env("CONSUL_HTTP_TOKEN_FILE"))?.map(PathBuf::from));
        match file {
            Some(path) => {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| CliError::file(&path.display().to_string(), &error))?;
                Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty()))
            }
            None => Ok(env("CONSUL_HTTP_TOKEN")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HttpAddress, HttpFlags};

    fn address(flag: Option<&str>, env: &[(&str, &str)]) -> Result<HttpAddress, String> {
        let flags = HttpFlags { http_addr: flag.map(str::to_owned), ..HttpFlags::default() };
        let lookup = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        flags.address(lookup).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_come_before_the_environment_and_our_own_variable_before_consuls() {
        let both = [("CONSUL_HTTP_ADDR", "c:1"), ("CHANCERY_HTTP_ADDR", "http://own:2/")];
        assert_eq!(address(Some("flag:3"), &both), Ok(HttpAddress::Tcp("flag:3".to_owned())));
        assert_eq!(address(None, &both), Ok(HttpAddress::Tcp("own:2".to_owned())));
        assert_eq!(address(None, &both[..1]), Ok(HttpAddress::Tcp("c:1".to_owned())));
        assert_eq!(address(None, &[]), Ok(HttpAddress::Tcp("127.0.0.1:8500".to_owned())));
        assert_eq!(address(Some("unix:///run/a.sock"), &[]), Ok(HttpAddress::Unix("/run/a.sock".into())));
    }

    #[test]
    fn https_is_refused_aloud() {
        for refused in [address(Some("https://a:1"), &[]), address(None, &[("CONSUL_HTTP_SSL", "true")])] {
            let told = refused.expect_err("there is no TLS");
            assert!(told.contains("HTTPS to the agent is not supported yet"), "{told}");
        }
        assert!(address(None, &[("CONSUL_HTTP_SSL", "false")]).is_ok());
    }

    #[test]
    fn an_address_without_a_port_is_refused() {
        for wrong in ["localhost", ":8500", "localhost:port", "http://a:1/path"] {
            let told = address(Some(wrong), &[]).expect_err("it is no host:port");
            assert!(told.contains("must be host:port"), "{told}");
        }
    }
}
