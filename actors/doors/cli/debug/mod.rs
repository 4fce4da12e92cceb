//! `chancery debug`: what somebody who looks for a fault wants to see of an agent, in one file.

mod archive;
mod capture;

use std::fs;
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use serde_json::{Map, json};

use super::error::CliError;
use super::flags::HttpFlags;
use crate::version::CHANCERY_VERSION;
use capture::{Capture, Kind};

#[derive(Args)]
#[command(
    after_help = "It holds no private keys; it does hold names, addresses, rules and the log. Ctrl-C ends it early, and what was \
    captured is kept.\n\nExamples:\n\n    $ chancery debug\n    $ chancery debug -duration=30s -interval=5s -capture=metrics -capture=logs"
)]
pub(super) struct Debug {
    /// What to capture, all of it if not given; may be repeated: agent, host, members, metrics, logs, actors, changes, proxies
    #[arg(long, value_name = "WHAT")]
    capture: Vec<String>,
    /// How long to look
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    duration: Duration,
    /// How long between two looks
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    interval: Duration,
    /// The name of the archive, without its ending [default: chancery-debug-SECONDS]
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Pack it into one file; -archive=false leaves a directory
    #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = true, value_name = "BOOL")]
    archive: bool,
    /// The log of before is not the agent's to give
    #[arg(long, value_name = "DURATION", hide = true)]
    since: Option<String>,
    #[command(flatten)]
    http: HttpFlags,
}

const NO_PAST: &str = "-since: the agent keeps nothing of before this command was started: its log goes to standard error, and who keeps \
    that has the past (journalctl -u chancery --since \"1 hour ago\", docker logs --since 1h); its metrics are with \
    Prometheus. -duration says how long to look from now on";

fn duration(text: &str) -> Result<Duration, String> {
    chancery::wire::duration::parse(text).ok_or_else(|| format!("expected a duration such as 30s or 5m, got {text:?}"))
}

impl Debug {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        if self.since.is_some() {
            return Err(CliError::usage(NO_PAST));
        }
        let kinds = Kind::named(&self.capture).map_err(CliError::Usage)?;
        if self.interval < Duration::from_secs(1) || self.duration < self.interval {
            return Err(CliError::usage("-interval must be at least 1s, and -duration at least as long"));
        }
        let folder = self.output.clone().unwrap_or_else(|| PathBuf::from(format!("chancery-debug-{}", seconds())));
        let mut archive = folder.clone().into_os_string();
        archive.push(".tar.gz");
        let archive = PathBuf::from(archive);
        if folder.exists() || (self.archive && archive.exists()) {
            return Err(CliError::file(&folder.display().to_string(), &"exists already: choose another -output"));
        }
        // the agent is there, or nothing is begun
        let api = self.http.connect()?;
        let agent = api.get("/v1/agent/self", &[])?;
        let told = |error: io::Error| CliError::file(&folder.display().to_string(), &error);
        // what an agent says is for its owner
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(told)?;

        let mut capture = Capture::new(&folder, &api);
        let began = Instant::now();
        if kinds.contains(&Kind::Logs) {
            capture.follow_log(self.http.connect()?);
        }
        capture.once(&kinds);
        let mut looks = 0;
        loop {
            capture.again(&kinds, looks);
            looks += 1;
            let left = self.duration.saturating_sub(began.elapsed());
            if io::stderr().is_terminal() {
                eprintln!("look {looks}, {} s left; Ctrl-C ends it", left.as_secs());
            }
            if left.is_zero() || api.interrupted_within(self.interval.min(left)) {
                break;
            }
        }
        let captured: Map<_, _> = capture.end().into_iter().map(|(name, result)| (name, json!(result))).collect();
        let index = json!({
            "ChanceryVersion": CHANCERY_VERSION,
            "Agent": agent["Config"],
            "Address": api.address.to_string(),
            "Seconds": began.elapsed().as_secs(),
            "Looks": looks,
            "Captured": captured,
        });
        fs::write(folder.join("index.json"), format!("{index:#}\n")).map_err(told)?;
        self.finish(&folder, &archive, out)
    }

    fn finish(&self, folder: &Path, archive: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        if !self.archive {
            writeln!(out, "Saved debug directory: {}", folder.display())?;
            return Ok(());
        }
        archive::pack(folder, archive)
            .and_then(|()| fs::remove_dir_all(folder))
            .map_err(|error| CliError::file(&archive.display().to_string(), &error))?;
        writeln!(out, "Saved debug archive: {}", archive.display())?;
        Ok(())
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
