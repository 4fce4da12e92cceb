//! Exposed paths, as registrations and defaults spell them.

use std::collections::BTreeSet;

use super::fields::{Fields, Result};
use super::members::Members;
use crate::model::Expose;
use crate::model::expose::{ExposedPath, ExposedProtocol};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Expose> {
    let Some(mut fields) = fields.object("Expose", "Expose")? else { return Ok(Expose::default()) };
    let checks = fields.flag("Checks")?;
    let paths = fields.objects("Paths", "an exposed path")?.unwrap_or_default();
    let mut ports = BTreeSet::new();
    let mut path = |mut fields: Fields<'_>| {
        let path = path(&mut fields)?;
        if !ports.insert(path.listener_port) {
            let message = format!("another path is exposed on port {} already", path.listener_port);
            return Err(fields.error("ListenerPort", message));
        }
        fields.finish()?;
        Ok(path)
    };
    let paths: Vec<ExposedPath> = paths.into_iter().map(&mut path).collect::<Result<_>>()?;
    let otherwise =
        |a: &ExposedPath, b: &ExposedPath| a.local_path_port == b.local_path_port && a.protocol != b.protocol;
    if let Some(one) = paths.iter().find(|one| paths.iter().any(|other| otherwise(one, other))) {
        let message = format!("port {} of the application cannot speak http and http2 both", one.local_path_port);
        return Err(fields.error("Paths", message));
    }
    fields.finish()?;
    Ok(Expose { checks, paths })
}

fn path(fields: &mut Fields<'_>) -> Result<ExposedPath> {
    let path = fields.text("Path")?;
    if !path.starts_with('/') {
        return Err(fields.error("Path", format!("{path:?} does not start with '/'")));
    }
    let protocol = fields.word("Protocol", "protocol of an exposed path")?.unwrap_or(ExposedProtocol::Http);
    fields.empty("ParsedFromCheck", || "is not for people: Expose.Checks exposes the paths of checks".to_owned())?;
    let port = |fields: &mut Fields<'_>, field| match fields.port(field)? {
        0 => Err(fields.error(field, "is required")),
        port => Ok(port),
    };
    let (listener_port, local_path_port) = (port(fields, "ListenerPort")?, port(fields, "LocalPathPort")?);
    Ok(ExposedPath { listener_port, path, local_path_port, protocol, agent: None })
}

pub(super) fn show(expose: &Expose) -> Members {
    let path = |path: &ExposedPath| {
        Members::default()
            .number("ListenerPort", path.listener_port)
            .text("Path", &path.path)
            .number("LocalPathPort", path.local_path_port)
            .text("Protocol", path.protocol.as_str())
    };
    Members::default().flag("Checks", expose.checks).objects("Paths", expose.paths.iter().map(path))
}
