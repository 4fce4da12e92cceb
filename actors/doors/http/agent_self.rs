//! `/v1/agent/self`: what this server says of itself. Clients look for the version, and where Envoys connect.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use chancery::catalog::query;
use chancery::model::Node;

use super::params::Params;
use super::{HttpDoor, reply};
use crate::version;

/// The releases of Envoy that the tests run against.
const ENVOYS: [&str; 1] = ["1.40.0"];
/// The gossip port of a server of its kind. Nothing listens there: there is one server.
const GOSSIP_PORT: u16 = 8301;
/// Of a member: alive.
const ALIVE: u8 = 1;

pub(super) fn routes() -> Router<HttpDoor> {
    Router::new().route("/v1/agent/self", get(describe))
}

async fn describe(State(door): State<HttpDoor>, params: Params) -> Response {
    let tables = door.tables();
    let node = query::node(&tables, door.node()).unwrap_or_default();
    let body = json!({
        "Config": config(&door, &node),
        "Member": member(&door, &node),
        "Stats": { "consul": { "server": "true", "leader": "true" } },
        "Meta": node.meta,
        "xDS": xds(door.state.identity.grpc_port),
    });
    reply::read(&params, tables.index(), &body)
}

fn config(door: &HttpDoor, node: &Node) -> Value {
    let identity = &door.state.identity;
    json!({
        "Datacenter": identity.datacenter.as_str(),
        "PrimaryDatacenter": identity.datacenter.as_str(),
        "NodeName": identity.node.as_str(),
        "NodeID": node.id,
        "Server": true,
        "Version": version::VERSION,
        "Revision": version::REVISION,
        "BuildDate": version::BUILD_DATE,
    })
}

fn member(door: &HttpDoor, node: &Node) -> Value {
    let identity = &door.state.identity;
    json!({
        "Name": identity.node.as_str(),
        "Addr": node.address,
        "Port": GOSSIP_PORT,
        "Tags": { "dc": identity.datacenter.as_str(), "id": node.id, "role": "consul", "build": version::VERSION },
        "Status": ALIVE,
    })
}

/// `Ports.TLS` is -1: xDS is served in plaintext only.
fn xds(port: Option<u16>) -> Value {
    let port = port.map_or(-1, i32::from);
    json!({
        "SupportedProxies": { "envoy": ENVOYS },
        "Port": port,
        "Ports": { "Plaintext": port, "TLS": -1 },
    })
}
