//! The metrics of the process, for Prometheus.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::HttpDoor;
use super::params::Params;
use super::reply::Failure;

pub(super) fn routes() -> Router<HttpDoor> {
    Router::new().route("/metrics", get(prometheus)).route("/v1/agent/metrics", get(agent))
}

/// Reading the gauges off the state takes as long as the state is large.
async fn prometheus(State(door): State<HttpDoor>) -> Result<Response, Failure> {
    let rendered = tokio::task::spawn_blocking(move || door.state.scrape.render()).await;
    let text =
        rendered.map_err(|_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be read"))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

async fn agent(door: State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    match params.get("format") {
        Some("prometheus") => prometheus(door).await,
        None | Some("") => {
            Err(Failure::bad_request("the only format of metrics is prometheus: ask with ?format=prometheus"))
        }
        Some(other) => Err(Failure::bad_request(format!("format {other:?}: the only format of metrics is prometheus"))),
    }
}
