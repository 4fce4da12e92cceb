//! What Consul has and this server has not, beyond what is still to come: each answers what to use instead.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::Endpoints;
use crate::doors::endpoints::common::{PRETTY, SCOPE, STATE};

/// Paths, and what is said there.
const INSTEAD: [(&[&str], &str); 14] = [
    (
        &["/v1/event/{*rest}"],
        "events are not kept: wait for what changes with a blocking query (?index=) or `chancery watch`, and leave word in \
         a key under /v1/kv",
    ),
    (
        &["/v1/session/{*rest}"],
        "sessions are not kept: to agree on a leader write a key under /v1/kv with ?cas=, to tell that an application \
         lives register a TTL check at /v1/agent/check/register",
    ),
    (
        &["/v1/query", "/v1/query/", "/v1/query/{*rest}"],
        "prepared queries are not kept: ask /v1/health/service/:name with ?passing, ?tag=, ?near= and ?filter=, and say \
         failover in a service-resolver at /v1/config",
    ),
    (
        &["/v1/agent/join/{*rest}"],
        "there is one agent and nothing to join: point clients at this one, and give it its state with -data-dir",
    ),
    (
        &["/v1/agent/metrics/stream"],
        "metrics are not streamed: read /v1/agent/metrics, with ?format=prometheus or without",
    ),
    (
        &["/v1/acl/{*rest}", "/v1/agent/token/{*rest}", "/v1/internal/acl/authorize"],
        "there are no tokens and policies: let only those reach the ports whom you trust, and say who may call whom with \
         intentions",
    ),
    (
        &["/v1/peerings", "/v1/peering", "/v1/peering/{*rest}", "/v1/imported-services"],
        "there are no peers: register what runs elsewhere at /v1/catalog/register",
    ),
    (
        &["/v1/exported-services", "/v1/internal/ui/exported-services"],
        "there are no peers to whom services would be exported: /v1/config/exported-services shows what was asked for",
    ),
    (
        &["/v1/internal/ui/metrics-proxy/{*rest}"],
        "metrics of others are not fetched for a page: ask Prometheus itself; grafana/ has dashboards",
    ),
    (
        &["/v1/operator/{*rest}"],
        "there is one server, which elects and encrypts with nobody: /v1/operator/usage, \
         /v1/operator/raft/configuration, /v1/operator/autopilot/health and /v1/operator/autopilot/state are answered",
    ),
    (
        &["/v1/operator/autopilot/configuration"],
        "there are no other servers to look after, so there is nothing to set: how this one is, say \
         /v1/operator/autopilot/health and /v1/operator/autopilot/state",
    ),
    (
        &[
            "/v1/internal/federation-states",
            "/v1/internal/federation-states/{*rest}",
            "/v1/internal/federation-state/{*rest}",
        ],
        "there is one datacenter, which is federated with nobody: register what runs elsewhere at /v1/catalog/register",
    ),
    (
        &["/debug/pprof", "/debug/pprof/{*rest}"],
        "this is no program in Go, and has no profiles of one: /admin/actors says what takes time, /metrics counts it, \
         and `chancery debug` gathers both",
    ),
    (&["/v1/coordinate/update"], "distances between nodes are not kept: ?near= puts what is on the node itself first"),
];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    let none =
        Endpoints::new("elsewhere", "elsewhere", "What Consul has and this server has not, with what to use instead.")
            .get(
                "/v1/coordinate/datacenters",
                no_coordinates,
                "Nobody measures distances: an empty list.",
                &[SCOPE, PRETTY, STATE],
            )
            .get(
                "/v1/coordinate/nodes",
                no_coordinates,
                "Nobody measures distances: an empty list.",
                &[SCOPE, PRETTY, STATE],
            )
            .get(
                "/v1/coordinate/node/{name}",
                no_coordinates,
                "Nobody measures distances: an empty list.",
                &[SCOPE, PRETTY, STATE],
            );
    let refused = INSTEAD.iter().flat_map(|(paths, instead)| paths.iter().map(move |path| (*path, *instead)));
    refused.fold(none, |endpoints, (path, instead)| {
        endpoints.instead(path, async move || Failure::new(StatusCode::NOT_IMPLEMENTED, instead), instead)
    })
}

/// Nobody measures how far nodes are from each other.
async fn no_coordinates(State(door): State<HttpDoor>, params: Params) -> Response {
    let none: [(); 0] = [];
    reply::read(&params, door.tables().index(), &none)
}
