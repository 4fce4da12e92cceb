//! What every listener of a proxy tells about its traffic: access logs and traces.

use envoy_types::pb::envoy::config::accesslog::v3::{
    AccessLog, AccessLogFilter, ResponseFlagFilter, access_log, access_log_filter,
};
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::Tracing;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;

use super::{Reason, access_log as logger, hatch};
use crate::model;

#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Telemetry {
    /// Of requests and connections that a filter chain has taken.
    calls: Vec<AccessLog>,
    /// Of connections that none has.
    strays: Vec<AccessLog>,
    tracing: Option<Tracing>,
}

impl Telemetry {
    /// What cannot be read is left out: see [`problem`].
    pub fn of(settings: &model::Telemetry) -> Self {
        let logs = &settings.access_logs;
        let log = |filter| logs.enabled.then(|| access_log(logs, filter));
        Self {
            calls: log(None).into_iter().collect(),
            strays: log(Some(no_filter_chain())).into_iter().filter(|_| !logs.disable_listener_logs).collect(),
            tracing: tracing(&settings.tracing_json).unwrap_or_default(),
        }
    }

    pub fn of_requests(&self, manager: &mut HttpConnectionManager) {
        manager.access_log.clone_from(&self.calls);
        if let Some(tracing) = &self.tracing {
            manager.tracing = Some(tracing.clone());
        }
    }

    pub fn of_connections(&self, proxy: &mut TcpProxy) {
        proxy.access_log.clone_from(&self.calls);
    }

    pub fn of_listener(&self, listener: &mut Listener) {
        listener.access_log.clone_from(&self.strays);
    }
}

/// Why the proxy does not trace as it was told to.
pub(super) fn problem(settings: &model::Telemetry) -> Option<Reason> {
    tracing(&settings.tracing_json).err()
}

fn access_log(logs: &model::AccessLogs, filter: Option<AccessLogFilter>) -> AccessLog {
    let (name, config) = logger::logger(logs);
    AccessLog { name: name.to_owned(), filter, config_type: Some(access_log::ConfigType::TypedConfig(config)) }
}

fn no_filter_chain() -> AccessLogFilter {
    let flags = ResponseFlagFilter { flags: vec!["NR".to_owned()] };
    AccessLogFilter { filter_specifier: Some(access_log_filter::FilterSpecifier::ResponseFlagFilter(flags)) }
}

fn tracing(json: &str) -> Result<Option<Tracing>, Reason> {
    const KEY: &str = "envoy_listener_tracing_json";
    if json.is_empty() {
        return Ok(None);
    }
    hatch::read(KEY, json).map(Some)
}

#[cfg(test)]
mod tests {
    use prost::Name as _;

    use super::*;

    #[test]
    fn tracing_may_be_written_with_its_type_or_without() {
        let sampled = r#""random_sampling":{"value":10}"#;
        let with = format!(r#"{{"@type":"{}",{sampled}}}"#, Tracing::type_url());
        let one = tracing(&format!("{{{sampled}}}")).unwrap();
        assert_eq!(one.as_ref().and_then(|tracing| tracing.random_sampling).map(|sampling| sampling.value), Some(10.0));
        assert_eq!(tracing(&with).unwrap(), one);
        assert_eq!(tracing("").unwrap(), None);
    }

    #[test]
    fn tracing_that_is_none_says_why() {
        let why = |json: &str| tracing(json).unwrap_err().to_string();
        assert!(why("{").starts_with("envoy_listener_tracing_json: is not JSON: "));
        assert_eq!(why("7"), "envoy_listener_tracing_json: is no JSON object");
        assert!(why(r#"{"@type":"x"}"#).contains("not a type.googleapis.com/envoy."));
        assert!(why(r#"{"sampling":1}"#).contains("sampling"));
    }
}
