//! `/v1/connect/ca`: the certificate authority of the mesh.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use chancery::authority::{self, ROOT_TTL, Wanted};
use chancery::catalog::{AuthorityState, Refusal};
use chancery::fact::Fact;
use chancery::model::{Index, Roots, Topic, UnixTime};
use chancery::resource::Shared;
use chancery::wire::authority::Configuration;
use chancery::wire::{self, answer};

use super::body::Body;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::catalog::CommitError;

pub(super) fn routes() -> Router<HttpDoor> {
    Router::new()
        .route("/v1/connect/ca/roots", get(roots_or_pem))
        .route("/v1/connect/ca/configuration", get(configuration).put(configure))
}

/// The roots as JSON; with `?pem=true`, only their certificates, one after the other.
async fn roots_or_pem(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    if !params.flag("pem")? {
        return roots(State(door), params).await;
    }
    let (roots, index) = door.roots(&params).await?;
    let roots = roots.ok_or_else(Failure::no_authority)?;
    let pem: String = roots.roots.iter().map(|root| format!("{}\n", root.pem.trim_end())).collect();
    let response = ([(header::CONTENT_TYPE, "application/pem-certificate-chain")], pem).into_response();
    Ok(reply::as_of(&params, index, response))
}

pub(super) async fn roots(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let (roots, index) = door.roots(&params).await?;
    Ok(reply::read(&params, index, &answer::roots(roots.as_deref().map(|shared| &**shared))))
}

async fn configuration(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let tables = door.tables();
    let state = tables.authority().ok_or_else(Failure::no_authority)?;
    let body = wire::authority::configuration(state, door.state.house.leaves.leaf_ttl, ROOT_TTL);
    Ok(reply::as_of(&params, state.modify_index, reply::json(&params, &body)))
}

/// Answers nothing, when it is done.
async fn configure(State(door): State<HttpDoor>, params: Params, Body(body): Body) -> Result<Response, Failure> {
    let house = &door.state.house;
    let tables = door.tables();
    let state = tables.authority().ok_or_else(Failure::no_authority)?;
    let asked = wire::authority::decode(&body, ROOT_TTL).map_err(Failure::decode)?;
    let now = UnixTime(house.clock.unix_seconds());
    let ttl = state.leaf_ttl.unwrap_or(house.leaves.leaf_ttl);
    let serial = uuid::Uuid::new_v4().into_bytes();
    let wanted = wanted(&asked, state, params.flag("rotate")?);
    let bridge = !asked.without_cross_signing;
    let next = authority::configure(state, &wanted, asked.leaf_ttl, ttl, bridge, now, serial);
    let next = next.map_err(|error| Failure::bad_request(error.to_string()))?;
    match door.commit(crate::authority::configure(next)).await {
        Ok(_) => Ok(StatusCode::OK.into_response()),
        Err(CommitError::Refused(Refusal::Transaction(_))) => {
            Err(Failure::new(StatusCode::CONFLICT, "the configuration was changed meanwhile: read it and try again"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Another root when one is given, when it shall have another kind of key, or when `?rotate` asks for one.
fn wanted(asked: &Configuration, state: &AuthorityState, rotate: bool) -> Wanted {
    let active = state.roots.active().map(|root| root.key).unwrap_or_default();
    match (&asked.root, asked.key) {
        (Some((certificate, key)), _) => Wanted::Given { certificate: certificate.clone(), key: key.clone() },
        (None, Some(kind)) if rotate || kind != active => Wanted::Fresh(kind),
        (None, None) if rotate => Wanted::Fresh(active),
        _ => Wanted::Same,
    }
}

impl HttpDoor {
    /// `None` in the moment between the first start and its root.
    async fn roots(&self, params: &Params) -> Result<(Option<Arc<Shared<Roots>>>, Index), Failure> {
        let found = self.read(params, Topic::Roots).await?;
        match found.fact {
            Fact::Roots(roots) => Ok((roots, found.index)),
            _ => Err(Failure::misread()),
        }
    }
}
