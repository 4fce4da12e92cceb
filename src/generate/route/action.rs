//! What becomes of a request that a route took.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::RuntimeFractionalPercent;
use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_action::hash_policy::{
    ConnectionProperties, Cookie, Header, PolicySpecifier, QueryParameter,
};
use envoy_types::pb::envoy::config::route::v3::route_action::{
    ClusterSpecifier, HashPolicy as EnvoyHashPolicy, MaxStreamDuration, RequestMirrorPolicy,
};
use envoy_types::pb::envoy::config::route::v3::weighted_cluster::ClusterWeight;
use envoy_types::pb::envoy::config::route::v3::{RetryPolicy, Route, RouteAction, WeightedCluster};
use envoy_types::pb::google::protobuf::{self, UInt32Value};

use super::headers;
use crate::chain::{self, Chain, NodeId, Split, Step};
use crate::generate::{duration, share as share_of};
use crate::model::entry::service_resolver::{HashField, HashPolicy, HashSource, LoadBalancer};
use crate::model::entry::service_router::{Retries, RetryCondition, Timeout};

pub(super) fn route(chain: &Chain, of: &chain::Route) -> RouteAction {
    let chain::Route { destination, next, .. } = of;
    RouteAction {
        cluster_specifier: Some(clusters(chain, next)),
        hash_policy: load_balancer(chain, next).iter().flat_map(|of| &of.hash_policies).map(hash_policy).collect(),
        prefix_rewrite: destination.prefix_rewrite.clone(),
        timeout: timeout(destination.request_timeout),
        idle_timeout: timeout(destination.idle_timeout),
        retry_policy: retries(&destination.retries),
        request_mirror_policies: mirror(chain, of).into_iter().collect(),
        ..Default::default()
    }
}

fn clusters(chain: &Chain, node: &NodeId) -> ClusterSpecifier {
    match chain.step(node) {
        Step::Splitter(splits) => {
            let clusters = splits.iter().map(|split| share(chain, split)).collect();
            ClusterSpecifier::WeightedClusters(WeightedCluster { clusters, ..Default::default() })
        }
        _ => ClusterSpecifier::Cluster(cluster(chain, node)),
    }
}

/// A share of a splitter, which stands before resolvers alone.
fn share(chain: &Chain, split: &Split) -> ClusterWeight {
    ClusterWeight {
        name: cluster(chain, &split.next),
        weight: Some(UInt32Value { value: split.weight.0 }),
        request_headers_to_add: headers::added(&split.request_headers),
        request_headers_to_remove: split.request_headers.remove.clone(),
        response_headers_to_add: headers::added(&split.response_headers),
        response_headers_to_remove: split.response_headers.remove.clone(),
        ..Default::default()
    }
}

fn cluster(chain: &Chain, node: &NodeId) -> String {
    match chain.step(node) {
        Step::Resolver(resolver) => chain.cluster_name(resolver),
        Step::Router(_) | Step::Splitter(_) => unreachable!("the compiler puts a resolver there"),
    }
}

fn mirror(chain: &Chain, of: &chain::Route) -> Option<RequestMirrorPolicy> {
    let (node, mirror) = of.mirror.as_ref().zip(of.destination.mirror.as_ref())?;
    let fraction = RuntimeFractionalPercent { default_value: Some(share_of(mirror.share)), ..Default::default() };
    Some(RequestMirrorPolicy { cluster: cluster(chain, node), runtime_fraction: Some(fraction), ..Default::default() })
}

/// How an instance is chosen by hash, if it is. Behind a splitter the first that says so speaks for all.
fn load_balancer<'a>(chain: &'a Chain, node: &NodeId) -> Option<&'a LoadBalancer> {
    let of = |node: &NodeId| match chain.step(node) {
        Step::Resolver(resolver) => Some(&resolver.load_balancer).filter(|of| of.is_hash_based()),
        Step::Router(_) | Step::Splitter(_) => None,
    };
    match chain.step(node) {
        Step::Splitter(splits) => splits.iter().find_map(|split| of(&split.next)),
        _ => of(node),
    }
}

fn hash_policy(policy: &HashPolicy) -> EnvoyHashPolicy {
    let cookie = |name: &str, ttl, path: &str| {
        PolicySpecifier::Cookie(Cookie { name: name.to_owned(), ttl, path: path.to_owned(), ..Default::default() })
    };
    let specifier = match &policy.source {
        HashSource::SourceIp => PolicySpecifier::ConnectionProperties(ConnectionProperties { source_ip: true }),
        HashSource::Field(HashField::Header, name) => {
            PolicySpecifier::Header(Header { header_name: name.clone(), ..Default::default() })
        }
        HashSource::Field(HashField::QueryParameter, name) => {
            PolicySpecifier::QueryParameter(QueryParameter { name: name.clone() })
        }
        HashSource::Field(HashField::Cookie, name) => cookie(name, None, ""),
        HashSource::GeneratedCookie { name, ttl, path } => {
            cookie(name, Some(duration(ttl.unwrap_or(Duration::ZERO))), path)
        }
    };
    EnvoyHashPolicy { policy_specifier: Some(specifier), terminal: policy.terminal }
}

fn timeout(timeout: Timeout) -> Option<protobuf::Duration> {
    match timeout {
        Timeout::Default => None,
        Timeout::After(after) => Some(duration(after)),
        Timeout::Never => Some(duration(Duration::ZERO)),
    }
}

fn retries(retries: &Retries) -> Option<RetryPolicy> {
    if *retries == Retries::default() {
        return None;
    }
    let connect = retries.on_connect_failure.then_some(RetryCondition::ConnectFailure);
    let mut conditions: Vec<&str> = Vec::new();
    for condition in connect.iter().chain(&retries.on).map(|condition| condition.as_str()) {
        if !conditions.contains(&condition) {
            conditions.push(condition);
        }
    }
    if !retries.on_status_codes.is_empty() {
        conditions.push("retriable-status-codes");
    }
    Some(RetryPolicy {
        retry_on: conditions.join(","),
        num_retries: (retries.most > 0).then_some(UInt32Value { value: retries.most }),
        retriable_status_codes: retries.on_status_codes.clone(),
        ..Default::default()
    })
}

/// gRPC sends no copies, and reads the time a whole call may take from another field than Envoy.
pub(super) fn for_grpc(route: &mut Route) {
    if let Some(Action::Route(action)) = &mut route.action {
        action.request_mirror_policies.clear();
        let timeout = action.timeout.take();
        action.max_stream_duration =
            timeout.map(|most| MaxStreamDuration { max_stream_duration: Some(most), ..Default::default() });
    }
}
