//! Services and checks as their owners register them.

pub(super) mod catalog;
mod check;
mod encode;
mod external;
mod proxy;
mod rules;
mod sidecar;

use serde_json::Value;

pub use encode::encode;
pub use external::{External, Gone, deregister, register};

use super::fields::{DecodeError, Fields, Result, Typing, asks_nothing, unsupported};
use super::{locality, meta};
use crate::catalog::Registration;
use crate::model::{Check, NodeName, Service, ServiceId, ServiceKind, ServiceName, Status, TaggedAddress, Weights};

/// The body of `/v1/agent/service/register`, for an instance on this node.
///
/// # Errors
/// Naming the field that breaks a rule, and the rule.
pub fn service(body: &Value, typing: Typing, node: &NodeName) -> Result<Registration> {
    service_fields(Fields::new(body, "a service", typing)?, node)
}

/// The same, from an object inside a document (`services` of a configuration file).
///
/// # Errors
/// As [`service`].
pub fn service_fields(fields: Fields<'_>, node: &NodeName) -> Result<Registration> {
    let mut decoded = decode(fields, node, Form::Agent)?;
    complete(&mut decoded, Form::Agent)?;
    rules::service(&decoded.service).map_err(|error| inside(&decoded.path, error))?;
    let Decoded { service, checks, sidecar, .. } = decoded;
    let checks = check::of_service(checks.unwrap_or_default(), &service)?;
    let sidecar = sidecar.map(|sidecar| sidecar::complete(*sidecar, &service)).transpose()?;
    Ok(Registration { service, checks, sidecar, replace_existing_checks: false })
}

/// The body of `/v1/agent/check/register`. The name and tags of its service are left to the catalog.
///
/// # Errors
/// As [`service`].
pub fn check(body: &Value, typing: Typing, node: &NodeName) -> Result<Check> {
    check_fields(Fields::new(body, "a check", typing)?, node)
}

/// The same, from an object inside a document (`checks` of a configuration file).
///
/// # Errors
/// As [`service`].
pub fn check_fields(fields: Fields<'_>, node: &NodeName) -> Result<Check> {
    check::alone(fields, node)
}

/// The body of `/v1/agent/check/update/:id`: the status and the output.
///
/// # Errors
/// When the status is missing or unknown.
pub fn check_update(body: &Value) -> Result<(Status, String)> {
    let mut fields = Fields::new(body, "a check update", Typing::Strict)?;
    let status = check::status(&mut fields)?;
    let output = fields.text("Output")?;
    fields.finish()?;
    let missing = || DecodeError::new("Status", "is required: passing, warning or critical");
    Ok((status.ok_or_else(missing)?, output))
}

/// Who reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Agent,
    /// Spells the name as answers do, and weights that nobody gave as zeros.
    Catalog,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Agent => "Name",
            Self::Catalog => "Service",
        }
    }
}

/// A service as it was written, before defaults.
struct Decoded {
    path: String,
    service: Service,
    /// Absent tags and meta of a sidecar are its service's.
    tags_given: bool,
    meta_given: bool,
    checks: Option<Vec<check::Decoded>>,
    sidecar: Option<Box<Decoded>>,
}

fn decode(mut fields: Fields<'_>, node: &NodeName, form: Form) -> Result<Decoded> {
    let kind = kind(&mut fields)?;
    let tags = fields.optional_texts("Tags")?;
    let (meta_given, meta) = (fields.take("Meta").is_some(), meta::of_service(&mut fields, "Meta")?);
    let mut service = Service {
        node: node.clone(),
        id: ServiceId::from(fields.text("ID")?),
        name: ServiceName::from(fields.text(form.name())?),
        kind,
        address: fields.text("Address")?,
        port: fields.port("Port")?,
        socket_path: fields.text("SocketPath")?,
        meta,
        enable_tag_override: fields.flag("EnableTagOverride")?,
        ..Service::default()
    };
    for (tag, mut address) in fields.object_map("TaggedAddresses", "a tagged address")? {
        let (text, port) = (address.text("Address")?, address.port("Port")?);
        rules::address(&text).map_err(|message| address.error("Address", message))?;
        address.finish()?;
        service.tagged_addresses.insert(tag, TaggedAddress { address: text, port });
    }
    service.weights = weights(&mut fields, form)?;
    service.locality = locality::decode(&mut fields)?;
    service.proxy = fields.object("Proxy", "a proxy")?.map(proxy::decode).transpose()?.flatten();
    let checks = check::of_fields(&mut fields)?;
    fields.unsupported(&["Token", "Ports"])?;
    fields.default_tenancy()?;
    let sidecar = connect(&mut fields, &mut service, node)?;
    let path = fields.path().to_owned();
    fields.finish()?;
    service.tags = tags.clone().unwrap_or_default();
    Ok(Decoded { path, service, tags_given: tags.is_some(), meta_given, checks, sidecar: sidecar.map(Box::new) })
}

fn kind(fields: &mut Fields<'_>) -> Result<ServiceKind> {
    let kind = fields.text("Kind")?;
    match kind.as_str() {
        "" => Ok(ServiceKind::Typical),
        "connect-proxy" => Ok(ServiceKind::ConnectProxy),
        "mesh-gateway" | "terminating-gateway" | "ingress-gateway" | "api-gateway" => {
            Err(fields.error("Kind", unsupported(&kind)))
        }
        _ => Err(fields.error("Kind", format!("{kind:?} is no kind of service; expected connect-proxy or nothing"))),
    }
}

fn weights(fields: &mut Fields<'_>, form: Form) -> Result<Weights> {
    if form == Form::Catalog && fields.peek("Weights").is_none_or(|weights| asks_nothing(weights, &[])) {
        fields.computed(&["Weights"]);
        return Ok(Weights::default());
    }
    let Some(mut weights) = fields.object("Weights", "weights")? else { return Ok(Weights::default()) };
    let mut weight = |field| weights.whole(field, 0..=65535).map(|weight| weight.unwrap_or(0));
    let (passing, warning) = (weight("Passing")?, weight("Warning")?);
    if passing == 0 {
        return Err(weights.error("Passing", "must be at least 1"));
    }
    weights.finish()?;
    let narrow = |weight| u32::try_from(weight).unwrap_or_default();
    Ok(Weights { passing: narrow(passing), warning: narrow(warning) })
}

fn connect(fields: &mut Fields<'_>, service: &mut Service, node: &NodeName) -> Result<Option<Decoded>> {
    let Some(mut connect) = fields.object("Connect", "Connect")? else { return Ok(None) };
    service.connect_native = connect.flag("Native")?;
    connect.unsupported(&["Proxy", "PeerMeta"])?;
    let sidecar = connect.object("SidecarService", "a sidecar service")?;
    connect.finish()?;
    let Some(sidecar) = sidecar else { return Ok(None) };
    let sidecar = decode(sidecar, node, Form::Agent)?;
    if sidecar.sidecar.is_some() {
        let path = format!("{}.Connect.SidecarService", sidecar.path);
        return Err(DecodeError::new(path, "a sidecar cannot have a sidecar of its own"));
    }
    Ok(Some(sidecar))
}

/// The defaults of a service that is not a sidecar of its own registration.
fn complete(decoded: &mut Decoded, form: Form) -> Result<()> {
    let service = &mut decoded.service;
    if service.name.is_empty() {
        return Err(inside(&decoded.path, DecodeError::new(form.name(), "is required")));
    }
    if service.id.is_empty() {
        service.id = ServiceId::from(service.name.as_str());
    }
    sidecar::tag_address(service);
    Ok(())
}

/// An error about a part, told from the whole.
fn inside(path: &str, error: DecodeError) -> DecodeError {
    if path.is_empty() { error } else { DecodeError { path: format!("{path}.{}", error.path), ..error } }
}

#[cfg(test)]
mod tests;
