//! The proxy block of a registration, and the opaque configuration in it.

use serde_json::Value;

use crate::model::{CentralSettings, Opaque, Proxy, ServiceId, ServiceName, Upstream};
use crate::wire::expose;
use crate::wire::fields::{Fields, Result, asks_nothing, unsupported};
use crate::wire::transparent;
use crate::wire::upstream_settings;

/// Keys of opaque configuration that change what Envoy gets, in ways this version does not know. Bootstrap keys
/// (`envoy_prometheus_bind_addr` …) and keys that nobody knows pass through.
const UNSUPPORTED: [&str; 2] = ["envoy_telemetry_collector_bind_socket_dir", "mesh_gateway"];

/// Keys of the configuration of an upstream, which say nothing of a proxy.
const OF_UPSTREAMS: [&str; 2] = ["envoy_cluster_json", "envoy_listener_json"];

/// `None` for a block that says nothing: clients send it with services that are no proxies.
pub(super) fn decode(mut fields: Fields<'_>) -> Result<Option<Proxy>> {
    let proxy = Proxy {
        destination_name: ServiceName::from(fields.text("DestinationServiceName")?),
        destination_id: ServiceId::from(fields.text("DestinationServiceID")?),
        local_address: fields.text("LocalServiceAddress")?,
        local_port: fields.port("LocalServicePort")?,
        local_socket_path: fields.text("LocalServiceSocketPath")?,
        config: config(&mut fields)?,
        upstreams: fields
            .objects("Upstreams", "an upstream")?
            .unwrap_or_default()
            .into_iter()
            .map(upstream)
            .collect::<Result<_>>()?,
        expose: expose::decode(&mut fields)?,
        transparent: transparent::decode(&mut fields)?,
        central: CentralSettings::default(),
    };
    let both = !proxy.local_socket_path.is_empty() && (proxy.local_port != 0 || !proxy.local_address.is_empty());
    if both {
        let message = "cannot be combined with a LocalServiceAddress or LocalServicePort";
        return Err(fields.error("LocalServiceSocketPath", message));
    }
    fields.only("MutualTLSMode", &["strict"])?;
    fields.only("MeshGateway", &["none"])?;
    fields.unsupported(&["AccessLogs", "EnvoyExtensions"])?;
    fields.finish()?;
    Ok((proxy != Proxy::default()).then_some(proxy))
}

fn upstream(mut fields: Fields<'_>) -> Result<Upstream> {
    let settings = upstream_settings::of_registration(&fields)?;
    let upstream = Upstream {
        settings,
        destination_name: ServiceName::from(fields.text("DestinationName")?),
        datacenter: fields.text("Datacenter")?,
        local_bind_address: fields.text("LocalBindAddress")?,
        local_bind_port: fields.port("LocalBindPort")?,
        local_bind_socket_path: fields.text("LocalBindSocketPath")?,
        local_bind_socket_mode: fields.text("LocalBindSocketMode")?,
        config: known(&mut fields)?,
        centrally_configured: false,
    };
    fields.only("DestinationType", &["service"])?;
    fields.only("DestinationNamespace", &["default"])?;
    fields.only("DestinationPartition", &["default"])?;
    fields.only("MeshGateway", &["none"])?;
    fields.unsupported(&["DestinationPeer", "CentrallyConfigured"])?;
    fields.finish()?;
    Ok(upstream)
}

/// `Config` of a proxy or of all, refused when it asks for what this version does not know.
pub fn config(fields: &mut Fields<'_>) -> Result<Opaque> {
    let config = known(fields)?;
    match config.iter().find(|(key, value)| asks(&OF_UPSTREAMS, key, value)) {
        Some((key, _)) => {
            let message = "is for the Config of an upstream, or for UpstreamConfig of service-defaults";
            Err(fields.error(&format!("Config.{key}"), message))
        }
        None => Ok(config),
    }
}

fn known(fields: &mut Fields<'_>) -> Result<Opaque> {
    let config = fields.opaque("Config")?;
    match config.iter().find(|(key, value)| asks(&UNSUPPORTED, key, value)) {
        Some((key, _)) => Err(fields.error(&format!("Config.{key}"), unsupported("this key"))),
        None => Ok(config),
    }
}

fn asks(keys: &[&str], key: &str, value: &Value) -> bool {
    keys.iter().any(|known| known.eq_ignore_ascii_case(key)) && !asks_nothing(value, &[])
}
