//! What must hold after any writes in any order. The world is small, so that writes meet each other.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::fixture::{self, World, settings};
use super::{Act, AuthorityState, Operation, Outcome, Registration, SidecarRegistration, Tables, Write, apply};
use crate::fact::{Found, look};
use crate::model::entry::{EntryBody, Mesh};
use crate::model::topic::{ChainKey, EndpointsKey, Place, Topic};
use crate::model::{
    Action, Check, Entry, EntryKey, EntryKind, Index, KvKey, KvPair, Leaf, Node, NodeName, Opaque, Probe, Protocol,
};
use crate::model::{Proxy, ProxyId, Root, Roots, Secret, Service, ServiceId, ServiceKind, Status, UnixTime, Upstream};
use crate::model::{ServiceName, Weights};

const NODES: [&str; 2] = ["n1", "n2"];
const IDS: [&str; 4] = ["a", "b", "p", "q"];
const NAMES: [&str; 3] = ["a", "b", "p"];
const CHECKS: [&str; 3] = ["c1", "c2", "c3"];
const KEYS: [&str; 5] = ["a", "a/b", "a/b/c", "a/c", "b"];
const ENTRY_NAMES: [&str; 5] = ["a", "b", "*", "global", "mesh"];

fn text<T: From<&'static str> + std::fmt::Debug>(words: &'static [&'static str]) -> impl Strategy<Value = T> {
    select(words).prop_map(T::from)
}

fn config() -> impl Strategy<Value = Opaque> {
    select(&["{}", r#"{"protocol": "http"}"#, r#"{"protocol": "grpc", "bind_port": "9"}"#][..])
        .prop_map(fixture::opaque)
}

fn status() -> impl Strategy<Value = Status> {
    select(&[Status::Passing, Status::Warning, Status::Critical][..])
}

fn a_node() -> impl Strategy<Value = Node> {
    (select(&NODES[..]), 1..3)
        .prop_map(|(name, last)| Node { address: format!("10.0.0.{last}"), ..fixture::node(name) })
}

fn typical() -> impl Strategy<Value = Service> {
    let tags = vec(select(&["v1", "v2"][..]).prop_map(str::to_owned), 0..3);
    (text(&NODES), text(&IDS), text(&NAMES), tags, 0..3_u16, any::<bool>(), 0..2_u32).prop_map(
        |(node, id, name, tags, port, connect_native, warning)| Service {
            node,
            id,
            name,
            tags,
            port,
            connect_native,
            weights: Weights { passing: 1, warning },
            ..Service::default()
        },
    )
}

fn proxied() -> impl Strategy<Value = Service> {
    (typical(), text(&NAMES), text(&IDS), 0..2_u16, config(), any::<bool>()).prop_map(
        |(service, destination_name, destination_id, local_port, config, with_upstream)| {
            let upstream = Upstream { destination_name: "b".into(), local_bind_port: 1, ..Upstream::default() };
            let upstreams = if with_upstream { vec![upstream] } else { vec![] };
            let proxy = Proxy { destination_name, destination_id, local_port, config, upstreams, ..Proxy::default() };
            Service { kind: ServiceKind::ConnectProxy, connect_native: false, proxy: Some(proxy), ..service }
        },
    )
}

fn a_check() -> impl Strategy<Value = Check> {
    let ids = (text(&NODES), text(&CHECKS), text::<ServiceId>(&["", "a", "b", "p"]));
    let probe = prop_oneof![
        Just(None),
        Just(Some(Probe::Ttl(Duration::from_secs(1)))),
        (text(&["", "n1", "n2"]), text(&["", "a", "p"]))
            .prop_map(|(node, service)| Some(Probe::Alias { node, service })),
    ];
    (ids, status(), select(&["", "ok"][..]), probe).prop_map(|((node, id, service_id), status, output, probe)| {
        let like = fixture::check("", "");
        let definition = probe.map(|probe| {
            let known = like.definition.clone().expect("the fixture's check has one");
            crate::model::CheckDefinition { probe, ..known }
        });
        Check { node, id, service_id, status, output: output.to_owned(), definition, ..like }
    })
}

fn a_registration() -> impl Strategy<Value = Registration> {
    let sidecar = option::of(proxied().prop_map(|service| SidecarRegistration { service, checks: None }));
    let service = prop_oneof![typical(), proxied()];
    (service, option::of(a_check()), sidecar, any::<bool>()).prop_map(|(service, check, sidecar, replace)| {
        Registration { service, checks: check.into_iter().collect(), sidecar, replace_existing_checks: replace }
    })
}

fn an_entry() -> impl Strategy<Value = Entry> {
    let action = || select(&[Action::Allow, Action::Deny][..]);
    prop_oneof![
        (select(&["a", "b"][..]), select(&[Protocol::Tcp, Protocol::Http][..]))
            .prop_map(|(name, protocol)| fixture::service_defaults(name, protocol)),
        config().prop_map(|config| fixture::proxy_defaults(&serde_json::Value::from(config).to_string())),
        (select(&["a", "*"][..]), select(&["a", "b", "*"][..]), action())
            .prop_map(|(destination, source, action)| fixture::intentions(destination, &[(source, action)])),
        Just(fixture::entry("mesh", EntryBody::Mesh(Mesh::default()))),
    ]
}

fn an_authority() -> impl Strategy<Value = AuthorityState> {
    (1..3_u8, 1..3_u8).prop_map(|(domain, root)| {
        let root = Root {
            id: root.to_string(),
            name: String::new(),
            serial_number: 1,
            signing_key_id: String::new(),
            not_before: UnixTime(0),
            not_after: UnixTime(1),
            pem: String::new(),
            key: crate::model::KeyKind::default(),
            active: true,
            create_index: Index(0),
            modify_index: Index(0),
        };
        let roots = Roots { trust_domain: format!("{domain}.consul").into(), roots: vec![root] };
        AuthorityState::new(roots, Secret::default())
    })
}

fn a_leaf() -> impl Strategy<Value = Leaf> {
    (text(&NAMES), 1..3_u8).prop_map(|(service, serial)| Leaf {
        service,
        uri: String::new(),
        serial_number: serial.to_string(),
        cert_pem: "".into(),
        key_pem: Secret::default(),
        valid_after: UnixTime(0),
        valid_before: UnixTime(1),
        create_index: Index(0),
        modify_index: Index(0),
    })
}

/// Any write but several at once.
fn single() -> impl Strategy<Value = Write> {
    let cas = || option::of((0..20_u64).prop_map(Index));
    let key = (select(EntryKind::all().collect::<Vec<_>>()), select(&ENTRY_NAMES[..]))
        .prop_map(|(kind, name)| EntryKey::new(kind, name));
    let names = || text::<ServiceName>(&["a", "b", "*"]);
    prop_oneof![
        2 => a_node().prop_map(Write::RegisterNode),
        1 => text(&NODES).prop_map(Write::DeregisterNode),
        8 => a_registration().prop_map(|registration| Write::RegisterService(Box::new(registration))),
        4 => (text(&NODES), text(&IDS)).prop_map(|(node, id)| Write::DeregisterService { node, id }),
        4 => a_check().prop_map(Write::RegisterCheck),
        1 => a_check().prop_map(Write::SetCheck),
        1 => (text(&NODES), text(&CHECKS)).prop_map(|(node, id)| Write::DeregisterCheck { node, id }),
        4 => (text(&NODES), text(&["c1", "service:p:1", "service:p:2"]), status(), select(&["", "ok"][..]))
            .prop_map(|(node, id, status, output)| Write::UpdateCheck { node, id, status, output: output.to_owned() }),
        4 => (an_entry(), cas()).prop_map(|(entry, cas)| Write::PutEntry { entry, cas }),
        1 => (key, cas()).prop_map(|(key, cas)| Write::DeleteEntry { key, cas }),
        2 => (names(), names(), any::<bool>()).prop_map(|(source, destination, allow)| Write::PutIntention {
            source,
            destination,
            action: if allow { Action::Allow } else { Action::Deny },
            permissions: vec![],
            description: String::new(),
        }),
        2 => (names(), names()).prop_map(|(source, destination)| Write::DeleteIntention { source, destination }),
        1 => (text(&NAMES), vec(0..3_u8, 0..3)).prop_map(|(service, last)| Write::SetManualVirtualIps {
            service,
            addresses: last.into_iter().map(|last| [10, 0, 0, last].into()).collect(),
        }),
        6 => (text(&KEYS), select(&["x", "y"][..]), cas()).prop_map(|(key, value, cas)| Write::PutKv {
            pair: KvPair { key, value: value.into(), ..KvPair::default() },
            cas,
        }),
        3 => (text(&KEYS), cas()).prop_map(|(key, cas)| Write::DeleteKv { key, cas }),
        1 => text::<KvKey>(&["", "a/", "a/b"]).prop_map(Write::DeleteKvTree),
        1 => an_authority().prop_map(Write::SetAuthority),
        1 => a_leaf().prop_map(Write::SetLeaf),
        1 => text(&NAMES).prop_map(Write::RemoveLeaf),
    ]
}

fn any_write() -> impl Strategy<Value = Write> {
    let step = single().prop_map(|write| Operation { condition: None, act: Act::Write(Box::new(write)) });
    prop_oneof![
        9 => single(),
        1 => vec(single(), 0..4).prop_map(Write::Batch),
        1 => vec(step, 0..4).prop_map(Write::Transaction),
    ]
}

/// Every question that can be asked of this small world.
fn topics() -> Vec<Topic> {
    let mut topics =
        vec![Topic::Nodes, Topic::Services, Topic::IntentionList, Topic::Authority, Topic::Roots, Topic::Mesh];
    topics.extend([None, Some(Status::Passing), Some(Status::Critical)].map(Topic::Checks));
    topics.push(Topic::Instances);
    for node in NODES {
        topics.push(Topic::Node(node.into()));
        let ids = || IDS.map(|id| ProxyId { node: NodeName::from(node), service: ServiceId::from(id) });
        topics.extend(ids().map(Topic::Proxy));
        topics.extend(ids().map(Topic::Native));
    }
    for name in NAMES {
        let name = ServiceName::from(name);
        topics.extend(
            [Topic::Service, Topic::Connect, Topic::Leaf, Topic::Intentions, Topic::Reachable, Topic::Addresses]
                .map(|of| of(name.clone())),
        );
        topics.extend([Topic::Endpoints, Topic::PlainEndpoints].map(|of| of(EndpointsKey::all(name.clone()))));
        topics.push(Topic::Chain(ChainKey { protocol: Some(Protocol::Http), ..ChainKey::plain(name.clone()) }));
        topics.push(Topic::Chain(ChainKey::plain(name)));
    }
    topics.extend(KEYS.map(|key| Topic::Kv(key.into())));
    topics.extend(["", "a", "a/", "a/b", "a/b/", "z"].map(|prefix| Topic::KvTree(prefix.into())));
    for kind in EntryKind::all() {
        topics.push(Topic::Entries(kind));
        topics.extend(ENTRY_NAMES.map(|name| Topic::Entry(EntryKey::new(kind, name))));
    }
    topics
}

fn answers(tables: &Tables) -> Vec<Found> {
    topics().iter().map(|topic| look(tables, topic)).collect()
}

/// Whoever holds an answer would hear that it is another one now, at an index that tells.
fn assert_heard(before: &[Found], after: &[Found], places: &BTreeSet<Place>, index: Index) {
    for ((old, new), topic) in before.iter().zip(after).zip(topics()) {
        if old.fact != new.fact {
            assert!(old.places.iter().any(|place| places.contains(place)), "{topic} changed unheard: {places:?}");
            assert_eq!(new.index, index, "{topic} changed, its index does not tell");
        }
    }
}

fn assert_not_backwards(before: &Tables, after: &Tables) {
    for topic in topics() {
        for place in look(before, &topic).places {
            let (old, new) = (before.index_of(&place), after.index_of(&place));
            assert!(Index(1) <= old && old <= new, "{place:?} went from {old} to {new}");
        }
    }
}

fn assert_same_answers(one: &Tables, other: &Tables) {
    for topic in topics() {
        assert_eq!(look(one, &topic).fact, look(other, &topic).fact, "{topic}");
    }
}

fn assert_same_secondary_indexes(one: &Tables, other: &Tables) {
    assert_eq!(one.names, other.names);
    assert_eq!(one.by_name, other.by_name);
    assert_eq!(one.by_connect_name, other.by_connect_name);
    assert_eq!(one.beside, other.beside);
    assert_eq!(one.ports, other.ports);
    assert_eq!(one.check_ids, other.check_ids);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_that_changes_is_heard_and_no_index_goes_backwards(writes in vec(any_write(), 1..40)) {
        let mut world = World::with_nodes();
        let mut before = answers(&world.tables);
        for write in writes {
            let old = world.tables.clone();
            let Ok(applied) = world.try_write(&write) else { continue };
            let after = answers(&world.tables);
            if applied.outcome == Outcome::Applied {
                assert_heard(&before, &after, &applied.places, world.tables.index());
                assert_not_backwards(&old, &world.tables);
            } else {
                prop_assert!(applied.places.is_empty() && applied.changes.is_empty());
                prop_assert_eq!(&before, &after);
            }
            before = after;
        }
    }

    #[test]
    fn tables_that_come_back_from_a_store_answer_the_same(writes in vec(any_write(), 1..40)) {
        let mut world = World::with_nodes();
        for write in writes {
            _ = world.try_write(&write);
        }
        let reloaded = world.reloaded();
        assert_same_answers(&world.tables, &reloaded);
        assert_same_secondary_indexes(&world.tables, &reloaded);
        assert_not_backwards(&world.tables, &reloaded);
    }

    #[test]
    fn what_was_just_written_is_not_written_again(writes in vec(single(), 1..30)) {
        let mut world = World::with_nodes();
        for write in writes {
            let Ok(first) = world.try_write(&write) else { continue };
            if first.outcome == Outcome::CasFailed {
                continue;
            }
            if let Ok(again) = apply(&world.tables, &write, world.tables.index().next()) {
                prop_assert!(again.outcome != Outcome::Applied, "{:?} changed {:?}", write, again.changes);
            }
        }
    }

    #[test]
    fn nothing_is_left_of_what_came_and_went(writes in vec(single(), 1..30)) {
        let mut world = World::with_nodes();
        for write in writes {
            _ = world.try_write(&write);
        }
        for node in NODES {
            for id in IDS {
                _ = world.try_write(&Write::DeregisterService { node: node.into(), id: id.into() });
            }
            for id in CHECKS {
                _ = world.try_write(&Write::DeregisterCheck { node: node.into(), id: id.into() });
            }
        }
        let empty = Tables::new(settings());
        assert_same_secondary_indexes(&world.tables, &empty);
        let name = |place: &Place| matches!(place, Place::Service(_) | Place::Connect(_) | Place::Proxy(_));
        prop_assert!(!world.tables.places_kept().any(name));
    }
}
