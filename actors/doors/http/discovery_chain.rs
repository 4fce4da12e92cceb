//! `/v1/discovery-chain`: where requests for a service may go.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::MethodFilter;

use chancery::fact::Fact;
use chancery::model::Topic;
use chancery::model::topic::ChainKey;
use chancery::wire;

use super::body::Body;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::common::{BLOCKING, PRETTY, SCOPE, STATE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const COMPILE: Parameters =
    &[Parameter::new("compile-dc", Kind::Text, "The datacenter: this one's name, or it is refused.")];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("discovery-chain", "discovery-chain", "Where requests for a service may go.")
        .get(
            "/v1/discovery-chain/{service}",
            plain,
            "What its router, splitters and resolvers come to.",
            &[SCOPE, PRETTY, STATE, BLOCKING, COMPILE],
        )
        .post(
            "/v1/discovery-chain/{service}",
            overridden,
            "The same, as an upstream with these settings has it.",
            &[SCOPE, PRETTY, STATE, BLOCKING, COMPILE],
        )
        .takes("as JSON: `OverrideProtocol`, `OverrideConnectTimeout`, `OverrideMeshGateway`")
        .unnamed("/v1/discovery-chain/", MethodFilter::GET, async || reply::missing("service name"))
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
    door.needs_mesh()?;
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
