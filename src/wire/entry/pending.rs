//! What is understood and checked, and has no effect yet: it is refused, so that nobody believes it holds.

use crate::model::Entry;
use crate::model::entry::{EntryBody, Mesh, ProxyDefaults, ServiceDefaults};
use crate::wire::fields::{DecodeError, Result, unsupported};

pub(super) fn refuse(entry: &Entry) -> Result<()> {
    let field = match &entry.body {
        EntryBody::ExportedServices(_) | EntryBody::JwtProvider(_) | EntryBody::ServiceIntentions(_) => None,
        EntryBody::ServiceResolver(_) | EntryBody::ServiceRouter(_) | EntryBody::ServiceSplitter(_) => {
            return Err(DecodeError::new("", unsupported(&format!("config entry kind {}", entry.kind()))));
        }
        EntryBody::Mesh(body) => mesh(body),
        EntryBody::ProxyDefaults(body) => proxy_defaults(body),
        EntryBody::ServiceDefaults(body) => service_defaults(body),
    };
    field.map_or(Ok(()), |field| Err(DecodeError::new(field, unsupported("this field"))))
}

/// The first of these that says something.
fn first<const N: usize>(fields: [(&'static str, bool); N]) -> Option<&'static str> {
    fields.into_iter().find(|(_, says)| *says).map(|(field, _)| field)
}

fn mesh(body: &Mesh) -> Option<&'static str> {
    first([("ValidateClusters", body.validate_clusters)])
}

fn proxy_defaults(body: &ProxyDefaults) -> Option<&'static str> {
    first([("Expose.Checks", body.expose.checks)])
}

fn service_defaults(body: &ServiceDefaults) -> Option<&'static str> {
    first([
        ("Expose.Checks", body.expose.checks),
        ("ExternalSNI", !body.external_sni.is_empty()),
        ("UpstreamConfig", body.upstreams != Default::default()),
        ("MaxInboundConnections", body.max_inbound_connections != 0),
        ("BalanceInboundConnections", body.balance_inbound_connections),
        ("LocalConnectTimeoutMs", body.local_connect_timeout.is_some()),
        ("LocalRequestTimeoutMs", body.local_request_timeout.is_some()),
    ])
}
