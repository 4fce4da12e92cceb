//! How many requests Envoy lets through to the application, counted by this Envoy alone.

use std::collections::HashMap;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::RuntimeFractionalPercent;
use envoy_types::pb::envoy::config::route::v3::{Route, RouteConfiguration, RouteMatch, route_match::PathSpecifier};
use envoy_types::pb::envoy::extensions::filters::http::local_ratelimit::v3::LocalRateLimit;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
use envoy_types::pb::envoy::r#type::matcher::v3::RegexMatcher;
use envoy_types::pb::envoy::r#type::v3::{FractionalPercent, TokenBucket, fractional_percent::DenominatorType};
use envoy_types::pb::google::protobuf::UInt32Value;
use envoy_types::util::pack_any;

use super::duration;
use super::listener::http_filter;
use crate::model::http::PathMatch;
use crate::model::rate_limits::{Rate, RouteLimit};
use crate::model::{Protocol, RateLimits};

const FILTER: &str = "envoy.filters.http.local_ratelimit";
const STAT_PREFIX: &str = "http_local_rate_limiter";

/// `None` without limits. It stands behind the authorisation: who may not call uses nothing up.
pub(super) fn filter(limits: &RateLimits, protocol: Protocol) -> Option<HttpFilter> {
    (!limits.is_empty()).then(|| http_filter(FILTER, limit(limits.all, protocol)))
}

/// Puts a route for each limited path before the route of all requests, which leads where they lead.
pub(super) fn divide(routes: &mut RouteConfiguration, limits: &RateLimits, protocol: Protocol) {
    for host in &mut routes.virtual_hosts {
        let Some(all) = host.routes.first().cloned() else { continue };
        let limited = limits.routes.iter().map(|one| of_path(&all, one, protocol));
        host.routes.splice(..0, limited.collect::<Vec<_>>());
    }
}

fn of_path(all: &Route, limited: &RouteLimit, protocol: Protocol) -> Route {
    let path = match &limited.path {
        PathMatch::Exact(path) => PathSpecifier::Path(path.clone()),
        PathMatch::Prefix(path) => PathSpecifier::Prefix(path.clone()),
        PathMatch::Regex(regex) => {
            PathSpecifier::SafeRegex(RegexMatcher { regex: regex.clone(), ..Default::default() })
        }
    };
    let limit = pack_any(limit(Some(limited.rate), protocol));
    Route {
        r#match: Some(RouteMatch { path_specifier: Some(path), ..Default::default() }),
        typed_per_filter_config: HashMap::from([(FILTER.to_owned(), limit)]),
        ..all.clone()
    }
}

fn limit(rate: Option<Rate>, protocol: Protocol) -> LocalRateLimit {
    let stat_prefix = STAT_PREFIX.to_owned();
    let Some(rate) = rate else { return LocalRateLimit { stat_prefix, ..Default::default() } };
    LocalRateLimit {
        stat_prefix,
        token_bucket: Some(TokenBucket {
            max_tokens: rate.burst,
            tokens_per_fill: Some(UInt32Value { value: rate.per_second }),
            fill_interval: Some(duration(Duration::from_secs(1))),
        }),
        filter_enabled: Some(always()),
        filter_enforced: Some(always()),
        rate_limited_as_resource_exhausted: protocol == Protocol::Grpc,
        ..Default::default()
    }
}

fn always() -> RuntimeFractionalPercent {
    let all = FractionalPercent { numerator: 100, denominator: DenominatorType::Hundred.into() };
    RuntimeFractionalPercent { default_value: Some(all), ..Default::default() }
}
