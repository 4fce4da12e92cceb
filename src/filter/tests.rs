use std::sync::Arc;

use super::selectors::{CHECK, INSTANCE, INTENTION, NODE};
use super::{Filter, FilterError};
use crate::model::intention::JwtRequirement;
use crate::model::{Action, Check, Index, Instance, Intention, Node, Service, Status, TaggedAddress};

fn node() -> Node {
    let meta = [("rack", "7"), ("a b", "c")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    Node { name: "n1".into(), address: "10.0.0.1".to_owned(), meta: meta.into(), ..Node::default() }
}

fn check(id: &str, status: Status) -> Arc<Check> {
    Arc::new(Check {
        node: "n1".into(),
        id: id.into(),
        name: String::new(),
        status,
        notes: String::new(),
        output: String::new(),
        service_id: "web".into(),
        service_name: "web".into(),
        service_tags: vec!["v1".to_owned()],
        exposed: None,
        definition: None,
        create_index: Index(1),
        modify_index: Index(1),
    })
}

fn instance() -> Instance {
    let wan = TaggedAddress { address: "192.0.2.1".to_owned(), port: 443 };
    let service = Service {
        name: "web".into(),
        id: "web".into(),
        tags: vec!["v1".to_owned(), "blue".to_owned()],
        port: 80,
        tagged_addresses: [("wan".to_owned(), wan)].into(),
        meta: [("version".to_owned(), "2".to_owned())].into(),
        ..Service::default()
    };
    let checks = vec![check("one", Status::Passing), check("two", Status::Critical)];
    Instance { node: Arc::new(node()), service: Arc::new(service), checks }
}

fn selects(text: &str) -> bool {
    let filter = Filter::new(text, &INSTANCE, &"dc1".into());
    filter.unwrap_or_else(|error| panic!("{text}: {error}")).selects(&instance())
}

fn wrong(text: &str) -> (usize, String) {
    match Filter::new(text, &INSTANCE, &"dc1".into()) {
        Ok(_) => panic!("{text} was taken"),
        Err(FilterError { at, what }) => (at, what),
    }
}

#[test]
fn selectors_lead_to_every_part() {
    for text in [
        r#"Service.Service == "web""#,
        "Service.Port==80",
        r#"Node.Meta["a b"] == c"#,
        "Node.Meta.rack != 8",
        "Node.Datacenter == dc1",
        "v1 in Service.Tags and Service.Tags contains blue",
        "Service.TaggedAddresses.wan.Port == 443",
        "wan in Service.TaggedAddresses",
        "Service.Weights.Passing == 1",
        "Service.Connect.Native != true",
        "Service.Proxy.Upstreams is empty",
        r#"Service.Address == """#,
        "Node.Address matches `^10\\.`",
        r#""0.0" in Node.Address"#,
    ] {
        assert!(selects(text), "{text}");
        assert!(!selects(&format!("not ({text})")), "not ({text})");
    }
}

#[test]
fn a_list_on_the_way_asks_for_any() {
    assert!(selects("Checks.Status == critical") && selects("Checks.Status == passing"));
    assert!(selects("Checks.Status != critical"), "one of them is not");
    assert!(!selects("not Checks.Status == critical"));
    assert!(selects("Checks.ServiceTags contains v1") && !selects("Checks.ServiceTags is empty"));
}

#[test]
fn a_key_that_is_not_there_is_nothing() {
    for (text, holds) in [
        ("Service.Meta.canary == yes", false),
        ("Service.Meta.canary != yes", true),
        ("Service.Meta.canary matches yes", true),
        ("Service.Meta.canary not matches yes", true),
        ("yes in Service.Meta.canary", false),
        ("yes not in Service.Meta.canary", true),
        ("canary in Service.Meta", false),
        ("Service.TaggedAddresses.lan.Port == 443", false),
        ("Service.TaggedAddresses.lan.Port != 443", true),
    ] {
        assert_eq!(selects(text), holds, "{text}");
    }
}

#[test]
fn and_binds_closer_than_or_and_words_may_be_names() {
    assert!(selects("Service.Port == 80 or Service.Port == 1 and Service.Port == 2"));
    assert!(!selects("(Service.Port == 80 or Service.Port == 1) and Service.Port == 2"));
    assert!(selects("not not Service.Port == 80") && !selects("not (Service.Port == 80)"));
    assert!(!selects("in in Service.Tags") && !selects("not in Service.Tags") && selects("not not in Service.Tags"));
}

#[test]
fn any_and_all_go_through_lists_and_maps() {
    for (text, holds) in [
        (r#"any Checks as c { c.Status == critical and c.CheckID == two }"#, true),
        (r#"any Checks as c { c.Status == critical and c.CheckID == one }"#, false),
        ("all Checks as c { c.ServiceName == web }", true),
        ("all Checks as c { c.Status == passing }", false),
        ("any Service.Tags as tag { tag matches `^bl` }", true),
        ("any Service.Tags as i, tag { i == 1 and tag == blue }", true),
        ("any Service.Tags as i, _ { i == 2 }", false),
        ("all Service.Meta as key { key == version }", true),
        ("any Node.Meta as key, value { key == rack and value == 7 }", true),
        ("any Service.TaggedAddresses as _, address { address.Port == 443 }", true),
        ("all Service.Proxy.Upstreams as u { u.Datacenter == nowhere }", true),
        ("any Service.Proxy.Upstreams as u { u.Datacenter != nowhere }", false),
        ("any Checks as c { any c.ServiceTags as t { t == v1 and c.CheckID == two and Service.Port == 80 } }", true),
        ("(any Checks as c { c.Status == critical }) and not all Checks as c { c.Status == critical }", true),
    ] {
        assert_eq!(selects(text), holds, "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, at, what) in [
        (
            "Service.Prot == 80",
            9,
            "there is no selector \"Prot\" inside \"Service\"; there are Kind, ID, Service, Tags",
        ),
        ("Servce.Port == 80", 1, "there is no selector \"Servce\" here; there are Node, Service, Checks"),
        ("Service.Port = 80", 14, "expected an operator (==, !=, contains, matches, is empty) or \"in\", found \"=\""),
        ("Service.Port == eighty", 17, "\"eighty\" is no whole number, which \"Service.Port\" is"),
        ("Service.Port contains 8", 1, "\"Service.Port\" is a number, which takes == and !="),
        ("Service.Tags == v1", 1, "\"Service.Tags\" is a list, which takes in, contains, is empty"),
        (
            "Service == web",
            1,
            "\"Service\" is a group of selectors, which takes no operator, only a selector inside it",
        ),
        ("Service.Tags.v1 is empty", 14, "\"Service.Tags\" is a list: there is nothing to select inside it"),
        ("Service.Connect.Native == maybe", 27, "\"maybe\" is no true or false, which \"Service.Connect.Native\" is"),
        ("Node.Node matches `(`", 19, "is no regular expression: unclosed group"),
        ("Node.Node == \"n1", 14, "the string does not end"),
        ("Node.Meta[rack] == 7", 11, "an index is a string in quotes, such as [\"a key\"]"),
        ("Node.Meta[\"rack\" == 7", 18, "the index does not end: ] is expected"),
        ("(Node.Node == n1", 17, r#"expected "and", "or" or ")", found the end"#),
        ("Node.Node == n1 and", 20, "expected another expression, found the end"),
        ("not(Node.Node == n1)", 4, "expected an operator"),
        ("n1 in 7", 7, "a selector is expected, found \"7\""),
        ("Node.Node == 7x", 14, "is no number: put the value in quotes if it is a text"),
        ("é == 1", 1, "expected a selector or a value or the end, found \"é\""),
        ("Node.Node == \"é\" nd", 18, r#"expected "and", "or" or the end, found "nd""#),
        (
            "any Service.Port as p { p == 1 }",
            5,
            "\"Service.Port\" is a number: only a list or a map can be gone through",
        ),
        ("any Checks as c { d.Status == x }", 19, "there is no selector \"d\" here; there are Node, Service, Checks"),
        ("any Checks as c, c { c == 1 }", 5, "\"Checks\" needs two names"),
        ("any Checks.ServiceTags as t { t == 1 }", 5, "\"Checks.ServiceTags\" leads through a list"),
        ("", 1, "expected a selector or a value or the end, found the end"),
    ] {
        let (found_at, found) = wrong(text);
        assert!(found_at == at && found.starts_with(what), "{text}\nwant {at}: {what}\ngot  {found_at}: {found}");
    }
}

#[test]
fn nesting_has_an_end() {
    for text in ["(".repeat(5000) + "Node.Node == n1" + &")".repeat(5000), "not ".repeat(5000) + "Node.Node == n1"] {
        assert!(wrong(&text).1.contains("nested more than"), "{}", wrong(&text).1);
    }
    let wide = vec!["Node.Node == n2"; 5000].join(" or ");
    assert!(!selects(&wide));
}

#[test]
fn each_kind_has_its_own_selectors() {
    let filter = Filter::new("Status == passing and Type == \"\"", &CHECK, &"dc1".into()).expect("a filter");
    assert!(filter.selects(&check("one", Status::Passing)) && !filter.selects(&check("one", Status::Warning)));
    let filter = Filter::new("rack in Meta", &NODE, &"dc1".into()).expect("a filter");
    assert!(filter.selects(&node()) && !filter.selects(&Node::default()));
    let intention = Intention {
        source: "web".into(),
        destination: "*".into(),
        action: Action::Deny,
        permissions: Vec::new(),
        jwt: JwtRequirement::default(),
        description: String::new(),
        create_index: Index(1),
        modify_index: Index(1),
    };
    let filter = Filter::new("Precedence == 6 and Action == deny", &INTENTION, &"dc1".into()).expect("a filter");
    assert!(filter.selects(&intention));
    let filter = Filter::new(&format!("ID == \"{}\"", intention.id()), &INTENTION, &"dc1".into()).expect("a filter");
    assert!(filter.selects(&intention));
}
