//! `/v1/discovery-chain`: where requests for a service may go.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use chancery::fact::Fact;
use chancery::model::Topic;
use chancery::model::topic::ChainKey;
use chancery::wire;

use super::body::Body;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};

pub(super) fn routes() -> Router<HttpDoor> {
    Router::new()
        .route("/v1/discovery-chain/{service}", get(plain).post(overridden))
        .route("/v1/discovery-chain/", get(async || reply::missing("service name")))
}

async fn plain(door: State<HttpDoor>, params: Params, Path(service): Path<String>) -> Result<Response, Failure> {
    chain(door, params, ChainKey::plain(service.into())).await
}

/// As a downstream sees it that overrides something.
async fn overridden(
    door: State<HttpDoor>,
    params: Params,
    Path(service): Path<String>,
    Body(body): Body,
) -> Result<Response, Failure> {
    let key = wire::chain::key(service.into(), &body).map_err(Failure::decode)?;
    chain(door, params, key).await
}

async fn chain(State(door): State<HttpDoor>, params: Params, key: ChainKey) -> Result<Response, Failure> {
    let own = door.datacenter().as_str();
    if let Some(other) = params.get("compile-dc").filter(|other| !other.is_empty() && *other != own) {
        return Err(Failure::bad_request(format!("No path to datacenter {other:?}: this one is {own:?}")));
    }
    let found = door.read(&params, Topic::Chain(key)).await?;
    match found.fact {
        Fact::Chain(Some(Ok(chain))) => Ok(reply::read(&params, found.index, &wire::chain::show(&chain))),
        Fact::Chain(Some(Err(error))) => Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
        Fact::Chain(None) => Err(Failure::no_authority()),
        _ => Err(Failure::misread()),
    }
}
