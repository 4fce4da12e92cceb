//! Access logs, as registrations and `proxy-defaults` spell them.

use super::fields::{Fields, Result};
use super::members::Members;
use crate::model::AccessLogs;
use crate::model::access_logs::{AccessLogFormat, AccessLogSink};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<AccessLogs> {
    let Some(mut fields) = fields.object("AccessLogs", "AccessLogs")? else { return Ok(AccessLogs::default()) };
    let logs = AccessLogs {
        enabled: fields.flag("Enabled")?,
        disable_listener_logs: fields.flag("DisableListenerLogs")?,
        sink: fields.word("Type", "access log type")?,
        path: fields.text("Path")?,
        format: format(&mut fields)?,
    };
    match (logs.sink, logs.path.is_empty()) {
        (Some(AccessLogSink::File), true) => Err(fields.error("Path", "is required for a file")),
        (Some(AccessLogSink::Stdout | AccessLogSink::Stderr) | None, false) => {
            Err(fields.error("Path", "is only for the Type file"))
        }
        _ => fields.finish().map(|()| logs),
    }
}

fn format(fields: &mut Fields<'_>) -> Result<AccessLogFormat> {
    let (json, text) = (fields.text("JSONFormat")?, fields.text("TextFormat")?);
    match (json.is_empty(), text.is_empty()) {
        (true, true) => Ok(AccessLogFormat::Default),
        (true, false) => Ok(AccessLogFormat::Text(text)),
        (false, false) => Err(fields.error("TextFormat", "cannot be combined with a JSONFormat")),
        (false, true) => match serde_json::from_str(&json) {
            Ok(serde_json::Value::Object(_)) => Ok(AccessLogFormat::Json(json)),
            Ok(_) => Err(fields.error("JSONFormat", "must be a JSON object")),
            Err(error) => Err(fields.error("JSONFormat", format!("is not JSON: {error}"))),
        },
    }
}

pub(super) fn show(logs: &AccessLogs) -> Members {
    let members = Members::default()
        .flag("Enabled", logs.enabled)
        .flag("DisableListenerLogs", logs.disable_listener_logs)
        .text("Type", logs.sink.map_or("", AccessLogSink::as_str))
        .text("Path", &logs.path);
    match &logs.format {
        AccessLogFormat::Default => members,
        AccessLogFormat::Json(json) => members.text("JSONFormat", json),
        AccessLogFormat::Text(text) => members.text("TextFormat", text),
    }
}
