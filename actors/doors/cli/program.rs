//! Under which name the program was started: `chancery`, or `consul` where it stands in for that.

use std::ffi::OsString;
use std::path::Path;

use clap::Command;

use crate::version::CONSUL_INTERFACE_VERSION;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Program {
    Chancery,
    /// Scripts look at the answers: they are in the form that they know.
    Consul,
}

impl Program {
    /// From the first word of the command line.
    pub fn named(word: Option<&OsString>) -> Self {
        let consul = word.is_some_and(|word| Path::new(word).file_stem().is_some_and(|name| name == "consul"));
        if consul { Self::Consul } else { Self::Chancery }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Chancery => "chancery",
            Self::Consul => "consul",
        }
    }

    /// The definition with this name in usage lines and examples.
    pub fn speaking(self, command: Command) -> Command {
        match self {
            Self::Chancery => command,
            Self::Consul => {
                examples(command, self.name()).name(self.name()).bin_name(self.name()).version(CONSUL_INTERFACE_VERSION)
            }
        }
    }
}

fn examples(command: Command, name: &str) -> Command {
    let help = command.get_after_help().map(|help| help.to_string().replace("chancery ", &format!("{name} ")));
    let command = match help {
        Some(help) => command.after_help(help),
        None => command,
    };
    command.mut_subcommands(|part| examples(part, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_file_decides() {
        let named = |word: &str| Program::named(Some(&OsString::from(word)));
        assert_eq!(named("/usr/bin/consul"), Program::Consul);
        assert_eq!(named("consul"), Program::Consul);
        assert_eq!(named("target/debug/chancery"), Program::Chancery);
        assert_eq!(named("consul-template"), Program::Chancery);
        assert_eq!(Program::named(None), Program::Chancery);
    }
}
