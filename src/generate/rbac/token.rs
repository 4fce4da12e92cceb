//! What an intention asks of the tokens of a request. The filter for tokens proves them and leaves the claims of each
//! provider's in the request's metadata; nothing that a caller sends gets there otherwise.

use envoy_types::pb::envoy::config::rbac::v3::{MetadataSource, SourcedMetadata, permission::Rule};
use envoy_types::pb::envoy::r#type::matcher::v3::metadata_matcher::{PathSegment, path_segment::Segment};
use envoy_types::pb::envoy::r#type::matcher::v3::value_matcher::MatchPattern as ValuePattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{
    MetadataMatcher, StringMatcher, ValueMatcher, string_matcher::MatchPattern,
};

use super::Condition;
use crate::generate::jwt;
use crate::model::intention::{Intentions, JwtRequirement, RequiredProvider};

/// A token of one of the providers, with all its claims.
pub(super) fn condition(requirement: &JwtRequirement, intentions: &Intentions) -> Condition {
    if requirement.is_empty() {
        return Condition::Always;
    }
    Condition::any(requirement.providers.iter().map(|provider| of_provider(provider, intentions)))
}

fn of_provider(required: &RequiredProvider, intentions: &Intentions) -> Condition {
    let Some(provider) = intentions.providers.get(&required.name) else { return Condition::Never };
    let issued = if provider.issuer.is_empty() {
        claim(&required.name, &[], ValuePattern::PresentMatch(true))
    } else {
        claim(&required.name, &["iss".to_owned()], text(&provider.issuer))
    };
    let claims = required.claims.iter().map(|one| claim(&required.name, &one.path, text(&one.value)));
    Condition::all(std::iter::once(issued).chain(claims))
}

fn claim(provider: &str, path: &[String], pattern: ValuePattern) -> Condition {
    let segment = |key: String| PathSegment { segment: Some(Segment::Key(key)) };
    let path = std::iter::once(jwt::payload_key(provider)).chain(path.iter().cloned()).map(segment).collect();
    let matcher = MetadataMatcher {
        filter: jwt::FILTER.to_owned(),
        path,
        value: Some(ValueMatcher { match_pattern: Some(pattern) }),
        invert: false,
    };
    Condition::Is(Rule::SourcedMetadata(SourcedMetadata {
        metadata_matcher: Some(matcher),
        metadata_source: MetadataSource::Dynamic.into(),
    }))
}

fn text(text: &str) -> ValuePattern {
    let exact = MatchPattern::Exact(text.to_owned());
    ValuePattern::StringMatch(StringMatcher { match_pattern: Some(exact), ..Default::default() })
}
