//! What holds for a sidecar whatever the entries are that say where its requests go.

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::ClusterDiscoveryType;
use envoy_types::pb::envoy::config::listener::v3::{Listener, filter::ConfigType};
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::{RouteConfiguration, route};
use envoy_types::pb::envoy::extensions::clusters::aggregate::v3::ClusterConfig;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;
use proptest::prelude::*;
use prost::{Message as _, Name as _};

use super::tests::{at, edit, facts, instances, made};
use super::*;
use crate::chain::properties::{a_key, a_world};
use crate::model::topic::ChainKey;

fn messages<M: prost::Message + Default>(generated: &Generated, kind: ResourceType) -> Vec<M> {
    let resources = generated.view.list(kind).iter();
    resources.map(|resource| M::decode(&*resource.any().expect("it decodes").value).expect("it decodes")).collect()
}

fn named_by_routes(routes: &RouteConfiguration) -> Vec<String> {
    let routes = routes.virtual_hosts.iter().flat_map(|host| &host.routes);
    let actions = routes.filter_map(|route| match &route.action {
        Some(route::Action::Route(action)) => Some(action),
        _ => None,
    });
    let clusters = actions.flat_map(|action| {
        let copies = action.request_mirror_policies.iter().map(|policy| policy.cluster.clone());
        let mut names: Vec<String> = match action.cluster_specifier.as_ref().expect("it leads somewhere") {
            ClusterSpecifier::Cluster(name) => vec![name.clone()],
            ClusterSpecifier::WeightedClusters(weighted) => {
                weighted.clusters.iter().map(|cluster| cluster.name.clone()).collect()
            }
            other => panic!("not a choice of ours: {other:?}"),
        };
        names.extend(copies);
        names
    });
    clusters.collect()
}

fn named_by_clusters(cluster: &Cluster) -> Vec<String> {
    match &cluster.cluster_discovery_type {
        Some(ClusterDiscoveryType::ClusterType(custom)) => {
            let config = custom.typed_config.as_ref().expect("an aggregate has its clusters");
            ClusterConfig::decode(&*config.value).expect("it decodes").clusters
        }
        _ => vec![],
    }
}

const FAULT: &str = "envoy.filters.http.fault";

/// The names of the routes whose listeners have a filter for faults.
fn filtered(generated: &Generated) -> BTreeSet<String> {
    let listeners: Vec<Listener> = messages(generated, ResourceType::Listener);
    let filters = listeners.iter().flat_map(|listener| &listener.filter_chains).flat_map(|chain| &chain.filters);
    let managers = filters.filter_map(|filter| match &filter.config_type {
        Some(ConfigType::TypedConfig(any)) if any.type_url == HttpConnectionManager::type_url() => {
            Some(HttpConnectionManager::decode(&*any.value).expect("it decodes"))
        }
        _ => None,
    });
    let faulty = managers.filter(|manager| manager.http_filters.iter().any(|filter| filter.name == FAULT));
    let routes = faulty.map(|manager| match manager.route_specifier {
        Some(RouteSpecifier::Rds(rds)) => rds.route_config_name,
        other => panic!("no routes of their own: {other:?}"),
    });
    routes.collect()
}

proptest! {
    #[test]
    fn every_route_and_listener_and_cluster_names_only_clusters_that_are_there(
        world in a_world(),
        keys in prop::collection::vec(a_key(), 1..4),
    ) {
        let mut facts = facts();
        for (number, key) in keys.into_iter().enumerate() {
            let chain = world.compile(&key).chain.map(|chain| Arc::new(Shared::new(chain)));
            for target in chain.iter().flat_map(|chain| chain.targets.values()) {
                facts.endpoints.insert(target.endpoints(), Arc::new(Shared::new(instances(&["10.0.0.1"]))));
            }
            facts.chains.insert(key.clone(), chain);
            let bind = at("127.0.0.1", 5000 + u16::try_from(number).expect("few"));
            let name = key.service.to_string();
            edit(&mut facts, |proxy| {
                proxy.upstreams.push(UpstreamConfig { name, bind, chain: key, settings: Default::default() });
            });
        }
        let generated = made(&facts);
        let clusters: Vec<Cluster> = messages(&generated, ResourceType::Cluster);
        let there: BTreeSet<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        let routes: Vec<RouteConfiguration> = messages(&generated, ResourceType::Route);
        let named = routes.iter().flat_map(named_by_routes).chain(clusters.iter().flat_map(named_by_clusters));
        for name in named {
            prop_assert!(there.contains(name.as_str()), "{name}");
        }
        let needs = [ResourceType::Listener, ResourceType::Route].map(|kind| generated.view.list(kind));
        for resource in needs.into_iter().flat_map(|list| list.iter()) {
            for name in &resource.needs {
                prop_assert!(there.contains(&**name), "{resource:?} needs {name}");
            }
        }
        prop_assert_eq!(made(&facts).view.version, generated.view.version);
        let faulty = |routes: &RouteConfiguration| {
            let mut routes = routes.virtual_hosts.iter().flat_map(|host| &host.routes);
            routes.any(|route| route.typed_per_filter_config.contains_key(FAULT))
        };
        let faults: BTreeSet<String> = routes.iter().filter(|of| faulty(of)).map(|of| of.name.clone()).collect();
        prop_assert_eq!(faults, filtered(&generated));
    }

    #[test]
    fn an_upstream_is_served_or_it_is_said_why_not(world in a_world(), key in a_key()) {
        let mut facts = facts();
        let chain = world.compile(&key).chain.map(|chain| Arc::new(Shared::new(chain)));
        let compiles = chain.is_ok();
        for target in chain.iter().flat_map(|chain| chain.targets.values()) {
            facts.endpoints.insert(target.endpoints(), Arc::new(Shared::new(instances(&[]))));
        }
        facts.chains.insert(key.clone(), chain);
        let ChainKey { service, .. } = &key;
        let (name, bind) = (service.to_string(), at("127.0.0.1", 5000));
        edit(&mut facts, |proxy| {
            proxy.upstreams.push(UpstreamConfig { name, bind, chain: key, settings: Default::default() });
        });
        let generated = made(&facts);
        prop_assert_eq!(generated.refusals.is_empty(), compiles);
        prop_assert_eq!(generated.view.list(ResourceType::Listener).len(), if compiles { 2 } else { 1 });
    }
}
