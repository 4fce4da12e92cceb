//! Intentions over requests and tokens.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::envoy::Request;
use super::{Sees, action, compiled, intention, naive, read, service, source, uri};
use crate::model::Action;
use crate::model::http::{HeaderMatch, PathMatch, TextMatch};
use crate::model::intention::{
    Claim, HttpPermission, Intention, JwtRequirement, Permission, RequiredProvider, WILDCARD,
};

fn path() -> impl Strategy<Value = PathMatch> {
    prop_oneof![
        select(&["/", "/admin", "/a.b"][..]).prop_map(|path| PathMatch::Exact(path.to_owned())),
        select(&["/", "/admin", "/admin/"][..]).prop_map(|path| PathMatch::Prefix(path.to_owned())),
        select(&["/a.*", "/admin|/a.b", ".*b"][..]).prop_map(|path| PathMatch::Regex(path.to_owned())),
    ]
}

fn header() -> impl Strategy<Value = HeaderMatch> {
    let text = || select(&["a", "A", "ab", "b"][..]).prop_map(str::to_owned);
    let value = prop_oneof![
        Just(TextMatch::Present),
        text().prop_map(TextMatch::Exact),
        text().prop_map(TextMatch::Prefix),
        text().prop_map(TextMatch::Suffix),
        text().prop_map(TextMatch::Contains),
        text().prop_map(TextMatch::Regex),
    ];
    (select(&["x", "y"][..]), value, any::<bool>(), any::<bool>()).prop_map(|(name, value, ignore_case, invert)| {
        let ignore_case = ignore_case && !matches!(value, TextMatch::Present | TextMatch::Regex(_));
        HeaderMatch { name: name.to_owned(), value, ignore_case, invert }
    })
}

fn requirement() -> impl Strategy<Value = JwtRequirement> {
    let claim = (select(&["role", "team"][..]), select(&["a", "b"][..]))
        .prop_map(|(claim, value)| Claim { path: vec![claim.to_owned()], value: value.to_owned() });
    // the last of them is not there
    let provider = (select(&["okta", "okta", "any", "any", "gone"][..]), vec(claim, 0..3))
        .prop_map(|(name, claims)| RequiredProvider { name: name.to_owned(), claims });
    prop_oneof![
        2 => Just(JwtRequirement::default()),
        1 => vec(provider, 1..3).prop_map(|providers| JwtRequirement { providers }),
    ]
}

fn permission() -> impl Strategy<Value = Permission> {
    let methods = vec(select(&["GET", "POST", "PUT"][..]).prop_map(str::to_owned), 0..3);
    (action(), option::of(path()), vec(header(), 0..3), methods, requirement()).prop_map(
        |(action, path, headers, methods, jwt)| Permission {
            action,
            http: HttpPermission { path, headers, methods },
            jwt,
        },
    )
}

fn over_requests() -> impl Strategy<Value = Intention> {
    let destination = prop_oneof![Just("db"), Just(WILDCARD)];
    (source(), destination, action(), vec(permission(), 0..4), requirement()).prop_map(
        |(source, destination, action, permissions, jwt)| {
            // as it is where it is read: with permissions the action is what holds for those who see no requests
            let action = if permissions.is_empty() { action } else { Action::Deny };
            Intention { permissions, jwt, ..intention(source, destination, action) }
        },
    )
}

fn request() -> impl Strategy<Value = (&'static str, Request)> {
    let paths = &["/", "/admin", "/administrator", "/admin/x", "/a.b", "/axb", "/admin?x=/", "/b"][..];
    let headers = btree_map(select(&["x", "y"][..]), select(&["a", "A", "ab", "xa", "b", ""][..]), 0..3);
    let issuer = select(&["https://okta", "https://other"][..]);
    let claims = (option::of(issuer), btree_map(select(&["role", "team"][..]), select(&["a", "b"][..]), 0..3));
    let claims = claims.prop_map(|(issuer, claims)| {
        let own = |(claim, value): (&str, &str)| (claim.to_owned(), value.to_owned());
        claims.into_iter().map(own).chain(issuer.map(|issuer| own(("iss", issuer)))).collect::<BTreeMap<_, _>>()
    });
    let tokens = btree_map(select(&["jwt_payload_okta", "jwt_payload_any"][..]).prop_map(str::to_owned), claims, 0..3);
    (service(), select(paths), headers, select(&["GET", "POST", "PUT", "PATCH"][..]), tokens).prop_map(
        |(caller, path, headers, method, metadata)| {
            let headers = headers.into_iter().chain([(":method", method)]);
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            (caller, Request { uri: uri(caller), path: path.to_owned(), headers, metadata })
        },
    )
}

proptest! {
    #[test]
    fn the_rules_decide_over_requests_as_the_intentions_do(
        found in vec(over_requests(), 0..6),
        default_action in action(),
        requests in vec(request(), 1..8),
    ) {
        let intentions = read(found, default_action);
        let rules = compiled(&intentions, Sees::Tokens);
        for (caller, request) in requests {
            let meant = naive::decide(&intentions, caller, &request);
            prop_assert_eq!(request.passes(&rules), meant == Action::Allow, "{:?} of {:?}", request, intentions);
        }
    }

    #[test]
    fn who_sees_less_lets_nobody_pass_who_would_not_pass_otherwise(
        found in vec(over_requests(), 0..6),
        default_action in action(),
        requests in vec(request(), 1..8),
    ) {
        let intentions = read(found, default_action);
        let of = |sees| compiled(&intentions, sees);
        let (connections, without_tokens, all) = (of(Sees::Connections), of(Sees::Requests), of(Sees::Tokens));
        for (caller, request) in requests {
            let passes = [&connections, &without_tokens, &all].map(|rules| request.passes(rules));
            prop_assert!(passes.is_sorted(), "{:?}: {:?} of {:?}", passes, request, intentions);
            prop_assert_eq!(passes[0], intentions.decide(caller) == Action::Allow);
        }
    }

    #[test]
    fn rules_are_the_same_bytes_each_time(found in vec(over_requests(), 0..6), default_action in action()) {
        let intentions = read(found, default_action);
        let bytes = || super::rules(&intentions, &super::DOMAIN.into(), Sees::Tokens).http_filter().value;
        prop_assert_eq!(bytes(), bytes());
    }
}

fn web(permissions: Vec<Permission>) -> Intention {
    Intention { permissions, ..intention("web", "db", Action::Deny) }
}

fn to(path: &str) -> (&'static str, Request) {
    let headers = BTreeMap::from([(":method".to_owned(), "GET".to_owned())]);
    ("web", Request { uri: uri("web"), path: path.to_owned(), headers, ..Request::default() })
}

fn on(action: Action, path: PathMatch) -> Permission {
    let http = HttpPermission { path: Some(path), ..HttpPermission::default() };
    Permission { action, http, jwt: JwtRequirement::default() }
}

#[test]
fn the_first_permission_that_matches_decides() {
    let permissions = vec![
        on(Action::Deny, PathMatch::Exact("/admin/keys".to_owned())),
        on(Action::Allow, PathMatch::Prefix("/admin".to_owned())),
    ];
    let rules = compiled(&read(vec![web(permissions)], Action::Deny), Sees::Tokens);
    let passes = |path: &str| to(path).1.passes(&rules);
    assert!(passes("/admin") && passes("/admin/keys/1"));
    assert!(!passes("/admin/keys") && !passes("/admin/keys?x") && !passes("/"));
    let names: Vec<&String> = rules.policies.keys().collect();
    assert_eq!(names, ["consul-intentions-layer7-0"]);
}

#[test]
fn a_request_without_the_header_is_not_the_one_that_the_header_says() {
    let header = HeaderMatch {
        name: "x".to_owned(),
        value: TextMatch::Exact("known".to_owned()),
        ignore_case: false,
        invert: true,
    };
    let http = HttpPermission { headers: vec![header], ..HttpPermission::default() };
    let strangers = Permission { action: Action::Deny, http, jwt: JwtRequirement::default() };
    let rules = compiled(&read(vec![web(vec![strangers])], Action::Allow), Sees::Tokens);
    let (_, mut request) = to("/");
    assert!(!request.passes(&rules), "leaving the header out is no way round the rule");
    request.headers.insert("x".to_owned(), "known".to_owned());
    assert!(request.passes(&rules));
}

#[test]
fn a_provider_that_is_not_known_lets_nobody_pass() {
    let jwt = JwtRequirement { providers: vec![RequiredProvider { name: "gone".to_owned(), claims: vec![] }] };
    for default in [Action::Allow, Action::Deny] {
        let of_all = Intention { jwt: jwt.clone(), ..intention("web", "db", Action::Allow) };
        let of_some = Permission { jwt: jwt.clone(), ..on(Action::Deny, PathMatch::Exact("/x".to_owned())) };
        for intention in [of_all, web(vec![of_some])] {
            let rules = compiled(&read(vec![intention], default), Sees::Tokens);
            assert!(!to("/").1.passes(&rules), "by default {default:?}");
        }
    }
}
