//! Clusters that somebody wrote.

use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;

use super::LOCAL_APP;
use crate::generate::{Reason, hatch};
use crate::model::ProxyConfig;
use crate::resource::{Resource, ResourceType};

const LOCAL: &str = "envoy_local_cluster_json";

/// In place of `local_app`.
pub(super) fn local_app(json: &str, proxy: &ProxyConfig) -> Result<Arc<Resource>, Reason> {
    let mut cluster: Cluster = hatch::read(LOCAL, json)?;
    if cluster.name.is_empty() {
        LOCAL_APP.clone_into(&mut cluster.name);
    }
    // a listener that was written as well may lead where it wants
    if cluster.name != LOCAL_APP && proxy.inbound.listener_json.is_empty() {
        let why = format!("is named {:?}, and the public listener leads to {LOCAL_APP}", cluster.name);
        return Err(Reason::Hatch(LOCAL, why));
    }
    if cluster.eds_cluster_config.is_some() {
        return Err(Reason::Hatch(LOCAL, "asks for endpoints (EDS), which nobody has for it".to_owned()));
    }
    let name = cluster.name.clone();
    hatch::resource(LOCAL, ResourceType::Cluster, &name, vec![], &cluster).map(Arc::new)
}
