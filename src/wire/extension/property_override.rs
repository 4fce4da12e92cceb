//! `builtin/property-override`.

use super::proxy_type;
use crate::model::ServiceName;
use crate::model::extension::{Direction, Operation, Patch, PropertyOverride};
use crate::wire::fields::{Fields, Result};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<PropertyOverride> {
    proxy_type(fields)?;
    // a wrong field is always told with its neighbours
    fields.flag("Debug")?;
    let patches = fields.objects("Patches", "a patch")?.unwrap_or_default();
    if patches.is_empty() {
        return Err(fields.error("Patches", "needs at least one patch"));
    }
    Ok(PropertyOverride { patches: patches.into_iter().map(patch).collect::<Result<_>>()? })
}

fn patch(mut fields: Fields<'_>) -> Result<Patch> {
    let mut filter = fields
        .object("ResourceFilter", "a filter of resources")?
        .ok_or_else(|| fields.error("ResourceFilter", "is required"))?;
    let resource = filter.word("ResourceType", "type of resource")?;
    let resource = resource.ok_or_else(|| filter.error("ResourceType", "is required"))?;
    let direction = filter.word("TrafficDirection", "direction")?;
    let direction = direction.ok_or_else(|| filter.error("TrafficDirection", "is required: inbound or outbound"))?;
    let mut services = Vec::new();
    for mut service in filter.objects("Services", "a service")?.unwrap_or_default() {
        let name = service.text("Name")?;
        if name.is_empty() {
            return Err(service.error("Name", "is required"));
        }
        service.default_tenancy()?;
        service.only("Peer", &[])?;
        service.finish()?;
        services.push(ServiceName::from(name));
    }
    if direction == Direction::Inbound && !services.is_empty() {
        return Err(filter.error("Services", "only outbound resources lead to services"));
    }
    filter.finish()?;
    let path = path(&mut fields)?;
    let operation = match fields.text("Op")?.as_str() {
        "add" => match fields.take("Value") {
            Some(value) => Operation::Add(value.clone()),
            None => return Err(fields.error("Value", "is required for add")),
        },
        "remove" => match fields.take("Value") {
            Some(_) => return Err(fields.error("Value", "has no meaning for remove: leave it out")),
            None => Operation::Remove,
        },
        "" => return Err(fields.error("Op", "is required: add or remove")),
        other => return Err(fields.error("Op", format!("{other:?} is no operation; expected one of add, remove"))),
    };
    fields.finish()?;
    Ok(Patch { resource, direction, services, operation, path })
}

fn path(fields: &mut Fields<'_>) -> Result<Vec<String>> {
    let text = fields.text("Path")?;
    let Some(rest) = text.strip_prefix('/') else {
        return Err(fields.error("Path", format!("{text:?} must begin with a slash, as in /connect_timeout")));
    };
    let path: Vec<String> = rest.split('/').map(str::to_owned).collect();
    let good =
        |part: &String| !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    match path.iter().find(|part| !good(part)) {
        Some(part) => {
            let message =
                format!("{part:?} is no name of a field: elements of lists and maps cannot be named, set them whole");
            Err(fields.error("Path", message))
        }
        None => Ok(path),
    }
}
