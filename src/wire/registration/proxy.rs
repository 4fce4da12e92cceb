//! The proxy block of a registration.

use crate::model::{CentralSettings, MutualTls, Proxy, ServiceId, ServiceName, Upstream};
use crate::wire::fields::{Fields, Result, unsupported};
use crate::wire::{expose, mesh_gateway, proxy_config, transparent};

/// `None` for a block that says nothing: clients send it with services that are no proxies.
pub(super) fn decode(mut fields: Fields<'_>) -> Result<Option<Proxy>> {
    let proxy = Proxy {
        destination_name: ServiceName::from(fields.text("DestinationServiceName")?),
        destination_id: ServiceId::from(fields.text("DestinationServiceID")?),
        local_address: fields.text("LocalServiceAddress")?,
        local_port: fields.port("LocalServicePort")?,
        local_socket_path: fields.text("LocalServiceSocketPath")?,
        config: proxy_config::of_proxy(&mut fields)?,
        upstreams: fields
            .objects("Upstreams", "an upstream")?
            .unwrap_or_default()
            .into_iter()
            .map(upstream)
            .collect::<Result<_>>()?,
        expose: expose::decode(&mut fields)?,
        transparent: transparent::decode(&mut fields)?,
        strict: strict(&mut fields)?,
        central: CentralSettings::default(),
    };
    let both = !proxy.local_socket_path.is_empty() && (proxy.local_port != 0 || !proxy.local_address.is_empty());
    if both {
        let message = "cannot be combined with a LocalServiceAddress or LocalServicePort";
        return Err(fields.error("LocalServiceSocketPath", message));
    }
    fields.empty("AccessLogs", || "are said by proxy-defaults, for all proxies".to_owned())?;
    fields.empty("EnvoyExtensions", || "are said by service-defaults and proxy-defaults".to_owned())?;
    mesh_gateway::none(&mut fields, "MeshGateway")?;
    fields.finish()?;
    Ok((proxy != Proxy::default()).then_some(proxy))
}

/// Whoever may register a proxy cannot open it to callers without certificates.
fn strict(fields: &mut Fields<'_>) -> Result<bool> {
    match fields.word("MutualTLSMode", "mode of mutual TLS")? {
        None => Ok(false),
        Some(MutualTls::Strict) => Ok(true),
        Some(MutualTls::Permissive) => {
            let message = "a registration can only be strict; service-defaults and proxy-defaults may open a service";
            Err(fields.error("MutualTLSMode", message))
        }
    }
}

fn destination_type(fields: &mut Fields<'_>) -> Result<()> {
    let of = fields.text("DestinationType")?;
    match of.as_str() {
        "" | "service" => Ok(()),
        "prepared_query" => {
            let instead = "name the service, whose service-resolver leads elsewhere when it is ill (Failover)";
            Err(fields.error("DestinationType", format!("{}; {instead}", unsupported("a prepared query"))))
        }
        _ => Err(fields.error("DestinationType", format!("{of:?} is no type of destination; expected service"))),
    }
}

fn upstream(mut fields: Fields<'_>) -> Result<Upstream> {
    let (config, settings) = proxy_config::of_upstream(&mut fields)?;
    let upstream = Upstream {
        config,
        settings,
        destination_name: ServiceName::from(fields.text("DestinationName")?),
        datacenter: fields.text("Datacenter")?,
        local_bind_address: fields.text("LocalBindAddress")?,
        local_bind_port: fields.port("LocalBindPort")?,
        local_bind_socket_path: fields.text("LocalBindSocketPath")?,
        local_bind_socket_mode: fields.text("LocalBindSocketMode")?,
        centrally_configured: false,
    };
    destination_type(&mut fields)?;
    fields.only("DestinationNamespace", &["default"])?;
    fields.only("DestinationPartition", &["default"])?;
    mesh_gateway::none(&mut fields, "MeshGateway")?;
    fields.unsupported(&["DestinationPeer"])?;
    let why = || "is not for registrations: an upstream without a listener is named by UpstreamConfig".to_owned();
    fields.empty("CentrallyConfigured", why)?;
    fields.finish()?;
    Ok(upstream)
}
