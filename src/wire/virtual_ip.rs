//! `/v1/internal/service-virtual-ip`: the virtual addresses that a user chooses for a service.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;

use super::fields::{Fields, Result, Typing};
use crate::model::ServiceName;

/// The service, and the addresses it shall have beside the one that it was given.
///
/// # Errors
/// When no service is named, or an address is none.
pub fn decode(body: &Value) -> Result<(ServiceName, BTreeSet<IpAddr>)> {
    let mut fields = Fields::new(body, "a service's virtual addresses", Typing::Strict)?;
    let service = fields.text("Service")?;
    if service.is_empty() {
        return Err(fields.error("Service", "is required"));
    }
    let mut addresses = BTreeSet::new();
    for (at, text) in fields.texts("ManualVIPs")?.iter().enumerate() {
        let address = text.parse();
        let address =
            address.map_err(|_| fields.error(&format!("ManualVIPs[{at}]"), format!("{text:?} is no IP address")));
        addresses.insert(address?);
    }
    fields.default_tenancy()?;
    fields.finish()?;
    Ok((service.into(), addresses))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    service_found: bool,
    unassigned_from: Vec<Loser<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Loser<'a> {
    service_name: Named<'a>,
    peer: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Named<'a> {
    name: &'a str,
}

/// Whether the service is in the mesh, and which others had one of the addresses until now.
pub fn answer(service_found: bool, losers: &BTreeSet<ServiceName>) -> impl Serialize + '_ {
    let loser = |service| Loser { service_name: Named { name: ServiceName::as_str(service) }, peer: "" };
    Answer { service_found, unassigned_from: losers.iter().map(loser).collect() }
}
