//! Intentions → rules for Envoy's authorisation filters.
//!
//! Envoy knows no precedence: any matching policy decides. So precedence is written into the rules: the wildcard's rule
//! excludes every source that is named at a higher precedence, and what a wildcard of higher precedence hides is left
//! out. With a default of deny the rules say who may pass, with a default of allow who may not.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::rbac::v3::principal::{Authenticated, Identifier, Set};
use envoy_types::pb::envoy::config::rbac::v3::{Permission, Policy, Principal, Rbac, permission, rbac};
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher, string_matcher::MatchPattern};

use crate::model::intention::{Action, Intentions, WILDCARD};
use crate::model::{ServiceName, TrustDomain};

/// The one policy of layer 4: more would make a map, whose order is not stable.
const POLICY: &str = "consul-intentions-layer4";

/// No policies at all means nobody may pass (default deny) or everybody may (default allow).
pub(super) fn rules(intentions: &Intentions, trust_domain: &TrustDomain) -> Rbac {
    let principals = principals(intentions, trust_domain);
    let policies = if principals.is_empty() {
        HashMap::new()
    } else {
        let any = Permission { rule: Some(permission::Rule::Any(true)) };
        HashMap::from([(POLICY.to_owned(), Policy { permissions: vec![any], principals, ..Default::default() })])
    };
    let action = match intentions.default_action {
        Action::Deny => rbac::Action::Allow,
        Action::Allow => rbac::Action::Deny,
    };
    Rbac { action: action.into(), policies, ..Default::default() }
}

fn principals(intentions: &Intentions, trust_domain: &TrustDomain) -> Vec<Principal> {
    let matching = &intentions.matching;
    // nothing behind the first wildcard is ever reached
    let named = matching.iter().position(|intention| intention.source == WILDCARD).unwrap_or(matching.len());
    let (named, rest) = matching.split_at(named);
    let mut principals: Vec<Principal> = named
        .iter()
        .filter(|intention| intention.action != intentions.default_action)
        .map(|intention| identity(&intention.source, trust_domain))
        .collect();
    if let Some(wildcard) = rest.first().filter(|wildcard| wildcard.action != intentions.default_action) {
        let everybody = identity(&wildcard.source, trust_domain);
        let others = named.iter().map(|intention| not(identity(&intention.source, trust_domain)));
        let ids: Vec<Principal> = std::iter::once(everybody).chain(others).collect();
        principals.push(all(ids));
    }
    principals
}

/// A caller whose certificate is of that service (`*`: of any), in whatever datacenter.
fn identity(service: &ServiceName, trust_domain: &TrustDomain) -> Principal {
    let service = if *service == WILDCARD { "[^/]+".to_owned() } else { escape(service.as_str()) };
    let trust_domain = escape(trust_domain.as_str());
    let regex = format!("^spiffe://{trust_domain}/ns/default/dc/[^/]+/svc/{service}$");
    let matcher = StringMatcher {
        match_pattern: Some(MatchPattern::SafeRegex(RegexMatcher { regex, ..Default::default() })),
        ..Default::default()
    };
    principal(Identifier::Authenticated(Authenticated { principal_name: Some(matcher) }))
}

fn all(mut ids: Vec<Principal>) -> Principal {
    if ids.len() == 1 { ids.remove(0) } else { principal(Identifier::AndIds(Set { ids })) }
}

fn not(id: Principal) -> Principal {
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

#[cfg(test)]
mod tests;
