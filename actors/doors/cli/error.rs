//! What a command can fail with. The text is for the person at the terminal.

use std::fmt::Display;
use std::io;

use http::StatusCode;

#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The command line or the environment asks for what cannot be done.
    #[error("{0}")]
    Usage(String),
    #[error("Error connecting to Chancery agent: {address}: {reason}: is it running?")]
    Unreachable { address: String, reason: String },
    /// In the words that users of Consul's clients know.
    #[error("Unexpected response code: {} ({body})", status.as_u16())]
    Refused { status: StatusCode, body: String },
    #[error("the agent's answer to {request} is not what it should be: {reason}")]
    Misread { request: String, reason: String },
    #[error("{path}: {reason}")]
    File { path: String, reason: String },
    #[error("{what}: {error}")]
    System { what: String, error: io::Error },
    #[error(transparent)]
    Swarm(#[from] crate::swarm::SwarmError),
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub fn file(path: &str, reason: &dyn Display) -> Self {
        Self::File { path: path.to_owned(), reason: reason.to_string() }
    }

    /// For `map_err` after a call to the operating system.
    pub fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::System { what: what.into(), error }
    }
}
