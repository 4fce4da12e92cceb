//! The command line: `agent`, which becomes the agent, and clients of an agent's HTTP API, all spelled as Consul's.
//!
//! A command reads its flags, asks the agent and writes to the `out` it is given; what goes wrong comes back as a
//! [`CliError`] and is told here, once. Started under the name `consul`, the program calls itself so.

mod api;
mod catalog;
mod columns;
mod completion;
mod config;
mod connect;
mod debug;
mod definition;
#[cfg(test)]
mod documented;
mod entries_together;
mod error;
mod exact;
mod explain;
mod flags;
mod format;
mod given;
mod health;
mod info;
mod intention;
mod keygen;
mod kv;
mod maint;
mod members;
mod monitor;
mod operator;
mod paint;
mod program;
mod refused;
mod running;
mod services;
mod snapshot;
mod tls;
mod validate;
mod version;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand, value_parser};

use crate::config::AgentFlags;
use crate::flags::go_flags;
use crate::swarm::SwarmFlags;
use crate::version::CHANCERY_VERSION;
use error::CliError;
use program::Program;

/// Answered as the command `version`, as Consul does.
const VERSION_FLAGS: [&str; 3] = ["-v", "-version", "--version"];

#[derive(Parser)]
#[command(
    name = "chancery",
    version = CHANCERY_VERSION,
    about = "A service-mesh control plane for Envoy that speaks Consul's interface",
    after_help = "Flags may have one dash or two. Start here:\n\n    $ chancery agent -dev",
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Agent(Box<AgentFlags>),
    /// Look at the catalog
    #[command(subcommand)]
    Catalog(catalog::Catalog),
    /// Print a completion script for a shell
    Completion(completion::Completion),
    /// Write, read, list and delete config entries
    #[command(subcommand)]
    Config(config::Config),
    /// Run proxies, look after the certificate authority
    #[command(subcommand)]
    Connect(Box<connect::Connect>),
    /// Gather what somebody who looks for a fault wants to see
    Debug(debug::Debug),
    /// Say why calls of a service go where they go
    Explain(explain::Explain),
    /// Take a node out of the cluster
    ForceLeave(running::ForceLeave),
    /// See how services, nodes and checks are
    #[command(subcommand)]
    Health(health::Health),
    /// Print what the agent says about its own work
    Info(info::Info),
    /// Say who may call whom
    #[command(subcommand)]
    Intention(intention::Intention),
    /// Print a random key
    Keygen(keygen::Keygen),
    /// Read and write the key-value store
    #[command(subcommand)]
    Kv(kv::Kv),
    /// End the agent, after its clients have been sent away
    Leave(running::Leave),
    /// Take a node or an instance out of use for a while
    Maint(maint::Maint),
    /// List the members of the cluster
    Members(members::Members),
    /// Follow the agent's log
    Monitor(monitor::Monitor),
    /// Count what the agent holds
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Have the agent read its configuration files again
    Reload(running::Reload),
    /// Register and deregister services
    #[command(subcommand)]
    Services(services::Services),
    /// Save and restore the agent's state
    #[command(subcommand)]
    Snapshot(snapshot::Snapshot),
    /// Measure a control plane with many simulated Envoys
    Swarm(SwarmFlags),
    /// Make certificates for the agent's own doors
    #[command(subcommand)]
    Tls(tls::Tls),
    /// Check configuration files without an agent
    Validate(validate::Validate),
    /// Print the version
    Version(version::Version),
    /// Wait for changes, and run a program for each
    Watch(watch::Watch),
}

/// What a command line asks for.
pub enum CommandLine {
    /// To be the agent.
    Agent(Box<AgentFlags>),
    /// To ask one.
    Client(Box<Client>),
    /// Help, a version, or something that does not exist: it has been told already.
    Answered(ExitCode),
}

/// A command besides `agent`.
pub struct Client {
    command: Command,
    program: Program,
    failed: ExitCode,
}

/// Reads a command line that starts with the program's name.
pub fn read(args: impl IntoIterator<Item = OsString>) -> CommandLine {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|word| VERSION_FLAGS.iter().any(|flag| word == flag)) {
        args[1] = "version".into();
    }
    let program = Program::named(args.first());
    let failed = ExitCode::from(failure_code(&args));
    if let Some(sentence) = refused::sentence(&args) {
        _ = writeln!(io::stderr(), "{sentence}");
        return CommandLine::Answered(failed);
    }
    match parse(program, args) {
        Ok(Cli { command: Command::Agent(flags) }) => CommandLine::Agent(flags),
        Ok(Cli { command }) => CommandLine::Client(Box::new(Client { command, program, failed })),
        Err(error) => {
            // nothing is left to tell it to when the terminal itself is gone
            _ = error.print();
            let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            CommandLine::Answered(if asked_for { ExitCode::SUCCESS } else { failed })
        }
    }
}

impl Client {
    /// Exit codes: 0 done, 1 failed; for `intention check` as in Consul: 0 allowed, 1 denied, 2 failed.
    pub fn run(self) -> ExitCode {
        let failed = self.failed;
        let mut out = io::stdout().lock();
        match self.dispatch(&mut out).and_then(|code| out.flush().map(|()| code).map_err(CliError::Output)) {
            Ok(code) => code,
            // who reads has read enough, as in `chancery catalog services | head -1`
            Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => {
                _ = writeln!(io::stderr(), "{error}");
                failed
            }
        }
    }

    fn dispatch(self, out: &mut dyn Write) -> Result<ExitCode, CliError> {
        match self.command {
            Command::Agent(_) => return Err(CliError::usage("`agent` is the agent itself, not a client of one")),
            Command::Catalog(command) => command.run(out)?,
            Command::Completion(command) => command.run(self.program, out)?,
            Command::Config(command) => command.run(out)?,
            Command::Connect(command) => command.run(out)?,
            Command::Debug(command) => command.run(out)?,
            Command::Explain(command) => command.run(out)?,
            Command::ForceLeave(command) => command.run()?,
            Command::Health(command) => command.run(out)?,
            Command::Info(command) => command.run(out)?,
            Command::Intention(command) => return command.run(out),
            Command::Keygen(command) => command.run(out)?,
            Command::Kv(command) => command.run(out)?,
            Command::Leave(command) => command.run(out)?,
            Command::Maint(command) => command.run(out)?,
            Command::Members(command) => return command.run(out),
            Command::Monitor(command) => command.run(out)?,
            Command::Operator(command) => command.run(out)?,
            Command::Reload(command) => command.run(out)?,
            Command::Services(command) => command.run(out)?,
            Command::Snapshot(command) => command.run(out)?,
            Command::Swarm(flags) => flags.run(out)?,
            Command::Tls(command) => command.run(out)?,
            Command::Validate(command) => return command.run(out),
            Command::Version(command) => command.run(self.program, out)?,
            Command::Watch(command) => command.run(out)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn failure_code(args: &[OsString]) -> u8 {
    let is_check =
        args.get(1).is_some_and(|word| word == "intention") && args.get(2).is_some_and(|word| word == "check");
    if is_check { 2 } else { 1 }
}

fn parse(program: Program, args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let command = definition(program);
    let args = go_flags(&command, args);
    Cli::from_arg_matches(&command.try_get_matches_from(args)?)
}

/// The whole command line: what is parsed, helped with and completed.
fn definition(program: Program) -> clap::Command {
    program.speaking(with_switch_values(Cli::command()))
}

/// Lets every switch take a value as Go's flags do: `-bootstrap`, `-bootstrap=true`, `-bootstrap=false`.
fn with_switch_values(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            if !matches!(arg.get_action(), ArgAction::SetTrue) {
                return arg;
            }
            arg.action(ArgAction::Set)
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .default_value("false")
                .hide_default_value(true)
                .hide_possible_values(true)
                .value_name("BOOL")
                .value_parser(value_parser!(bool))
        })
        .mut_subcommands(with_switch_values)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{Cli, Command, Program, catalog, definition, failure_code, parse};

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        parse(Program::Chancery, words(line))
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_command_tree_is_sound() {
        definition(Program::Chancery).debug_assert();
    }

    #[test]
    fn a_mistyped_word_gets_a_suggestion() {
        let told = parsed("chancery servces register").err().expect("there is no such word").to_string();
        assert!(told.contains("'services'"), "{told}");
    }

    #[test]
    fn a_switch_may_have_a_value() {
        for (line, wanted) in [
            ("chancery catalog services", false),
            ("chancery catalog services --tags", true),
            ("chancery catalog services --tags=true", true),
            ("chancery catalog services -tags=false", false),
        ] {
            let command = parsed(line).unwrap_or_else(|error| panic!("{line}: {error}")).command;
            let Command::Catalog(catalog::Catalog::Services(flags)) = command else { panic!("{line}") };
            assert_eq!(flags.tags, wanted, "{line}");
        }
    }

    #[test]
    fn only_intention_check_fails_with_two() {
        assert_eq!(failure_code(&words("chancery intention check a b")), 2);
        assert_eq!(failure_code(&words("chancery intention list")), 1);
        assert_eq!(failure_code(&words("chancery")), 1);
    }
}
