//! Who calls, by certificate.

use envoy_types::pb::envoy::config::rbac::v3::Principal;
use envoy_types::pb::envoy::config::rbac::v3::principal::{Authenticated, Identifier, Set};
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher, string_matcher::MatchPattern};

use crate::model::intention::WILDCARD;
use crate::model::{ServiceName, TrustDomain};

/// A caller whose certificate is of that service (`*`: of any), in whatever datacenter.
pub(super) fn identity(service: &ServiceName, trust_domain: &TrustDomain) -> Principal {
    let service = if *service == WILDCARD { "[^/]+".to_owned() } else { escape(service.as_str()) };
    let trust_domain = escape(trust_domain.as_str());
    let regex = format!("^spiffe://{trust_domain}/ns/default/dc/[^/]+/svc/{service}$");
    let matcher = StringMatcher {
        match_pattern: Some(MatchPattern::SafeRegex(RegexMatcher { regex, ..Default::default() })),
        ..Default::default()
    };
    principal(Identifier::Authenticated(Authenticated { principal_name: Some(matcher) }))
}

/// At least one is given.
pub(super) fn all(mut ids: Vec<Principal>) -> Principal {
    if ids.len() == 1 { ids.remove(0) } else { principal(Identifier::AndIds(Set { ids })) }
}

pub(super) fn not(id: Principal) -> Principal {
    principal(Identifier::NotId(Box::new(id)))
}

fn principal(identifier: Identifier) -> Principal {
    Principal { identifier: Some(identifier) }
}

/// So that every character of a name stands for itself (RE2).
fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for character in name.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
