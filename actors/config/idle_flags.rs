//! Flags of Consul's agent that have no effect here. They are taken, so that a command line of Consul's starts an agent.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

use super::keys;

/// Those that were given, with what is said about each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IdleFlags(pub Vec<(&'static str, &'static str)>);

#[derive(Clone, Copy)]
enum Kind {
    Switch,
    /// It takes a value, and may be repeated.
    Value,
}

const FLAGS: &[(&str, Kind, &str)] = &[
    ("advertise-wan", Kind::Value, keys::ALONE),
    ("alt-domain", Kind::Value, keys::DNS),
    ("auto-reload-config", Kind::Switch, keys::RELOAD),
    ("disable-host-node-id", Kind::Switch, keys::ONE_AGENT),
    ("disable-keyring-file", Kind::Switch, keys::GOSSIP),
    ("dns-port", Kind::Value, keys::DNS),
    ("domain", Kind::Value, keys::DNS),
    ("encrypt", Kind::Value, keys::GOSSIP),
    ("join", Kind::Value, keys::ALONE),
    ("join-wan", Kind::Value, keys::ALONE),
    ("log-file", Kind::Value, keys::LOGS),
    ("log-rotate-bytes", Kind::Value, keys::LOGS),
    ("log-rotate-duration", Kind::Value, keys::LOGS),
    ("log-rotate-max-files", Kind::Value, keys::LOGS),
    ("non-voting-server", Kind::Switch, keys::RAFT),
    ("primary-gateway", Kind::Value, keys::ALONE),
    ("protocol", Kind::Value, keys::GOSSIP),
    ("raft-protocol", Kind::Value, keys::RAFT),
    ("read-replica", Kind::Switch, keys::RAFT),
    ("recursor", Kind::Value, keys::DNS),
    ("rejoin", Kind::Switch, keys::ALONE),
    ("retry-interval", Kind::Value, keys::ALONE),
    ("retry-interval-wan", Kind::Value, keys::ALONE),
    ("retry-join", Kind::Value, keys::ALONE),
    ("retry-join-wan", Kind::Value, keys::ALONE),
    ("retry-max", Kind::Value, keys::ALONE),
    ("retry-max-wan", Kind::Value, keys::ALONE),
    ("segment", Kind::Value, keys::GOSSIP),
    ("serf-lan-allowed-cidrs", Kind::Value, keys::GOSSIP),
    ("serf-lan-bind", Kind::Value, keys::GOSSIP),
    ("serf-lan-port", Kind::Value, keys::GOSSIP),
    ("serf-wan-allowed-cidrs", Kind::Value, keys::GOSSIP),
    ("serf-wan-bind", Kind::Value, keys::GOSSIP),
    ("serf-wan-port", Kind::Value, keys::GOSSIP),
    ("server-port", Kind::Value, keys::RAFT),
    ("syslog", Kind::Switch, keys::LOGS),
    ("ui", Kind::Switch, keys::PAGE),
    ("ui-content-path", Kind::Value, keys::PAGE),
    ("ui-dir", Kind::Value, keys::PAGE),
];

impl Args for IdleFlags {
    fn augment_args(command: Command) -> Command {
        FLAGS.iter().fold(command, |command, (name, kind, why)| {
            let flag =
                Arg::new(*name).long(*name).help(format!("No effect: {why}")).hide(true).action(ArgAction::Append);
            command.arg(match kind {
                Kind::Switch => flag.num_args(0..=1).require_equals(true).default_missing_value("true"),
                Kind::Value => flag.allow_hyphen_values(true),
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for IdleFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let asks = |name: &str| {
            // `-ui=false` and `-dns-port=-1` ask for nothing
            let values = matches.get_many::<String>(name).into_iter().flatten();
            values.into_iter().any(|value| !matches!(value.as_str(), "" | "false" | "0" | "-1"))
        };
        Ok(Self(FLAGS.iter().filter(|(name, ..)| asks(name)).map(|(name, _, why)| (*name, *why)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
