//! Health checks, inside a service and on their own.

mod definition;

use std::collections::BTreeSet;

use super::inside;
use crate::model::{Check, CheckDefinition, CheckId, Index, NodeName, Service, ServiceId, ServiceName, Status};
use crate::wire::fields::{DecodeError, Fields, Result};

/// A check as it was written, before defaults.
pub(super) struct Decoded {
    path: String,
    id: String,
    name: String,
    notes: String,
    status: Status,
    definition: CheckDefinition,
}

/// `Check` and `Checks` of a service, in that order; `None` when it has neither.
pub(super) fn of_fields(fields: &mut Fields<'_>) -> Result<Option<Vec<Decoded>>> {
    let one = fields.object("Check", "a check")?;
    let more = fields.objects("Checks", "a check")?;
    if one.is_none() && more.is_none() {
        return Ok(None);
    }
    let all = one.into_iter().chain(more.unwrap_or_default());
    all.map(|fields| decode(fields, false).map(|(decoded, _)| decoded)).collect::<Result<_>>().map(Some)
}

/// With the ids and names that a service's checks get.
pub(super) fn of_service(checks: Vec<Decoded>, service: &Service) -> Result<Vec<Check>> {
    let several = checks.len() > 1;
    let mut seen = BTreeSet::new();
    let number = |(at, decoded): (usize, Decoded)| {
        let path = decoded.path.clone();
        let default_id =
            if several { format!("service:{}:{}", service.id, at + 1) } else { format!("service:{}", service.id) };
        let id = if decoded.id.is_empty() { default_id } else { decoded.id.clone() };
        if !seen.insert(id.clone()) {
            return Err(DecodeError::new(
                format!("{path}.CheckID"),
                format!("another check has the id {id:?} already"),
            ));
        }
        let name =
            if decoded.name.is_empty() { format!("Service '{}' check", service.name) } else { decoded.name.clone() };
        let mut check = decoded.place(&service.node, id, name);
        check.service_id = service.id.clone();
        check.service_name = service.name.clone();
        check.service_tags.clone_from(&service.tags);
        Ok(check)
    };
    checks.into_iter().enumerate().map(number).collect()
}

/// A check with a body of its own: of the node, or of a service that is registered already.
pub(super) fn alone(fields: Fields<'_>, node: &NodeName) -> Result<Check> {
    let path = fields.path().to_owned();
    let (decoded, service) = decode(fields, true)?;
    if decoded.name.is_empty() {
        return Err(inside(&path, DecodeError::new("Name", "is required")));
    }
    let id = if decoded.id.is_empty() { decoded.name.clone() } else { decoded.id.clone() };
    let name = decoded.name.clone();
    let mut check = decoded.place(node, id, name);
    check.service_id = service;
    Ok(check)
}

impl Decoded {
    fn place(self, node: &NodeName, id: String, name: String) -> Check {
        Check {
            node: node.clone(),
            id: CheckId::from(id),
            name,
            status: self.status,
            notes: self.notes,
            output: String::new(),
            service_id: ServiceId::default(),
            service_name: ServiceName::default(),
            service_tags: Vec::new(),
            exposed: None,
            definition: Some(self.definition),
            create_index: Index::default(),
            modify_index: Index::default(),
        }
    }
}

/// `None` when absent or empty.
pub(super) fn status(fields: &mut Fields<'_>) -> Result<Option<Status>> {
    let word = fields.text("Status")?;
    match Status::parse(&word) {
        None if word.is_empty() => Ok(None),
        None => Err(fields.error("Status", format!("{word:?} is no status; expected passing, warning or critical"))),
        known => Ok(known),
    }
}

fn decode(mut fields: Fields<'_>, alone: bool) -> Result<(Decoded, ServiceId)> {
    fields.unsupported(&["Token"])?;
    fields.default_tenancy()?;
    let (check_id, id) = (fields.text("CheckID")?, fields.text("ID")?);
    // a check inside a service is that service's
    let service = if alone { fields.text("ServiceID")? } else { String::new() };
    let of_node = alone && service.is_empty();
    let decoded = Decoded {
        path: fields.path().to_owned(),
        id: if check_id.is_empty() { id } else { check_id },
        name: fields.text("Name")?,
        notes: fields.text("Notes")?,
        // nothing is known yet, so nothing is promised
        status: status(&mut fields)?.unwrap_or(Status::Critical),
        definition: definition::decode(&mut fields)?,
    };
    if of_node && !decoded.definition.deregister_critical_service_after.is_zero() {
        let message = "needs a ServiceID: a node is not deregistered";
        return Err(fields.error("DeregisterCriticalServiceAfter", message));
    }
    fields.finish()?;
    Ok((decoded, ServiceId::from(service)))
}
