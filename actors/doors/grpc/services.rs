//! Every discovery service and its streaming methods. Polling (`Fetch…`) is for REST clients and not served.

use chancery::delta::Dialect;

/// One discovery service.
pub(super) struct Discovery {
    pub service: &'static str,
    /// What it carries; `None`: every type.
    pub type_url: Option<&'static str>,
    /// The method for state of the world.
    pub stream: Option<&'static str>,
    pub delta: Option<&'static str>,
}

impl Discovery {
    /// The dialect that a method speaks.
    pub fn dialect(&self, method: &str) -> Option<Dialect> {
        if self.delta == Some(method) {
            Some(Dialect::Delta)
        } else if self.stream == Some(method) {
            Some(Dialect::StateOfTheWorld)
        } else {
            None
        }
    }
}

macro_rules! url {
    ($name:literal) => {
        Some(concat!("type.googleapis.com/", $name))
    };
}

pub(super) const DISCOVERY: [Discovery; 10] = [
    Discovery {
        service: "envoy.service.discovery.v3.AggregatedDiscoveryService",
        type_url: None,
        stream: Some("StreamAggregatedResources"),
        delta: Some("DeltaAggregatedResources"),
    },
    Discovery {
        service: "envoy.service.cluster.v3.ClusterDiscoveryService",
        type_url: url!("envoy.config.cluster.v3.Cluster"),
        stream: Some("StreamClusters"),
        delta: Some("DeltaClusters"),
    },
    Discovery {
        service: "envoy.service.endpoint.v3.EndpointDiscoveryService",
        type_url: url!("envoy.config.endpoint.v3.ClusterLoadAssignment"),
        stream: Some("StreamEndpoints"),
        delta: Some("DeltaEndpoints"),
    },
    Discovery {
        service: "envoy.service.listener.v3.ListenerDiscoveryService",
        type_url: url!("envoy.config.listener.v3.Listener"),
        stream: Some("StreamListeners"),
        delta: Some("DeltaListeners"),
    },
    Discovery {
        service: "envoy.service.route.v3.RouteDiscoveryService",
        type_url: url!("envoy.config.route.v3.RouteConfiguration"),
        stream: Some("StreamRoutes"),
        delta: Some("DeltaRoutes"),
    },
    Discovery {
        service: "envoy.service.secret.v3.SecretDiscoveryService",
        type_url: url!("envoy.extensions.transport_sockets.tls.v3.Secret"),
        stream: Some("StreamSecrets"),
        delta: Some("DeltaSecrets"),
    },
    Discovery {
        service: "envoy.service.route.v3.ScopedRoutesDiscoveryService",
        type_url: url!("envoy.config.route.v3.ScopedRouteConfiguration"),
        stream: Some("StreamScopedRoutes"),
        delta: Some("DeltaScopedRoutes"),
    },
    Discovery {
        service: "envoy.service.route.v3.VirtualHostDiscoveryService",
        type_url: url!("envoy.config.route.v3.VirtualHost"),
        stream: None,
        delta: Some("DeltaVirtualHosts"),
    },
    Discovery {
        service: "envoy.service.extension.v3.ExtensionConfigDiscoveryService",
        type_url: url!("envoy.config.core.v3.TypedExtensionConfig"),
        stream: Some("StreamExtensionConfigs"),
        delta: Some("DeltaExtensionConfigs"),
    },
    Discovery {
        service: "envoy.service.runtime.v3.RuntimeDiscoveryService",
        type_url: url!("envoy.service.runtime.v3.Runtime"),
        stream: Some("StreamRuntime"),
        delta: Some("DeltaRuntime"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use chancery::canonical::descriptor_pool;
    use chancery::resource::ResourceType;

    #[test]
    fn every_method_is_one_of_the_protocol_and_streams_both_ways() {
        for discovery in DISCOVERY {
            let service = descriptor_pool().get_service_by_name(discovery.service).expect("a service of Envoy");
            for (method, input) in [
                (discovery.stream, "envoy.service.discovery.v3.DiscoveryRequest"),
                (discovery.delta, "envoy.service.discovery.v3.DeltaDiscoveryRequest"),
            ] {
                let Some(method) = method else { continue };
                let method = service.methods().find(|of| of.name() == method).expect("a method of it");
                assert_eq!(method.input().full_name(), input);
                assert!(method.is_client_streaming() && method.is_server_streaming());
            }
        }
    }

    #[test]
    fn every_type_that_is_made_has_its_service() {
        for kind in ResourceType::ALL {
            assert!(DISCOVERY.iter().any(|discovery| discovery.type_url == Some(kind.type_url())), "{kind}");
        }
    }
}
