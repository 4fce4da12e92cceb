//! `exported-services`.

use std::collections::BTreeSet;

use crate::model::entry::ExportedServices;
use crate::model::entry::exported_services::ExportedService;
use crate::wire::fields::{Fields, Result};
use crate::wire::members::Members;

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<ExportedServices> {
    let mut names = BTreeSet::new();
    let mut services = Vec::new();
    for mut fields in fields.objects("Services", "an exported service")?.unwrap_or_default() {
        let name = fields.text("Name")?;
        if name.is_empty() {
            return Err(fields.error("Name", "is required"));
        }
        if !names.insert(name.clone()) {
            return Err(fields.error("Name", format!("{name:?} is exported already")));
        }
        fields.default_tenancy()?;
        let peers = fields.objects("Consumers", "a consumer")?.unwrap_or_default();
        let peers: Vec<String> = peers.into_iter().map(peer).collect::<Result<_>>()?;
        if peers.is_empty() {
            return Err(fields.error("Consumers", "needs at least one consumer"));
        }
        fields.finish()?;
        services.push(ExportedService { name, peers });
    }
    Ok(ExportedServices { services })
}

fn peer(mut fields: Fields<'_>) -> Result<String> {
    fields.unsupported(&["Partition", "SamenessGroup"])?;
    let peer = fields.text("Peer")?;
    match peer.as_str() {
        "" => return Err(fields.error("Peer", "is required")),
        "local" => return Err(fields.error("Peer", "must be another cluster: this one needs no export")),
        "*" => return Err(fields.error("Peer", "must be one peer, not a wildcard")),
        _ => {}
    }
    fields.finish()?;
    Ok(peer)
}

pub(super) fn show(members: Members, body: &ExportedServices) -> Members {
    let service = |service: &ExportedService| {
        let peers = service.peers.iter().map(|peer| Members::default().text("Peer", peer));
        Members::default().text("Name", &service.name).objects("Consumers", peers)
    };
    members.objects("Services", body.services.iter().map(service))
}
