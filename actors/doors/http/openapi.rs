//! `/v1/openapi.json`: what is served here, for programs.

use std::sync::LazyLock;

use axum::response::Response;
use serde_json::Value;

use super::params::Params;
use super::{HttpDoor, families, reply};
use crate::doors::endpoints::common::{PRETTY, SCOPE};
use crate::doors::endpoints::{Endpoints, describe};

/// It is the same as long as the program runs.
static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| describe(&families()));

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("openapi", "openapi", "What is served, for programs.").get(
        "/v1/openapi.json",
        description,
        "An OpenAPI description of all of this.",
        &[SCOPE, PRETTY],
    )
}

async fn description(params: Params) -> Response {
    reply::json(&params, &*DESCRIPTION)
}
