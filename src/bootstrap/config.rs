//! The keys of `Proxy.Config` that shape the bootstrap, checked. Other keys are none of its business.

use std::net::SocketAddr;

use serde_json::Value;

use super::{BootstrapError, parse_host};
use crate::model::Opaque;

pub(super) const TEMPLATE: &str = "envoy_bootstrap_json_tpl";

/// Where a statistics sink sends its datagrams.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum SinkAddress {
    Udp(SocketAddr),
    Unix(String),
}

#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct BootstrapConfig {
    /// In place of the whole bootstrap.
    pub template: Option<String>,
    pub statsd: Option<SinkAddress>,
    pub dogstatsd: Option<SinkAddress>,
    /// Name and fixed value, in the order given.
    pub stats_tags: Vec<(String, String)>,
    /// Replaces all of `stats_config`.
    pub stats_config: Option<Value>,
    pub prometheus_bind: Option<SocketAddr>,
    pub stats_bind: Option<SocketAddr>,
    /// Protobuf's JSON form of a duration: decimal seconds and an `s`.
    pub stats_flush_interval: Option<String>,
    pub tracing: Option<Value>,
    pub extra_static_clusters: Vec<Value>,
    pub extra_static_listeners: Vec<Value>,
    pub extra_stats_sinks: Vec<Value>,
}

impl BootstrapConfig {
    pub fn read(config: &Opaque) -> Result<Self, BootstrapError> {
        let read = Self {
            template: text(config, TEMPLATE)?.map(str::to_owned),
            statsd: sink_address(config, "envoy_statsd_url")?,
            dogstatsd: sink_address(config, "envoy_dogstatsd_url")?,
            stats_tags: stats_tags(config, "envoy_stats_tags")?,
            stats_config: json_object(config, "envoy_stats_config_json")?,
            prometheus_bind: bind_address(config, "envoy_prometheus_bind_addr")?,
            stats_bind: bind_address(config, "envoy_stats_bind_addr")?,
            stats_flush_interval: seconds(config, "envoy_stats_flush_interval")?,
            tracing: json_object(config, "envoy_tracing_json")?,
            extra_static_clusters: json_objects(config, "envoy_extra_static_clusters_json")?,
            extra_static_listeners: json_objects(config, "envoy_extra_static_listeners_json")?,
            extra_stats_sinks: json_objects(config, "envoy_extra_stats_sinks_json")?,
        };
        if read.stats_config.is_some() && !read.stats_tags.is_empty() {
            return Err(invalid(
                "envoy_stats_tags",
                "envoy_stats_config_json replaces all tags: give these as its stats_tags",
            ));
        }
        Ok(read)
    }
}

pub(super) fn invalid(key: &'static str, reason: impl Into<String>) -> BootstrapError {
    BootstrapError::Invalid { key, reason: reason.into() }
}

/// Empty text counts as absent, so that a service can undo what `proxy-defaults` says.
fn text<'a>(config: &'a Opaque, key: &'static str) -> Result<Option<&'a str>, BootstrapError> {
    match config.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(other) => Err(invalid(key, format!("must be text, is {other}"))),
    }
}

fn json_object(config: &Opaque, key: &'static str) -> Result<Option<Value>, BootstrapError> {
    let Some(text) = text(config, key)? else { return Ok(None) };
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(Some(value)),
        Ok(_) => Err(invalid(key, "must hold one JSON object")),
        Err(error) => Err(invalid(key, format!("is not JSON: {error}"))),
    }
}

/// One JSON object, or several with commas between them.
fn json_objects(config: &Opaque, key: &'static str) -> Result<Vec<Value>, BootstrapError> {
    let Some(text) = text(config, key)? else { return Ok(Vec::new()) };
    let values: Vec<Value> =
        serde_json::from_str(&format!("[{text}]")).map_err(|error| invalid(key, format!("is not JSON: {error}")))?;
    if values.iter().all(Value::is_object) {
        Ok(values)
    } else {
        Err(invalid(key, "must hold JSON objects with commas between them, without a list around them"))
    }
}

fn bind_address(config: &Opaque, key: &'static str) -> Result<Option<SocketAddr>, BootstrapError> {
    text(config, key)?
        .map(|text| socket(text).ok_or_else(|| invalid(key, format!("must be <ip>:<port>, is {text:?}"))))
        .transpose()
}

fn sink_address(config: &Opaque, key: &'static str) -> Result<Option<SinkAddress>, BootstrapError> {
    let Some(text) = text(config, key)? else { return Ok(None) };
    let address = match text.split_once("://") {
        Some(("udp", rest)) => socket(rest).map(SinkAddress::Udp),
        Some(("unix", path)) if !path.is_empty() => Some(SinkAddress::Unix(path.to_owned())),
        _ => None,
    };
    address.map(Some).ok_or_else(|| invalid(key, format!("must be udp://<ip>:<port> or unix://<path>, is {text:?}")))
}

fn socket(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    Some(SocketAddr::new(parse_host(host)?, port.parse().ok()?))
}

fn seconds(config: &Opaque, key: &'static str) -> Result<Option<String>, BootstrapError> {
    let Some(text) = text(config, key)? else { return Ok(None) };
    let number = text.strip_suffix('s').and_then(|number| number.parse::<f64>().ok());
    match number {
        Some(number) if number > 0.0 && number.is_finite() => Ok(Some(text.to_owned())),
        _ => Err(invalid(key, format!("must be decimal seconds like \"10s\", is {text:?}"))),
    }
}

fn stats_tags(config: &Opaque, key: &'static str) -> Result<Vec<(String, String)>, BootstrapError> {
    let texts: Vec<&Value> = match config.get(key) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    };
    texts
        .into_iter()
        .map(|item| match item.as_str().and_then(|text| text.split_once('=')) {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(invalid(key, format!("each tag must be \"name=value\", one is {item}"))),
        })
        .collect()
}
