//! The proxy block, in the two forms that Consul has: of the agent's own answers, and of the catalog's.

use serde::Serialize;
use serde_json::Value;

use super::{Empty, is_zero};
use crate::model::{MutualTls, Opaque, Proxy, Upstream};
use crate::wire::{access_logs, expose, extension, transparent};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::wire) struct ProxyAnswer<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    destination_service_name: &'a str,
    #[serde(rename = "DestinationServiceID", skip_serializing_if = "str::is_empty")]
    destination_service_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_service_address: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    local_service_port: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_service_socket_path: &'a str,
    /// Only the catalog shows it when it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transparent_proxy: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'a Opaque>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    upstreams: Vec<UpstreamAnswer<'a>>,
    mesh_gateway: Empty,
    expose: Value,
    #[serde(rename = "MutualTLSMode", skip_serializing_if = "Option::is_none")]
    mutual_tls_mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_logs: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    envoy_extensions: Vec<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UpstreamAnswer<'a> {
    destination_type: &'static str,
    destination_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    datacenter: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_bind_address: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    local_bind_port: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_bind_socket_path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_bind_socket_mode: &'a str,
    /// Outside: shown; inside: null.
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Option<&'a Opaque>>,
    mesh_gateway: Empty,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    centrally_configured: bool,
}

/// Which form: the agent leaves out what is empty, the catalog shows some of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) enum Form {
    Agent,
    Catalog,
}

impl<'a> ProxyAnswer<'a> {
    pub(in crate::wire) fn new(proxy: &'a Proxy, form: Form) -> Self {
        let mode = transparent::mode(proxy.transparent);
        let strict = proxy.strict.then_some(MutualTls::Strict);
        Self {
            destination_service_name: proxy.destination_name.as_str(),
            destination_service_id: proxy.destination_id.as_str(),
            local_service_address: &proxy.local_address,
            local_service_port: proxy.local_port,
            local_service_socket_path: &proxy.local_socket_path,
            mode: Some(mode).filter(|mode| form == Form::Catalog || !mode.is_empty()),
            transparent_proxy: Some(transparent::show(proxy.transparent))
                .filter(|shown| !shown.is_empty())
                .map(Value::from),
            config: filled(&proxy.config),
            upstreams: proxy.upstreams.iter().map(|upstream| UpstreamAnswer::new(upstream, form)).collect(),
            mesh_gateway: Empty {},
            expose: expose::show(&proxy.expose).into(),
            mutual_tls_mode: strict.or(proxy.central.mutual_tls).map(MutualTls::as_str),
            access_logs: Some(access_logs::show(&proxy.central.access_logs))
                .filter(|shown| !shown.is_empty())
                .map(Value::from),
            envoy_extensions: extension::show(&proxy.central.extensions).map(Value::from).collect(),
        }
    }
}

impl<'a> UpstreamAnswer<'a> {
    fn new(upstream: &'a Upstream, form: Form) -> Self {
        let config = filled(&upstream.config);
        let catalog = form == Form::Catalog;
        Self {
            destination_type: "service",
            destination_name: upstream.destination_name.as_str(),
            datacenter: Some(upstream.datacenter.as_str()).filter(|datacenter| catalog || !datacenter.is_empty()),
            local_bind_address: &upstream.local_bind_address,
            local_bind_port: upstream.local_bind_port,
            local_bind_socket_path: &upstream.local_bind_socket_path,
            local_bind_socket_mode: &upstream.local_bind_socket_mode,
            config: (catalog || config.is_some()).then_some(config),
            mesh_gateway: Empty {},
            centrally_configured: upstream.centrally_configured,
        }
    }
}

fn filled(config: &Opaque) -> Option<&Opaque> {
    Some(config).filter(|config| !config.is_empty())
}
