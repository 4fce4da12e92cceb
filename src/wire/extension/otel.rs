//! `builtin/otel-access-logging`.

use serde_json::Value;

use super::callee::{grpc, retry};
use super::{listener_type, proxy_type};
use crate::model::extension::OtelAccessLogging;
use crate::wire::fields::{Fields, Result};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<OtelAccessLogging> {
    proxy_type(fields)?;
    let direction = listener_type(fields)?;
    let mut config = fields.object("Config", "Config")?.ok_or_else(|| fields.error("Config", "is required"))?;
    let mut service =
        config.object("GrpcService", "GrpcService")?.ok_or_else(|| config.error("GrpcService", "is required"))?;
    let grpc = grpc(&mut service)?;
    service.finish()?;
    let log_name = config.text("LogName")?;
    if log_name.is_empty() {
        return Err(config.error("LogName", "is required"));
    }
    let logging = OtelAccessLogging {
        direction,
        log_name,
        service: grpc,
        flush_interval: config.optional_duration("BufferFlushInterval")?,
        buffer_bytes: config.optional_count("BufferSizeBytes")?,
        filter_state_objects: config.texts("FilterStateObjectsToLog")?,
        retry: retry(&mut config, "RetryBackOff")?,
        body: config.take("Body").cloned().unwrap_or(Value::Null),
        attributes: config.opaque("Attributes")?,
        resource_attributes: config.opaque("ResourceAttributes")?,
    };
    config.finish()?;
    Ok(logging)
}
