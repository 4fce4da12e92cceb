//! What is understood and checked, and has no effect yet: it is refused, so that nobody believes it holds.

use crate::model::Entry;
use crate::model::entry::{EntryBody, ProxyDefaults, ServiceDefaults};
use crate::wire::fields::{DecodeError, Result, unsupported};

pub(super) fn refuse(entry: &Entry) -> Result<()> {
    let field = match &entry.body {
        EntryBody::ExportedServices(_)
        | EntryBody::JwtProvider(_)
        | EntryBody::Mesh(_)
        | EntryBody::ServiceIntentions(_)
        | EntryBody::ServiceResolver(_)
        | EntryBody::ServiceRouter(_)
        | EntryBody::ServiceSplitter(_) => None,
        EntryBody::ProxyDefaults(body) => proxy_defaults(body),
        EntryBody::ServiceDefaults(body) => service_defaults(body),
    };
    field.map_or(Ok(()), |field| Err(DecodeError::new(field, unsupported("this field"))))
}

/// The first of these that says something.
fn first<const N: usize>(fields: [(&'static str, bool); N]) -> Option<&'static str> {
    fields.into_iter().find(|(_, says)| *says).map(|(field, _)| field)
}

fn proxy_defaults(body: &ProxyDefaults) -> Option<&'static str> {
    first([("Expose.Checks", body.expose.checks)])
}

fn service_defaults(body: &ServiceDefaults) -> Option<&'static str> {
    first([("Expose.Checks", body.expose.checks)])
}
