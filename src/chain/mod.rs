//! The discovery-chain compiler: from config entries to the graph of where a request for a service may go.
//!
//! Without routers, splitters and resolvers (kinds of their own issue) every chain is the default one: a resolver node
//! that leads to the service itself.

use std::time::Duration;

use crate::model::topic::ChainKey;
use crate::model::{Datacenter, Protocol, ServiceName, TrustDomain};

mod customization;

/// The connect timeout of a target that no entry sets.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What a chain is compiled from, beside its key.
#[derive(Clone, PartialEq, Debug)]
pub struct Inputs<'a> {
    pub datacenter: &'a Datacenter,
    pub trust_domain: &'a TrustDomain,
    /// The protocol that service-defaults, else proxy-defaults, give the service.
    pub protocol: Protocol,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    pub service: ServiceName,
    pub protocol: Protocol,
    /// Eight hex digits when an override of the downstream changed something, else empty.
    pub customization_hash: String,
    /// Where requests go.
    pub target: Target,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// `<service>.default.default.<datacenter>`
    pub id: String,
    pub service: ServiceName,
    pub connect_timeout: Duration,
    /// Server name in TLS and base of the cluster's name: `<service>.default.<datacenter>.internal.<trust domain>`.
    pub sni: String,
    /// The identity every instance must prove.
    pub spiffe_id: String,
}

impl Chain {
    /// Envoy's name for the target's cluster.
    pub fn cluster_name(&self) -> String {
        if self.customization_hash.is_empty() {
            self.target.sni.clone()
        } else {
            format!("{}~{}", self.customization_hash, self.target.sni)
        }
    }
}

pub fn compile(key: &ChainKey, inputs: &Inputs<'_>) -> Chain {
    let service = &key.service;
    let datacenter = inputs.datacenter;
    let trust_domain = inputs.trust_domain;
    let protocol = key.protocol.unwrap_or(inputs.protocol);
    let connect_timeout = key.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT);
    let overrides = customization::Overrides {
        protocol: key.protocol.filter(|wanted| *wanted != inputs.protocol),
        connect_timeout: key.connect_timeout.filter(|wanted| *wanted != DEFAULT_CONNECT_TIMEOUT),
    };
    Chain {
        service: service.clone(),
        protocol,
        customization_hash: overrides.hash(),
        target: Target {
            id: format!("{service}.default.default.{datacenter}"),
            service: service.clone(),
            connect_timeout,
            sni: format!("{service}.default.{datacenter}.internal.{trust_domain}"),
            spiffe_id: crate::model::SpiffeId {
                trust_domain: trust_domain.clone(),
                datacenter: datacenter.clone(),
                service: service.clone(),
            }
            .to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile_backend(key: &ChainKey) -> Chain {
        let (datacenter, trust_domain) = (Datacenter::from("dc1"), TrustDomain::from("11111111-2222.consul"));
        compile(key, &Inputs { datacenter: &datacenter, trust_domain: &trust_domain, protocol: Protocol::Tcp })
    }

    #[test]
    fn the_default_chain_leads_to_the_service_itself() {
        let chain = compile_backend(&ChainKey::plain("backend".into()));
        assert_eq!(chain.cluster_name(), "backend.default.dc1.internal.11111111-2222.consul");
        assert_eq!(chain.target.spiffe_id, "spiffe://11111111-2222.consul/ns/default/dc/dc1/svc/backend");
        assert_eq!(chain.target.connect_timeout, Duration::from_secs(5));
    }

    #[test]
    fn an_override_in_effect_marks_the_cluster_name() {
        let chain = compile_backend(&ChainKey { protocol: Some(Protocol::Http), ..ChainKey::plain("backend".into()) });
        assert!(chain.cluster_name().starts_with("1a47f6e1~backend.default."));
    }

    #[test]
    fn an_override_that_changes_nothing_leaves_no_mark() {
        let key = ChainKey {
            protocol: Some(Protocol::Tcp),
            connect_timeout: Some(DEFAULT_CONNECT_TIMEOUT),
            ..ChainKey::plain("backend".into())
        };
        assert_eq!(compile_backend(&key).customization_hash, "");
    }
}
