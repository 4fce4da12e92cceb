//! `/v1/agent/monitor`: the log, as it is written.

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tracing::level_filters::LevelFilter;

use super::HttpDoor;
use super::params::Params;
use super::reply::Failure;
use crate::doors::endpoints::common::SCOPE;
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const LOG: Parameters = &[
    Parameter::new(
        "loglevel",
        Kind::Word(&["", "trace", "debug", "info", "warn", "error"]),
        "From this level on (info).",
    ),
    Parameter::new("logjson", Kind::Flag, "Each line as JSON."),
];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("agent-monitor", "agent", "The log.").get(
        "/v1/agent/monitor",
        monitor,
        "The log as it is written, until the client has enough.",
        &[SCOPE, LOG],
    )
}

/// Until the client goes away, or the agent ends.
async fn monitor(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let level = match params.get("loglevel").unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "info" => LevelFilter::INFO,
        "trace" => LevelFilter::TRACE,
        "debug" => LevelFilter::DEBUG,
        "warn" => LevelFilter::WARN,
        "err" | "error" => LevelFilter::ERROR,
        other => {
            let expected = "expected trace, debug, info, warn or error";
            return Err(Failure::bad_request(format!("Unknown log level: {other:?}; {expected}")));
        }
    };
    let json = params.flag("logjson")?;
    let listening = door.state.monitors.listen(level, json);
    let lines = stream::unfold(listening, async |mut listening| {
        let line = listening.lines.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(line), listening))
    });
    let lines = lines.take_until(async move { door.closed().await }.boxed());
    let content = if json { "application/json" } else { "text/plain; charset=utf-8" };
    Ok(([(header::CONTENT_TYPE, content)], Body::from_stream(lines)).into_response())
}
