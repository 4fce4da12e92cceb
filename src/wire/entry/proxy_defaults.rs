//! `proxy-defaults`.

use serde_json::Value;

use super::nearness;
use crate::model::entry::ProxyDefaults;
use crate::model::{MutualTls, Protocol};
use crate::wire::fields::{Fields, Result};
use crate::wire::members::Members;
use crate::wire::registration::proxy;
use crate::wire::{access_logs, expose, extension, transparent};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<ProxyDefaults> {
    let config = proxy::config(fields)?;
    let word = config.get("protocol").and_then(Value::as_str).unwrap_or_default();
    if Protocol::parse(word).is_none() && !word.is_empty() {
        let message = format!("{word:?} is no protocol; expected tcp, http, http2 or grpc");
        return Err(fields.error("Config.protocol", message));
    }
    let defaults = ProxyDefaults {
        config,
        mutual_tls: fields.word("MutualTLSMode", "mode of mutual TLS")?,
        expose: expose::decode(fields)?,
        transparent: transparent::decode(fields)?,
        access_logs: access_logs::decode(fields)?,
        prioritize_by_locality: nearness::prioritize(fields)?,
        failover_policy: nearness::policy(fields, "FailoverPolicy")?,
        extensions: extension::decode(fields)?,
    };
    fields.only("MeshGateway", &["none"])?;
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
