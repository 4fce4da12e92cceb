//! Logs: lines on standard error, for people or as JSON, at a level that can be changed while the process runs.

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// Changes the level of the running process.
pub struct LogLevel {
    filter: reload::Handle<EnvFilter, Registry>,
}

impl LogLevel {
    pub fn set(&self, level: &str) {
        if let Err(error) = self.filter.reload(filter(level)) {
            tracing::warn!(%error, "the log level stays as it was");
        }
    }
}

/// Installs the subscriber. `level` is one of Consul's words: trace, debug, info, warn, error.
pub fn install(level: &str, json: bool) -> LogLevel {
    let (filter, handle) = reload::Layer::new(filter(level));
    let registry = tracing_subscriber::registry().with(filter);
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(colours);
    // a second installation in one process (tests) keeps the first
    _ = if json { registry.with(lines.json()).try_init() } else { registry.with(lines).try_init() };
    LogLevel { filter: handle }
}

fn filter(level: &str) -> EnvFilter {
    let level = match level.to_ascii_lowercase().as_str() {
        "trace" => "trace",
        "debug" => "debug",
        "warn" | "warning" => "warn",
        "err" | "error" => "error",
        _ => "info",
    };
    // the libraries below speak only when something is wrong
    EnvFilter::new(format!("warn,chancery={level},chancery_actors={level}"))
}
