//! A cluster of clusters: requests go to the first of them that has a healthy instance.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, CustomClusterType, LbPolicy};
use envoy_types::pb::envoy::extensions::clusters::aggregate::v3::ClusterConfig;
use envoy_types::util::pack_any;

use crate::chain::{Chain, Resolver};
use crate::generate::{duration, sharing_key};
use crate::resource::{Resource, ResourceType, Shared};

/// Of a resolver with failover. Made once for all proxies that call by the chain.
pub(in crate::generate) fn failover(chain: &Shared<Chain>, resolver: &Resolver) -> Arc<Resource> {
    let name = chain.cluster_name(resolver);
    chain.resource(sharing_key(("failover", &name)), || {
        let clusters: Vec<String> = resolver.members(chain).map(|member| member.cluster).collect();
        let needs = clusters.iter().map(|name| name.as_str().into()).collect();
        let message = aggregate(&name, resolver.connect_timeout, clusters, LbPolicy::ClusterProvided);
        Resource::new(ResourceType::Cluster, name.as_str(), needs, &message)
    })
}

pub(in crate::generate) fn aggregate(name: &str, timeout: Duration, clusters: Vec<String>, by: LbPolicy) -> Cluster {
    let custom = CustomClusterType {
        name: "envoy.clusters.aggregate".to_owned(),
        typed_config: Some(pack_any(ClusterConfig { clusters })),
    };
    Cluster {
        name: name.to_owned(),
        alt_stat_name: name.to_owned(),
        connect_timeout: Some(duration(timeout)),
        lb_policy: by.into(),
        cluster_discovery_type: Some(ClusterDiscoveryType::ClusterType(custom)),
        ..Default::default()
    }
}
