//! Health checks, inside a service and on their own.

use std::collections::BTreeSet;
use std::time::Duration;

use super::inside;
use crate::model::check::HttpProbe;
use crate::model::{Check, CheckDefinition, CheckId, Index, NodeName, Probe, Service, ServiceId, ServiceName, Status};
use crate::wire::fields::{DecodeError, Fields, Result};

/// Probes of later versions.
const UNSUPPORTED: [&str; 12] = [
    "Args",
    "ScriptArgs",
    "Script",
    "Shell",
    "DockerContainerID",
    "UDP",
    "GRPC",
    "GRPCUseTLS",
    "H2PING",
    "H2PingUseTLS",
    "OSService",
    "TCPUseTLS",
];

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
    fields.unsupported(&UNSUPPORTED)?;
    fields.unsupported(&["Token"])?;
    fields.default_tenancy()?;
    let (check_id, id) = (fields.text("CheckID")?, fields.text("ID")?);
    // a check inside a service is that service's
    let service = if alone { fields.text("ServiceID")? } else { String::new() };
    let decoded = Decoded {
        path: fields.path().to_owned(),
        id: if check_id.is_empty() { id } else { check_id },
        name: fields.text("Name")?,
        notes: fields.text("Notes")?,
        // nothing is known yet, so nothing is promised
        status: status(&mut fields)?.unwrap_or(Status::Critical),
        definition: definition(&mut fields)?,
    };
    fields.finish()?;
    Ok((decoded, ServiceId::from(service)))
}

fn definition(fields: &mut Fields<'_>) -> Result<CheckDefinition> {
    let probe = probe(fields)?;
    let definition = CheckDefinition {
        interval: fields.duration("Interval")?,
        timeout: fields.duration("Timeout")?,
        success_before_passing: fields.count("SuccessBeforePassing")?,
        failures_before_warning: fields.count("FailuresBeforeWarning")?,
        failures_before_critical: fields.count("FailuresBeforeCritical")?,
        deregister_critical_service_after: fields.duration("DeregisterCriticalServiceAfter")?,
        output_max_size: fields.count("OutputMaxSize")?,
        probe,
    };
    let periodic = matches!(definition.probe, Probe::Http(_) | Probe::Tcp(_));
    if periodic && definition.interval == Duration::ZERO {
        return Err(fields.error("Interval", format!("is required for a check of type {}", definition.probe.kind())));
    }
    if !periodic && definition.interval != Duration::ZERO {
        return Err(fields.error("Interval", format!("is not for a check of type {}", definition.probe.kind())));
    }
    let (warning, critical) = (definition.failures_before_warning, definition.failures_before_critical);
    if critical > 0 && warning > critical {
        return Err(fields.error("FailuresBeforeWarning", "must not be more than FailuresBeforeCritical"));
    }
    Ok(definition)
}

fn probe(fields: &mut Fields<'_>) -> Result<Probe> {
    let ttl = fields.duration("TTL")?;
    let (tcp, node, service) = (fields.text("TCP")?, fields.text("AliasNode")?, fields.text("AliasService")?);
    let http = http(fields)?;
    let kinds = [
        ("TTL", ttl != Duration::ZERO),
        ("HTTP", !http.url.is_empty()),
        ("TCP", !tcp.is_empty()),
        ("AliasNode or AliasService", !node.is_empty() || !service.is_empty()),
    ];
    let named: Vec<&str> = kinds.iter().filter(|(_, named)| *named).map(|(kind, _)| *kind).collect();
    match named.as_slice() {
        ["TTL"] => Ok(Probe::Ttl(ttl)),
        ["HTTP"] => Ok(Probe::Http(http)),
        ["TCP"] => tcp_probe(fields, tcp),
        [_] => Ok(Probe::Alias { node: NodeName::from(node), service: ServiceId::from(service) }),
        [] => Err(DecodeError::new(fields.path(), "a check needs one of TTL, HTTP, TCP, AliasNode, AliasService")),
        several => {
            let message = format!("a check does one thing, this one asks for {}", several.join(" and "));
            Err(DecodeError::new(fields.path(), message))
        }
    }
}

fn tcp_probe(fields: &Fields<'_>, target: String) -> Result<Probe> {
    let port = target.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    match port {
        Some(_) => Ok(Probe::Tcp(target)),
        None => Err(fields.error("TCP", format!("expected host:port, got {target:?}"))),
    }
}

fn http(fields: &mut Fields<'_>) -> Result<HttpProbe> {
    let probe = HttpProbe {
        url: fields.text("HTTP")?,
        method: fields.text("Method")?,
        header: fields.texts_map("Header")?,
        body: fields.text("Body")?,
        disable_redirects: fields.flag("DisableRedirects")?,
        tls_skip_verify: fields.flag("TLSSkipVerify")?,
        tls_server_name: fields.text("TLSServerName")?,
    };
    let scheme = ["http://", "https://"].iter().any(|scheme| probe.url.starts_with(scheme));
    if !probe.url.is_empty() && !scheme {
        return Err(fields.error("HTTP", format!("expected a URL with http:// or https://, got {:?}", probe.url)));
    }
    Ok(probe)
}
