//! Which requests a route takes.

use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::query_parameter_matcher::QueryParameterMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::config::route::v3::{HeaderMatcher, QueryParameterMatcher, Route, RouteMatch as Matcher};
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher, string_matcher::MatchPattern};
use envoy_types::pb::google::protobuf::BoolValue;

use crate::model::entry::service_router::RouteMatch;
use crate::model::http::{HeaderMatch, PathMatch, QueryMatch, TextMatch};

pub(super) fn route(matches: &RouteMatch) -> Matcher {
    let path = match &matches.path {
        None => PathSpecifier::Prefix("/".to_owned()),
        Some(PathMatch::Exact(path)) => PathSpecifier::Path(path.clone()),
        Some(PathMatch::Prefix(path)) => PathSpecifier::Prefix(path.clone()),
        Some(PathMatch::Regex(path)) => PathSpecifier::SafeRegex(regex(path)),
    };
    let headers = matches.headers.iter().map(header);
    let methods = (!matches.methods.is_empty()).then(|| methods(&matches.methods));
    Matcher {
        path_specifier: Some(path),
        case_sensitive: matches.ignore_case.then_some(BoolValue { value: false }),
        headers: headers.chain(methods).collect(),
        query_parameters: matches.query.iter().map(parameter).collect(),
        ..Default::default()
    }
}

fn header(header: &HeaderMatch) -> HeaderMatcher {
    let specifier = match pattern(&header.value) {
        None => HeaderMatchSpecifier::PresentMatch(true),
        Some(pattern) => HeaderMatchSpecifier::StringMatch(text(pattern, header.ignore_case)),
    };
    HeaderMatcher {
        name: header.name.clone(),
        invert_match: header.invert,
        header_match_specifier: Some(specifier),
        ..Default::default()
    }
}

fn methods(methods: &[String]) -> HeaderMatcher {
    let any = text(MatchPattern::SafeRegex(regex(&methods.join("|"))), false);
    HeaderMatcher {
        name: ":method".to_owned(),
        header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(any)),
        ..Default::default()
    }
}

fn parameter(parameter: &QueryMatch) -> QueryParameterMatcher {
    let specifier = match pattern(&parameter.value) {
        None => QueryParameterMatchSpecifier::PresentMatch(true),
        Some(pattern) => QueryParameterMatchSpecifier::StringMatch(text(pattern, false)),
    };
    QueryParameterMatcher { name: parameter.name.clone(), query_parameter_match_specifier: Some(specifier) }
}

/// `None`: whatever the text, as long as it is there.
fn pattern(value: &TextMatch) -> Option<MatchPattern> {
    Some(match value {
        TextMatch::Present => return None,
        TextMatch::Exact(text) => MatchPattern::Exact(text.clone()),
        TextMatch::Prefix(text) => MatchPattern::Prefix(text.clone()),
        TextMatch::Suffix(text) => MatchPattern::Suffix(text.clone()),
        TextMatch::Contains(text) => MatchPattern::Contains(text.clone()),
        TextMatch::Regex(text) => MatchPattern::SafeRegex(regex(text)),
    })
}

fn text(pattern: MatchPattern, ignore_case: bool) -> StringMatcher {
    StringMatcher { match_pattern: Some(pattern), ignore_case }
}

fn regex(regex: &str) -> RegexMatcher {
    RegexMatcher { regex: regex.to_owned(), ..Default::default() }
}

/// An empty prefix is how gRPC writes every path.
pub(super) fn everything_for_grpc(route: &mut Route) {
    if let Some(matcher) = &mut route.r#match
        && matcher.path_specifier == Some(PathSpecifier::Prefix("/".to_owned()))
    {
        matcher.path_specifier = Some(PathSpecifier::Prefix(String::new()));
    }
}
