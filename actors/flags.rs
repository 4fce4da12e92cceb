//! Command lines as Consul's users write them, which is as Go reads them: one dash or two, `-flag=value` or `-flag value`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use clap::{Arg, Command};

/// Rewrites Go's flags into those of [`clap`]: `-data-dir x` becomes `--data-dir=x`. As in Go, a flag that takes a value
/// takes the next word, whatever it looks like. `args` starts with the program's name.
///
/// Words that the command itself takes as they are (after `--`, or where the command says so) stay.
pub fn go_flags(command: &Command, args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args = args.into_iter();
    let mut words: Vec<OsString> = args.next().into_iter().collect();
    let mut here = command;
    let mut named = false;
    while let Some(arg) = args.next() {
        if arg == "--" {
            words.push(arg);
            break;
        }
        let Some((name, value)) = flag(&arg) else {
            match arg.to_str().and_then(|word| here.find_subcommand(word)).filter(|_| !named) {
                Some(part) => here = part,
                None => named = true,
            }
            words.push(arg);
            if named && takes_words_as_they_are(here) {
                break;
            }
            continue;
        };
        let value = match value {
            None if find(here, name).is_some_and(takes_the_next_word) => args.next(),
            value => value.map(OsStr::to_owned),
        };
        words.push(long(name, value.as_deref()));
    }
    words.extend(args);
    words
}

/// Name and value of a flag with a long name; what begins with a dash and a digit is a number.
fn flag(arg: &OsStr) -> Option<(&str, Option<&OsStr>)> {
    let bytes = arg.as_bytes();
    let bytes = bytes.strip_prefix(b"--").or_else(|| bytes.strip_prefix(b"-"))?;
    // a value may be anything, but a flag's name is plain text
    let mut halves = bytes.splitn(2, |byte| *byte == b'=');
    let name = halves.next().and_then(|name| str::from_utf8(name).ok())?;
    let is_long = name.len() > 1 && name.starts_with(|letter: char| letter.is_ascii_alphabetic());
    is_long.then(|| (name, halves.next().map(OsStr::from_bytes)))
}

fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(name))
}

fn takes_the_next_word(arg: &Arg) -> bool {
    arg.get_action().takes_values() && arg.get_num_args().is_none_or(|range| range.min_values() > 0)
}

fn takes_words_as_they_are(command: &Command) -> bool {
    command.get_positionals().any(Arg::is_trailing_var_arg_set)
}

fn long(name: &str, value: Option<&OsStr>) -> OsString {
    let mut word = OsString::from(format!("--{name}"));
    if let Some(value) = value {
        word.push("=");
        word.push(value);
    }
    word
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction, Command};

    use super::*;

    fn commands() -> Command {
        let switch = |name: &'static str| Arg::new(name).long(name).num_args(0..=1).require_equals(true);
        Command::new("x")
            .subcommand(Command::new("agent").arg(switch("dev")).arg(Arg::new("data-dir").long("data-dir")))
            .subcommand(
                Command::new("put")
                    .arg(Arg::new("flags").long("flags"))
                    .arg(Arg::new("cas").long("cas").action(ArgAction::SetTrue))
                    .arg(Arg::new("key"))
                    .arg(Arg::new("value").num_args(1..).trailing_var_arg(true)),
            )
    }

    fn read(line: &str) -> String {
        let words = go_flags(&commands(), line.split(' ').map(OsString::from));
        words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_flag_gets_its_second_dash_and_its_value() {
        assert_eq!(read("x agent -dev -data-dir /x"), "x agent --dev --data-dir=/x");
        assert_eq!(read("x agent -dev=false --data-dir=/x -h"), "x agent --dev=false --data-dir=/x -h");
        assert_eq!(read("x agent -data-dri=/x -help"), "x agent --data-dri=/x --help", "clap names its neighbour");
    }

    #[test]
    fn a_value_is_taken_whatever_it_looks_like() {
        assert_eq!(read("x agent -data-dir -dev"), "x agent --data-dir=-dev");
        assert_eq!(read("x put -flags -1 -cas agent"), "x put --flags=-1 --cas agent");
    }

    #[test]
    fn words_that_a_command_takes_as_they_are_stay() {
        assert_eq!(read("x put -cas key -flags -cas"), "x put --cas key -flags -cas");
        assert_eq!(read("x agent -dev -- -dev"), "x agent --dev -- -dev");
        assert_eq!(read("x agent -1 -"), "x agent -1 -");
    }

    #[test]
    fn a_value_need_not_be_text() {
        let odd = OsStr::from_bytes(b"-data-dir=\xff");
        let words = go_flags(&commands(), ["x".into(), "agent".into(), odd.to_owned()]);
        assert_eq!(words[2].as_bytes(), b"--data-dir=\xff");
    }
}
