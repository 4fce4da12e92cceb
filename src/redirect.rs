//! The rules of iptables that lead an application's connections through its proxy, for transparent proxying.
//!
//! What comes in goes to the public listener, what goes out to the outbound listener, which sees where each connection
//! was headed. What the proxy itself sends is left alone, or it would come back to it for ever. Each family of addresses has
//! its own tables, and its own document.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const INBOUND: &str = "CONSUL_PROXY_INBOUND";
const TO_INBOUND: &str = "CONSUL_PROXY_IN_REDIRECT";
const OUTBOUND: &str = "CONSUL_PROXY_OUTPUT";
const TO_OUTBOUND: &str = "CONSUL_PROXY_REDIRECT";
const DNS: &str = "CONSUL_DNS_REDIRECT";

/// Every chain of ours; the names are Consul's.
const CHAINS: [&str; 5] = [DNS, TO_INBOUND, INBOUND, TO_OUTBOUND, OUTBOUND];

/// What to lead where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redirection {
    /// The user that the proxy runs as, by number or by name.
    pub proxy_user: User,
    pub inbound_port: u16,
    pub outbound_port: u16,
    /// Where name lookups go, when not to whom they are addressed.
    pub dns: Option<(IpAddr, u16)>,
    /// What is reached without the proxy.
    pub exclude_inbound_ports: BTreeSet<u16>,
    pub exclude_outbound_ports: BTreeSet<u16>,
    pub exclude_outbound_networks: BTreeSet<Network>,
    /// Whose connections go out without the proxy.
    pub exclude_users: BTreeSet<User>,
}

/// A user as iptables takes one: a number, a range of numbers, or a name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct User(String);

/// Addresses with a common prefix, or one address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl std::str::FromStr for User {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let good = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
        if !text.is_empty() && !text.starts_with('-') && text.chars().all(good) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("{text:?} is no user: expected a number such as 5678, a range such as 5678-5680, or a name"))
    }
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no network: expected one such as 10.0.0.0/8 or fd00::/8, or an address");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let whole = Family::of(address).bits();
        let prefix = prefix.map_or(Ok(whole), str::parse).ok().filter(|prefix| *prefix <= whole).ok_or_else(wrong)?;
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for User {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.prefix)
    }
}

/// Addresses of one length, and the tables of the kernel that are theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// What the programs for its rules are called, but for what comes behind.
    pub fn program(self) -> &'static str {
        match self {
            Self::V4 => "iptables",
            Self::V6 => "ip6tables",
        }
    }

    fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    fn loopback(self) -> Network {
        match self {
            Self::V4 => Network { address: Ipv4Addr::new(127, 0, 0, 0).into(), prefix: 8 },
            Self::V6 => Network { address: Ipv6Addr::LOCALHOST.into(), prefix: 128 },
        }
    }
}

/// A jump from one of the kernel's own chains into one of ours, in the words of `iptables -A`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Jump(&'static str);

impl Jump {
    /// All that there can be, whether they are wanted now or stand from an earlier time.
    pub const ALL: [Self; 4] = [
        Self("OUTPUT -p udp --dport 53 -j CONSUL_DNS_REDIRECT"),
        Self("OUTPUT -p tcp --dport 53 -j CONSUL_DNS_REDIRECT"),
        Self("OUTPUT -p tcp -j CONSUL_PROXY_OUTPUT"),
        Self("PREROUTING -p tcp -j CONSUL_PROXY_INBOUND"),
    ];

    /// The words, for a program that asks whether the jump stands.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        self.0.split(' ')
    }

    fn is_for_dns(&self) -> bool {
        self.0.ends_with(DNS)
    }
}

/// A document for `iptables-restore --noflush`, or for `ip6tables-restore`, which takes it whole or not at all. Rules of ours that stand already are
/// replaced: `standing` are the jumps of an earlier time. Everybody else's rules stay.
pub fn document(redirection: &Redirection, family: Family, standing: &BTreeSet<Jump>) -> String {
    let dns = redirection.dns.filter(|(address, _)| Family::of(*address) == family);
    let mut document = String::from("*nat\n");
    // naming a chain makes it, and empties it when it is there
    for chain in CHAINS {
        line(&mut document, format_args!(":{chain} - [0:0]"));
    }
    for jump in standing {
        line(&mut document, format_args!("-D {}", jump.0));
    }
    lookups(&mut document, dns);
    outbound(&mut document, redirection, family);
    inbound(&mut document, redirection);
    for jump in Jump::ALL.iter().filter(|jump| dns.is_some() || !jump.is_for_dns()) {
        line(&mut document, format_args!("-A {}", jump.0));
    }
    document.push_str("COMMIT\n");
    document
}

fn lookups(document: &mut String, to: Option<(IpAddr, u16)>) {
    let Some((address, port)) = to else { return };
    let to = SocketAddr::new(address, port);
    for protocol in ["udp", "tcp"] {
        line(document, format_args!("-A {DNS} -p {protocol} -j DNAT --to-destination {to}"));
    }
}

/// The first rule that holds decides, so the exceptions come first.
fn outbound(document: &mut String, redirection: &Redirection, family: Family) {
    let users = std::iter::once(&redirection.proxy_user).chain(&redirection.exclude_users);
    for user in users {
        line(document, format_args!("-A {OUTBOUND} -m owner --uid-owner {user} -j RETURN"));
    }
    for port in &redirection.exclude_outbound_ports {
        line(document, format_args!("-A {OUTBOUND} -p tcp --dport {port} -j RETURN"));
    }
    let of_family = |network: &&Network| Family::of(network.address) == family;
    for network in redirection.exclude_outbound_networks.iter().filter(of_family) {
        line(document, format_args!("-A {OUTBOUND} -d {network} -j RETURN"));
    }
    line(document, format_args!("-A {OUTBOUND} -d {} -j RETURN", family.loopback()));
    line(document, format_args!("-A {OUTBOUND} -j {TO_OUTBOUND}"));
    line(document, format_args!("-A {TO_OUTBOUND} -p tcp -j REDIRECT --to-ports {}", redirection.outbound_port));
}

fn inbound(document: &mut String, redirection: &Redirection) {
    for port in &redirection.exclude_inbound_ports {
        line(document, format_args!("-A {INBOUND} -p tcp --dport {port} -j RETURN"));
    }
    line(document, format_args!("-A {INBOUND} -p tcp -j {TO_INBOUND}"));
    line(document, format_args!("-A {TO_INBOUND} -p tcp -j REDIRECT --to-ports {}", redirection.inbound_port));
}

fn line(document: &mut String, rule: fmt::Arguments<'_>) {
    // writing into a text cannot fail
    _ = writeln!(document, "{rule}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Redirection {
        Redirection {
            proxy_user: "5678".parse().expect("a user"),
            inbound_port: 20000,
            outbound_port: 15001,
            dns: None,
            exclude_inbound_ports: BTreeSet::new(),
            exclude_outbound_ports: BTreeSet::new(),
            exclude_outbound_networks: BTreeSet::new(),
            exclude_users: BTreeSet::new(),
        }
    }

    #[test]
    fn what_goes_out_goes_through_the_proxy_but_for_what_the_proxy_sends_itself() {
        let expected = "\
*nat
:CONSUL_DNS_REDIRECT - [0:0]
:CONSUL_PROXY_IN_REDIRECT - [0:0]
:CONSUL_PROXY_INBOUND - [0:0]
:CONSUL_PROXY_REDIRECT - [0:0]
:CONSUL_PROXY_OUTPUT - [0:0]
-A CONSUL_PROXY_OUTPUT -m owner --uid-owner 5678 -j RETURN
-A CONSUL_PROXY_OUTPUT -d 127.0.0.0/8 -j RETURN
-A CONSUL_PROXY_OUTPUT -j CONSUL_PROXY_REDIRECT
-A CONSUL_PROXY_REDIRECT -p tcp -j REDIRECT --to-ports 15001
-A CONSUL_PROXY_INBOUND -p tcp -j CONSUL_PROXY_IN_REDIRECT
-A CONSUL_PROXY_IN_REDIRECT -p tcp -j REDIRECT --to-ports 20000
-A OUTPUT -p tcp -j CONSUL_PROXY_OUTPUT
-A PREROUTING -p tcp -j CONSUL_PROXY_INBOUND
COMMIT
";
        assert_eq!(document(&plain(), Family::V4, &BTreeSet::new()), expected);
    }

    #[test]
    fn exceptions_come_before_what_they_are_exceptions_of() {
        let redirection = Redirection {
            exclude_inbound_ports: BTreeSet::from([8500, 22]),
            exclude_outbound_ports: BTreeSet::from([443]),
            exclude_outbound_networks: BTreeSet::from(["10.0.0.0/8".parse().expect("a network")]),
            exclude_users: BTreeSet::from(["consul".parse().expect("a user")]),
            ..plain()
        };
        let document = document(&redirection, Family::V4, &BTreeSet::new());
        let at = |rule: &str| document.find(rule).unwrap_or_else(|| panic!("no {rule} in {document}"));
        let redirected = at("-A CONSUL_PROXY_OUTPUT -j CONSUL_PROXY_REDIRECT");
        for exception in ["--uid-owner consul", "-p tcp --dport 443", "-d 10.0.0.0/8"] {
            assert!(
                at(&format!("-A CONSUL_PROXY_OUTPUT {exception} -j RETURN").replace("T --uid", "T -m owner --uid"))
                    < redirected
            );
        }
        let taken_in = at("-A CONSUL_PROXY_INBOUND -p tcp -j CONSUL_PROXY_IN_REDIRECT");
        let (ssh, http) = (at("INBOUND -p tcp --dport 22 -j RETURN"), at("INBOUND -p tcp --dport 8500 -j RETURN"));
        assert!(ssh < http && http < taken_in);
    }

    #[test]
    fn each_family_of_addresses_has_its_own_rules() {
        let network = |text: &str| text.parse::<Network>().expect("a network");
        let redirection = Redirection {
            dns: Some((Ipv6Addr::LOCALHOST.into(), 8600)),
            exclude_outbound_networks: BTreeSet::from([network("10.0.0.0/8"), network("fd00::/8")]),
            ..plain()
        };
        let [four, six] = [Family::V4, Family::V6].map(|family| document(&redirection, family, &BTreeSet::new()));
        for (there, other, rules) in [
            (&four, &six, ["-d 10.0.0.0/8 -j RETURN", "-d 127.0.0.0/8 -j RETURN"].as_slice()),
            (
                &six,
                &four,
                &["-d fd00::/8 -j RETURN", "-d ::1/128 -j RETURN", "-p udp -j DNAT --to-destination [::1]:8600"],
            ),
        ] {
            for rule in rules {
                assert!(there.contains(rule) && !other.contains(rule), "{rule}:\n{there}\n{other}");
            }
        }
        for document in [&four, &six] {
            assert!(
                document.contains("-p tcp -j REDIRECT --to-ports 15001\n") && document.contains("--to-ports 20000")
            );
        }
    }

    #[test]
    fn lookups_of_names_go_where_they_are_told_before_the_proxy_sees_them() {
        let dns = Some((Ipv4Addr::LOCALHOST.into(), 8600));
        let document = document(&Redirection { dns, ..plain() }, Family::V4, &BTreeSet::new());
        assert!(document.contains("-A CONSUL_DNS_REDIRECT -p udp -j DNAT --to-destination 127.0.0.1:8600\n"));
        let at = |rule: &str| document.find(rule).expect("it is there");
        assert!(at("-A OUTPUT -p tcp --dport 53 -j CONSUL_DNS") < at("-A OUTPUT -p tcp -j CONSUL_PROXY_OUTPUT"));
    }

    #[test]
    fn jumps_that_stand_are_not_made_twice() {
        let standing = Jump::ALL.into_iter().collect();
        let document = document(&plain(), Family::V4, &standing);
        for jump in Jump::ALL {
            assert_eq!(document.matches(&format!("-D {}\n", jump.0)).count(), 1);
        }
        assert!(!document.contains("-A OUTPUT -p udp"), "lookups are no longer led anywhere:\n{document}");
    }

    #[test]
    fn nothing_but_a_user_or_a_network_gets_into_a_rule() {
        for wrong in ["", "-j", "5678 -j ACCEPT", "a\nb"] {
            assert!(wrong.parse::<User>().is_err(), "{wrong:?}");
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0.0/8 -j ACCEPT", "fd00::/129", "10.0.0.0/"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong:?}");
        }
        assert_eq!("fd00::1".parse::<Network>().map(|network| network.to_string()).as_deref(), Ok("fd00::1/128"));
        assert_eq!("10.1.2.3".parse::<Network>().map(|network| network.to_string()).as_deref(), Ok("10.1.2.3/32"));
    }
}
