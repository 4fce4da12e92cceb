//! `/v1/agent/connect/authorize`: may this certificate call that service?

use serde_json::Value;

use super::fields::{Fields, Result, Typing};
use super::members::Members;
use crate::model::{Action, Intention, ServiceName, SpiffeId};

/// Who asks to be let in, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authorization {
    pub target: ServiceName,
    pub caller: SpiffeId,
}

/// # Errors
/// When no target is named, or the caller's URI is not the identity of a service.
pub fn decode(body: &Value) -> Result<Authorization> {
    let mut fields = Fields::new(body, "a call to authorize", Typing::Strict)?;
    let target = fields.text("Target")?;
    if target.is_empty() {
        return Err(fields.error("Target", "service must be specified"));
    }
    let uri = fields.text("ClientCertURI")?;
    let caller = SpiffeId::parse(&uri).ok_or_else(|| {
        let expected = "spiffe://<trust domain>/ns/default/dc/<datacenter>/svc/<service>";
        fields.error("ClientCertURI", format!("{uri:?} is no identity of a service, which is {expected}"))
    })?;
    // certificates are not revoked
    fields.computed(&["ClientCertSerial"]);
    fields.default_tenancy()?;
    fields.finish()?;
    Ok(Authorization { target: target.into(), caller })
}

/// Not even an intention can let in whom another authority vouches for.
pub fn foreign(caller: &SpiffeId) -> Value {
    answer(false, &format!("Identity from an external trust domain: {}", caller.trust_domain))
}

/// What the intention says that bears on the call; without one, what is said of all others.
pub fn decided(intention: Option<&Intention>, default: Action) -> Value {
    let Some(intention) = intention else {
        return answer(default == Action::Allow, "Default behavior: no intention bears on this call");
    };
    let action = intention.connection_action();
    let id = intention.id();
    let named = format!(
        "default/{} => default/{} (ID: {id}, Precedence: {}, Action: {})",
        intention.source,
        intention.destination,
        intention.precedence(),
        action.as_str().to_uppercase()
    );
    let matched = if intention.needs_requests() {
        format!("Matched L7 intention: {named}; what it says of requests counts as a denial here")
    } else {
        format!("Matched L4 intention: {named}")
    };
    answer(action == Action::Allow, &matched)
}

fn answer(authorized: bool, reason: &str) -> Value {
    Members::default().always("Authorized", authorized).always("Reason", reason).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_caller_is_known_by_its_identity() {
        let ask = |uri: &str| decode(&json!({ "Target": "db", "ClientCertURI": uri, "ClientCertSerial": "01:02" }));
        let asked = ask("spiffe://ABC.consul/ns/default/dc/dc1/svc/web").unwrap();
        assert_eq!((asked.target.as_str(), asked.caller.service.as_str()), ("db", "web"));
        assert_eq!(asked.caller.trust_domain.as_str(), "abc.consul");
        for wrong in [
            "",
            "web",
            "https://abc.consul/ns/default/dc/dc1/svc/web",
            "spiffe://abc.consul/ns/team/dc/dc1/svc/web",
            "spiffe://abc.consul/ns/default/dc/dc1/svc/",
            "spiffe://abc.consul/ns/default/dc/dc1/svc/web/more",
            "spiffe://abc.consul/agent/client/dc/dc1/id/n1",
        ] {
            assert!(ask(wrong).unwrap_err().to_string().starts_with("ClientCertURI"), "{wrong}");
        }
        assert!(decode(&json!({})).unwrap_err().to_string().starts_with("Target"));
    }
}
