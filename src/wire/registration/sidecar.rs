//! What a sidecar that is registered inside its service takes over from it.

use std::net::IpAddr;

use super::{Decoded, check, inside, rules};
use crate::catalog::SidecarRegistration;
use crate::model::{Service, ServiceId, ServiceKind, ServiceName, TaggedAddress};
use crate::wire::fields::{DecodeError, Result};

/// Port 0 stays: the catalog allocates it, and makes the default checks that need it.
pub(super) fn complete(decoded: Decoded, parent: &Service) -> Result<SidecarRegistration> {
    let Decoded { path, service: mut sidecar, tags_given, meta_given, checks, .. } = decoded;
    let id = format!("{}-sidecar-proxy", parent.id);
    if !sidecar.id.is_empty() && sidecar.id != id.as_str() {
        let message = format!("is always {id:?}, the id of its service and -sidecar-proxy: leave it out");
        return Err(inside(&path, DecodeError::new("ID", message)));
    }
    sidecar.id = ServiceId::from(id);
    sidecar.kind = ServiceKind::ConnectProxy;
    sidecar.managed_by = Some(parent.id.clone());
    if sidecar.name.is_empty() {
        sidecar.name = ServiceName::from(format!("{}-sidecar-proxy", parent.name));
    }
    if !tags_given {
        sidecar.tags.clone_from(&parent.tags);
        sidecar.enable_tag_override = parent.enable_tag_override;
    }
    if !meta_given {
        sidecar.meta.clone_from(&parent.meta);
    }
    if sidecar.locality.is_none() {
        sidecar.locality.clone_from(&parent.locality);
    }
    let proxy = sidecar.proxy.get_or_insert_default();
    if proxy.destination_name.is_empty() {
        proxy.destination_name = parent.name.clone();
    }
    if proxy.destination_id.is_empty() {
        proxy.destination_id = parent.id.clone();
    }
    if proxy.local_socket_path.is_empty() {
        if proxy.local_port == 0 {
            proxy.local_port = parent.port;
        }
        if proxy.local_port == 0 && !parent.socket_path.is_empty() {
            proxy.local_socket_path.clone_from(&parent.socket_path);
        } else if proxy.local_address.is_empty() {
            "127.0.0.1".clone_into(&mut proxy.local_address);
        }
    }
    rules::sidecar(&sidecar).map_err(|error| inside(&path, error))?;
    if sidecar.port != 0 {
        tag_address(&mut sidecar);
    }
    let checks = checks.map(|checks| check::of_service(checks, &sidecar)).transpose()?;
    Ok(SidecarRegistration { service: sidecar, checks })
}

/// An address is also its own tagged address, under the names of its family.
pub(super) fn tag_address(service: &mut Service) {
    let names = match service.address.parse() {
        Ok(IpAddr::V4(_)) => ["lan_ipv4", "wan_ipv4"],
        Ok(IpAddr::V6(_)) => ["lan_ipv6", "wan_ipv6"],
        Err(_) => return,
    };
    for name in names {
        let own = TaggedAddress { address: service.address.clone(), port: service.port };
        service.tagged_addresses.entry(name.to_owned()).or_insert(own);
    }
}
