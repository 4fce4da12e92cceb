//! Intentions one by one, as `/v1/connect/intentions` takes and shows them.

use serde_json::Value;

use super::fields::{Fields, Result, Typing};
use super::members::Members;
use super::permission;
use crate::catalog::Write;
use crate::model::intention::{Permission, WILDCARD};
use crate::model::{Action, Intention, ServiceName};

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
    fields.unsupported(&["SourcePeer", "SourceSamenessGroup", "JWT", "Meta"])?;
    fields.computed(&["ID", "Precedence", "CreatedAt", "UpdatedAt", "Hash", "CreateIndex", "ModifyIndex"]);
    let (action, permissions) = access(&mut fields, destination.as_str())?;
    let description = description(&mut fields)?;
    fields.finish()?;
    Ok(Write::PutIntention { source, destination, action, permissions, description })
}

/// The body of `POST /v1/connect/intentions`, which names both sides itself.
///
/// # Errors
/// As [`decode`].
pub fn decode_new(body: &Value) -> Result<Write> {
    let mut fields = Fields::new(body, "an intention", Typing::Weak)?;
    fields.empty("ID", || "must be empty: it is given".to_owned())?;
    let (source, destination) = (fields.text("SourceName")?, fields.text("DestinationName")?);
    decode(body, &source, &destination)
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

/// An `Action` for all requests, or `Permissions`, which count as deny for whoever cannot see requests.
pub(super) fn access(fields: &mut Fields<'_>, destination: &str) -> Result<(Action, Vec<Permission>)> {
    let permissions = permission::decode(fields)?;
    if permissions.is_empty() {
        return Ok((permission::action(fields)?, permissions));
    }
    if !fields.text("Action")?.is_empty() {
        return Err(fields.error("Action", "cannot be combined with Permissions"));
    }
    if destination == WILDCARD {
        return Err(fields.error("Permissions", "need one destination: it is not known that all services speak HTTP"));
    }
    Ok((Action::Deny, permissions))
}

pub(super) fn show_access(members: Members, action: Action, permissions: &[Permission]) -> Members {
    if permissions.is_empty() {
        return members.text("Action", action.as_str());
    }
    members.objects("Permissions", permissions.iter().map(permission::show))
}

pub(super) fn description(fields: &mut Fields<'_>) -> Result<String> {
    let description = fields.text("Description")?;
    if description.len() > LONGEST_DESCRIPTION {
        return Err(fields.error("Description", format!("is longer than {LONGEST_DESCRIPTION} bytes")));
    }
    Ok(description)
}

/// As `GET …/exact` answers, and as an element of the list.
pub fn encode(intention: &Intention) -> Value {
    let members = Members::default()
        .text("ID", &intention.id())
        .text("Description", &intention.description)
        .text("SourceNS", "default")
        .text("SourceName", intention.source.as_str())
        .text("DestinationNS", "default")
        .text("DestinationName", intention.destination.as_str())
        .text("SourceType", "consul");
    show_access(members, intention.action, &intention.permissions)
        .object("JWT", permission::show_jwt(&intention.jwt))
        .always("Precedence", intention.precedence())
        .always("CreateIndex", intention.create_index.0)
        .always("ModifyIndex", intention.modify_index.0)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::intention::JwtRequirement;
    use crate::model::{Index, intention_id};
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
            permissions: vec![],
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
                json!({ "Action": "deny", "Permissions": [{ "Action": "allow", "HTTP": { "PathExact": "/" } }] }),
                "web",
                "Action: cannot be combined with Permissions",
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
            permissions: vec![],
            jwt: JwtRequirement::default(),
            description: String::new(),
            create_index: Index(3),
            modify_index: Index(4),
        };
        let expected = r#"{"ID":"IDENTITY","SourceNS":"default","SourceName":"web","DestinationNS":"default","DestinationName":"*","SourceType":"consul","Action":"allow","Precedence":6,"CreateIndex":3,"ModifyIndex":4}"#;
        let identity = intention_id(&"web".into(), &"*".into());
        assert_eq!(serde_json::to_string(&encode(&intention)).unwrap(), expected.replace("IDENTITY", &identity));
    }

    #[test]
    fn an_id_is_a_uuid_of_the_two_names() {
        let of = |source: &str, destination: &str| intention_id(&source.into(), &destination.into());
        assert_eq!(of("web", "db"), of("web", "db"));
        assert_ne!(of("web", "db"), of("db", "web"));
        assert_ne!(of("a", "bc"), of("ab", "c"));
        let lengths: Vec<usize> = of("web", "db").split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(of("web", "db").chars().nth(14), Some('8'));
    }
}
