//! The intentions as they are meant: read one after the other, request by request.

use super::envoy::Request;
use crate::model::Action;
use crate::model::http::{HeaderMatch, PathMatch, TextMatch};
use crate::model::intention::{Intention, Intentions, JwtRequirement, Permission, WILDCARD};

pub fn decide(intentions: &Intentions, source: &str, request: &Request) -> Action {
    let about = |intention: &&Intention| intention.source == source || intention.source == WILDCARD;
    let Some(intention) = intentions.matching.iter().find(about) else { return intentions.default_action };
    if !intentions.can_prove(intention) {
        return Action::Deny;
    }
    let action = if intention.permissions.is_empty() {
        intention.action
    } else {
        let first = intention.permissions.iter().find(|permission| matches(permission, intentions, request));
        first.map_or(intentions.default_action, |permission| permission.action)
    };
    if proves(&intention.jwt, intentions, request) { action } else { Action::Deny }
}

fn matches(permission: &Permission, intentions: &Intentions, request: &Request) -> bool {
    let http = &permission.http;
    let path = request.path.split(['?', '#']).next().unwrap_or_default();
    http.path.as_ref().is_none_or(|wanted| match wanted {
        PathMatch::Exact(wanted) => path == wanted,
        PathMatch::Prefix(wanted) => path.starts_with(wanted),
        PathMatch::Regex(wanted) => whole(wanted, path),
    }) && http.headers.iter().all(|wanted| header(wanted, request))
        && (http.methods.is_empty() || http.methods.contains(&request.headers[":method"]))
        && proves(&permission.jwt, intentions, request)
}

fn header(wanted: &HeaderMatch, request: &Request) -> bool {
    let fold = |text: &str| if wanted.ignore_case { text.to_ascii_lowercase() } else { text.to_owned() };
    let is = request.headers.get(&wanted.name).is_some_and(|value| match &wanted.value {
        TextMatch::Present => true,
        TextMatch::Exact(text) => fold(value) == fold(text),
        TextMatch::Prefix(text) => fold(value).starts_with(&fold(text)),
        TextMatch::Suffix(text) => fold(value).ends_with(&fold(text)),
        TextMatch::Contains(text) => fold(value).contains(&fold(text)),
        TextMatch::Regex(text) => whole(text, value),
    });
    is != wanted.invert
}

fn whole(regex: &str, text: &str) -> bool {
    regex::Regex::new(&format!("^(?:{regex})$")).expect("a valid regex").is_match(text)
}

fn proves(wanted: &JwtRequirement, intentions: &Intentions, request: &Request) -> bool {
    wanted.is_empty()
        || wanted.providers.iter().any(|wanted| {
            let claims = request.metadata.get(&format!("jwt_payload_{}", wanted.name));
            claims.is_some_and(|claims| {
                let issuer = &intentions.providers[&wanted.name].issuer;
                let claimed = |claim: &str, value: &str| claims.get(claim).is_some_and(|found| found == value);
                (issuer.is_empty() || claimed("iss", issuer))
                    && wanted.claims.iter().all(|claim| claimed(&claim.path[0], &claim.value))
            })
        })
}
