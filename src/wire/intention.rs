//! Intentions one by one, as `/v1/connect/intentions` takes and shows them.

use serde::Serialize;
use serde_json::Value;

use super::fields::{Fields, Result, Typing};
use crate::catalog::Write;
use crate::model::intention::WILDCARD;
use crate::model::{Action, Index, Intention, ServiceName};

const LONGEST_DESCRIPTION: usize = 512;

/// The body of `PUT /v1/connect/intentions/exact?source=…&destination=…`.
///
/// # Errors
/// Naming the field that breaks a rule, and the rule.
pub fn decode(body: &Value, source: &str, destination: &str) -> Result<Write> {
    let mut fields = Fields::new(body, "an intention", Typing::Weak)?;
    let source = service(&mut fields, "SourceName", source)?;
    let destination = service(&mut fields, "DestinationName", destination)?;
    for field in ["SourceNS", "DestinationNS", "SourcePartition", "DestinationPartition"] {
        fields.only(field, &["default"])?;
    }
    fields.only("SourceType", &["consul"])?;
    fields.unsupported(&["SourcePeer", "SourceSamenessGroup", "Permissions", "JWT", "Meta"])?;
    fields.computed(&["ID", "Precedence", "CreatedAt", "UpdatedAt", "Hash", "CreateIndex", "ModifyIndex"]);
    let (action, description) = (action(&mut fields)?, description(&mut fields)?);
    fields.finish()?;
    Ok(Write::PutIntention { source, destination, action, description })
}

/// The name in the query is the one that counts; a body that names another one contradicts it.
fn service(fields: &mut Fields<'_>, field: &'static str, asked: &str) -> Result<ServiceName> {
    let written = fields.text(field)?;
    let asked = asked.trim();
    if asked.is_empty() {
        return Err(fields.error(field, "is required"));
    }
    if asked.contains('*') && asked != WILDCARD {
        return Err(fields.error(field, format!("{asked:?} must be one service or \"*\", not a part of names")));
    }
    if !written.is_empty() && written != asked {
        return Err(fields.error(field, format!("{written:?} contradicts the {asked:?} that was asked for")));
    }
    Ok(ServiceName::from(asked))
}

pub(super) fn action(fields: &mut Fields<'_>) -> Result<Action> {
    let word = fields.text("Action")?;
    match word.as_str() {
        "allow" => Ok(Action::Allow),
        "deny" => Ok(Action::Deny),
        _ => Err(fields.error("Action", format!("expected allow or deny, got {word:?}"))),
    }
}

pub(super) fn description(fields: &mut Fields<'_>) -> Result<String> {
    let description = fields.text("Description")?;
    if description.len() > LONGEST_DESCRIPTION {
        return Err(fields.error("Description", format!("is longer than {LONGEST_DESCRIPTION} bytes")));
    }
    Ok(description)
}

/// As `GET …/exact` answers, and as an element of the list.
pub fn encode(intention: &Intention) -> impl Serialize + '_ {
    Answer {
        description: &intention.description,
        source_namespace: "default",
        source_name: &intention.source,
        destination_namespace: "default",
        destination_name: &intention.destination,
        source_type: "consul",
        action: intention.action.as_str(),
        precedence: intention.precedence(),
        create_index: intention.create_index,
        modify_index: intention.modify_index,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(rename = "SourceNS")]
    source_namespace: &'static str,
    source_name: &'a ServiceName,
    #[serde(rename = "DestinationNS")]
    destination_namespace: &'static str,
    destination_name: &'a ServiceName,
    source_type: &'static str,
    action: &'static str,
    precedence: u8,
    create_index: Index,
    modify_index: Index,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_intention_is_read_as_go_sends_it() {
        let body = json!({
            "Description": "why", "SourceNS": "default", "SourceName": "web", "DestinationNS": "",
            "DestinationName": "db", "SourceType": "consul", "Action": "deny", "Permissions": null, "Meta": null,
            "Precedence": 9, "CreatedAt": "0001-01-01T00:00:00Z", "UpdatedAt": "0001-01-01T00:00:00Z",
            "CreateIndex": 0, "ModifyIndex": 0,
        });
        let expected = Write::PutIntention {
            source: "web".into(),
            destination: "db".into(),
            action: Action::Deny,
            description: "why".to_owned(),
        };
        assert_eq!(decode(&body, "web", "db").unwrap(), expected);
    }

    #[test]
    fn a_wrong_intention_is_refused() {
        let long = "x".repeat(513);
        for (body, source, expected) in [
            (json!({}), "web", "Action: expected allow or deny, got \"\""),
            (json!({ "Action": "maybe" }), "web", "Action: expected allow or deny, got \"maybe\""),
            (json!({ "Action": "allow" }), "", "SourceName: is required"),
            (
                json!({ "Action": "allow" }),
                "w*",
                "SourceName: \"w*\" must be one service or \"*\", not a part of names",
            ),
            (json!({ "SourceName": "x" }), "web", "SourceName: \"x\" contradicts the \"web\" that was asked for"),
            (
                json!({ "Action": "allow", "SourceNS": "team" }),
                "web",
                "SourceNS: the text \"team\" is not supported by this version of chancery",
            ),
            (
                json!({ "Permissions": [{ "Action": "allow" }] }),
                "web",
                "Permissions: a list is not supported by this version of chancery",
            ),
            (json!({ "Action": "allow", "Description": long }), "web", "Description: is longer than 512 bytes"),
            (
                json!({ "Action": "allow", "Acton": 1 }),
                "web",
                "unknown field \"Acton\" in an intention; did you mean \"Action\"?",
            ),
        ] {
            assert_eq!(decode(&body, source, "db").unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn an_intention_is_shown_as_consul_shows_it() {
        let intention = Intention {
            source: "web".into(),
            destination: "*".into(),
            action: Action::Allow,
            description: String::new(),
            create_index: Index(3),
            modify_index: Index(4),
        };
        let expected = r#"{"SourceNS":"default","SourceName":"web","DestinationNS":"default","DestinationName":"*","SourceType":"consul","Action":"allow","Precedence":6,"CreateIndex":3,"ModifyIndex":4}"#;
        assert_eq!(serde_json::to_string(&encode(&intention)).unwrap(), expected);
    }
}
