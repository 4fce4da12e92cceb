//! What Consul has and this server has not: 501, with what to do instead.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;

use super::HttpDoor;
use super::reply::Failure;

const FAMILIES: [(&str, &str); 7] = [
    ("/v1/session", "needs sessions, which are not kept here: use ?cas in /v1/kv, or a store that is made for locks"),
    ("/v1/event", "passes events around between agents, and there is one agent here: write a key and watch it"),
    ("/v1/query", "prepares queries for failover: write a service-resolver entry, which says the same"),
    ("/v1/acl", "needs tokens, which are not checked here: let only those reach the ports whom you trust"),
    ("/v1/peering", "needs other clusters, which are not reached from here"),
    ("/v1/peerings", "needs other clusters, which are not reached from here"),
    ("/v1/namespace", "needs namespaces, and there is only the default one: put the scope into the name"),
];

pub(super) fn routes() -> Router<HttpDoor> {
    FAMILIES.into_iter().fold(Router::new(), |router, (path, why)| {
        let answer = move || std::future::ready(not_here(path, why));
        router.route(path, any(answer)).route(&format!("{path}/{{*rest}}"), any(answer))
    })
}

pub(super) fn not_here(path: &str, why: &str) -> Failure {
    Failure::new(StatusCode::NOT_IMPLEMENTED, format!("{path} {why}"))
}
