//! Whom extensions call: clusters that the proxy has for its upstreams, and clusters for what listens beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType};
use envoy_types::pb::envoy::config::core::v3::Http2ProtocolOptions;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions, explicit_http_config::ProtocolConfig,
};

use crate::generate::cluster::{self, LOCAL_APP};
use crate::generate::{address, duration, endpoint};
use crate::model::ServiceName;
use crate::model::extension::{AuthzService, Callee, ExtensionBody, WasmCode};
use crate::resource::{Resource, ResourceType};

/// What listens beside the proxy and takes too long to answer a connection is not there.
const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);

/// The cluster of each service that extensions name, and of each port.
#[derive(PartialEq, Eq, Default)]
pub(super) struct Clusters {
    services: BTreeMap<ServiceName, Arc<str>>,
    /// By purpose and port, with whether HTTP/2 is spoken there.
    beside: BTreeMap<(&'static str, u16), (Arc<str>, bool)>,
}

/// A callee that an extension has put into a resource.
pub(super) struct Called {
    pub cluster: Arc<str>,
    /// It is one of [`Clusters::resource`].
    pub beside: bool,
}

const AUTHZ: &str = "local_ext_authz";
const LOGGING: &str = "local_access_log";

impl Clusters {
    pub(super) fn find(extensions: &[super::Meant<'_>], resources: &[Arc<Resource>]) -> Self {
        let mut clusters = Self::default();
        for (configured, _) in extensions {
            match &configured.extension.body {
                ExtensionBody::ExtAuthz(authz) => match &authz.service {
                    AuthzService::Grpc(service) => clusters.add(AUTHZ, &service.callee, true, resources),
                    AuthzService::Http(http) => clusters.add(AUTHZ, &http.callee, false, resources),
                },
                ExtensionBody::OtelAccessLogging(logging) => {
                    clusters.add(LOGGING, &logging.service.callee, true, resources);
                }
                ExtensionBody::Wasm(wasm) => {
                    if let WasmCode::Remote { callee, .. } = &wasm.code {
                        clusters.add("", callee, false, resources);
                    }
                }
                ExtensionBody::AwsLambda(_)
                | ExtensionBody::LocalRateLimit(_)
                | ExtensionBody::Lua(_)
                | ExtensionBody::PropertyOverride(_) => {}
            }
        }
        clusters
    }

    fn add(&mut self, purpose: &'static str, callee: &Callee, http2: bool, resources: &[Arc<Resource>]) {
        if callee.service.is_empty() {
            // the first has the name that is known from Consul
            let first = !self.beside.keys().any(|(known, port)| *known == purpose && *port != callee.port);
            let name = if first { purpose.to_owned() } else { format!("{purpose}_{}", callee.port) };
            self.beside.entry((purpose, callee.port)).or_insert_with(|| (name.into(), http2));
            return;
        }
        let upstream = |resource: &&Arc<Resource>| {
            resource.kind == ResourceType::Cluster
                && *resource.name != *LOCAL_APP
                && leads_to(resource, &callee.service)
        };
        if let Some(cluster) = resources.iter().find(upstream) {
            self.services.insert(callee.service.clone(), Arc::clone(&cluster.name));
        }
    }

    /// Of the authorisation service.
    pub(super) fn authz(&self, callee: &Callee) -> Result<Called, String> {
        self.called(AUTHZ, callee)
    }

    /// Of the collector of access logs.
    pub(super) fn logging(&self, callee: &Callee) -> Result<Called, String> {
        self.called(LOGGING, callee)
    }

    /// Of a service that is an upstream.
    pub(super) fn service(&self, callee: &Callee) -> Result<Called, String> {
        self.called("", callee)
    }

    fn called(&self, purpose: &'static str, callee: &Callee) -> Result<Called, String> {
        if callee.service.is_empty() {
            let known = self.beside.get(&(purpose, callee.port));
            let (cluster, _) = known.ok_or_else(|| format!("port {} of this machine is not known", callee.port))?;
            return Ok(Called { cluster: Arc::clone(cluster), beside: true });
        }
        let cluster = self.services.get(&callee.service).ok_or_else(|| {
            format!("the service {} is none of the proxy's upstreams: register it as one", callee.service)
        })?;
        Ok(Called { cluster: Arc::clone(cluster), beside: false })
    }

    /// The cluster of that name, for what listens beside the proxy.
    pub(super) fn resource(&self, name: &str) -> Option<Arc<Resource>> {
        let ((_, port), (name, http2)) = self.beside.iter().find(|(_, (known, _))| **known == *name)?;
        let instance = endpoint::at(address::socket("127.0.0.1", *port));
        let mut message = Cluster {
            name: name.to_string(),
            connect_timeout: Some(duration(CONNECT_TIMEOUT)),
            cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into())),
            load_assignment: Some(endpoint::of(name, vec![instance])),
            ..Default::default()
        };
        if *http2 {
            let http2 = ProtocolConfig::Http2ProtocolOptions(Http2ProtocolOptions::default());
            let explicit = ExplicitHttpConfig { protocol_config: Some(http2) };
            message.typed_extension_protocol_options =
                cluster::http_options(UpstreamProtocolOptions::ExplicitHttpConfig(explicit));
        }
        Some(Arc::new(Resource::new(ResourceType::Cluster, Arc::clone(name), vec![], &message)))
    }
}

/// Whether the resource is one of those that lead to the service: by its name, which begins with the service's.
pub(super) fn leads_to(resource: &Resource, service: &ServiceName) -> bool {
    let name = &*resource.name;
    match resource.kind {
        // `[hash~][failover-target~0~][subset.]service.default.dc1.internal.…`
        ResourceType::Cluster | ResourceType::Endpoint => {
            let base = name.rsplit('~').next().unwrap_or(name);
            let Some((before, _)) = base.split_once(".default.") else { return false };
            before == service.as_str() || before.strip_suffix(service.as_str()).is_some_and(|rest| rest.ends_with('.'))
        }
        // `service:127.0.0.1:5000`
        ResourceType::Listener => name.split_once(':').is_some_and(|(before, _)| before == service.as_str()),
        ResourceType::Route => name == service.as_str(),
        ResourceType::Secret => false,
    }
}
