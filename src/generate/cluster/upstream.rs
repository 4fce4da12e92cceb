//! The cluster of one target of an upstream. It is the same for every proxy that calls the service in the same way:
//! whose leaf is shown is a matter of the secret named in it.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::circuit_breakers::{
    Thresholds, thresholds::RetryBudget as EnvoyRetryBudget,
};
use envoy_types::pb::envoy::config::cluster::v3::cluster::common_lb_config::LocalityConfigSpecifier;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    ClusterDiscoveryType, CommonLbConfig, DiscoveryType, DnsLookupFamily, EdsClusterConfig, LbConfig, LbPolicy,
    LeastRequestLbConfig, RingHashLbConfig, RoundRobinLbConfig, SlowStartConfig,
};
use envoy_types::pb::envoy::config::cluster::v3::{CircuitBreakers, Cluster, OutlierDetection};
use envoy_types::pb::envoy::config::core::v3::{
    ConfigSource, Http1ProtocolOptions, Http2ProtocolOptions, HttpProtocolOptions as HttpProtocolOptionsInCommon,
    RuntimeDouble,
};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions, explicit_http_config::ProtocolConfig,
};
use envoy_types::pb::envoy::r#type::v3::Percent;
use envoy_types::pb::google::protobuf::{UInt32Value, UInt64Value};

use super::all_http_options;
use crate::chain::Target;
use crate::generate::vantage::Vantage;
use crate::generate::{Reason, address, duration, endpoint, sharing_key, tls};
use crate::model::entry::TlsSettings;
use crate::model::entry::service_resolver::{LoadBalancer, LoadBalancerPolicy, RingHash, SlowStart};
use crate::model::entry::service_splitter::Weight;
use crate::model::locality::Prioritize;
use crate::model::upstream_settings::{Limits, PassiveHealthCheck};
use crate::model::{Endpoints, Protocol};
use crate::resource::{Resource, ResourceType, Shared};

/// What a cluster is made of beside its target and the instances behind it.
#[derive(Clone, Copy, Hash)]
pub(in crate::generate) struct Settings<'a> {
    pub outgoing: &'a TlsSettings,
    /// How long Envoy waits for the first endpoints.
    pub fetch_timeout: Option<Duration>,
    pub protocol: Protocol,
    pub load_balancer: &'a LoadBalancer,
    pub limits: Limits,
    pub passive_health_check: Option<PassiveHealthCheck>,
}

/// The cluster, which needs endpoints of its own name, unless an instance is registered by host name: then Envoy
/// resolves the names itself, for endpoints that it is sent must be addresses.
///
/// The instances keep it, so that one look at them serves all proxies; its bytes do not change with theirs.
pub(in crate::generate) fn upstream(
    name: &str,
    target: &Target,
    endpoints: &Shared<Endpoints>,
    settings: Settings<'_>,
    vantage: Vantage<'_>,
) -> Result<Arc<Resource>, Reason> {
    if target.connect_timeout.is_zero() {
        return Err(Reason::NoTime);
    }
    let made_of = (name, target.connect_timeout, &target.sni, &target.spiffe_id, is_weighed(target));
    // only a cluster that has its instances inside looks another way from elsewhere
    let seen_from = Some(vantage).filter(|vantage| !vantage.is_anywhere() && has_host_names(endpoints));
    Ok(endpoints.resource(sharing_key(("cluster", made_of, settings, seen_from)), || {
        let mut cluster = by_target(name, target, settings);
        let name: Arc<str> = name.into();
        if has_host_names(endpoints) {
            cluster.cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::StrictDns.into()));
            cluster.dns_lookup_family = DnsLookupFamily::V4Preferred.into();
            cluster.load_assignment = Some(endpoint::assignment(&name, endpoints, true, vantage));
            return Resource::new(ResourceType::Cluster, name, vec![], &cluster);
        }
        let eds_config = ConfigSource { initial_fetch_timeout: settings.fetch_timeout.map(duration), ..tls::ads() };
        cluster.cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::Eds.into()));
        cluster.eds_cluster_config = Some(EdsClusterConfig { eds_config: Some(eds_config), ..Default::default() });
        Resource::new(ResourceType::Cluster, Arc::clone(&name), vec![name], &cluster)
    }))
}

fn has_host_names(endpoints: &Endpoints) -> bool {
    endpoints.endpoints.iter().any(|endpoint| endpoint.socket_path.is_empty() && is_host_name(&endpoint.address))
}

fn is_host_name(address: &str) -> bool {
    !address.is_empty() && !address::is_ip(address)
}

fn by_target(name: &str, target: &Target, settings: Settings<'_>) -> Cluster {
    let mut cluster = common(name, target, settings);
    cluster.transport_socket = Some(tls::open(settings.outgoing, target));
    if let Some(common) = cluster.common_lb_config.as_mut().filter(|_| is_weighed(target)) {
        let by_weight = LocalityConfigSpecifier::LocalityWeightedLbConfig(Default::default());
        common.locality_config_specifier = Some(by_weight);
    }
    if settings.protocol.is_http_like() {
        cluster.typed_extension_protocol_options = all_http_options(pooled(settings.protocol));
    }
    cluster
}

/// Places have weights in the assignments of its endpoints.
fn is_weighed(target: &Target) -> bool {
    matches!(target.prioritize_by_locality, Some(Prioritize::Weighted(_)))
}

/// Wherever the connections go.
pub(super) fn common(name: &str, target: &Target, settings: Settings<'_>) -> Cluster {
    let mut cluster = Cluster {
        name: name.to_owned(),
        alt_stat_name: name.to_owned(),
        connect_timeout: Some(duration(target.connect_timeout)),
        // with every instance unhealthy a call fails; it does not go to instances that are known to be bad
        common_lb_config: Some(CommonLbConfig {
            healthy_panic_threshold: Some(Percent { value: 0.0 }),
            ..Default::default()
        }),
        outlier_detection: Some(settings.passive_health_check.map(outliers).unwrap_or_default()),
        circuit_breakers: Some(circuit_breakers(settings.limits)),
        ..Default::default()
    };
    balance(&mut cluster, settings.load_balancer);
    cluster
}

/// How long a connection may wait for its next request. The proxy of an instance whose listener changes asks each
/// connection to close with its next answer, and ten seconds later closes those that had none: a request that is on its
/// way at that moment would fail. So callers let go of them before.
const POOLED_IDLE_TIME: Duration = Duration::from_secs(5);

pub(super) fn pooled(protocol: Protocol) -> HttpProtocolOptions {
    let protocol_config = if protocol.is_http2() {
        ProtocolConfig::Http2ProtocolOptions(Http2ProtocolOptions::default())
    } else {
        ProtocolConfig::HttpProtocolOptions(Http1ProtocolOptions::default())
    };
    let explicit = ExplicitHttpConfig { protocol_config: Some(protocol_config) };
    HttpProtocolOptions {
        common_http_protocol_options: Some(HttpProtocolOptionsInCommon {
            idle_timeout: Some(duration(POOLED_IDLE_TIME)),
            ..Default::default()
        }),
        upstream_protocol_options: Some(UpstreamProtocolOptions::ExplicitHttpConfig(explicit)),
        ..Default::default()
    }
}

fn circuit_breakers(limits: Limits) -> CircuitBreakers {
    let most = |most: Option<u32>| most.map(|value| UInt32Value { value });
    let thresholds = Thresholds {
        max_connections: most(limits.max_connections),
        max_pending_requests: most(limits.max_pending_requests),
        max_requests: most(limits.max_concurrent_requests),
        retry_budget: limits.retry_budget.map(|budget| EnvoyRetryBudget {
            budget_percent: Some(percent(budget.share)),
            min_retry_concurrency: most(Some(budget.least)),
            ..Default::default()
        }),
        ..Default::default()
    };
    let given = limits != Limits::default();
    CircuitBreakers { thresholds: given.then_some(thresholds).into_iter().collect(), ..Default::default() }
}

fn slow_start(slow_start: SlowStart) -> SlowStartConfig {
    // Envoy takes a number that can be changed while it runs, under a name
    let aggression = |hundredths| RuntimeDouble {
        default_value: f64::from(hundredths) / 100.0,
        runtime_key: "upstream.slow_start.aggression".to_owned(),
    };
    SlowStartConfig {
        slow_start_window: Some(duration(slow_start.window)),
        aggression: (slow_start.aggression != 100).then(|| aggression(slow_start.aggression)),
        min_weight_percent: Some(percent(slow_start.least)),
    }
}

fn percent(share: Weight) -> Percent {
    Percent { value: f64::from(share.0) / 100.0 }
}

fn outliers(check: PassiveHealthCheck) -> OutlierDetection {
    let number = |number: Option<u32>| number.map(|value| UInt32Value { value });
    OutlierDetection {
        interval: check.interval.map(duration),
        consecutive_5xx: number(check.max_failures),
        enforcing_consecutive_5xx: number(check.enforcing_consecutive_5xx),
        max_ejection_percent: number(check.max_ejection_percent),
        base_ejection_time: check.base_ejection_time.map(duration),
        ..Default::default()
    }
}

pub(in crate::generate) fn balance(cluster: &mut Cluster, balancer: &LoadBalancer) {
    let policy = match balancer.policy {
        None | Some(LoadBalancerPolicy::RoundRobin) => LbPolicy::RoundRobin,
        Some(LoadBalancerPolicy::Random) => LbPolicy::Random,
        Some(LoadBalancerPolicy::LeastRequest) => LbPolicy::LeastRequest,
        Some(LoadBalancerPolicy::RingHash) => LbPolicy::RingHash,
        Some(LoadBalancerPolicy::Maglev) => LbPolicy::Maglev,
    };
    cluster.lb_policy = policy.into();
    let RingHash { minimum_ring_size, maximum_ring_size } = balancer.ring_hash;
    let size = |size: u64| (size > 0).then_some(UInt64Value { value: size });
    if minimum_ring_size > 0 || maximum_ring_size > 0 {
        cluster.lb_config = Some(LbConfig::RingHashLbConfig(RingHashLbConfig {
            minimum_ring_size: size(minimum_ring_size),
            maximum_ring_size: size(maximum_ring_size),
            ..Default::default()
        }));
    }
    let slow_start_config = balancer.slow_start.map(slow_start);
    if policy == LbPolicy::RoundRobin && slow_start_config.is_some() {
        cluster.lb_config = Some(LbConfig::RoundRobinLbConfig(RoundRobinLbConfig { slow_start_config }));
    } else if balancer.choice_count > 0 || slow_start_config.is_some() {
        cluster.lb_config = Some(LbConfig::LeastRequestLbConfig(LeastRequestLbConfig {
            choice_count: (balancer.choice_count > 0).then_some(UInt32Value { value: balancer.choice_count }),
            slow_start_config,
            ..Default::default()
        }));
    }
}
