//! How HTTP is served: `http_config`, `limits`, and how long blocking queries take.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use chancery::wire::{DecodeError, Fields, duration};

use super::problem::Problem;
use crate::doors::http::{HttpSettings, LimitMode, Network, RequestLimits};
use crate::doors::listening::SocketOwner;

/// A body is held in memory as a whole, by everybody who sends one.
const MOST_BYTES: i64 = 64 << 20;

/// Those that were given.
#[derive(Clone, Default)]
pub(super) struct HttpKeys {
    pub(super) default_query_time: Option<Duration>,
    pub(super) max_query_time: Option<Duration>,
    pub(super) socket_user: Option<u32>,
    pub(super) socket_group: Option<u32>,
    pub(super) socket_mode: Option<u32>,
    response_headers: BTreeMap<String, (HeaderName, HeaderValue)>,
    block_endpoints: Option<Vec<String>>,
    allow_write_http_from: Option<Vec<Network>>,
    max_conns_per_client: Option<usize>,
    handshake_timeout: Option<Duration>,
    kv_max_value_size: Option<usize>,
    txn_max_req_len: Option<usize>,
    request_limits: Option<RequestLimits>,
}

impl HttpKeys {
    /// `http_config { … }`.
    pub(super) fn read_api(&mut self, fields: &mut Fields<'_>, problem: &mut dyn FnMut(DecodeError)) {
        let keep_texts = |list: Result<Option<Vec<String>>, DecodeError>, problem: &mut dyn FnMut(DecodeError)| {
            list.unwrap_or_else(|error| {
                problem(error);
                None
            })
        };
        match fields.text_map("response_headers") {
            Ok(headers) => {
                for (name, value) in headers {
                    match (HeaderName::try_from(&name), HeaderValue::try_from(&value)) {
                        (Ok(header), Ok(text)) => {
                            self.response_headers.insert(name.to_lowercase(), (header, text));
                        }
                        _ => problem(fields.error("response_headers", format!("{name:?}: {value:?} is no header"))),
                    }
                }
            }
            Err(error) => problem(error),
        }
        self.block_endpoints = keep_texts(fields.optional_texts("block_endpoints"), problem);
        if let Some(networks) = keep_texts(fields.optional_texts("allow_write_http_from"), problem) {
            match networks.iter().map(|text| Network::parse(text)).collect::<Result<Vec<_>, _>>() {
                Ok(networks) => self.allow_write_http_from = Some(networks),
                Err(wrong) => problem(fields.error("allow_write_http_from", wrong)),
            }
        }
    }

    /// `limits { … }`.
    pub(super) fn read_limits(&mut self, fields: &mut Fields<'_>, problem: &mut dyn FnMut(DecodeError)) {
        match fields.whole("http_max_conns_per_client", i64::from(i32::MIN)..=i64::from(i32::MAX)) {
            // as in Consul, what is below 1 is no limit
            Ok(most) => self.max_conns_per_client = most.map(|most| usize::try_from(most).unwrap_or(0)),
            Err(error) => problem(error),
        }
        let mut bytes = |key| match fields.whole(key, 0..=MOST_BYTES) {
            // as in Consul, 0 is what it would be anyway
            Ok(bytes) => bytes.and_then(|bytes| usize::try_from(bytes).ok()).filter(|bytes| *bytes > 0),
            Err(error) => {
                problem(error);
                None
            }
        };
        self.kv_max_value_size = bytes("kv_max_value_size");
        self.txn_max_req_len = bytes("txn_max_req_len");
        match request_limits(fields) {
            Ok(limits) => self.request_limits = limits,
            Err(error) => problem(error),
        }
        match fields.duration("https_handshake_timeout") {
            Ok(Duration::ZERO) => {}
            Ok(timeout) => self.handshake_timeout = Some(timeout),
            Err(error) => problem(error),
        }
    }

    /// These win over earlier ones.
    pub(super) fn over(self, mut earlier: Self) -> Self {
        earlier.response_headers.extend(self.response_headers);
        Self {
            default_query_time: self.default_query_time.or(earlier.default_query_time),
            max_query_time: self.max_query_time.or(earlier.max_query_time),
            socket_user: self.socket_user.or(earlier.socket_user),
            socket_group: self.socket_group.or(earlier.socket_group),
            socket_mode: self.socket_mode.or(earlier.socket_mode),
            response_headers: earlier.response_headers,
            block_endpoints: self.block_endpoints.or(earlier.block_endpoints),
            allow_write_http_from: self.allow_write_http_from.or(earlier.allow_write_http_from),
            max_conns_per_client: self.max_conns_per_client.or(earlier.max_conns_per_client),
            handshake_timeout: self.handshake_timeout.or(earlier.handshake_timeout),
            kv_max_value_size: self.kv_max_value_size.or(earlier.kv_max_value_size),
            txn_max_req_len: self.txn_max_req_len.or(earlier.txn_max_req_len),
            request_limits: self.request_limits.or(earlier.request_limits),
        }
    }

    pub(super) fn contradictions(&self) -> Vec<Problem> {
        let HttpSettings { default_wait, max_wait, .. } = self.clone().resolve();
        let text = || {
            format!(
                "default_query_time is {}s and max_query_time is {}s: it must not be longer",
                default_wait.as_secs_f64(),
                max_wait.as_secs_f64()
            )
        };
        (default_wait > max_wait).then(|| Problem::new(text())).into_iter().collect()
    }

    pub(super) fn socket_owner(&self) -> SocketOwner {
        SocketOwner { user: self.socket_user, group: self.socket_group, mode: self.socket_mode }
    }

    pub(super) fn resolve(self) -> HttpSettings {
        let default = HttpSettings::default();
        let largest_value = self.kv_max_value_size.unwrap_or(default.largest_value);
        HttpSettings {
            response_headers: HeaderMap::from_iter(self.response_headers.into_values()),
            blocked: self.block_endpoints.unwrap_or_default(),
            writers: self.allow_write_http_from.unwrap_or_default(),
            default_wait: self.default_query_time.unwrap_or(default.default_wait),
            max_wait: self.max_query_time.unwrap_or(default.max_wait),
            max_connections_per_client: self.max_conns_per_client.unwrap_or(default.max_connections_per_client),
            request_limits: self.request_limits.unwrap_or_default(),
            handshake_patience: self.handshake_timeout.unwrap_or(default.handshake_patience),
            largest_value,
            // a value that may be written alone may be written with others
            largest_transaction: self.txn_max_req_len.unwrap_or(default.largest_transaction).max(largest_value),
        }
    }
}

/// How long a blocking query takes.
pub(super) fn query_time(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text).filter(|time| !time.is_zero());
    time.ok_or_else(|| format!("expected a duration such as 5m, got {text:?}"))
}

/// `request_limits { … }`; `None` when nothing is said of it.
fn request_limits(fields: &mut Fields<'_>) -> Result<Option<RequestLimits>, DecodeError> {
    let Some(mut limits) = fields.object("request_limits", "limits of requests")? else { return Ok(None) };
    let mode = match limits.text("mode")?.as_str() {
        "" | "disabled" => LimitMode::Disabled,
        "permissive" => LimitMode::Permissive,
        "enforcing" => LimitMode::Enforcing,
        other => {
            let text = format!("expected disabled, permissive or enforcing, got {other:?}");
            return Err(limits.error("mode", text));
        }
    };
    let (reads, writes) = (rate(&mut limits, "read_rate")?, rate(&mut limits, "write_rate")?);
    limits.finish()?;
    Ok(Some(RequestLimits { mode, reads, writes }))
}

/// A second; as in Consul, what is below 0 is no limit, and neither is one that is not said.
fn rate(limits: &mut Fields<'_>, key: &'static str) -> Result<Option<NonZeroU32>, DecodeError> {
    let Some(value) = limits.take(key) else { return Ok(None) };
    match value.as_f64() {
        Some(number) if number < 0.0 => Ok(None),
        Some(number) if (0.01..=1e7).contains(&number) =>
        {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in the range")]
            Ok(NonZeroU32::new((number * 100.0).round() as u32))
        }
        _ => Err(limits
            .error(key, format!("expected a number a second from 0.01 to 10000000, or -1 for no limit, got {value}"))),
    }
}
