//! Addresses as settings give them.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

/// Where a door listens, as `addresses` says it; the port is said elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Host {
    Ip(IpAddr),
    Socket(PathBuf),
}

/// One IP address.
pub(super) fn one(text: &str) -> Result<IpAddr, String> {
    if text.contains("{{") {
        return of_template(text, &interfaces()?);
    }
    if text.starts_with("unix:") {
        return Err(format!("the unix socket {text:?} cannot be used here: give an IP address"));
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

/// Several addresses and unix sockets, with spaces between them.
pub(super) fn hosts(text: &str) -> Result<Vec<Host>, String> {
    if text.contains("{{") {
        return one(text).map(|address| vec![Host::Ip(address)]);
    }
    let host = |text: &str| match text.strip_prefix("unix://") {
        Some(path) if path.starts_with('/') => Ok(Host::Socket(path.into())),
        Some(_) => Err(format!("expected a unix socket such as unix:///run/chancery.sock, got {text:?}")),
        None => one(text).map(Host::Ip),
    };
    let hosts = text.split_whitespace().map(host).collect::<Result<Vec<_>, _>>()?;
    if hosts.is_empty() { Err("expected an IP address, got nothing".to_owned()) } else { Ok(hosts) }
}

/// An address of this machine, and the name of its interface.
type Interface = (String, IpAddr);

fn interfaces() -> Result<Vec<Interface>, String> {
    let found =
        if_addrs::get_if_addrs().map_err(|error| format!("the interfaces of this machine are unknown: {error}"))?;
    Ok(found.into_iter().map(|interface| (interface.name.clone(), interface.ip())).collect())
}

/// The three templates of go-sockaddr that name one address. Of several the first of IPv4 is taken.
fn of_template(text: &str, interfaces: &[Interface]) -> Result<IpAddr, String> {
    let inside = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or_default();
    let words: Vec<&str> = inside.split_whitespace().collect();
    let mut addresses: Vec<IpAddr> = match words.as_slice() {
        ["GetPrivateIP"] => chosen(interfaces, |_, address| is_private(address)),
        ["GetPublicIP"] => chosen(interfaces, |_, address| is_public(address)),
        ["GetInterfaceIP", name] => {
            let wanted = name.trim_matches(['"', '\'', '`']);
            chosen(interfaces, |name, _| name == wanted)
        }
        _ => {
            return Err(format!(
                "the template {text:?} is not supported by this version of chancery: give an IP address, or one of \
                 {{{{ GetPrivateIP }}}}, {{{{ GetPublicIP }}}} and {{{{ GetInterfaceIP \"NAME\" }}}}"
            ));
        }
    };
    addresses.sort_by_key(|address| !address.is_ipv4());
    addresses.first().copied().ok_or_else(|| {
        let named = interfaces.iter().map(|(name, address)| format!("{name} {address}"));
        format!("no address of this machine is meant by {text:?}: there are {}", named.collect::<Vec<_>>().join(", "))
    })
}

fn chosen(interfaces: &[Interface], wanted: impl Fn(&str, &IpAddr) -> bool) -> Vec<IpAddr> {
    interfaces.iter().filter(|(name, address)| wanted(name, address)).map(|(_, address)| *address).collect()
}

/// As RFC 6890 has it, of IPv4: the private networks and the one that carriers share.
fn is_private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64),
        IpAddr::V6(_) => false,
    }
}

fn is_public(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let special = v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || *v4 == Ipv4Addr::BROADCAST;
            !special && !is_private(address)
        }
        IpAddr::V6(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::of_template;

    fn told(text: &str) -> String {
        let interfaces = [("lo", "127.0.0.1"), ("eth0", "fd00::1"), ("eth0", "10.1.2.3"), ("eth1", "203.0.113.7")]
            .map(|(name, address)| (name.to_owned(), address.parse().expect("it is an address")));
        of_template(text, &interfaces).map_or_else(|error| error, |address| address.to_string())
    }

    #[test]
    fn a_template_names_one_address_of_this_machine() {
        assert_eq!(told("{{ GetPrivateIP }}"), "10.1.2.3");
        assert_eq!(told("{{GetPublicIP}}"), "203.0.113.7");
        assert_eq!(told("{{ GetInterfaceIP \"eth0\" }}"), "10.1.2.3");
        assert_eq!(told("{{ GetInterfaceIP 'lo' }}"), "127.0.0.1");
    }

    #[test]
    fn a_template_that_names_none_says_what_there_is() {
        assert!(told("{{ GetInterfaceIP \"wlan0\" }}").contains("there are lo 127.0.0.1, eth0 fd00::1,"));
        assert!(told("{{ GetAllInterfaces | attr \"address\" }}").contains("not supported"));
    }
}
