//! The admin door: what the actors are doing, what each proxy was sent and accepted. It reads cards, boards and sheets;
//! it asks nobody, so it answers when somebody is stuck.

mod actors;
mod changes;
mod explain;
mod load;
mod page;
mod proxies;

use super::endpoints::{Endpoints, Kind, Parameter, Parameters};
use crate::wiring::House;

const CARDS: Parameters = &[
    Parameter::new("kind", Kind::Text, "Only actors of this kind, such as `XdsStream`."),
    Parameter::new("key", Kind::Text, "Only actors whose key contains this."),
    Parameter::new("limit", Kind::Whole, "No more than this."),
];
const ID: Parameters = &[Parameter::new("id", Kind::Text, "Only proxies whose node and id contain this.")];
const NODE: Parameters = &[Parameter::new("node", Kind::Text, "The proxy's node, where several have one of that id.")];

pub fn endpoints() -> Endpoints<House> {
    Endpoints::new("admin", "admin", "What the actors do, and what each proxy was sent and accepted.")
        .get("/admin/", page::page, "A live page.", &[])
        .get("/admin/{file}", page::file, "What the page is made of.", &[])
        .get("/admin/actors", actors::actors, "Every actor: messages, mailbox, time spent, restarts.", &[CARDS])
        .get("/admin/actors/kinds", actors::kinds, "The same, in sums.", &[])
        .get("/admin/changes", changes::changes, "The newest changes, and how far they are.", &[])
        .get(
            "/admin/explain/{service}",
            explain::explain,
            "For each piece of a service's chain what put it there.",
            &[],
        )
        .get("/admin/load", load::load, "What clients report of their load.", &[])
        .get("/admin/proxies", proxies::proxies, "For each proxy what was sent, accepted and refused.", &[ID])
        .get(
            "/admin/proxies/{id}/config",
            proxies::config,
            "What a proxy shall hold; private keys are left out.",
            &[NODE],
        )
        .put("/admin/leaf/{service}/renew", proxies::renew_leaf, "Makes a new certificate for a service now.", &[])
}
