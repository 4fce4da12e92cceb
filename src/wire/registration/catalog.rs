//! Nodes, instances and checks as the catalog holds them: kept by whoever writes them there, not by this agent.

use super::check::status;
use super::{Form, complete, decode, inside, rules};
use crate::model::{Check, CheckId, Datacenter, Index, Node, NodeName, Service, ServiceId, ServiceName, Status};
use crate::wire::fields::{DecodeError, Fields, Result};
use crate::wire::{locality, meta};

/// Clients send back what they read.
const COMPUTED: [&str; 2] = ["CreateIndex", "ModifyIndex"];

/// # Errors
/// Naming the field that breaks a rule, and the rule; so with the others.
pub fn node(mut fields: Fields<'_>, datacenter: &Datacenter) -> Result<Node> {
    fields.only("Datacenter", &[datacenter.as_str()])?;
    fields.default_tenancy()?;
    fields.computed(&COMPUTED);
    let node = Node {
        id: fields.text("ID")?,
        name: fields.text("Node")?.into(),
        address: fields.text("Address")?,
        tagged_addresses: fields.text_map("TaggedAddresses")?,
        meta: meta::of_entry(&mut fields, "Meta")?,
        locality: locality::decode(&mut fields)?,
        ..Node::default()
    };
    if node.name.is_empty() {
        return Err(fields.error("Node", "is required"));
    }
    rules::address(&node.address).map_err(|message| fields.error("Address", message))?;
    fields.finish()?;
    Ok(node)
}

/// An instance, with `Service` as its name. It has no checks and no sidecar inside.
///
/// # Errors
/// As [`node`].
pub fn service(mut fields: Fields<'_>, node: &NodeName, datacenter: &Datacenter) -> Result<Service> {
    fields.only("Datacenter", &[datacenter.as_str()])?;
    fields.computed(&COMPUTED);
    fields.computed(&["ContentHash"]);
    let mut decoded = decode(fields, node, Form::Catalog)?;
    let agents = |field: &str| {
        let path = if decoded.path.is_empty() { field.to_owned() } else { format!("{}.{field}", decoded.path) };
        Err(DecodeError::new(path, "is for registrations at the agent: write it as a record of its own"))
    };
    if decoded.checks.is_some() {
        return agents("Checks");
    }
    if decoded.sidecar.is_some() {
        return agents("Connect.SidecarService");
    }
    complete(&mut decoded, Form::Catalog)?;
    rules::service(&decoded.service).map_err(|error| inside(&decoded.path, error))?;
    Ok(decoded.service)
}

/// A check whose status is as its writer says; on this node, when it names none.
///
/// # Errors
/// As [`node`].
pub fn check(mut fields: Fields<'_>, on: Option<&NodeName>) -> Result<Check> {
    fields.default_tenancy()?;
    fields.computed(&COMPUTED);
    // these follow from the service and from what keeps the check
    fields.computed(&["ServiceName", "ServiceTags", "Type", "Interval", "Timeout", "ExposedPort"]);
    if fields.only("Definition", &["0s"]).is_err() {
        let message = "is for checks that an agent runs, and nobody would run this one: register it at the agent, or \
                       leave it out and write the Status yourself";
        return Err(fields.error("Definition", message));
    }
    let (id, name) = (fields.text("CheckID")?, fields.text("Name")?);
    let node = NodeName::from(fields.text("Node")?);
    let check = Check {
        node: if node.is_empty() { on.cloned().unwrap_or_default() } else { node },
        id: CheckId::from(if id.is_empty() { name.as_str() } else { id.as_str() }),
        status: status(&mut fields)?.unwrap_or(Status::Critical),
        notes: fields.text("Notes")?,
        output: fields.text("Output")?,
        service_id: ServiceId::from(fields.text("ServiceID")?),
        service_name: ServiceName::default(),
        service_tags: Vec::new(),
        exposed: None,
        definition: None,
        create_index: Index::default(),
        modify_index: Index::default(),
        name,
    };
    if check.id.is_empty() {
        return Err(fields.error("CheckID", "is required"));
    }
    if check.node.is_empty() {
        return Err(fields.error("Node", "is required"));
    }
    fields.finish()?;
    Ok(check)
}
