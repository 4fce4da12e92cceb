//! Which room may use which. The tables are those of `src/ARCHITECTURE.md` and `actors/ARCHITECTURE.md`.

use crate::paths::{module_of, paths};
use crate::source::Source;

/// A still room, and the other rooms of `src/` that it may use.
const STILL: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("resource", &[]),
    ("wire", &["model", "catalog", "chain"]),
    ("catalog", &["chain", "filter", "model"]),
    ("chain", &["model"]),
    ("filter", &["model"]),
    ("fact", &["catalog", "chain", "model", "resource"]),
    ("snapshot", &["fact", "chain", "model", "resource"]),
    ("generate", &["snapshot", "chain", "model", "resource", "canonical"]),
    ("delta", &["resource", "model"]),
    ("canonical", &["resource"]),
    ("authority", &["model", "catalog::AuthorityState"]),
    ("bootstrap", &["model"]),
    ("redirect", &[]),
];

/// What a still room may not reach for: it has no clock, randomness, files, network or threads.
const MOVING: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "actix",
    "rand",
];

/// Envoy's own messages stay in the rooms that speak them.
const SPEAK_ENVOY: &[&str] = &["resource", "generate", "delta", "canonical"];

/// What doors may use of the still rooms: words, spellings, answers; never what decides.
const FOR_DOORS: &[&str] = &[
    "wire",
    "model",
    "catalog",
    "fact",
    "resource",
    "canonical",
    "bootstrap",
    "redirect",
    "delta",
    "filter",
    "generate::Refusal",
];

/// The library behind a wall, and the rooms of `actors/` behind it too.
const WALLED: &[(&str, &[&str])] =
    &[("axum", &["doors"]), ("tonic", &["doors", "checks"]), ("redb", &["stores"]), ("etcd_client", &["stores"])];

/// Files of `actors/` that put the house together, and may use everything in it.
const BUILDERS: &[&str] = &["main", "lib", "agent", "wiring", "config", "flags"];

pub(crate) fn check(source: &Source) -> Vec<String> {
    let module = module_of(&source.path);
    let wrong: Vec<String> = match source.path.split('/').next() {
        Some("src") => paths(source).into_iter().filter(|path| !still_may(&module, path)).collect(),
        Some("actors") => paths(source).into_iter().filter(|path| !moving_may(&module, path)).collect(),
        _ => Vec::new(),
    };
    wrong.into_iter().map(|path| format!("{}: may not use `{path}`", source.path)).collect()
}

fn still_may(module: &[String], path: &str) -> bool {
    let Some(room) = module.first() else { return true };
    if let Some(inside) = path.strip_prefix("crate::") {
        let Some((_, others)) = STILL.iter().find(|(name, _)| name == room) else { return false };
        return within(inside, room) || others.iter().any(|other| within(inside, other));
    }
    if within(path, "envoy_types") {
        return SPEAK_ENVOY.contains(&room.as_str());
    }
    !MOVING.iter().any(|moving| within(path, moving))
}

fn moving_may(module: &[String], path: &str) -> bool {
    let Some(room) = module.first().map(String::as_str) else { return true };
    if BUILDERS.contains(&room) {
        return true;
    }
    if let Some((_, rooms)) = WALLED.iter().find(|(library, _)| within(path, library)) {
        return rooms.contains(&room);
    }
    let (inside, still) = match (path.strip_prefix("crate::"), path.strip_prefix("chancery::")) {
        (Some(inside), _) => (inside, false),
        (_, Some(inside)) => (inside, true),
        _ => return true,
    };
    match (room, still) {
        ("kit", _) => !still && within(inside, "kit"),
        ("doors", true) => FOR_DOORS.iter().any(|other| within(inside, other)),
        ("doors", false) => !within(inside, "stores") && !within(inside, "sources"),
        // stores, sources and the cast: every still room
        (_, true) => true,
        ("stores" | "sources", false) => within(inside, room) || within(inside, "metrics"),
        // the cast: the traits of stores and sources, never a door
        (_, false) => !within(inside, "doors") && !names_an_adapter(inside),
    }
}

/// `stores::Store` is the trait (or its error); `stores::memory` is one store.
fn names_an_adapter(inside: &str) -> bool {
    ["stores::", "sources::"]
        .iter()
        .filter_map(|room| inside.strip_prefix(room))
        .any(|item| item.starts_with(char::is_lowercase))
}

/// Whether `path` is `prefix` or lies below it.
fn within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str, text: &str) -> bool {
        !check(&Source::new(path, text)).is_empty()
    }

    #[test]
    fn generation_may_read_snapshots_but_not_the_protocol() {
        assert!(!refused("src/generate/cluster.rs", "use crate::snapshot::Snapshot;\nuse crate::model::{A, b::C};"));
        assert!(refused("src/generate/cluster.rs", "use crate::delta::View;"));
        assert!(refused("src/generate/cluster.rs", "use crate::{\n    model::A,\n    delta::View,\n};"));
        assert!(refused("src/generate/cluster.rs", "fn a() { crate::catalog::query::b() }"));
        assert!(refused("src/generate/cluster.rs", "use super::super::delta::View;"));
        assert!(!refused("src/generate/cluster.rs", "#[cfg(test)]\nmod tests {\n    use crate::delta::View;\n}"));
    }

    #[test]
    fn still_rooms_have_no_clock_and_no_files() {
        assert!(refused("src/authority/mod.rs", "use std::time::{Duration, SystemTime};"));
        assert!(!refused("src/authority/mod.rs", "use std::time::Duration;"));
        assert!(refused("src/wire/hcl.rs", "let a = std::fs::read(b);"));
        assert!(refused("src/wire/hcl.rs", "use std::net::{IpAddr, TcpStream};"));
        assert!(!refused("src/wire/hcl.rs", "use std::net::IpAddr;"));
        assert!(refused("src/model/check.rs", "use envoy_types::pb::A;"));
        assert!(!refused("src/delta/mod.rs", "use envoy_types::pb::A;"));
    }

    #[test]
    fn a_room_that_is_not_in_the_table_is_refused() {
        assert!(refused("src/attic.rs", "use crate::model::A;"));
    }

    #[test]
    fn the_kit_knows_no_word_of_the_domain() {
        assert!(refused("actors/kit/bell.rs", "use chancery::model::Index;"));
        assert!(refused("actors/kit/bell.rs", "use crate::catalog::Catalog;"));
        assert!(!refused("actors/kit/bell.rs", "use super::ripple::Ripple;\nuse dashmap::DashMap;"));
    }

    #[test]
    fn doors_do_not_reach_past_the_cast() {
        assert!(refused("actors/doors/http/mod.rs", "use crate::stores::Store;"));
        assert!(refused("actors/doors/http/mod.rs", "use chancery::generate::generate;"));
        assert!(!refused("actors/doors/http/mod.rs", "use chancery::generate::Refusal;\nuse crate::catalog::Commit;"));
        assert!(!refused("actors/doors/http/mod.rs", "use axum::Router;"));
    }

    #[test]
    fn the_cast_knows_traits_and_no_door() {
        assert!(!refused("actors/catalog.rs", "use crate::stores::{Store, StoreError};"));
        assert!(refused("actors/catalog.rs", "use crate::stores::memory::MemoryStore;"));
        assert!(refused("actors/catalog.rs", "use crate::doors::http::HttpDoor;"));
        assert!(refused("actors/catalog.rs", "use axum::Router;"));
    }

    #[test]
    fn stores_do_not_know_who_uses_them() {
        assert!(refused("actors/stores/memory.rs", "use crate::catalog::CatalogHandle;"));
        assert!(!refused("actors/stores/memory.rs", "use chancery::catalog::Change;\nuse super::Store;"));
    }

    #[test]
    fn the_builders_may_use_everything() {
        assert!(!refused("actors/main.rs", "use crate::stores::memory::MemoryStore;\nuse crate::doors::http;"));
    }
}
