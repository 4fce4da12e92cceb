//! What a sidecar sees of instances, by where it is and where they are.

use std::collections::{BTreeMap, BTreeSet};

use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use proptest::prelude::*;
use proptest::sample::select;
use prost::Message as _;

use super::tests::{at, edit, facts, instances, made};
use super::*;
use crate::chain::fixture::{World, failover};
use crate::chain::properties::{a_key, a_world};
use crate::model::Locality;
use crate::model::entry::{EntryBody, ProxyDefaults};
use crate::model::locality::Prioritize;
use crate::model::topic::ChainKey;
use crate::snapshot::Facts;

fn place(text: &str) -> Option<Locality> {
    let (region, zone) = text.split_once('/')?;
    Some(Locality { region: region.to_owned(), zone: zone.to_owned() })
}

const PLACES: [&str; 6] = ["", "r1/", "r1/a", "r1/b", "r2/a", "r3/a"];

/// A sidecar that calls by the key, whose targets have an instance in each of the places.
fn calling(world: &World, key: &ChainKey, places: &[&str]) -> Facts {
    let mut facts = facts();
    let chain = world.compile(key).chain.map(|chain| Arc::new(Shared::new(chain)));
    for target in chain.iter().flat_map(|chain| chain.targets.values()) {
        let addresses: Vec<String> = (0..places.len()).map(|number| format!("10.0.0.{number}")).collect();
        let mut found = instances(&addresses.iter().map(String::as_str).collect::<Vec<_>>());
        for (endpoint, locality) in found.endpoints.iter_mut().zip(places) {
            endpoint.locality = place(locality);
        }
        facts.endpoints.insert(target.endpoints(), Arc::new(Shared::new(found)));
    }
    facts.chains.insert(key.clone(), chain);
    let (name, chain, bind) = (key.service.to_string(), key.clone(), at("127.0.0.1", 5000));
    edit(&mut facts, |proxy| {
        proxy.upstreams.push(UpstreamConfig { name, bind, chain, settings: Default::default() });
    });
    facts
}

fn from(facts: &Facts, own: &str) -> Generated {
    let mut facts = facts.clone();
    edit(&mut facts, |proxy| proxy.locality = place(own));
    made(&facts)
}

fn assignments(generated: &Generated) -> BTreeMap<String, ClusterLoadAssignment> {
    let resources = generated.view.list(ResourceType::Endpoint).iter();
    let decoded = resources.map(|resource| {
        let any = resource.any().expect("an Any");
        (resource.name.to_string(), ClusterLoadAssignment::decode(&*any.value).expect("it decodes"))
    });
    decoded.collect()
}

fn addresses(assignment: &ClusterLoadAssignment) -> Vec<String> {
    let endpoints = assignment.endpoints.iter().flat_map(|group| &group.lb_endpoints);
    let address = |endpoint: &envoy_types::pb::envoy::config::endpoint::v3::LbEndpoint| match &endpoint.host_identifier
    {
        Some(HostIdentifier::Endpoint(endpoint)) => format!("{:?}", endpoint.address),
        other => panic!("no address: {other:?}"),
    };
    endpoints.map(address).collect()
}

#[test]
fn proxies_share_what_they_see_when_they_are_in_one_place_or_when_it_does_not_matter() {
    let key = ChainKey::plain("db".into());
    let endpoints = |generated: &Generated| Arc::clone(&generated.view.list(ResourceType::Endpoint)[0]);
    let cluster = |generated: &Generated| Arc::clone(&generated.view.list(ResourceType::Cluster)[0]);
    let defaults = ProxyDefaults { prioritize_by_locality: Some(Prioritize::Failover), ..Default::default() };
    let by_locality = World::default().with("global", EntryBody::ProxyDefaults(defaults));
    let facts = calling(&by_locality, &key, &PLACES);
    let (one, same, other) = (from(&facts, "r1/a"), from(&facts, "r1/a"), from(&facts, "r1/b"));
    assert!(Arc::ptr_eq(&endpoints(&one), &endpoints(&same)));
    assert_ne!(endpoints(&one), endpoints(&other));
    assert!(Arc::ptr_eq(&cluster(&one), &cluster(&other)), "its instances are not in it");
    let facts = calling(&World::default(), &key, &PLACES);
    assert!(Arc::ptr_eq(&endpoints(&from(&facts, "r1/a")), &endpoints(&from(&facts, "r2/a"))));
}

#[test]
fn a_failover_by_locality_has_the_same_clusters_everywhere_with_other_instances() {
    let mut resolver = failover("*", &["other"]);
    let policy = crate::model::locality::FailoverPolicy {
        mode: crate::model::locality::FailoverMode::OrderByLocality,
        regions: vec!["r2".to_owned()],
    };
    resolver.failover.values_mut().for_each(|failover| failover.policy = Some(policy.clone()));
    let world = World::default().resolver("db", resolver);
    let facts = calling(&world, &ChainKey::plain("db".into()), &PLACES);
    let (one, other) = (from(&facts, "r1/a"), from(&facts, "r2/a"));
    assert_eq!(one.view.list(ResourceType::Cluster), other.view.list(ResourceType::Cluster));
    let counts = |generated: &Generated| -> Vec<usize> {
        assignments(generated).values().map(|assignment| addresses(assignment).len()).collect()
    };
    // of each target: in the own region, in r2 unless that is it, elsewhere
    assert_eq!(counts(&one), [3, 3, 1, 1, 2, 2]);
    assert_eq!(counts(&other), [1, 1, 0, 0, 5, 5]);
}

proptest! {
    #[test]
    fn wherever_a_proxy_is_it_has_every_instance_of_a_target_once_and_no_gap_among_priorities(
        world in a_world(),
        key in a_key(),
        own in select(&PLACES[..]),
        places in prop::collection::vec(select(&PLACES[..]), 0..8),
    ) {
        let facts = calling(&world, &key, &places);
        let generated = from(&facts, own);
        let assignments = assignments(&generated);
        let chain = facts.chains[&key].as_ref();
        for resolver in chain.iter().flat_map(|chain| chain.resolvers()) {
            let chain = chain.expect("it has a resolver");
            // a function has no instances
            for target in resolver.targets().filter(|target| chain.targets[*target].function.is_none()) {
                let members = resolver.members(chain).filter(|member| member.target.id == *target);
                let mut found: Vec<String> =
                    members.flat_map(|member| addresses(&assignments[&member.cluster])).collect();
                let count = found.len();
                found.sort();
                found.dedup();
                prop_assert_eq!((count, found.len()), (places.len(), places.len()), "{}", target);
            }
        }
        for (name, assignment) in &assignments {
            let priorities: BTreeSet<u32> = assignment.endpoints.iter().map(|group| group.priority).collect();
            let last = u32::try_from(priorities.len()).expect("few");
            prop_assert!(priorities.iter().copied().eq(0..last), "{}: {:?}", name, priorities);
        }
        prop_assert_eq!(from(&facts, own).view.version, generated.view.version);
    }
}
