//! Where a sidecar listens: for the mesh (the public listener) and for its own application (one per upstream, and one for
//! all that a transparent proxy takes over).

mod connection_manager;
mod exposed;
mod hatch;
mod outbound;
mod public;
mod upstream;

use envoy_types::pb::envoy::config::listener::v3::listener::ConnectionBalanceConfig;
use envoy_types::pb::envoy::config::listener::v3::listener::connection_balance_config::{BalanceType, ExactBalance};
use envoy_types::pb::envoy::config::listener::v3::{Filter, filter};
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::{TcpProxy, tcp_proxy};
use envoy_types::pb::google::protobuf::Any;
use envoy_types::util::pack_any;

use super::telemetry::Telemetry;

pub(super) use connection_manager::{http_filter, packed_filter};
pub(super) use exposed::{exposed, name as exposed_name};
pub(super) use outbound::{Outbound, bind as outbound_bind, name as outbound_name, outbound, to_instances, to_service};
pub(super) use public::{Inbound, left_out, name as public_name, public};
pub(super) use upstream::{has_named_routes, name as upstream_name, upstream};

pub(super) fn network_filter<M: prost::Message + prost::Name>(name: &str, config: M) -> Filter {
    packed_network_filter(name, pack_any(config))
}

/// Of a configuration that is packed already.
fn packed_network_filter(name: &str, config: Any) -> Filter {
    Filter { name: name.to_owned(), config_type: Some(filter::ConfigType::TypedConfig(config)) }
}

/// Connections are dealt out evenly over Envoy's threads.
fn exact_balance() -> ConnectionBalanceConfig {
    ConnectionBalanceConfig { balance_type: Some(BalanceType::ExactBalance(ExactBalance {})) }
}

fn tcp_proxy(stat_prefix: &str, cluster: &str, telemetry: &Telemetry) -> Filter {
    let mut proxy = TcpProxy {
        stat_prefix: stat_prefix.to_owned(),
        cluster_specifier: Some(tcp_proxy::ClusterSpecifier::Cluster(cluster.to_owned())),
        ..Default::default()
    };
    telemetry.of_connections(&mut proxy);
    network_filter("envoy.filters.network.tcp_proxy", proxy)
}
