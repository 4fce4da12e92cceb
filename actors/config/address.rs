//! Addresses as settings give them.

use std::net::IpAddr;

/// One IP address.
pub(super) fn one(text: &str) -> Result<IpAddr, String> {
    if text.contains("{{") {
        return Err(format!("the template {text:?} is not supported by this version of chancery: give an IP address"));
    }
    if text.starts_with("unix:") {
        return Err(format!(
            "the unix socket {text:?} is not supported by this version of chancery: give an IP address"
        ));
    }
    let plain = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    plain.parse().map_err(|_| format!("expected an IP address, got {text:?}"))
}

/// Several, with spaces between them.
pub(super) fn several(text: &str) -> Result<Vec<IpAddr>, String> {
    if text.contains("{{") {
        return one(text).map(|address| vec![address]);
    }
    let addresses = text.split_whitespace().map(one).collect::<Result<Vec<_>, _>>()?;
    if addresses.is_empty() { Err("expected an IP address, got nothing".to_owned()) } else { Ok(addresses) }
}
