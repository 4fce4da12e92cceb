//! Where Envoy writes a line for each call, and what stands in it.

use envoy_types::pb::envoy::config::core::v3::substitution_format_string::Format;
use envoy_types::pb::envoy::config::core::v3::{DataSource, SubstitutionFormatString, data_source::Specifier};
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::FileAccessLog;
use envoy_types::pb::envoy::extensions::access_loggers::stream::v3::{StderrAccessLog, StdoutAccessLog};
use envoy_types::pb::google::protobuf::Any;
use prost::bytes::BufMut as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost::{Message, Name};
use serde_json::{Map, Value};

use crate::model::AccessLogs;
use crate::model::access_logs::{AccessLogFormat, AccessLogSink};

/// Keys in alphabetical order, as Envoy writes them.
const DEFAULT: [(&str, &str); 24] = [
    ("authority", "%REQ(:AUTHORITY)%"),
    ("bytes_received", "%BYTES_RECEIVED%"),
    ("bytes_sent", "%BYTES_SENT%"),
    ("connection_termination_details", "%CONNECTION_TERMINATION_DETAILS%"),
    ("downstream_local_address", "%DOWNSTREAM_LOCAL_ADDRESS%"),
    ("downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"),
    ("duration", "%DURATION%"),
    ("method", "%REQ(:METHOD)%"),
    ("path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
    ("protocol", "%PROTOCOL%"),
    ("request_id", "%REQ(X-REQUEST-ID)%"),
    ("requested_server_name", "%REQUESTED_SERVER_NAME%"),
    ("response_code", "%RESPONSE_CODE%"),
    ("response_code_details", "%RESPONSE_CODE_DETAILS%"),
    ("response_flags", "%RESPONSE_FLAGS%"),
    ("route_name", "%ROUTE_NAME%"),
    ("start_time", "%START_TIME%"),
    ("upstream_cluster", "%UPSTREAM_CLUSTER%"),
    ("upstream_host", "%UPSTREAM_HOST%"),
    ("upstream_local_address", "%UPSTREAM_LOCAL_ADDRESS%"),
    ("upstream_service_time", "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"),
    ("upstream_transport_failure_reason", "%UPSTREAM_TRANSPORT_FAILURE_REASON%"),
    ("user_agent", "%REQ(USER-AGENT)%"),
    ("x_forwarded_for", "%REQ(X-FORWARDED-FOR)%"),
];

/// The logger's name and its configuration.
pub(super) fn logger(logs: &AccessLogs) -> (&'static str, Any) {
    match logs.sink {
        None | Some(AccessLogSink::Stdout) => {
            ("envoy.access_loggers.stdout", packed(&StdoutAccessLog::default(), 1, &logs.format))
        }
        Some(AccessLogSink::Stderr) => {
            ("envoy.access_loggers.stderr", packed(&StderrAccessLog::default(), 1, &logs.format))
        }
        Some(AccessLogSink::File) => {
            let file = FileAccessLog { path: logs.path.clone(), ..Default::default() };
            ("envoy.access_loggers.file", packed(&file, 5, &logs.format))
        }
    }
}

/// The message and, in its field `log_format` of that number, the format: written by hand, because the keys of a JSON
/// format are a map and shall have an order.
fn packed<M: Message + Name>(message: &M, log_format: u32, format: &AccessLogFormat) -> Any {
    /// Field `json_format` of `SubstitutionFormatString`.
    const JSON_FORMAT: u32 = 2;
    let mut inside = Vec::new();
    match format {
        AccessLogFormat::Text(text) => inside = line(text).encode_to_vec(),
        AccessLogFormat::Default => {
            let members = DEFAULT.map(|(key, command)| (key.to_owned(), Value::from(command)));
            field(&mut inside, JSON_FORMAT, &object(&Map::from_iter(members)));
        }
        // that it is an object was seen where it was written
        AccessLogFormat::Json(json) => {
            field(&mut inside, JSON_FORMAT, &object(&serde_json::from_str(json).unwrap_or_default()));
        }
    }
    let mut value = message.encode_to_vec();
    field(&mut value, log_format, &inside);
    Any { type_url: M::type_url(), value }
}

/// Envoy ends no line by itself.
fn line(text: &str) -> SubstitutionFormatString {
    let specifier = Specifier::InlineString(if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") });
    let source = DataSource { specifier: Some(specifier), ..Default::default() };
    SubstitutionFormatString { format: Some(Format::TextFormatSource(source)), ..Default::default() }
}

/// `google.protobuf.Struct`, its keys in the order given.
fn object(members: &Map<String, Value>) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, member) in members {
        let mut entry = Vec::new();
        field(&mut entry, 1, key.as_bytes());
        field(&mut entry, 2, &value(member));
        field(&mut out, 1, &entry);
    }
    out
}

/// `google.protobuf.Value`.
fn value(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    match value {
        Value::Null => varint(&mut out, 1, 0),
        Value::Bool(flag) => varint(&mut out, 4, u64::from(*flag)),
        Value::Number(number) => {
            encode_key(2, WireType::SixtyFourBit, &mut out);
            out.put_f64_le(number.as_f64().unwrap_or_default());
        }
        Value::String(text) => field(&mut out, 3, text.as_bytes()),
        Value::Object(members) => field(&mut out, 5, &object(members)),
        Value::Array(items) => {
            let mut list = Vec::new();
            for item in items {
                field(&mut list, 1, &self::value(item));
            }
            field(&mut out, 6, &list);
        }
    }
    out
}

fn field(out: &mut Vec<u8>, number: u32, content: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(content.len() as u64, out);
    out.extend_from_slice(content);
}

fn varint(out: &mut Vec<u8>, number: u32, content: u64) {
    encode_key(number, WireType::Varint, out);
    encode_varint(content, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical;

    fn told(format: AccessLogFormat) -> Value {
        let logs = AccessLogs { enabled: true, format, ..AccessLogs::default() };
        canonical::json(&logger(&logs).1).expect("it is what it says")["log_format"].clone()
    }

    #[test]
    fn a_json_format_keeps_all_that_json_can_say() {
        let json = r#"{"a":{"b":"%DURATION%","c":[1.5,true,null,{"d":"x"}]},"e":""}"#;
        let told = told(AccessLogFormat::Json(json.to_owned()));
        assert_eq!(told["json_format"].to_string(), json);
    }

    #[test]
    fn a_text_format_is_a_line() {
        for text in ["%DURATION%", "%DURATION%\n"] {
            let told = told(AccessLogFormat::Text(text.to_owned()));
            assert_eq!(told["text_format_source"]["inline_string"], "%DURATION%\n");
        }
    }

    #[test]
    fn the_default_has_the_fields_that_people_look_for() {
        let told = told(AccessLogFormat::Default);
        assert_eq!(told["json_format"].as_object().expect("an object").len(), 24);
        assert_eq!(told["json_format"]["path"], "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%");
    }
}
