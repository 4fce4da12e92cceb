//! `/v1/connect/ca`: the certificate authority of the mesh.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use chancery::fact::Fact;
use chancery::model::{Index, Roots, Topic};
use chancery::resource::Shared;
use chancery::wire::{self, answer};

use super::body::Body;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::authority::{ConfigureError, reconfigure};
use crate::doors::endpoints::common::{BLOCKING, PRETTY, SCOPE, STATE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const PEM: Parameters = &[Parameter::new("pem", Kind::Flag, "Only the certificates, one after the other.")];
const ROTATE: Parameters = &[Parameter::new("rotate", Kind::Flag, "Another root, though nothing else is asked for.")];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("connect-ca", "connect", "The certificate authority of the mesh.")
        .get("/v1/connect/ca/roots", roots_or_pem, "The roots to trust.", &[SCOPE, PRETTY, STATE, BLOCKING, PEM])
        .get("/v1/connect/ca/configuration", configuration, "What it is set to.", &[SCOPE, PRETTY, STATE, BLOCKING])
        .put(
            "/v1/connect/ca/configuration",
            configure,
            "Sets it; another root is brought in without a break.",
            &[SCOPE, ROTATE],
        )
        .takes("as JSON: `Provider` and `Config`, as they are read")
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
    door.needs_mesh()?;
    let found = door.read(&params, Topic::Authority).await?;
    let Fact::Authority(state) = found.fact else { return Err(Failure::misread()) };
    let state = state.ok_or_else(Failure::no_authority)?;
    let body = wire::authority::configuration(&state, door.state.house.leaves.lifetimes);
    Ok(reply::as_of(&params, found.index, reply::json(&params, &body)))
}

/// Answers nothing, when it is done.
async fn configure(State(door): State<HttpDoor>, params: Params, Body(body): Body) -> Result<Response, Failure> {
    door.needs_mesh()?;
    let asked = wire::authority::decode(&body).map_err(Failure::decode)?;
    let rotate = params.flag("rotate")?;
    reconfigure(&door.state.house.leaves, &asked, rotate).await?;
    Ok(StatusCode::OK.into_response())
}

impl From<ConfigureError> for Failure {
    fn from(error: ConfigureError) -> Self {
        match error {
            ConfigureError::NoAuthority => Self::no_authority(),
            ConfigureError::Impossible(_) => Self::bad_request(error.to_string()),
            ConfigureError::Meanwhile => Self::new(StatusCode::CONFLICT, error.to_string()),
            ConfigureError::Commit(error) => error.into(),
        }
    }
}

impl HttpDoor {
    /// `None` in the moment between the first start and its root.
    async fn roots(&self, params: &Params) -> Result<(Option<Arc<Shared<Roots>>>, Index), Failure> {
        self.needs_mesh()?;
        let found = self.read(params, Topic::Roots).await?;
        match found.fact {
            Fact::Roots(roots) => Ok((roots, found.index)),
            _ => Err(Failure::misread()),
        }
    }
}
