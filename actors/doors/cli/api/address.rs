//! Where an agent's HTTP API listens.

use std::fmt;
use std::path::PathBuf;

use crate::doors::cli::error::CliError;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::doors::cli) enum HttpAddress {
    Tcp {
        /// `host:port`.
        authority: String,
        tls: bool,
        /// What stands before every path (`/consul`), for an agent behind a proxy; empty or without a slash at its end.
        prefix: String,
    },
    /// Path of a unix socket.
    Unix(PathBuf),
}

impl fmt::Display for HttpAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { authority, tls, prefix } => {
                write!(out, "{}://{authority}{prefix}", if *tls { "https" } else { "http" })
            }
            Self::Unix(path) => write!(out, "unix://{}", path.display()),
        }
    }
}

impl HttpAddress {
    /// `tls`: whether an address without a scheme means HTTPS.
    pub fn parse(text: &str, tls: bool) -> Result<Self, CliError> {
        if let Some(path) = text.strip_prefix("unix://") {
            return Ok(Self::Unix(path.into()));
        }
        let (rest, tls) = match text.split_once("://") {
            Some(("http", rest)) => (rest, tls),
            Some(("https", rest)) => (rest, true),
            Some((scheme, _)) => {
                return Err(CliError::usage(format!(
                    "the agent's address {text:?} has the scheme {scheme:?}: use http, https or unix"
                )));
            }
            None => (text, tls),
        };
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let is_socket =
            authority.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if !is_socket {
            return Err(CliError::usage(format!("the agent's address must be host:port, it is {text:?}")));
        }
        Ok(Self::Tcp { authority: authority.to_owned(), tls, prefix: prefix.trim_end_matches('/').to_owned() })
    }

    /// The name or address before the port, without brackets.
    pub fn host(&self) -> &str {
        match self {
            Self::Tcp { authority, .. } => {
                let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
                host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
            }
            Self::Unix(_) => "localhost",
        }
    }

    /// What the header `Host` says.
    pub fn authority(&self) -> &str {
        match self {
            Self::Tcp { authority, .. } => authority,
            Self::Unix(_) => "localhost",
        }
    }

    pub fn prefix(&self) -> &str {
        match self {
            Self::Tcp { prefix, .. } => prefix,
            Self::Unix(_) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, tls: bool) -> String {
        match HttpAddress::parse(text, tls) {
            Ok(address) => format!("{address} {}", address.host()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_address_may_have_a_scheme_and_a_prefix() {
        assert_eq!(shown("a:1", false), "http://a:1 a");
        assert_eq!(shown("a:1", true), "https://a:1 a");
        assert_eq!(shown("http://a:1/", true), "https://a:1 a", "CONSUL_HTTP_SSL means it");
        assert_eq!(shown("https://[::1]:8501/consul/", false), "https://[::1]:8501/consul ::1");
        assert_eq!(shown("unix:///run/a.sock", true), "unix:///run/a.sock localhost");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in ["localhost", ":8500", "localhost:port", "http://a/x"] {
            assert!(shown(wrong, false).contains("must be host:port"), "{wrong}");
        }
        assert!(shown("ftp://a:1", false).contains("use http, https or unix"));
    }
}
