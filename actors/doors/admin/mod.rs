//! The admin door: what the actors are doing, what each proxy was sent and accepted. It reads cards, boards and sheets;
//! it asks nobody, so it answers when somebody is stuck.

mod actors;
mod changes;
mod explain;
mod load;
mod page;
mod proxies;

use axum::Router;
use axum::routing::{get, put};

use crate::wiring::House;

pub fn router(house: House) -> Router {
    Router::new()
        .route("/admin/", get(page::page))
        .route("/admin/{file}", get(page::file))
        .route("/admin/actors", get(actors::actors))
        .route("/admin/actors/kinds", get(actors::kinds))
        .route("/admin/changes", get(changes::changes))
        .route("/admin/explain/{service}", get(explain::explain))
        .route("/admin/load", get(load::load))
        .route("/admin/proxies", get(proxies::proxies))
        .route("/admin/proxies/{id}/config", get(proxies::config))
        .route("/admin/leaf/{service}/renew", put(proxies::renew_leaf))
        .with_state(house)
}
