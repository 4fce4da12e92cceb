//! The metrics of the process, for Prometheus.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use chancery::model::UnixTime;
use chancery::wire;

use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, agent_metrics, reply};
use crate::doors::endpoints::common::{PRETTY, SCOPE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const FORMAT: Parameters =
    &[Parameter::new("format", Kind::Word(&["", "prometheus"]), "JSON, or as Prometheus reads it.")];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("metrics", "metrics", "The figures of the process.")
        .get("/metrics", prometheus, "For Prometheus.", &[])
        .get("/v1/agent/metrics", agent, "Gauges, counters and samples.", &[SCOPE, PRETTY, FORMAT])
}

/// Reading the gauges off the state takes as long as the state is large.
async fn rendered(State(door): State<HttpDoor>) -> Result<String, Failure> {
    let rendered = tokio::task::spawn_blocking(move || door.state.scrape.render()).await;
    rendered.map_err(|_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be read"))
}

async fn prometheus(door: State<HttpDoor>) -> Result<Response, Failure> {
    let text = rendered(door).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// Without `format`, Prometheus is known by what it accepts.
async fn agent(door: State<HttpDoor>, params: Params, headers: HeaderMap) -> Result<Response, Failure> {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match params.get("format") {
        Some("prometheus") => prometheus(door).await,
        None | Some("") if scrapes(accepted) => prometheus(door).await,
        None | Some("") => {
            let now = wire::date::show(UnixTime(door.state.house.clock.unix_seconds()));
            Ok(reply::json(&params, &agent_metrics::of(&rendered(door).await?, now)))
        }
        Some(other) => Err(Failure::bad_request(format!("format {other:?}: leave it out for JSON, or say prometheus"))),
    }
}

fn scrapes(accepted: &str) -> bool {
    accepted.split(',').any(|kind| {
        let mut parts = kind.split(';').map(str::trim);
        match parts.next() {
            Some("application/openmetrics-text") => true,
            Some("text/plain") => parts.any(|part| part == "version=0.0.4"),
            _ => false,
        }
    })
}
