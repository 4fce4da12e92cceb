//! The program: `chancery agent` is the control plane, every other word is a client of one.

use std::process::ExitCode;

use chancery_actors::agent;
use chancery_actors::config::AgentFlags;
use chancery_actors::doors::cli::{self, CommandLine};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::read(std::env::args_os()) {
        CommandLine::Agent(flags) => run_agent(*flags),
        CommandLine::Client(client) => client.run(),
        CommandLine::Answered(code) => code,
    }
}

fn run_agent(flags: AgentFlags) -> ExitCode {
    let system = actix::System::with_tokio_rt(runtime);
    match system.block_on(agent::run(flags)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("==> {error}");
            ExitCode::FAILURE
        }
    }
}

/// Doors run here; actors have threads of their own.
#[allow(clippy::expect_used, reason = "a process that may not start a thread cannot do anything else either")]
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("the runtime's threads can be started")
}
