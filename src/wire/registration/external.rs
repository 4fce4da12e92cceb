//! The bodies of `/v1/catalog/register` and `/v1/catalog/deregister`: a node, and something on it.

use serde_json::Value;

use super::catalog;
use crate::model::{Check, CheckId, Datacenter, Node, NodeName, Service, ServiceId};
use crate::wire::fields::{DecodeError, Fields, Result, Typing};
use crate::wire::{locality, meta};

/// What somebody outside says of a node.
#[derive(Clone, PartialEq, Debug)]
pub struct External {
    pub node: Node,
    /// A node that is known already stays as it is.
    pub skip_node_update: bool,
    pub service: Option<Service>,
    /// Of the node, or of a service on it.
    pub checks: Vec<Check>,
}

/// # Errors
/// Naming the field that breaks a rule, and the rule.
pub fn register(body: &Value, datacenter: &Datacenter) -> Result<External> {
    let mut fields = Fields::new(body, "a catalog registration", Typing::Strict)?;
    fields.only("Datacenter", &[datacenter.as_str()])?;
    fields.default_tenancy()?;
    let node = Node {
        id: fields.text("ID")?,
        name: fields.text("Node")?.into(),
        address: fields.text("Address")?,
        tagged_addresses: fields.text_map("TaggedAddresses")?,
        meta: meta::of_entry(&mut fields, "NodeMeta")?,
        locality: locality::decode(&mut fields)?,
        ..Node::default()
    };
    let skip_node_update = fields.flag("SkipNodeUpdate")?;
    if node.name.is_empty() {
        return Err(fields.error("Node", "is required"));
    }
    if node.address.is_empty() && !skip_node_update {
        return Err(fields.error("Address", "is required, unless SkipNodeUpdate is set"));
    }
    super::rules::address(&node.address).map_err(|message| fields.error("Address", message))?;
    let service = fields.object("Service", "a service")?;
    let service = service.map(|service| catalog::service(service, &node.name, datacenter)).transpose()?;
    let one = fields.object("Check", "a check")?;
    let more = fields.objects("Checks", "a check")?.unwrap_or_default();
    let checks = one.into_iter().chain(more);
    let checks = checks.map(|check| catalog::check(check, Some(&node.name))).collect::<Result<Vec<_>>>()?;
    if let Some(other) = checks.iter().find(|check| check.node != node.name) {
        let message = format!("{:?} is another node than {:?}, which this is about", other.node, node.name);
        return Err(DecodeError::new("Check.Node", message));
    }
    fields.finish()?;
    Ok(External { node, skip_node_update, service, checks })
}

/// What is to go: a node with all that is on it, or one thing on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Gone {
    Node(NodeName),
    Service(NodeName, ServiceId),
    Check(NodeName, CheckId),
}

/// # Errors
/// As [`register`].
pub fn deregister(body: &Value, datacenter: &Datacenter) -> Result<Gone> {
    let mut fields = Fields::new(body, "a catalog deregistration", Typing::Strict)?;
    fields.only("Datacenter", &[datacenter.as_str()])?;
    fields.default_tenancy()?;
    fields.computed(&["Address"]);
    let node = NodeName::from(fields.text("Node")?);
    let (service, check) = (fields.text("ServiceID")?, fields.text("CheckID")?);
    if node.is_empty() {
        return Err(fields.error("Node", "is required"));
    }
    fields.finish()?;
    Ok(match (service.is_empty(), check.is_empty()) {
        // as in Consul, a service goes before a check
        (false, _) => Gone::Service(node, service.into()),
        (true, false) => Gone::Check(node, check.into()),
        (true, true) => Gone::Node(node),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(body: &Value) -> String {
        register(body, &"dc1".into()).map_or_else(|error| error.to_string(), |_| "taken".to_owned())
    }

    #[test]
    fn a_check_is_on_the_node_it_comes_with() {
        let body = json!({ "Node": "n2", "Address": "10.0.0.2", "Check": { "CheckID": "up", "Status": "passing" },
            "Checks": [{ "Name": "disk", "Node": "n2" }] });
        let external = register(&body, &"dc1".into()).expect("a registration");
        let told: Vec<_> = external.checks.iter().map(|check| (check.node.as_str(), check.id.as_str())).collect();
        assert_eq!(told, [("n2", "up"), ("n2", "disk")]);
    }

    #[test]
    fn what_is_missing_or_elsewhere_is_named() {
        for (body, what) in [
            (json!({ "Address": "10.0.0.2" }), "Node: is required"),
            (json!({ "Node": "n2" }), "Address: is required, unless SkipNodeUpdate is set"),
            (json!({ "Node": "n2", "Address": "0.0.0.0" }), "Address: must be an address"),
            (json!({ "Node": "n2", "Address": "1.1.1.1", "Datacenter": "dc2" }), "Datacenter"),
            (json!({ "Node": "n2", "Address": "1.1.1.1", "Service": {} }), "Service.Service: is required"),
            (json!({ "Node": "n2", "Address": "1.1.1.1", "Check": { "CheckID": "a", "Node": "n3" } }), "another node"),
            (json!({ "Node": "n2", "Address": "1.1.1.1", "Nodemeta": {}, "Servce": {} }), "did you mean \"Service\""),
        ] {
            assert!(refused(&body).contains(what), "{body}: {}", refused(&body));
        }
    }

    #[test]
    fn a_deregistration_is_about_the_smallest_thing_it_names() {
        let gone = |body: Value| deregister(&body, &"dc1".into());
        assert_eq!(gone(json!({ "Node": "n" })), Ok(Gone::Node("n".into())));
        assert_eq!(gone(json!({ "Node": "n", "CheckID": "c" })), Ok(Gone::Check("n".into(), "c".into())));
        assert_eq!(gone(json!({ "Node": "n", "ServiceID": "s" })), Ok(Gone::Service("n".into(), "s".into())));
        assert!(gone(json!({ "ServiceID": "s" })).is_err());
    }
}
