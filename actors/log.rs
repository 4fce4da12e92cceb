//! Logs: lines on standard error, for people or as JSON, at a level that can be changed while the process runs; and the
//! same for whoever listens at [`Monitors`].

use std::sync::Arc;

use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::monitor::{Audience, Monitors};

/// Changes the level of the running process, and tells others what it logs.
pub struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
    pub monitors: Arc<Monitors>,
}

impl Log {
    pub fn set(&self, level: &str) {
        if let Err(error) = self.filter.reload(filter(level)) {
            tracing::warn!(%error, "the log level stays as it was");
        }
    }
}

/// Installs the subscriber. `level` is one of Consul's words: trace, debug, info, warn, error.
pub fn install(level: &str, json: bool) -> Log {
    let (filter, handle) = reload::Layer::new(filter(level));
    let monitors = Arc::<Monitors>::default();
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(colours);
    let lines = if json { lines.json().with_filter(filter).boxed() } else { lines.with_filter(filter).boxed() };
    let audience = monitors.layer().with_filter(Audience(Arc::clone(&monitors)));
    // a second installation in one process (tests) keeps the first
    _ = tracing_subscriber::registry().with(lines).with(audience).try_init();
    Log { filter: handle, monitors }
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
