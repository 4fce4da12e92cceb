mod envoy;
mod naive;
mod requests;

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::rbac::v3::Rbac;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use self::envoy::Request;
use super::*;
use crate::model::Index;
use crate::model::entry::JwtProvider;
use crate::model::entry::jwt_provider::{DEFAULT_CLOCK_SKEW, KeySet};

const DOMAIN: &str = "11111111-2222.consul";

fn intention(source: &str, destination: &str, action: Action) -> Intention {
    Intention {
        source: source.into(),
        destination: destination.into(),
        action,
        permissions: vec![],
        jwt: Default::default(),
        description: String::new(),
        create_index: Index(1),
        modify_index: Index(1),
    }
}

fn providers() -> BTreeMap<String, JwtProvider> {
    let of = |issuer: &str| JwtProvider {
        keys: KeySet::Inline("{}".to_owned()),
        issuer: issuer.to_owned(),
        audiences: vec![],
        locations: vec![],
        forwarding: None,
        clock_skew: DEFAULT_CLOCK_SKEW,
        cache_size: 0,
    };
    BTreeMap::from([("okta".to_owned(), of("https://okta")), ("any".to_owned(), of(""))])
}

fn read(found: Vec<Intention>, default_action: Action) -> Intentions {
    Intentions { providers: providers(), ..Intentions::new(found, default_action) }
}

/// The rules as Envoy reads them: the filter's bytes decoded again.
fn compiled(intentions: &Intentions, sees: Sees) -> Rbac {
    let any = rules(intentions, &DOMAIN.into(), sees).http_filter();
    let filter = HttpRbac::decode(&*any.value).expect("it is what it says");
    filter.rules.expect("no rules at all would let everybody pass")
}

fn connections(found: Vec<Intention>, default_action: Action) -> Rbac {
    compiled(&read(found, default_action), Sees::Connections)
}

fn passes(rules: &Rbac, uri: &str) -> bool {
    Request { uri: uri.to_owned(), ..Request::default() }.passes(rules)
}

fn uri(service: &str) -> String {
    format!("spiffe://{DOMAIN}/ns/default/dc/dc1/svc/{service}")
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![Just(Action::Allow), Just(Action::Deny)]
}

/// Few names, some with characters that mean something to a regex, some the beginning of others.
fn service() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("web"),
        Just("web-2"),
        Just("w.b"),
        Just("wxb"),
        Just("a+b"),
        Just("api"),
        Just("(api)"),
        Just("[^x]+")
    ]
}

fn source() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => service(), 1 => Just(WILDCARD)]
}

proptest! {
    #[test]
    fn the_rules_decide_over_connections_as_the_intentions_do(
        found in vec((source(), prop_oneof![Just("db"), Just(WILDCARD)], action()), 0..12),
        default_action in action(),
        caller in service(),
    ) {
        let found = found.into_iter().map(|(source, destination, action)| intention(source, destination, action));
        let intentions = read(found.collect(), default_action);
        let rules = compiled(&intentions, Sees::Connections);
        prop_assert_eq!(passes(&rules, &uri(caller)), intentions.decide(caller) == Action::Allow);
    }
}

#[test]
fn without_intentions_the_default_holds_for_all() {
    assert!(!passes(&connections(vec![], Action::Deny), &uri("web")));
    assert!(passes(&connections(vec![], Action::Allow), &uri("web")));
    assert!(connections(vec![], Action::Deny).policies.is_empty());
}

#[test]
fn the_wildcard_does_not_speak_for_those_who_are_named() {
    let found = vec![intention("web", "db", Action::Deny), intention("*", "db", Action::Allow)];
    let rules = connections(found, Action::Deny);
    assert!(!passes(&rules, &uri("web")));
    assert!(passes(&rules, &uri("api")));
}

#[test]
fn a_source_named_for_all_destinations_yields_to_the_destinations_own_wildcard() {
    let found = vec![intention("web", "*", Action::Allow), intention("*", "db", Action::Deny)];
    assert!(connections(found, Action::Deny).policies.is_empty());
}

#[test]
fn a_caller_of_another_datacenter_is_the_same_caller() {
    let rules = connections(vec![intention("web", "db", Action::Allow)], Action::Deny);
    assert!(passes(&rules, &format!("spiffe://{DOMAIN}/ns/default/dc/dc2/svc/web")));
    assert!(!passes(&rules, &format!("spiffe://{DOMAIN}/ns/default/dc/dc2/x/svc/web")));
}

#[test]
fn a_caller_of_another_trust_domain_is_a_stranger() {
    let rules = connections(vec![intention("*", "db", Action::Allow)], Action::Deny);
    assert!(!passes(&rules, "spiffe://11111111-2222xconsul/ns/default/dc/dc1/svc/web"));
    assert!(!passes(&rules, &format!("{}/more", uri("web"))));
}
