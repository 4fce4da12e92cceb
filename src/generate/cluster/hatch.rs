//! Clusters that somebody wrote.

use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;

use super::LOCAL_APP;
use crate::chain::Target;
use crate::generate::{Reason, hatch, tls};
use crate::model::entry::TlsSettings;
use crate::model::{ProxyConfig, UpstreamSettings};
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

/// In place of the cluster of that name, which leads to the target: it is opened with the mesh's TLS, and takes only who
/// proves to be the target. If it asks for endpoints, it is given those of the target.
pub(in crate::generate) fn by_hand(
    settings: &UpstreamSettings,
    name: &str,
    target: &Target,
    outgoing: &TlsSettings,
) -> Result<Arc<Resource>, Reason> {
    let wrong = |why: String| Err(Reason::Hatch(hatch::CLUSTER, why));
    if target.function.is_some() {
        return wrong("leads to instances, and the service is a function (builtin/aws/lambda)".to_owned());
    }
    let mut cluster: Cluster = hatch::read(hatch::CLUSTER, &settings.envoy_cluster_json)?;
    if cluster.name.is_empty() {
        name.clone_into(&mut cluster.name);
    }
    // a listener that was written as well may lead where it wants
    if cluster.name != name && settings.envoy_listener_json.is_empty() {
        return wrong(format!("is named {:?}, and the upstream's listener leads to {name}", cluster.name));
    }
    if !cluster.transport_socket_matches.is_empty() || cluster.transport_socket_matcher.is_some() {
        return wrong("chooses among transport sockets, and the mesh has one".to_owned());
    }
    cluster.transport_socket = Some(tls::open(outgoing, target));
    let name = cluster.name.clone();
    let mut needs = vec![];
    if let Some(eds) = &mut cluster.eds_cluster_config {
        if !eds.service_name.is_empty() && eds.service_name != name {
            return wrong(format!("asks for endpoints of {:?}, which nobody has", eds.service_name));
        }
        eds.eds_config = Some(tls::ads());
        needs.push(name.as_str().into());
    }
    hatch::resource(hatch::CLUSTER, ResourceType::Cluster, &name, needs, &cluster).map(Arc::new)
}
