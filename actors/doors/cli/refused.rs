//! Commands of Consul that do not exist here, each with a sentence that says why and what to do instead.

use std::ffi::OsString;

pub(super) const REFUSED: [(&str, &str); 27] = [
    (
        "acl",
        "access control lists are not supported by this version of chancery: there are no tokens, so keep the ports to yourself (-client)",
    ),
    (
        "login",
        "there is nothing to log in to: access control is not supported by this version of chancery, and a token is never asked for",
    ),
    ("logout", "there is nothing to log out of: access control is not supported by this version of chancery"),
    (
        "event",
        "events are not supported: put a key and watch it (watch -type=key), or watch a service (watch -type=service)",
    ),
    ("exec", "commands are not run on other machines: use your shell, your scheduler or your configuration management"),
    (
        "join",
        "an agent is a cluster of its own: there is nobody to join. Register what runs elsewhere with PUT /v1/catalog/register",
    ),
    ("keyring", "there is no gossip between agents, so there are no keys for it"),
    (
        "lock",
        "sessions and locks are not supported by this version of chancery: use the store that your application already has",
    ),
    ("rtt", "there are no network coordinates: an agent does not measure the distance between nodes"),
    (
        "operator autopilot get-config",
        "an agent is a cluster of its own: there are no servers to look after (operator autopilot state shows the one there is)",
    ),
    (
        "operator autopilot set-config",
        "an agent is a cluster of its own: there are no servers to look after, so there is nothing to set",
    ),
    ("operator utilization", "there is no license to report for: operator usage instances counts what there is"),
    ("operator raft remove-peer", "an agent is a cluster of its own: its only server cannot be removed"),
    ("operator raft transfer-leader", "an agent is a cluster of its own: there is nobody else to lead it"),
    ("operator audit", "who asked for what is not written down: put a proxy with an access log in front"),
    ("operator area", "an agent is a cluster of its own: there are no network areas"),
    ("peering", "peering with other clusters is not supported yet"),
    ("namespace", "there is one namespace, the default one"),
    ("partition", "there is one partition, the default one"),
    ("license", "there is no license to read or write: every feature that is built is there"),
    ("resource", "resources of Consul's version 2 catalog are not supported: write config entries (config write)"),
    (
        "troubleshoot",
        "look at /admin/proxies of the agent: for each Envoy it says what was sent, what was accepted, and what was refused and why",
    ),
    ("connect proxy", "there is no built-in proxy: run Envoy (connect envoy -sidecar-for SERVICE-ID)"),
    ("connect expose", "gateways are not supported yet, so there is nothing to expose a service on"),
    ("snapshot agent", "nothing is saved on a schedule: run `snapshot save` from cron or a timer"),
    ("services export", "peering is not supported yet, so there is nobody to export a service to"),
    ("services exported-services", "peering is not supported yet, so no service is exported"),
];

/// What to tell somebody who asks for one of them.
pub(super) fn sentence(args: &[OsString]) -> Option<String> {
    let words: Vec<&str> = args.iter().skip(1).map_while(|word| word.to_str()).take(3).collect();
    REFUSED.iter().find_map(|(command, sentence)| {
        let asked = command.split(' ').eq(words.iter().copied().take(command.split(' ').count()));
        asked.then(|| format!("{command}: {sentence}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_refused_by_its_words_and_others_are_not() {
        let told = |line: &str| sentence(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(told("chancery acl token list").is_some_and(|told| told.starts_with("acl: access control")));
        assert!(told("chancery connect proxy -service web").is_some_and(|told| told.contains("connect envoy")));
        assert!(told("chancery operator autopilot get-config").is_some_and(|told| told.contains("autopilot state")));
        assert_eq!(told("chancery operator autopilot state"), None);
        assert!(told("chancery operator raft remove-peer -id x").is_some_and(|told| told.contains("only server")));
        assert_eq!(told("chancery operator raft list-peers"), None);
        assert_eq!(told("chancery connect envoy"), None);
        assert_eq!(told("chancery"), None);
        assert_eq!(told("chancery catalog acl"), None);
    }
}
