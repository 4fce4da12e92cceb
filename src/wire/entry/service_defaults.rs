//! `service-defaults`.

use std::collections::BTreeSet;

use crate::model::entry::ServiceDefaults;
use crate::model::entry::service_defaults::{UpstreamDefaults, UpstreamOverride};
use crate::model::intention::WILDCARD;
use crate::model::{MutualTls, Protocol, UpstreamSettings};
use crate::wire::fields::{Fields, Result, asks_nothing};
use crate::wire::members::Members;
use crate::wire::proxy_config::MOST_HEADERS_KB;
use crate::wire::upstream_settings::{self, exact_balance, protocol};
use crate::wire::{expose, extension, mesh_gateway, rate_limits, transparent};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<ServiceDefaults> {
    let defaults = ServiceDefaults {
        protocol: protocol(fields, "Protocol")?,
        mutual_tls: fields.word("MutualTLSMode", "mode of mutual TLS")?,
        external_sni: fields.text("ExternalSNI")?,
        expose: expose::decode(fields)?,
        transparent: transparent::decode(fields)?,
        upstreams: upstreams(fields)?,
        max_inbound_connections: fields.count("MaxInboundConnections")?,
        balance_inbound_connections: exact_balance(fields, "BalanceInboundConnections")?,
        local_connect_timeout: fields.milliseconds("LocalConnectTimeoutMs")?,
        local_request_timeout: fields.milliseconds("LocalRequestTimeoutMs")?,
        rate_limits: rate_limits::decode(fields)?,
        max_request_headers_kb: headers_kb(fields)?,
        extensions: extension::of_service(fields)?,
    };
    mesh_gateway::none(fields, "MeshGateway")?;
    no_destination(fields)?;
    if !defaults.external_sni.is_empty() && defaults.function().is_some() {
        return Err(fields.error("ExternalSNI", "does not go with builtin/aws/lambda, which says where calls go"));
    }
    Ok(defaults)
}

fn headers_kb(fields: &mut Fields<'_>) -> Result<Option<u32>> {
    let most = fields.optional_count("MaxRequestHeadersKB")?.filter(|most| *most > 0);
    if most.is_some_and(|most| most > MOST_HEADERS_KB) {
        return Err(
            fields.error("MaxRequestHeadersKB", format!("is more than {MOST_HEADERS_KB}, the most that Envoy takes"))
        );
    }
    Ok(most)
}

/// A destination outside of the mesh.
fn no_destination(fields: &mut Fields<'_>) -> Result<()> {
    match fields.take("Destination") {
        Some(value) if !asks_nothing(value, &[]) => Err(fields.error(
            "Destination",
            "leads out of the mesh through a terminating gateway, which this version of chancery does not have; without the \
             entry a transparent proxy leads there in plain text",
        )),
        _ => Ok(()),
    }
}

fn upstreams(fields: &mut Fields<'_>) -> Result<UpstreamDefaults> {
    let Some(mut fields) = fields.object("UpstreamConfig", "UpstreamConfig")? else {
        return Ok(UpstreamDefaults::default());
    };
    let defaults = match fields.object("Defaults", "defaults of upstreams")? {
        None => UpstreamSettings::default(),
        Some(mut defaults) => {
            if !defaults.text("Name")?.is_empty() {
                return Err(defaults.error("Name", "must be empty: defaults are for all upstreams"));
            }
            let settings = upstream_settings::decode(&mut defaults)?;
            defaults.finish()?;
            settings
        }
    };
    let mut names = BTreeSet::new();
    let mut overrides = Vec::new();
    for mut fields in fields.objects("Overrides", "an override for an upstream")?.unwrap_or_default() {
        let one = one(&mut fields)?;
        if !names.insert(one.name.clone()) {
            return Err(fields.error("Name", format!("another override is for {:?} already", one.name)));
        }
        fields.finish()?;
        overrides.push(one);
    }
    fields.finish()?;
    Ok(UpstreamDefaults { defaults, overrides })
}

fn one(fields: &mut Fields<'_>) -> Result<UpstreamOverride> {
    let name = fields.text("Name")?;
    if name.is_empty() {
        return Err(fields.error("Name", "is required"));
    }
    if name == WILDCARD {
        return Err(fields.error("Name", "must be one service: what holds for all goes into Defaults"));
    }
    Ok(UpstreamOverride { name, settings: upstream_settings::decode(fields)? })
}

pub(super) fn show(members: Members, body: &ServiceDefaults) -> Members {
    let balance = if body.balance_inbound_connections { "exact_balance" } else { "" };
    members
        .always("Protocol", body.protocol.map_or("", Protocol::as_str))
        .text("Mode", transparent::mode(body.transparent))
        .always("TransparentProxy", transparent::show(body.transparent))
        .text("MutualTLSMode", body.mutual_tls.map_or("", MutualTls::as_str))
        .always("MeshGateway", Members::default())
        .always("Expose", expose::show(&body.expose))
        .text("ExternalSNI", &body.external_sni)
        .object("UpstreamConfig", show_upstreams(&body.upstreams))
        .number("MaxInboundConnections", body.max_inbound_connections)
        .milliseconds("LocalConnectTimeoutMs", body.local_connect_timeout)
        .milliseconds("LocalRequestTimeoutMs", body.local_request_timeout)
        .text("BalanceInboundConnections", balance)
        .object("RateLimits", rate_limits::show(&body.rate_limits))
        .number("MaxRequestHeadersKB", body.max_request_headers_kb.unwrap_or_default())
        .objects("EnvoyExtensions", extension::show(&body.extensions))
}

fn show_upstreams(upstreams: &UpstreamDefaults) -> Members {
    let one =
        |one: &UpstreamOverride| upstream_settings::show(Members::default().text("Name", &one.name), &one.settings);
    let members = Members::default().objects("Overrides", upstreams.overrides.iter().map(one));
    if upstreams.defaults == UpstreamSettings::default() {
        return members;
    }
    members.object("Defaults", upstream_settings::show(Members::default(), &upstreams.defaults))
}
