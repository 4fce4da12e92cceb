use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::model::{Index, Intention};

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

fn compiled(found: Vec<Intention>, default_action: Action) -> Rbac {
    rules(&Intentions::new(found, default_action), &DOMAIN.into())
}

/// Envoy's reading of the rules: what the filter does with a connection of that identity.
fn passes(rules: &Rbac, uri: &str) -> bool {
    let matches = rules.policies.values().any(|policy| {
        let permitted =
            policy.permissions.iter().any(|permission| permission.rule == Some(permission::Rule::Any(true)));
        permitted && policy.principals.iter().any(|principal| is(principal, uri))
    });
    if rules.action == i32::from(rbac::Action::Allow) { matches } else { !matches }
}

fn is(principal: &Principal, uri: &str) -> bool {
    match principal.identifier.as_ref().expect("an identifier") {
        Identifier::AndIds(set) => set.ids.iter().all(|id| is(id, uri)),
        Identifier::OrIds(set) => set.ids.iter().any(|id| is(id, uri)),
        Identifier::NotId(id) => !is(id, uri),
        Identifier::Authenticated(authenticated) => {
            let name = authenticated.principal_name.as_ref().expect("a name");
            let Some(MatchPattern::SafeRegex(regex)) = &name.match_pattern else { panic!("a regex: {name:?}") };
            regex::Regex::new(&format!("^(?:{})$", regex.regex)).expect("a valid regex").is_match(uri)
        }
        other => panic!("Envoy would need {other:?}"),
    }
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
    fn the_rules_decide_as_the_intentions_do(
        found in vec((source(), prop_oneof![Just("db"), Just(WILDCARD)], action()), 0..12),
        default_action in action(),
        caller in service(),
    ) {
        let found = found.into_iter().map(|(source, destination, action)| intention(source, destination, action));
        let intentions = Intentions::new(found.collect(), default_action);
        let rules = rules(&intentions, &DOMAIN.into());
        prop_assert_eq!(passes(&rules, &uri(caller)), intentions.decide(caller) == Action::Allow);
    }
}

#[test]
fn without_intentions_the_default_holds_for_all() {
    assert!(!passes(&compiled(vec![], Action::Deny), &uri("web")));
    assert!(passes(&compiled(vec![], Action::Allow), &uri("web")));
    assert!(compiled(vec![], Action::Deny).policies.is_empty());
}

#[test]
fn the_wildcard_does_not_speak_for_those_who_are_named() {
    let found = vec![intention("web", "db", Action::Deny), intention("*", "db", Action::Allow)];
    let rules = compiled(found, Action::Deny);
    assert!(!passes(&rules, &uri("web")));
    assert!(passes(&rules, &uri("api")));
}

#[test]
fn a_source_named_for_all_destinations_yields_to_the_destinations_own_wildcard() {
    let found = vec![intention("web", "*", Action::Allow), intention("*", "db", Action::Deny)];
    assert!(compiled(found, Action::Deny).policies.is_empty());
}

#[test]
fn a_caller_of_another_datacenter_is_the_same_caller() {
    let rules = compiled(vec![intention("web", "db", Action::Allow)], Action::Deny);
    assert!(passes(&rules, &format!("spiffe://{DOMAIN}/ns/default/dc/dc2/svc/web")));
    assert!(!passes(&rules, &format!("spiffe://{DOMAIN}/ns/default/dc/dc2/x/svc/web")));
}

#[test]
fn a_caller_of_another_trust_domain_is_a_stranger() {
    let rules = compiled(vec![intention("*", "db", Action::Allow)], Action::Deny);
    assert!(!passes(&rules, "spiffe://11111111-2222xconsul/ns/default/dc/dc1/svc/web"));
    assert!(!passes(&rules, &format!("{}/more", uri("web"))));
}
