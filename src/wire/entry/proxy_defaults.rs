//! `proxy-defaults`.

use serde_json::Value;

use super::nearness;
use crate::model::MutualTls;
use crate::model::entry::ProxyDefaults;
use crate::wire::fields::{Fields, Result};
use crate::wire::members::Members;
use crate::wire::{access_logs, expose, extension, mesh_gateway, proxy_config, transparent};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<ProxyDefaults> {
    let defaults = ProxyDefaults {
        config: proxy_config::of_proxy(fields)?,
        mutual_tls: fields.word("MutualTLSMode", "mode of mutual TLS")?,
        expose: expose::decode(fields)?,
        transparent: transparent::decode(fields)?,
        access_logs: access_logs::decode(fields)?,
        prioritize_by_locality: nearness::prioritize(fields)?,
        failover_policy: nearness::policy(fields, "FailoverPolicy")?,
        extensions: extension::of_all(fields)?,
    };
    mesh_gateway::none(fields, "MeshGateway")?;
    Ok(defaults)
}

pub(super) fn show(members: Members, body: &ProxyDefaults) -> Members {
    // null when there is none
    let config = if body.config.is_empty() { Value::Null } else { Value::Object(body.config.clone()) };
    members
        .always("Config", config)
        .text("Mode", transparent::mode(body.transparent))
        .always("TransparentProxy", transparent::show(body.transparent))
        .text("MutualTLSMode", body.mutual_tls.map_or("", MutualTls::as_str))
        .always("MeshGateway", Members::default())
        .always("Expose", expose::show(&body.expose))
        .always("AccessLogs", access_logs::show(&body.access_logs))
        .objects("EnvoyExtensions", extension::show(&body.extensions))
        .object("FailoverPolicy", nearness::show_policy(body.failover_policy.as_ref()))
        .object("PrioritizeByLocality", nearness::show_prioritize(body.prioritize_by_locality))
}
