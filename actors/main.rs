//! The program: `chancery agent` is the control plane, every other word is a client of one.

use std::process::ExitCode;

use chancery_actors::config::AgentFlags;
use chancery_actors::{agent, doors, flags};
use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = flags::long_flags(std::env::args_os());
    if args.get(1).is_none_or(|word| word != "agent") {
        return doors::cli::run(args);
    }
    // clap names the program in its usage line by the first word
    let words = std::iter::once("chancery agent".into()).chain(args.into_iter().skip(2));
    let agent_flags = match AgentFlags::try_parse_from(words) {
        Ok(agent_flags) => agent_flags,
        Err(error) => {
            let failed = error.use_stderr();
            _ = error.print();
            return if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let system = actix::System::with_tokio_rt(runtime);
    match system.block_on(agent::run(agent_flags)) {
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
