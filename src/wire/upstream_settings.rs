//! How a downstream treats an upstream, as `service-defaults` spells it.

use super::fields::{Fields, Result};
use super::members::Members;
use super::{mesh_gateway, weight};
use crate::model::entry::service_splitter::Weight;
use crate::model::upstream_settings::{Limits, PassiveHealthCheck, RetryBudget};
use crate::model::{Protocol, UpstreamSettings};

/// Of `UpstreamConfig.Defaults` or one of its `Overrides`.
pub(super) fn decode(fields: &mut Fields<'_>) -> Result<UpstreamSettings> {
    let settings = UpstreamSettings {
        protocol: protocol(fields, "Protocol")?,
        connect_timeout: fields.milliseconds("ConnectTimeoutMs")?,
        limits: limits(fields)?,
        passive_health_check: passive_health_check(fields)?,
        balance_outbound_connections: exact_balance(fields, "BalanceOutboundConnections")?,
        envoy_listener_json: fields.text("EnvoyListenerJSON")?,
        envoy_cluster_json: fields.text("EnvoyClusterJSON")?,
    };
    mesh_gateway::none(fields, "MeshGateway")?;
    fields.unsupported(&["Peer"])?;
    fields.default_tenancy()?;
    Ok(settings)
}

/// Of the `Config` of an upstream in a registration.
pub(super) fn of_config(fields: &mut Fields<'_>) -> Result<UpstreamSettings> {
    Ok(UpstreamSettings {
        protocol: protocol(fields, "protocol")?,
        connect_timeout: fields.milliseconds("connect_timeout_ms")?,
        limits: limits(fields)?,
        passive_health_check: passive_health_check(fields)?,
        balance_outbound_connections: exact_balance(fields, "balance_outbound_connections")?,
        envoy_listener_json: fields.text("envoy_listener_json")?,
        envoy_cluster_json: fields.text("envoy_cluster_json")?,
    })
}

/// Of any case. `None` when absent or empty.
pub(super) fn protocol(fields: &mut Fields<'_>, field: &'static str) -> Result<Option<Protocol>> {
    let word = fields.text(field)?;
    let protocol = Protocol::parse(&word);
    if protocol.is_none() && !word.is_empty() {
        return Err(fields.error(field, format!("{word:?} is no protocol; expected tcp, http, http2 or grpc")));
    }
    Ok(protocol)
}

pub(super) fn exact_balance(fields: &mut Fields<'_>, field: &'static str) -> Result<bool> {
    let word = fields.text(field)?;
    match word.as_str() {
        "" => Ok(false),
        "exact_balance" => Ok(true),
        _ => Err(fields.error(field, format!("expected exact_balance or nothing, got {word:?}"))),
    }
}

fn limits(fields: &mut Fields<'_>) -> Result<Limits> {
    let Some(mut fields) = fields.object("Limits", "limits of an upstream")? else { return Ok(Limits::default()) };
    let limits = Limits {
        max_connections: fields.optional_count("MaxConnections")?,
        max_pending_requests: fields.optional_count("MaxPendingRequests")?,
        max_concurrent_requests: fields.optional_count("MaxConcurrentRequests")?,
        retry_budget: retry_budget(&mut fields)?,
    };
    fields.finish()?;
    Ok(limits)
}

/// Not a spelling of Consul's.
fn retry_budget(fields: &mut Fields<'_>) -> Result<Option<RetryBudget>> {
    let Some(mut fields) = fields.object("RetryBudget", "a budget of retries")? else { return Ok(None) };
    let by_default = RetryBudget::default();
    let budget = RetryBudget {
        share: fields.optional_weight("Percent")?.unwrap_or(by_default.share),
        least: fields.optional_count("MinRetryConcurrency")?.unwrap_or(by_default.least),
    };
    if budget.share == Weight(0) && budget.least == 0 {
        let message =
            "must be above 0 when MinRetryConcurrency is 0: nothing would be tried again, whatever routes say";
        return Err(fields.error("Percent", message));
    }
    fields.finish()?;
    Ok(Some(budget))
}

fn passive_health_check(fields: &mut Fields<'_>) -> Result<Option<PassiveHealthCheck>> {
    let Some(mut fields) = fields.object("PassiveHealthCheck", "a passive health check")? else { return Ok(None) };
    let check = PassiveHealthCheck {
        interval: fields.optional_duration("Interval")?,
        max_failures: fields.optional_count("MaxFailures")?.filter(|most| *most != 0),
        enforcing_consecutive_5xx: fields.percent("EnforcingConsecutive5xx")?,
        max_ejection_percent: fields.percent("MaxEjectionPercent")?,
        base_ejection_time: fields.optional_duration("BaseEjectionTime")?,
    };
    fields.finish()?;
    Ok((check != PassiveHealthCheck::default()).then_some(check))
}

pub(super) fn show(members: Members, settings: &UpstreamSettings) -> Members {
    let balance = if settings.balance_outbound_connections { "exact_balance" } else { "" };
    members
        .text("EnvoyListenerJSON", &settings.envoy_listener_json)
        .text("EnvoyClusterJSON", &settings.envoy_cluster_json)
        .text("Protocol", settings.protocol.map_or("", Protocol::as_str))
        .milliseconds("ConnectTimeoutMs", settings.connect_timeout)
        .object("Limits", show_limits(settings.limits))
        .object("PassiveHealthCheck", settings.passive_health_check.map(show_check).unwrap_or_default())
        .always("MeshGateway", Members::default())
        .text("BalanceOutboundConnections", balance)
}

fn show_limits(limits: Limits) -> Members {
    Members::default()
        .optional("MaxConnections", limits.max_connections)
        .optional("MaxPendingRequests", limits.max_pending_requests)
        .optional("MaxConcurrentRequests", limits.max_concurrent_requests)
        .object("RetryBudget", limits.retry_budget.map(show_budget).unwrap_or_default())
}

fn show_budget(budget: RetryBudget) -> Members {
    Members::default().always("Percent", weight::shown(budget.share)).always("MinRetryConcurrency", budget.least)
}

fn show_check(check: PassiveHealthCheck) -> Members {
    Members::default()
        .duration("Interval", check.interval)
        .optional("MaxFailures", check.max_failures)
        .optional("EnforcingConsecutive5xx", check.enforcing_consecutive_5xx)
        .optional("MaxEjectionPercent", check.max_ejection_percent)
        .duration("BaseEjectionTime", check.base_ejection_time)
}
