//! What central configuration says of calls that come to a proxy's application, and of what is told about all calls.

use std::sync::Arc;

use super::config::{number, text};
use crate::catalog::apply::asked;
use crate::catalog::tables::Tables;
use crate::model::entry::{ProxyDefaults, ServiceDefaults};
use crate::model::expose::ExposedPath;
use crate::model::{Check, Expose, Inbound, MutualTls, NodeName, Opaque, Proxy, Telemetry};

/// `config`: the proxy's, merged.
pub(super) fn inbound(tables: &Tables, node: &NodeName, proxy: &Proxy, config: &Opaque) -> Inbound {
    let of_service = tables.body::<ServiceDefaults>(proxy.destination_name.as_str());
    let of_all = tables.body::<ProxyDefaults>("global");
    let mutual_tls =
        of_service.and_then(|service| service.mutual_tls).or_else(|| of_all.and_then(|all| all.mutual_tls));
    Inbound {
        permissive: !proxy.strict && mutual_tls == Some(MutualTls::Permissive),
        expose: expose(tables, proxy).paths.into_iter().chain(exposed_checks(tables, node, proxy)).collect(),
        rate_limits: of_service.map(|service| service.rate_limits.clone()).unwrap_or_default(),
        max_request_headers_kb: number(config, "max_request_headers_kb")
            .and_then(|most| u32::try_from(most).ok())
            .filter(|most| *most > 0)
            .or_else(|| of_service.and_then(|service| service.max_request_headers_kb)),
        listener_json: text(config, "envoy_public_listener_json").unwrap_or_default(),
        cluster_json: text(config, "envoy_local_cluster_json").unwrap_or_default(),
    }
}

/// The paths of the application's checks that are exposed to the agent.
fn exposed_checks(tables: &Tables, node: &NodeName, proxy: &Proxy) -> Vec<ExposedPath> {
    if proxy.destination_id.is_empty() || !expose(tables, proxy).checks {
        return Vec::new();
    }
    let agent = tables.nodes.get(node).map(|node| node.address.clone());
    let path = |check: &Arc<Check>| {
        let (exposed, asked) = (check.exposed.as_ref()?, asked(tables, check)?);
        let (path, local_path_port, protocol) = (asked.path, asked.port, asked.protocol);
        Some(ExposedPath { listener_port: exposed.port, path, local_path_port, protocol, agent: agent.clone() })
    };
    tables.checks_of(node, &proxy.destination_id).filter_map(path).collect()
}

/// What the registration exposes, else what the service does, else what all do.
pub fn expose(tables: &Tables, proxy: &Proxy) -> Expose {
    let of_service = tables.body::<ServiceDefaults>(proxy.destination_name.as_str()).map(|service| &service.expose);
    let of_all = tables.body::<ProxyDefaults>("global").map(|all| &all.expose);
    let exposes = [Some(&proxy.expose), of_service, of_all];
    exposes.into_iter().flatten().find(|expose| **expose != Expose::default()).cloned().unwrap_or_default()
}

pub(super) fn telemetry(tables: &Tables, config: &Opaque) -> Telemetry {
    let of_all = tables.body::<ProxyDefaults>("global");
    Telemetry {
        access_logs: of_all.map(|all| all.access_logs.clone()).unwrap_or_default(),
        tracing_json: text(config, "envoy_listener_tracing_json").unwrap_or_default(),
    }
}
