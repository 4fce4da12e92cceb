//! What an intention's permission asks of a request.

use envoy_types::pb::envoy::config::rbac::v3::permission::Rule;
use envoy_types::pb::envoy::config::route::v3::{HeaderMatcher, header_matcher::HeaderMatchSpecifier};
use envoy_types::pb::envoy::r#type::matcher::v3::{
    PathMatcher, RegexMatcher, StringMatcher, path_matcher, string_matcher::MatchPattern,
};

use super::Condition;
use crate::model::http::{HeaderMatch, PathMatch, TextMatch};
use crate::model::intention::HttpPermission;

pub(super) fn condition(permission: &HttpPermission) -> Condition {
    let path = permission.path.iter().map(path);
    let headers = permission.headers.iter().map(header);
    let methods = (!permission.methods.is_empty()).then(|| methods(&permission.methods));
    Condition::all(path.chain(headers).chain(methods))
}

/// The path alone: what follows a `?` or `#` is left out of the comparison.
fn path(path: &PathMatch) -> Condition {
    let pattern = match path {
        PathMatch::Exact(path) => MatchPattern::Exact(path.clone()),
        PathMatch::Prefix(path) => MatchPattern::Prefix(path.clone()),
        PathMatch::Regex(path) => regex(path),
    };
    let rule = path_matcher::Rule::Path(StringMatcher { match_pattern: Some(pattern), ..Default::default() });
    Condition::Is(Rule::UrlPath(PathMatcher { rule: Some(rule) }))
}

/// Inverted outside of the matcher: Envoy's own inversion does not hold for a header that is not there, so that a
/// request could get round a rule by leaving the header out.
fn header(header: &HeaderMatch) -> Condition {
    let pattern = match &header.value {
        TextMatch::Present => None,
        TextMatch::Exact(text) => Some(MatchPattern::Exact(text.clone())),
        TextMatch::Prefix(text) => Some(MatchPattern::Prefix(text.clone())),
        TextMatch::Suffix(text) => Some(MatchPattern::Suffix(text.clone())),
        TextMatch::Contains(text) => Some(MatchPattern::Contains(text.clone())),
        TextMatch::Regex(text) => Some(regex(text)),
    };
    let specifier = match pattern {
        None => HeaderMatchSpecifier::PresentMatch(true),
        Some(pattern) => HeaderMatchSpecifier::StringMatch(StringMatcher {
            match_pattern: Some(pattern),
            ignore_case: header.ignore_case,
        }),
    };
    let matches = is_header(&header.name, specifier);
    if header.invert { Condition::not(matches) } else { matches }
}

fn methods(methods: &[String]) -> Condition {
    let any = StringMatcher { match_pattern: Some(regex(&methods.join("|"))), ..Default::default() };
    is_header(":method", HeaderMatchSpecifier::StringMatch(any))
}

fn is_header(name: &str, specifier: HeaderMatchSpecifier) -> Condition {
    let matcher =
        HeaderMatcher { name: name.to_owned(), header_match_specifier: Some(specifier), ..Default::default() };
    Condition::Is(Rule::Header(matcher))
}

fn regex(regex: &str) -> MatchPattern {
    MatchPattern::SafeRegex(RegexMatcher { regex: regex.to_owned(), ..Default::default() })
}
