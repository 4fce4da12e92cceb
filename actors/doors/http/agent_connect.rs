//! `/v1/agent/connect`: the roots to trust, a certificate, and who may be let in, for a service that speaks mutual TLS
//! by itself.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::MethodFilter;

use chancery::catalog::query;
use chancery::fact::Fact;
use chancery::model::intention::WILDCARD;
use chancery::model::{Leaf, ServiceName, Topic, UnixTime};
use chancery::resource::Shared;
use chancery::wire::authorization::Authorization;
use chancery::wire::{self, answer};

use super::body::Body;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, connect_ca, reply};
use crate::doors::endpoints::Endpoints;
use crate::doors::endpoints::common::{BLOCKING, PRETTY, SCOPE, STATE};
use crate::watch_registry::Answer;

/// How long a request that does not block waits for a certificate that has to be made first.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("agent-connect", "connect", "Certificates for a service that speaks mutual TLS by itself.")
        .get("/v1/agent/connect/ca/roots", connect_ca::roots, "The roots to trust.", &[SCOPE, PRETTY, STATE, BLOCKING])
        .get(
            "/v1/agent/connect/ca/leaf/{service}",
            leaf,
            "A service's certificate and its private key; another one when it was renewed.",
            &[SCOPE, PRETTY, STATE, BLOCKING],
        )
        .post(
            "/v1/agent/connect/authorize",
            authorize,
            "Whether intentions let a certificate's holder call a service; rules over requests count as no.",
            &[SCOPE, PRETTY],
        )
        .takes("as JSON: `Target` (a service), `ClientCertURI` and `ClientCertSerial`")
        .unnamed("/v1/agent/connect/ca/leaf/", MethodFilter::GET, async || reply::missing("service name"))
}

/// Whoever reads a leaf listens to it for that time, and so keeps its keeper: a leaf that has to be made or renewed is.
async fn leaf(State(door): State<HttpDoor>, params: Params, Path(service): Path<String>) -> Result<Response, Failure> {
    door.needs_mesh()?;
    let blocking = params.blocking()?;
    let wait = if blocking.after.is_some() { blocking.wait } else { PATIENCE };
    let clock = door.state.house.clock;
    let will_do = move |answer: &Answer| {
        let living = living(answer, UnixTime(clock.unix_seconds())).is_some();
        // an index from the future: the state was reset since
        let waits = blocking.after.is_some_and(|after| answer.index == after);
        living && !waits
    };
    let found = door.wait(Topic::Leaf(ServiceName::from(service)), wait, will_do).await;
    match living(&found, UnixTime(clock.unix_seconds())) {
        Some(leaf) => Ok(reply::read(&params, found.index, &answer::leaf(leaf))),
        None => Err(Failure::no_authority()),
    }
}

async fn authorize(State(door): State<HttpDoor>, params: Params, Body(body): Body) -> Result<Response, Failure> {
    door.needs_mesh()?;
    let Authorization { target, caller } = wire::authorization::decode(&body).map_err(Failure::decode)?;
    let tables = door.tables();
    let roots = tables.roots().ok_or_else(Failure::no_authority)?;
    if !roots.trust_domain.as_str().eq_ignore_ascii_case(caller.trust_domain.as_str()) {
        return Ok(reply::json(&params, &wire::authorization::foreign(&caller)));
    }
    let found = query::intentions(&tables, &target);
    let bears = found.matching.iter().find(|known| known.source == caller.service || known.source == WILDCARD);
    Ok(reply::json(&params, &wire::authorization::decided(bears, found.default_action)))
}

/// The leaf, unless it has expired.
fn living(answer: &Answer, now: UnixTime) -> Option<&Arc<Shared<Leaf>>> {
    match &answer.fact {
        Fact::Leaf(Some(leaf)) if leaf.valid_before > now => Some(leaf),
        _ => None,
    }
}
