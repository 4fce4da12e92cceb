//! What extensions have in common: whom they call, and where they stand.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::ServiceName;
use crate::model::words::words;

/// Whom an extension calls: one of the proxy's upstreams, or what listens beside the proxy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Callee {
    /// Empty: at the address.
    pub service: ServiceName,
    /// `127.0.0.1` and a port.
    pub port: u16,
    pub timeout: Option<Duration>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GrpcCallee {
    pub callee: Callee,
    pub authority: String,
    pub initial_metadata: Vec<(String, String)>,
}

/// Where a filter stands among the others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Location {
    First,
    /// Before the one that ends the chain.
    Last,
    BeforeFirst(String),
    AfterFirst(String),
    BeforeLast(String),
    AfterLast(String),
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TextMatch {
    pub kind: TextMatchKind,
    pub text: String,
    pub ignore_case: bool,
}

words! {
    TextMatchKind {
        Exact = "Exact",
        Prefix = "Prefix",
        Suffix = "Suffix",
        Contains = "Contains",
        Regex = "SafeRegex",
    }
}
