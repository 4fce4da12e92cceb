//! The tables of commands in the README and in the page for who comes from Consul are true.

use std::collections::BTreeMap;

use clap::Command;

use super::refused::REFUSED;
use super::{Program, definition};

const COMPATIBILITY: &str = include_str!("../../../docs/consul-compatibility.md");
const README: &str = include_str!("../../../README.md");

/// The words in backticks in the first column of the table.
fn documented() -> Vec<&'static str> {
    let table = README.split("| commands | what for |").nth(1).expect("the README has the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| row.split('|').nth(1)).flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

fn leaves(command: &Command, around: &str, into: &mut Vec<String>) {
    for part in command.get_subcommands().filter(|part| part.get_name() != "help" && !part.is_hide_set()) {
        let name = format!("{around}{}", part.get_name());
        if part.has_subcommands() && part.is_subcommand_required_set() {
            leaves(part, &format!("{name} "), into);
        } else {
            into.push(name);
        }
    }
}

#[test]
fn every_command_is_in_the_readme_and_every_one_there_exists() {
    let mut existing = Vec::new();
    leaves(&definition(Program::Chancery), "", &mut existing);
    let mut documented: Vec<String> = documented().into_iter().map(str::to_owned).collect();
    existing.sort();
    documented.sort();
    assert_eq!(documented, existing);
}

#[test]
fn every_command_and_flag_says_what_it_is_and_commands_have_an_example() {
    fn look(command: &Command, path: &str, silent: &mut Vec<String>) {
        for part in command.get_subcommands() {
            let path = format!("{path} {}", part.get_name());
            if part.get_about().is_none() {
                silent.push(path.clone());
            }
            let leaf = !(part.has_subcommands() && part.is_subcommand_required_set());
            if leaf && !part.is_hide_set() && !part.get_after_help().is_some_and(|help| help.to_string().contains("$ "))
            {
                silent.push(format!("{path}: no example"));
            }
            let arguments = part.get_arguments().filter(|argument| argument.get_help().is_none());
            silent.extend(arguments.map(|argument| format!("{path} {}", argument.get_id())));
            look(part, &path, silent);
        }
    }
    let mut silent = Vec::new();
    look(&definition(Program::Chancery), "", &mut silent);
    assert_eq!(silent, Vec::<String>::new());
}

/// Its own flags, without those of every command.
fn flags(command: &Command) -> String {
    let own = command.get_arguments().filter(|flag| !flag.is_hide_set() && flag.get_id() != "help");
    let own = own.filter(|flag| flag.get_help_heading() != Some("HTTP API options"));
    own.filter_map(|flag| flag.get_long()).map(|name| format!("`-{name}`")).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_for_who_comes_from_consul_has_every_command_with_its_flags_and_the_words_of_each_refusal() {
    let part = COMPATIBILITY.split("\n## ").find(|part| part.starts_with("Command line\n")).expect("it is there");
    let rows = part.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|row| row.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect::<Vec<_>>());
    let found: BTreeMap<String, String> =
        rows.map(|cells| (cells[0].trim_matches('`').to_owned(), cells[1].to_owned())).collect();
    let whole = definition(Program::Chancery);
    let mut names = Vec::new();
    leaves(&whole, "", &mut names);
    let of = |name: &str| {
        let words = name.split(' ');
        flags(words.fold(&whole, |command, word| command.find_subcommand(word).expect("it exists")))
    };
    let done = names.iter().map(|name| (name.clone(), of(name)));
    let refused = REFUSED.iter().map(|(name, why)| ((*name).to_owned(), (*why).to_owned()));
    let expected: BTreeMap<String, String> = done.chain(refused).collect();
    assert_eq!(found, expected, "docs/consul-compatibility.md");
}
