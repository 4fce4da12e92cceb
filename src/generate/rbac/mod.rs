//! Intentions → rules for Envoy's authorisation filters.
//!
//! Envoy knows no precedence: any matching policy decides. So precedence is written into the rules: the wildcard's rule
//! excludes every source that is named at a higher precedence, what a wildcard of higher precedence hides is left out,
//! and a permission holds only for requests that none before it has decided the other way. With a default of deny the
//! rules say who may pass, with a default of allow who may not.

mod condition;
mod identity;
mod request;
mod token;

use std::collections::HashMap;

use envoy_types::pb::envoy::config::rbac::v3::{Policy, Principal, Rbac, rbac};
use envoy_types::pb::envoy::extensions::filters::http::rbac::v3::Rbac as HttpRbac;
use envoy_types::pb::envoy::extensions::filters::network::rbac::v3::Rbac as NetworkRbac;
use envoy_types::pb::google::protobuf::Any;

use self::condition::Condition;
use self::identity::{all, identity, not};
use super::merged;
use crate::model::TrustDomain;
use crate::model::intention::{Action, Intention, Intentions, WILDCARD};

/// The policy of all sources that are allowed or denied whatever they ask for.
const LAYER_4: &str = "consul-intentions-layer4";
/// Begins the policies of sources of which it depends on the request: one for each.
const LAYER_7: &str = "consul-intentions-layer7-";

/// What the filter sees. An intention that would have to see more denies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Sees {
    Connections,
    /// But no tokens that were proved.
    Requests,
    Tokens,
}

/// What is in the rules of a filter: policies, by name.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Rules {
    action: rbac::Action,
    policies: Vec<(String, Policy)>,
}

/// No policies at all means nobody may pass (default deny) or everybody may (default allow).
pub(super) fn rules(intentions: &Intentions, trust_domain: &TrustDomain, sees: Sees) -> Rules {
    let action = match intentions.default_action {
        Action::Deny => rbac::Action::Allow,
        Action::Allow => rbac::Action::Deny,
    };
    let mut always = Vec::new();
    let mut policies = Vec::new();
    for (at, intention) in intentions.reached().iter().enumerate() {
        let principal = || source(&intentions.reached()[..at], intention, trust_domain);
        match excepted(intentions, intention, sees) {
            Condition::Never => {}
            Condition::Always => always.push(principal()),
            condition => {
                let name = format!("{LAYER_7}{}", policies.len());
                policies.push((name, policy(condition, vec![principal()])));
            }
        }
    }
    if !always.is_empty() {
        policies.insert(0, (LAYER_4.to_owned(), policy(Condition::Always, always)));
    }
    Rules { action, policies }
}

impl Rules {
    /// Nobody passes.
    pub(super) fn nobody() -> Self {
        Self { action: rbac::Action::Allow, policies: vec![] }
    }

    pub(super) fn http_filter(self) -> Any {
        merged(self.parts().map(|rules| HttpRbac { rules: Some(rules), ..Default::default() }))
    }

    pub(super) fn network_filter(self) -> Any {
        let stat_prefix = "connect_authz".to_owned();
        let parts =
            self.parts().map(|rules| NetworkRbac { rules: Some(rules), ..Default::default() }).collect::<Vec<_>>();
        merged(parts.into_iter().chain([NetworkRbac { stat_prefix, ..Default::default() }]))
    }

    /// Each with one policy at most; together they are the rules.
    fn parts(self) -> impl Iterator<Item = Rbac> {
        let whole = Rbac { action: self.action.into(), ..Default::default() };
        let policies = self.policies.into_iter();
        let one = |policy| Rbac { policies: HashMap::from([policy]), ..Default::default() };
        std::iter::once(whole).chain(policies.map(one))
    }
}

/// Whoever the intention is about: all of its source but those who were named `before` it.
fn source(before: &[Intention], intention: &Intention, trust_domain: &TrustDomain) -> Principal {
    let named = if intention.source == WILDCARD { before } else { &[] };
    let others = named.iter().map(|named| not(identity(&named.source, trust_domain)));
    all(std::iter::once(identity(&intention.source, trust_domain)).chain(others).collect())
}

fn policy(condition: Condition, principals: Vec<Principal>) -> Policy {
    Policy { permissions: condition.permissions(), principals, ..Default::default() }
}

/// Which requests of the source are not treated as the default says.
fn excepted(intentions: &Intentions, intention: &Intention, sees: Sees) -> Condition {
    let default = intentions.default_action;
    let unseen = intention.needs_requests() && sees == Sees::Connections
        || intention.providers().next().is_some() && (sees < Sees::Tokens || !intentions.can_prove(intention));
    if unseen || intention.permissions.is_empty() && intention.action == Action::Deny {
        return if default == Action::Deny { Condition::Never } else { Condition::Always };
    }
    let all = || if intention.action == default { Condition::Never } else { Condition::Always };
    let by_permissions = || {
        // from the last to the first: each has its say before all that follow
        intention.permissions.iter().rev().fold(Condition::Never, |rest, permission| {
            let token = token::condition(&permission.jwt, intentions);
            let matches = Condition::all([request::condition(&permission.http), token]);
            if permission.action == default {
                Condition::all([Condition::not(matches), rest])
            } else {
                Condition::any([matches, rest])
            }
        })
    };
    let excepted = if intention.permissions.is_empty() { all() } else { by_permissions() };
    let proved = token::condition(&intention.jwt, intentions);
    match default {
        Action::Deny => Condition::all([proved, excepted]),
        Action::Allow => Condition::any([Condition::not(proved), excepted]),
    }
}

#[cfg(test)]
mod tests;
