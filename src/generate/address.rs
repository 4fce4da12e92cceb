//! Addresses in Envoy's words, refused here when Envoy would refuse them.

use std::net::{IpAddr, Ipv6Addr};

use envoy_types::pb::envoy::config::core::v3::{Address, CidrRange, Pipe, SocketAddress, address, socket_address};

use envoy_types::pb::google::protobuf::UInt32Value;

use super::Reason;
use crate::model::Bind;

/// `sockaddr_un` has room for 108 bytes, the last of them zero.
const SOCKET_PATH_MAX: usize = 107;

/// Where a listener binds.
pub(super) fn listen(bind: &Bind) -> Result<Address, Reason> {
    match bind {
        Bind::Address { port: 0, .. } => Err(Reason::NoPort),
        Bind::Address { address, port } if is_ip(address) => Ok(bound(address, *port)),
        Bind::Address { address, .. } => Err(Reason::NotAnAddress(address.clone())),
        Bind::Socket { mode: Some(mode), .. } if *mode > 0o777 => Err(Reason::SocketMode(*mode)),
        Bind::Socket { path, mode } => pipe(path, mode.unwrap_or_default()),
    }
}

/// At all addresses of IPv6 means at those of IPv4 too, as a program would mean it.
fn bound(address: &str, port: u16) -> Address {
    let mut bound = socket(address, port);
    if let Some(address::Address::SocketAddress(socket)) = &mut bound.address {
        socket.ipv4_compat = address.parse() == Ok(Ipv6Addr::UNSPECIFIED);
    }
    bound
}

/// What a connection goes to.
pub(super) fn connect(bind: &Bind) -> Result<Address, Reason> {
    match bind {
        Bind::Address { address, .. } if address.is_empty() => Err(Reason::NoAddress),
        Bind::Address { address, port } => Ok(socket(address, *port)),
        Bind::Socket { path, .. } => pipe(path, 0),
    }
}

/// The addresses that begin with these bits.
pub(super) fn network(address_prefix: String, bits: u32) -> CidrRange {
    CidrRange { address_prefix, prefix_len: Some(UInt32Value { value: bits }) }
}

/// This address and no other.
pub(super) fn only(address: IpAddr) -> CidrRange {
    network(address.to_string(), if address.is_ipv4() { 32 } else { 128 })
}

/// Anything else that is not a socket is a name to resolve.
pub(super) fn is_ip(address: &str) -> bool {
    address.parse::<IpAddr>().is_ok()
}

pub(super) fn is_ipv6(address: &str) -> bool {
    address.parse::<Ipv6Addr>().is_ok()
}

/// `ADDR:PORT`, or the socket's path: the end of a listener's name.
pub(super) fn text(bind: &Bind) -> String {
    match bind {
        Bind::Address { address, port } => format!("{address}:{port}"),
        Bind::Socket { path, .. } => path.clone(),
    }
}

pub(super) fn socket(address: &str, port: u16) -> Address {
    let address = SocketAddress {
        address: address.to_owned(),
        port_specifier: Some(socket_address::PortSpecifier::PortValue(port.into())),
        ..Default::default()
    };
    Address { address: Some(address::Address::SocketAddress(address)) }
}

pub(super) fn pipe(path: &str, mode: u32) -> Result<Address, Reason> {
    if path.is_empty() {
        return Err(Reason::NoAddress);
    }
    if path.len() > SOCKET_PATH_MAX {
        return Err(Reason::SocketPathTooLong(path.to_owned()));
    }
    Ok(Address { address: Some(address::Address::Pipe(Pipe { path: path.to_owned(), mode })) })
}
