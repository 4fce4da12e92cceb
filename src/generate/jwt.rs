//! The filter that proves tokens. It turns nobody away: it leaves in the request's metadata whose token was good, and
//! what that token claims, for the authorisation behind it to decide.

use std::collections::{BTreeSet, HashMap};

use envoy_types::pb::envoy::config::core::v3::{
    BackoffStrategy, DataSource, HttpUri, RetryPolicy, data_source::Specifier, http_uri::HttpUpstreamType,
};
use envoy_types::pb::envoy::config::route::v3::{RouteMatch, route_match::PathSpecifier};
use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::jwt_provider::JwksSourceSpecifier;
use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::jwt_requirement::RequiresType;
use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::requirement_rule::RequirementType;
use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::{
    JwksAsyncFetch, JwtAuthentication, JwtCacheConfig, JwtHeader, JwtProvider as Provider, JwtRequirement,
    JwtRequirementAndList, JwtRequirementOrList, RemoteJwks, RequirementRule,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
use envoy_types::pb::google::protobuf::{Empty, UInt32Value};

use super::listener::packed_filter;
use super::{cluster, duration, merged};
use crate::model::entry::JwtProvider;
use crate::model::entry::jwt_provider::{FetchRetry, KeySet, RemoteKeySet, TokenLocation};
use crate::model::intention::{Intention, Intentions};

/// The filter's name, and the namespace of what it leaves in a request's metadata.
pub(super) const FILTER: &str = "envoy.filters.http.jwt_authn";

/// Envoy demands one; its own default for calls elsewhere.
const FETCH_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);

/// Under which the claims of a good token of that provider are.
pub(super) fn payload_key(provider: &str) -> String {
    format!("jwt_payload_{provider}")
}

/// `None` when no intention asks for tokens, or none of the providers it asks for is known.
pub(super) fn filter(intentions: &Intentions) -> Option<HttpFilter> {
    let providers: Vec<(&str, &JwtProvider)> = used(intentions).collect();
    if providers.is_empty() {
        return None;
    }
    let rule = RequirementRule {
        r#match: Some(RouteMatch { path_specifier: Some(PathSpecifier::Prefix("/".to_owned())), ..Default::default() }),
        requirement_type: Some(RequirementType::Requires(try_all(providers.iter().map(|(name, _)| *name)))),
    };
    let one = |(name, provider): (&str, &JwtProvider)| JwtAuthentication {
        providers: HashMap::from([(name.to_owned(), of(name, provider))]),
        ..Default::default()
    };
    let rules = JwtAuthentication { rules: vec![rule], ..Default::default() };
    Some(packed_filter(FILTER, merged(providers.into_iter().map(one).chain([rules]))))
}

/// The known providers that somebody's token may be of, sorted by name.
pub(super) fn used(intentions: &Intentions) -> impl Iterator<Item = (&str, &JwtProvider)> {
    let names: BTreeSet<&str> = intentions.reached().iter().flat_map(Intention::providers).collect();
    names.into_iter().filter_map(|name| Some((name, intentions.providers.get(name)?)))
}

/// Each is tried, and none has to succeed.
fn try_all<'a>(names: impl Iterator<Item = &'a str>) -> JwtRequirement {
    let mut tries: Vec<JwtRequirement> = names.map(try_one).collect();
    if tries.len() == 1 {
        return tries.remove(0);
    }
    requirement(RequiresType::RequiresAll(JwtRequirementAndList { requirements: tries }))
}

fn try_one(name: &str) -> JwtRequirement {
    let good = requirement(RequiresType::ProviderName(name.to_owned()));
    let none = requirement(RequiresType::AllowMissingOrFailed(Empty {}));
    requirement(RequiresType::RequiresAny(JwtRequirementOrList { requirements: vec![good, none] }))
}

fn requirement(of: RequiresType) -> JwtRequirement {
    JwtRequirement { requires_type: Some(of) }
}

fn of(name: &str, provider: &JwtProvider) -> Provider {
    let mut made = Provider {
        issuer: provider.issuer.clone(),
        audiences: provider.audiences.clone(),
        payload_in_metadata: payload_key(name),
        clock_skew_seconds: u32::try_from(provider.clock_skew.as_secs()).unwrap_or(u32::MAX),
        jwks_source_specifier: Some(key_source(name, &provider.keys)),
        jwt_cache_config: (provider.cache_size > 0)
            .then(|| JwtCacheConfig { jwt_cache_size: provider.cache_size, ..Default::default() }),
        ..Default::default()
    };
    for location in &provider.locations {
        match location {
            TokenLocation::Header { name, value_prefix, forward } => {
                made.forward |= forward;
                made.from_headers.push(JwtHeader { name: name.clone(), value_prefix: value_prefix.clone() });
            }
            TokenLocation::QueryParam(name) => made.from_params.push(name.clone()),
            TokenLocation::Cookie(name) => made.from_cookies.push(name.clone()),
        }
    }
    if let Some(forwarding) = &provider.forwarding {
        made.forward_payload_header.clone_from(&forwarding.header_name);
        made.pad_forward_payload_header = forwarding.pad;
    }
    made
}

fn key_source(name: &str, keys: &KeySet) -> JwksSourceSpecifier {
    let local =
        |specifier| JwksSourceSpecifier::LocalJwks(DataSource { specifier: Some(specifier), ..Default::default() });
    match keys {
        KeySet::Inline(keys) => local(Specifier::InlineString(keys.clone())),
        KeySet::File(file) => local(Specifier::Filename(file.clone())),
        KeySet::Remote(remote) => JwksSourceSpecifier::RemoteJwks(fetch(name, remote)),
    }
}

fn fetch(name: &str, remote: &RemoteKeySet) -> RemoteJwks {
    let uri = HttpUri {
        uri: remote.uri.clone(),
        timeout: Some(duration(remote.request_timeout.filter(|timeout| !timeout.is_zero()).unwrap_or(FETCH_TIMEOUT))),
        http_upstream_type: Some(HttpUpstreamType::Cluster(cluster::jwks_name(name))),
    };
    RemoteJwks {
        http_uri: Some(uri),
        cache_duration: remote.cache_duration.map(duration),
        // fetched before the first request asks, which would wait for it
        async_fetch: Some(JwksAsyncFetch { fast_listener: remote.fetch_asynchronously, ..Default::default() }),
        retry_policy: remote.retry.map(retry),
    }
}

fn retry(retry: FetchRetry) -> RetryPolicy {
    RetryPolicy {
        num_retries: (retry.most > 0).then_some(UInt32Value { value: retry.most }),
        retry_back_off: retry.base_interval.map(|base| BackoffStrategy {
            base_interval: Some(duration(base)),
            max_interval: retry.max_interval.map(duration),
        }),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_may_be_in_a_file_of_the_proxys_machine() {
        let JwksSourceSpecifier::LocalJwks(keys) = key_source("p", &KeySet::File("/keys.json".to_owned())) else {
            panic!("they are not fetched");
        };
        assert_eq!(keys.specifier, Some(Specifier::Filename("/keys.json".to_owned())));
    }
}
