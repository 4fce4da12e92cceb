//! `service-defaults`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::entry::{Entry, ServiceDefaults};
use crate::model::{EntryKind, Index, Protocol};
use crate::wire::answer::Empty;
use crate::wire::fields::{Fields, Result};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<ServiceDefaults> {
    let word = fields.text("Protocol")?;
    let protocol = Protocol::parse(&word);
    if protocol.is_none() && !word.is_empty() {
        return Err(fields.error("Protocol", format!("{word:?} is no protocol; expected tcp, http, http2 or grpc")));
    }
    fields.only("Mode", &["direct"])?;
    fields.only("MutualTLSMode", &["strict"])?;
    fields.only("MeshGateway", &["none"])?;
    fields.unsupported(&[
        "TransparentProxy",
        "Expose",
        "ExternalSNI",
        "UpstreamConfig",
        "Destination",
        "MaxInboundConnections",
        "LocalConnectTimeoutMs",
        "LocalRequestTimeoutMs",
        "BalanceInboundConnections",
        "RateLimits",
        "EnvoyExtensions",
    ])?;
    Ok(ServiceDefaults { protocol })
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer<'a> {
    kind: &'static str,
    name: &'a str,
    protocol: &'static str,
    transparent_proxy: Empty,
    mesh_gateway: Empty,
    expose: Empty,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    meta: &'a BTreeMap<String, String>,
    create_index: Index,
    modify_index: Index,
}

pub(super) fn encode<'a>(entry: &'a Entry, body: &ServiceDefaults) -> Answer<'a> {
    Answer {
        kind: EntryKind::ServiceDefaults.as_str(),
        name: &entry.name,
        protocol: body.protocol.map_or("", Protocol::as_str),
        transparent_proxy: Empty {},
        mesh_gateway: Empty {},
        expose: Empty {},
        meta: &entry.meta,
        create_index: entry.create_index,
        modify_index: entry.modify_index,
    }
}
