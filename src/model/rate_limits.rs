//! How many requests an instance of a service takes.

use serde::{Deserialize, Serialize};

use super::http::PathMatch;

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RateLimits {
    /// Of all requests that no route is for. `None`: as many as come.
    pub all: Option<Rate>,
    /// The first whose path a request has counts it, and nothing else does.
    pub routes: Vec<RouteLimit>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct RouteLimit {
    pub path: PathMatch,
    pub rate: Rate,
}

/// Over time so many, and so many at once after a quiet time; neither is 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Rate {
    pub per_second: u32,
    pub burst: u32,
}

impl RateLimits {
    pub fn is_empty(&self) -> bool {
        self.all.is_none() && self.routes.is_empty()
    }
}
