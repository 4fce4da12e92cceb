//! `chancery swarm`: a load tool. It is many Envoys at once, against this control plane or any other that speaks ADS, and
//! measures how long the server takes to tell them what changed, and at what cost.
//!
//! ```text
//!  scenario   what happens, and what is waited for       --> api, mesh   writes over HTTP
//!  bystander  somebody else who writes and reads
//!  fleet      the Envoys and their threads               --> board       what each has seen, and when
//!  stream     one connection: HTTP/2, gRPC's frames
//!  envoy      one Envoy: what it asks, how it answers    --> content     what resources need and list
//! ```
//!
//! The tool takes its processor time from the machine that the server runs on too: an Envoy decodes only what it must, and
//! equal resources once.

mod api;
mod board;
mod bystander;
mod content;
mod envoy;
mod flags;
mod fleet;
mod mark;
mod mesh;
mod messages;
mod node;
mod process;
mod progress;
mod report;
mod scenario;
mod spread;
mod stream;

use std::io::{self, Write};

pub use flags::SwarmFlags;
pub use process::{Process, Usage};
use scenario::Run;

/// What ends a run. Streams that fail do not: they are counted.
#[derive(Debug, thiserror::Error)]
pub enum SwarmError {
    #[error("{0}")]
    Usage(String),
    #[error("nothing answers at {address}: {reason}")]
    Unreachable { address: String, reason: String },
    #[error("{call} was refused: {reason}")]
    Refused { call: String, reason: String },
    #[error("cannot have {what}: {error}")]
    System { what: &'static str, error: io::Error },
    #[error("the results cannot be written: {0}")]
    Output(#[from] io::Error),
    #[error("not everything arrived everywhere within {seconds} s per round: see the column `streams`")]
    Incomplete { seconds: u32 },
}

impl SwarmFlags {
    /// Runs all scenarios and writes the results to `out`.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses a write, and, after the results, when a change did not arrive.
    pub fn run(&self, out: &mut dyn Write) -> Result<(), SwarmError> {
        self.check()?;
        raise_open_files(self.proxies)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| SwarmError::System { what: "a runtime", error })?;
        let report = runtime.block_on(async { Run::begin(self).await?.through().await })?;
        if self.json {
            let text = serde_json::to_string_pretty(&report).map_err(io::Error::from)?;
            writeln!(out, "{text}")?;
        } else {
            out.write_all(report.table().as_bytes())?;
        }
        out.flush()?;
        if report.is_complete() { Ok(()) } else { Err(SwarmError::Incomplete { seconds: self.timeout }) }
    }
}

/// Each Envoy takes one file.
fn raise_open_files(proxies: u32) -> Result<(), SwarmError> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// For everything else.
    const SPARE: u64 = 200;
    let limit = getrlimit(Resource::Nofile);
    let wanted = u64::from(proxies) + SPARE;
    if let Some(most) = limit.maximum.filter(|most| *most < wanted) {
        let told = format!("{proxies} connections need {wanted} open files, the limit is {most}: see `ulimit -Hn`");
        return Err(SwarmError::Usage(told));
    }
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .map_err(|error| SwarmError::System { what: "as many open files", error: error.into() })
}
