use serde_json::json;

use super::*;
use crate::wire::bodies;

fn shown(entry: &Entry) -> Value {
    let mut shown = encode(entry);
    let members = shown.as_object_mut().unwrap();
    assert_eq!((members.remove("CreateIndex"), members.remove("ModifyIndex")), (Some(json!(0)), Some(json!(0))));
    shown
}

#[test]
fn every_kind_goes_in_and_out() {
    for (body, expected) in bodies(include_str!("shown.txt")) {
        let entry = decode(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert_eq!(shown(&entry).to_string(), expected, "{body}");
    }
}

#[test]
fn what_is_read_can_be_written_back() {
    for (_, shown) in bodies(include_str!("shown.txt")) {
        let entry = decode(&serde_json::from_str(shown).unwrap()).unwrap();
        assert_eq!(decode(&encode(&entry)).unwrap(), entry);
    }
}

#[test]
fn indexes_are_shown_last() {
    let entry = decode(&json!({ "Kind": "mesh" })).unwrap();
    let entry = Entry { create_index: Index(3), modify_index: Index(4), ..entry };
    let expected =
        r#"{"Kind":"mesh","TransparentProxy":{"MeshDestinationsOnly":false},"CreateIndex":3,"ModifyIndex":4}"#;
    assert_eq!(encode(&entry).to_string(), expected);
}

#[test]
fn an_entry_that_breaks_a_rule_is_refused() {
    for (body, expected) in bodies(include_str!("refused.txt")) {
        let refused = decode(&body).map(|entry| panic!("taken: {entry:?}")).unwrap_err();
        assert_eq!(refused.to_string(), expected, "{body}");
    }
}

#[test]
fn every_example_of_what_goes_beyond_consul_is_taken() {
    let page = include_str!("../../../docs/beyond-consul.md");
    let examples: Vec<&str> = page.split("```hcl\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        let document = crate::wire::Document::read(example, crate::wire::Format::Hcl).unwrap();
        if let Err(error) = decode(&document.value) {
            panic!("{error}: {example}");
        }
    }
}
