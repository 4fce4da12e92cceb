//! `/v1/internal`: what tools that stand beside Consul use.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;

use chancery::catalog::{Write, query};
use chancery::wire;

use super::body::Body;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::Endpoints;
use crate::doors::endpoints::common::{PRETTY, SCOPE};

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("internal", "internal", "What tools that stand beside Consul use.")
        .put(
            "/v1/internal/service-virtual-ip",
            assign,
            "Replaces the virtual addresses that were chosen for a service; who had one of them loses it.",
            &[SCOPE, PRETTY],
        )
        .takes("as JSON: `Service` and `ManualVIPs`")
}

/// Replaces the virtual addresses that the user chose for a service; who had one of them loses it.
async fn assign(State(door): State<HttpDoor>, params: Params, Body(body): Body) -> Result<Response, Failure> {
    let (service, addresses) = wire::virtual_ip::decode(&body).map_err(Failure::decode)?;
    let tables = door.tables();
    if query::virtual_ip(&tables, &service).is_none() {
        return Ok(reply::json(&params, &wire::virtual_ip::answer(false, &BTreeSet::new())));
    }
    let holders = addresses.iter().filter_map(|address| query::virtual_ip_holder(&tables, *address));
    let losers = holders.filter(|holder| *holder != service).collect();
    door.commit(Write::SetManualVirtualIps { service, addresses }).await?;
    Ok(reply::json(&params, &wire::virtual_ip::answer(true, &losers)))
}
