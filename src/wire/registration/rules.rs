//! The rules of a registration that need no tables.

use std::collections::BTreeSet;

use crate::model::intention::WILDCARD;
use crate::model::{Proxy, Service, ServiceKind, Upstream};
use crate::wire::fields::{DecodeError, Result};

pub(super) fn service(service: &Service) -> Result<()> {
    common(service)?;
    match (service.kind, &service.proxy) {
        (ServiceKind::ConnectProxy, _) => {
            sidecar(service)?;
            ensure(service.port != 0 || !service.socket_path.is_empty(), "Port", "a proxy needs a port or a SocketPath")
        }
        (ServiceKind::Typical, Some(_)) => Err(DecodeError::new("Proxy", "is only for services of Kind connect-proxy")),
        (ServiceKind::Typical, None) => Ok(()),
    }
}

/// Of a proxy whose port may yet be allocated.
pub(super) fn sidecar(service: &Service) -> Result<()> {
    common(service)?;
    ensure(!service.connect_native, "Connect.Native", "a proxy cannot be native")?;
    let named = service.proxy.as_ref().filter(|proxy| !proxy.destination_name.is_empty());
    let Some(proxy) = named else {
        return Err(DecodeError::new("Proxy.DestinationServiceName", "is required for a proxy"));
    };
    let wildcard = proxy.destination_name == WILDCARD;
    ensure(!wildcard, "Proxy.DestinationServiceName", "must be one service, not a wildcard")?;
    upstreams(proxy)
}

fn common(service: &Service) -> Result<()> {
    ensure(service.name != WILDCARD, "Name", "must not be a wildcard")?;
    address(&service.address).map_err(|message| DecodeError::new("Address", message))?;
    let both = service.port != 0 && !service.socket_path.is_empty();
    ensure(!both, "SocketPath", "cannot be combined with a Port")
}

/// An address that others can call.
pub(super) fn address(address: &str) -> std::result::Result<(), &'static str> {
    match address {
        "0.0.0.0" | "::" | "[::]" => Err("must be an address that others can call, not the one for all interfaces"),
        _ => Ok(()),
    }
}

fn upstreams(proxy: &Proxy) -> Result<()> {
    let (mut targets, mut binds) = (BTreeSet::new(), BTreeSet::new());
    for (at, upstream) in proxy.upstreams.iter().enumerate() {
        let field = |field: &str| format!("Proxy.Upstreams[{at}].{field}");
        let name = upstream.destination_name.as_str();
        ensure(!name.is_empty(), &field("DestinationName"), "is required")?;
        ensure(name != WILDCARD, &field("DestinationName"), "must be one service, not a wildcard")?;
        let (bind, bind_field) = bind(upstream, &field)?;
        if !targets.insert((name, upstream.datacenter.as_str())) {
            let message = format!("another upstream has the same destination {name:?}");
            return Err(DecodeError::new(field("DestinationName"), message));
        }
        if !binds.insert(bind.clone()) {
            return Err(DecodeError::new(bind_field, format!("another upstream listens on {bind} already")));
        }
    }
    Ok(())
}

/// Where an upstream listens, and the field that says so.
fn bind(upstream: &Upstream, field: &impl Fn(&str) -> String) -> Result<(String, String)> {
    let mode = upstream.local_bind_socket_mode.as_str();
    let octal = u32::from_str_radix(mode, 8).is_ok_and(|mode| mode <= 0o777);
    let mode_message = "expected permission bits in octal text such as \"0644\"";
    ensure(mode.is_empty() || octal, &field("LocalBindSocketMode"), mode_message)?;
    if upstream.local_bind_socket_path.is_empty() {
        let message = "an upstream needs a LocalBindPort or a LocalBindSocketPath";
        ensure(upstream.local_bind_port != 0, &field("LocalBindPort"), message)?;
        ensure(mode.is_empty(), &field("LocalBindSocketMode"), "needs a LocalBindSocketPath")?;
        let address = Some(upstream.local_bind_address.as_str()).filter(|address| !address.is_empty());
        let bind = format!("{}:{}", address.unwrap_or("127.0.0.1"), upstream.local_bind_port);
        return Ok((bind, field("LocalBindPort")));
    }
    let alone = upstream.local_bind_port == 0 && upstream.local_bind_address.is_empty();
    let message = "cannot be combined with a LocalBindAddress or LocalBindPort";
    ensure(alone, &field("LocalBindSocketPath"), message)?;
    Ok((upstream.local_bind_socket_path.clone(), field("LocalBindSocketPath")))
}

fn ensure(holds: bool, field: &str, message: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(DecodeError::new(field, message)) }
}
