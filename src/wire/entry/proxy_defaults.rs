//! `proxy-defaults`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::model::entry::{Entry, ProxyDefaults};
use crate::model::{EntryKind, Index, Opaque, Protocol};
use crate::wire::answer::Empty;
use crate::wire::fields::{Fields, Result};
use crate::wire::registration::proxy;

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<ProxyDefaults> {
    let config = proxy::config(fields)?;
    let word = config.get("protocol").and_then(Value::as_str).unwrap_or_default();
    if Protocol::parse(word).is_none() && !word.is_empty() {
        let message = format!("{word:?} is no protocol; expected tcp, http, http2 or grpc");
        return Err(fields.error("Config.protocol", message));
    }
    fields.only("Mode", &["direct"])?;
    fields.only("MutualTLSMode", &["strict"])?;
    fields.only("MeshGateway", &["none"])?;
    fields.unsupported(&[
        "TransparentProxy",
        "Expose",
        "EnvoyExtensions",
        "AccessLogs",
        "FailoverPolicy",
        "PrioritizeByLocality",
    ])?;
    Ok(ProxyDefaults { config })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer<'a> {
    kind: &'static str,
    name: &'a str,
    /// Null when there is none.
    config: Option<&'a Opaque>,
    transparent_proxy: Empty,
    mesh_gateway: Empty,
    expose: Empty,
    access_logs: Empty,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    meta: &'a BTreeMap<String, String>,
    create_index: Index,
    modify_index: Index,
}

pub(super) fn encode<'a>(entry: &'a Entry, body: &'a ProxyDefaults) -> Answer<'a> {
    Answer {
        kind: EntryKind::ProxyDefaults.as_str(),
        name: &entry.name,
        config: Some(&body.config).filter(|config| !config.is_empty()),
        transparent_proxy: Empty {},
        mesh_gateway: Empty {},
        expose: Empty {},
        access_logs: Empty {},
        meta: &entry.meta,
        create_index: entry.create_index,
        modify_index: entry.modify_index,
    }
}
