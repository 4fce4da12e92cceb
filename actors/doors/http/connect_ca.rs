//! `/v1/connect/ca`: the certificate authority of the mesh.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use chancery::fact::Fact;
use chancery::model::{Index, Roots, Topic};
use chancery::resource::Shared;
use chancery::wire::answer;

use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};

pub(super) fn routes() -> Router<HttpDoor> {
    Router::new().route("/v1/connect/ca/roots", get(roots_or_pem))
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
