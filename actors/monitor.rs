//! Who listens to the log while the process runs, each at a level of its own. While nobody does, it costs nothing.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::{Context, Filter, Layer};

/// Lines that may wait for a slow listener; further ones are lost to it.
const WAITING: usize = 512;

#[derive(Default)]
pub struct Monitors {
    listeners: Mutex<Vec<Listener>>,
}

struct Listener {
    level: LevelFilter,
    json: bool,
    lines: mpsc::Sender<String>,
}

/// A listener; dropping it ends the listening.
pub struct Monitor {
    pub lines: mpsc::Receiver<String>,
    monitors: Arc<Monitors>,
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.lines.close();
        self.monitors.locked().retain(|listener| !listener.lines.is_closed());
        tracing::callsite::rebuild_interest_cache();
    }
}

impl Monitors {
    /// What is logged from now on at this level and above, line by line.
    pub fn listen(self: &Arc<Self>, level: LevelFilter, json: bool) -> Monitor {
        let (lines, heard) = mpsc::channel(WAITING);
        self.locked().push(Listener { level, json, lines });
        tracing::callsite::rebuild_interest_cache();
        Monitor { lines: heard, monitors: Arc::clone(self) }
    }

    pub fn layer(self: &Arc<Self>) -> MonitorLayer {
        MonitorLayer(Arc::clone(self))
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The level of the most curious listener.
    fn most(&self) -> LevelFilter {
        self.locked().iter().map(|listener| listener.level).max().unwrap_or(LevelFilter::OFF)
    }
}

/// Lets through what anybody listens to.
pub struct Audience(pub Arc<Monitors>);

impl<S: Subscriber> Filter<S> for Audience {
    fn enabled(&self, meta: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        let ours = meta.target().starts_with("chancery") || *meta.level() <= Level::WARN;
        ours && *meta.level() <= self.0.most()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.most())
    }
}

pub struct MonitorLayer(Arc<Monitors>);

impl<S: Subscriber> Layer<S> for MonitorLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut told = Told::default();
        event.record(&mut told);
        let mut time = String::new();
        // writing into a text cannot fail
        _ = SystemTime.format_time(&mut Writer::new(&mut time));
        for listener in self.0.locked().iter().filter(|listener| *event.metadata().level() <= listener.level) {
            let line = told.line(&time, event.metadata(), listener.json);
            // full: it is slow, and hears the next ones
            _ = listener.lines.try_send(line);
        }
    }
}

/// The message and the fields of an event, in their order.
#[derive(Default)]
struct Told {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            name => self.fields.push((name, value.to_owned())),
        }
    }
}

impl Told {
    fn line(&self, time: &str, meta: &Metadata<'_>, json: bool) -> String {
        let module = meta.target().rsplit("::").next().unwrap_or_default();
        if json {
            let level = meta.level().as_str().to_ascii_lowercase();
            let head =
                [("@level", level.as_str()), ("@message", &self.message), ("@module", module), ("@timestamp", time)];
            let fields = self.fields.iter().map(|(name, value)| (*name, value.as_str()));
            let object: Map<String, Value> =
                head.into_iter().chain(fields).map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
            return format!("{}\n", Value::Object(object));
        }
        let level = format!("[{}]", meta.level());
        let mut line = format!("{time} {level:<7} {module}: {}", self.message);
        for (at, (name, value)) in self.fields.iter().enumerate() {
            let colon = if at == 0 { ":" } else { "" };
            // writing into a text cannot fail
            _ = write!(line, "{colon} {name}={value}");
        }
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn each_hears_what_it_listens_to_and_nobody_costs_nothing() {
        let monitors = Arc::<Monitors>::default();
        let audience = monitors.layer().with_filter(Audience(Arc::clone(&monitors)));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(audience), || {
            assert_eq!(monitors.most(), LevelFilter::OFF);
            let mut warnings = monitors.listen(LevelFilter::WARN, false);
            let mut all = monitors.listen(LevelFilter::DEBUG, true);
            tracing::debug!(target: "chancery_actors::catalog", index = 7, "done");
            tracing::warn!(target: "chancery_actors::catalog", service = "web", "late");
            let line = warnings.lines.try_recv().expect("a warning");
            assert!(line.ends_with("[WARN]  catalog: late: service=web\n"), "{line}");
            assert!(warnings.lines.try_recv().is_err());
            let told: Value = serde_json::from_str(&all.lines.try_recv().expect("a line")).expect("JSON");
            assert_eq!(
                (&told["@level"], &told["@message"], &told["index"]),
                (&"debug".into(), &"done".into(), &"7".into())
            );
            drop(all);
            assert_eq!(monitors.most(), LevelFilter::WARN);
            drop(warnings);
            assert_eq!(monitors.most(), LevelFilter::OFF);
        });
    }
}
