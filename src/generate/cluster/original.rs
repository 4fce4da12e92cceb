//! Clusters without instances of their own: connections go on to the address that the application called.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType, LbPolicy};

use crate::chain::{Chain, Target};
use crate::generate::{duration, sharing_key, tls};
use crate::model::Reachable;
use crate::model::entry::TlsSettings;
use crate::resource::{Resource, ResourceType, Shared};

/// In plain text, to wherever it is.
pub(in crate::generate) const ORIGINAL_DESTINATION: &str = "original-destination";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(in crate::generate) fn original_destination(reachable: &Shared<Reachable>) -> Arc<Resource> {
    reachable.resource(sharing_key(ORIGINAL_DESTINATION), || {
        Resource::new(ResourceType::Cluster, ORIGINAL_DESTINATION, vec![], &cluster(ORIGINAL_DESTINATION))
    })
}

pub(in crate::generate) fn passthrough_name(target: &Target) -> String {
    format!("passthrough~{}", target.name)
}

/// To instances of the chain's service at their own addresses, with the service's identity demanded of them.
pub(in crate::generate) fn passthrough(
    chain: &Shared<Chain>,
    target: &Target,
    outgoing: &TlsSettings,
) -> Arc<Resource> {
    chain.resource(sharing_key(("passthrough", outgoing)), || {
        let name = passthrough_name(target);
        let message = Cluster {
            connect_timeout: Some(duration(target.connect_timeout)),
            transport_socket: Some(tls::open(outgoing, target)),
            ..cluster(&name)
        };
        Resource::new(ResourceType::Cluster, name, vec![], &message)
    })
}

fn cluster(name: &str) -> Cluster {
    Cluster {
        name: name.to_owned(),
        connect_timeout: Some(duration(CONNECT_TIMEOUT)),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::OriginalDst.into())),
        lb_policy: LbPolicy::ClusterProvided.into(),
        ..Default::default()
    }
}
