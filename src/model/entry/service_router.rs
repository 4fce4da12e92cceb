//! `service-router`: where requests for the service go, by what they ask for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::service_splitter::Weight;
use crate::model::fault::Fault;
use crate::model::http::{HeaderMatch, HeaderModifiers, PathMatch, QueryMatch};
use crate::model::names::ServiceName;
use crate::model::words::words;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServiceRouter {
    /// The first that matches is taken; a request that none matches goes to the service itself.
    pub routes: Vec<ServiceRoute>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServiceRoute {
    pub matches: RouteMatch,
    pub destination: RouteDestination,
}

/// All of it must hold. Nothing said: every request.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteMatch {
    pub path: Option<PathMatch>,
    /// Of the path.
    pub ignore_case: bool,
    pub headers: Vec<HeaderMatch>,
    pub query: Vec<QueryMatch>,
    /// Any of these. Empty: all.
    pub methods: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteDestination {
    /// `None`: the service that the router is named after.
    pub service: Option<ServiceName>,
    /// Empty: the service's default subset.
    pub subset: String,
    /// In place of the part of the path that was matched. Empty: the path stays.
    pub prefix_rewrite: String,
    pub request_timeout: Timeout,
    pub idle_timeout: Timeout,
    pub retries: Retries,
    pub request_headers: HeaderModifiers,
    pub response_headers: HeaderModifiers,
    pub mirror: Option<Mirror>,
    pub fault: Fault,
}

impl RouteDestination {
    pub(super) fn leads_to(&self) -> impl Iterator<Item = &ServiceName> {
        self.service.iter().chain(self.mirror.iter().filter_map(|mirror| mirror.service.as_ref()))
    }
}

/// Where copies of requests go. Nobody waits for their answers.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Mirror {
    /// `None`: the service that the requests themselves go to, in another subset.
    pub service: Option<ServiceName>,
    /// Empty: the service's default subset.
    pub subset: String,
    /// Of the requests; not 0.
    pub share: Weight,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Timeout {
    /// Envoy's.
    #[default]
    Default,
    After(Duration),
    Never,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Retries {
    /// 0: Envoy's default, one.
    pub most: u32,
    pub on_connect_failure: bool,
    pub on: Vec<RetryCondition>,
    pub on_status_codes: Vec<u32>,
}

words! {
    RetryCondition {
        ServerError = "5xx",
        GatewayError = "gateway-error",
        Reset = "reset",
        ConnectFailure = "connect-failure",
        EnvoyRateLimited = "envoy-ratelimited",
        Retriable4xx = "retriable-4xx",
        RefusedStream = "refused-stream",
        Cancelled = "cancelled",
        DeadlineExceeded = "deadline-exceeded",
        Internal = "internal",
        ResourceExhausted = "resource-exhausted",
        Unavailable = "unavailable",
    }
}
