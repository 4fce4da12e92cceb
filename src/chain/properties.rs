//! What holds for whatever entries there are.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use super::fixture::{World, elsewhere, failover, mirror, redirect, route, subsets};
use super::{Chain, Compiled, Step};
use crate::model::Protocol;
use crate::model::entry::ServiceResolver;
use crate::model::entry::service_router::ServiceRoute;
use crate::model::entry::service_splitter::Weight;
use crate::model::fault::{Abort, AbortStatus};
use crate::model::locality::{FailoverMode, FailoverPolicy, Prioritize, Shares};
use crate::model::topic::ChainKey;

const SERVICES: [&str; 5] = ["a", "b", "c", "d", "e"];
const PLACES: [&str; 10] = ["a", "b", "c", "d", "e", "a/v1", "b/v1", "c/v2", "d/v2", "e/v1"];

fn a_service() -> impl Strategy<Value = &'static str> {
    select(&SERVICES[..])
}

fn a_place() -> impl Strategy<Value = &'static str> {
    select(&PLACES[..])
}

fn a_resolver() -> impl Strategy<Value = ServiceResolver> {
    let own = prop_oneof![
        2 => Just(ServiceResolver::default()),
        1 => a_place().prop_map(redirect),
        2 => (select(&["*", "v1"][..]), prop::collection::vec(a_place(), 1..3)).prop_map(|(of, to)| failover(of, &to)),
        1 => a_place().prop_map(|to| {
            let mut resolver = failover("*", &["b"]);
            resolver.failover.get_mut("*").expect("it is there").targets = vec![elsewhere(to), elsewhere("/v2")];
            resolver
        }),
    ];
    (own, any::<bool>(), any::<bool>()).prop_map(|(mut resolver, default, both)| {
        resolver.subsets = subsets(if both { &["v1", "v2"] } else { &["v1"] }).subsets;
        if default {
            resolver.default_subset = "v1".to_owned();
            let shares = Shares { same_zone: 80, same_region: 15, elsewhere: 5 };
            let prioritize = if both { Prioritize::Weighted(shares) } else { Prioritize::Failover };
            resolver.prioritize_by_locality = Some(prioritize);
        }
        if both {
            let regions = vec!["r1".to_owned(), "r2".to_owned()];
            let policy = FailoverPolicy { mode: FailoverMode::OrderByLocality, regions };
            resolver.failover.values_mut().for_each(|failover| failover.policy = Some(policy.clone()));
        }
        resolver
    })
}

fn some_splits() -> impl Strategy<Value = Vec<(u32, &'static str)>> {
    (prop::sample::subsequence(&PLACES[..], 1..4), 0..10_000_u32).prop_map(|(places, first)| {
        let rest = Weight::WHOLE.0 - first;
        let others = u32::try_from(places.len() - 1).expect("few");
        let mut left = Weight::WHOLE.0;
        let mut splits: Vec<(u32, &str)> = Vec::new();
        for place in places {
            let share = if splits.is_empty() { first } else { rest / others };
            splits.push((share, place));
            left -= share;
        }
        splits.last_mut().expect("one at least").0 += left;
        splits
    })
}

fn a_route() -> impl Strategy<Value = ServiceRoute> {
    let mirror = prop::option::of(prop_oneof![4 => a_place().prop_map(mirror), 1 => Just(mirror("/v1"))]);
    let status = prop_oneof![3 => Just(AbortStatus::Http(503)), 1 => Just(AbortStatus::Grpc(14))];
    let abort = prop::option::weighted(0.3, (1..=Weight::WHOLE.0, status));
    (select(&["/", "/a", "/b"][..]), a_place(), mirror, abort).prop_map(|(path, to, mirror, abort)| {
        let mut route = route(path, to);
        route.destination.mirror = mirror;
        route.destination.fault.abort = abort.map(|(share, status)| Abort { share: Weight(share), status });
        route
    })
}

/// Some services, and what is said of where requests for them go; not all of it makes chains.
pub(crate) fn a_world() -> impl Strategy<Value = World> {
    let protocol = prop_oneof![8 => Just(Protocol::Http), 1 => Just(Protocol::Tcp)];
    let speaks = prop::collection::vec(protocol, SERVICES.len());
    let resolvers = prop::collection::vec((a_service(), a_resolver()), 0..4);
    let splitters = prop::collection::vec((a_service(), some_splits()), 0..3);
    let routers = prop::collection::vec((a_service(), prop::collection::vec(a_route(), 0..3)), 0..2);
    let function = prop::option::weighted(0.2, select(&[Protocol::Http, Protocol::Http2][..]));
    (speaks, function, resolvers, splitters, routers).prop_map(|(speaks, function, resolvers, splitters, routers)| {
        let world = SERVICES.iter().zip(speaks).fold(World::default(), |world, (name, of)| world.speaks(name, of));
        let world = function.into_iter().fold(world, |world, of| world.function("e", of));
        let world = resolvers.into_iter().fold(world, |world, (name, body)| world.resolver(name, body));
        let world = splitters.into_iter().fold(world, |world, (name, splits)| world.splitter(name, &splits));
        routers.into_iter().fold(world, |world, (name, routes)| world.routes(name, routes))
    })
}

pub(crate) fn a_key() -> impl Strategy<Value = ChainKey> {
    let protocol = prop::option::of(select(&[Protocol::Tcp, Protocol::Http, Protocol::Grpc][..]));
    (a_service(), protocol).prop_map(|(service, protocol)| ChainKey { protocol, ..ChainKey::plain(service.into()) })
}

/// Every node is reached from the start and leads to nodes that are there, without a circle: a router to splitters or
/// resolvers, a splitter to resolvers.
fn is_sound(chain: &Chain) {
    let mut reached = BTreeMap::from([(chain.start.clone(), 0)]);
    let mut next = vec![chain.start.clone()];
    while let Some(id) = next.pop() {
        let nexts: Vec<String> = match &chain.nodes[&id].step {
            Step::Router(routes) => {
                assert_eq!(id, chain.start, "a router stands at the start alone");
                for route in routes {
                    assert_eq!(route.mirror.is_some(), route.destination.mirror.is_some());
                    if let Some(mirror) = &route.mirror {
                        assert!(matches!(chain.step(mirror), Step::Resolver(_)), "{id} -> {mirror}");
                    }
                }
                routes.iter().flat_map(|route| route.nexts().cloned()).collect()
            }
            Step::Splitter(splits) => {
                assert_eq!(splits.iter().map(|split| split.weight.0).sum::<u32>(), Weight::WHOLE.0);
                for split in splits {
                    assert!(matches!(chain.step(&split.next), Step::Resolver(_)), "{id} -> {}", split.next);
                }
                splits.iter().map(|split| split.next.clone()).collect()
            }
            Step::Resolver(resolver) => {
                assert!(chain.targets.contains_key(&resolver.target));
                assert!(!resolver.failover.contains(&resolver.target));
                assert!(resolver.failover.iter().all(|target| chain.targets.contains_key(target)));
                continue;
            }
        };
        for id in nexts {
            assert!(!matches!(chain.step(&id), Step::Router(_)));
            reached.insert(id.clone(), 0);
            next.push(id);
        }
    }
    assert_eq!(reached.keys().collect::<Vec<_>>(), chain.nodes.keys().collect::<Vec<_>>());
}

/// Entries that were not read have no part in it.
fn is_of_what_was_read(world: &World, key: &ChainKey, compiled: &Compiled) {
    let mut fewer = world.clone();
    fewer.0.retain(|key, _| compiled.read.contains(key));
    assert_eq!(fewer.compile(key), *compiled);
}

proptest! {
    #[test]
    fn compiling_is_total_and_the_same_each_time(world in a_world(), key in a_key()) {
        let compiled = world.compile(&key);
        prop_assert_eq!(&world.compile(&key), &compiled);
        is_of_what_was_read(&world, &key, &compiled);
        if let Ok(chain) = &compiled.chain {
            is_sound(chain);
            let used: std::collections::BTreeSet<_> = chain.resolvers().flat_map(|of| of.members(chain)).map(|of| &of.target.id).collect();
            prop_assert_eq!(used, chain.targets.keys().collect());
            let explained = super::explain(chain);
            prop_assert!(explained.iter().all(|cause| cause.entries.iter().all(|entry| world.0.contains_key(entry))));
        }
    }
}
