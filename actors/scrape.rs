//! What Prometheus reads: the recorder's text, after the gauges that are not counted but read off the state.

use std::sync::Arc;

use chancery::catalog::query;
use chancery::model::extension::ExtensionName;
use chancery::model::{EntryKind, Status, Word as _};
use metrics::counter;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::metrics::{self as list, COUNTS, SECONDS, blocking_reads, set};
use crate::version::CHANCERY_VERSION;
use crate::wiring::House;

/// The recorder that is installed for the whole process.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets(SECONDS)?
        .set_buckets_for_metric(Matcher::Full("chancery_store_batch_size".to_owned()), COUNTS)?
        .install_recorder()?;
    list::describe();
    Ok(handle)
}

/// Renders everything, as Prometheus' text format.
#[derive(Clone)]
pub struct Scrape {
    house: House,
    handle: Arc<PrometheusHandle>,
}

#[allow(clippy::cast_precision_loss, reason = "gauges are doubles; these numbers are far below 2^52")]
impl Scrape {
    pub fn new(house: House, handle: PrometheusHandle) -> Self {
        Self { house, handle: Arc::new(handle) }
    }

    /// Takes as long as the state is large: call it where blocking is allowed.
    pub fn render(&self) -> String {
        self.read_catalog();
        self.read_proxies();
        self.read_actors();
        self.read_process();
        self.handle.render()
    }

    /// Moves samples of histograms into their buckets; without it they pile up between scrapes.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    fn read_catalog(&self) {
        let tables = self.house.catalog.tables();
        set("chancery_catalog_index", &[], tables.index().0 as f64);
        set("chancery_nodes", &[], query::nodes(&tables).len() as f64);
        set("chancery_services", &[], query::service_count(&tables) as f64);
        for kind in EntryKind::all() {
            set("chancery_config_entries", &[("kind", kind.as_str())], query::entries(&tables, kind).len() as f64);
        }
        let by_status = query::check_counts(&tables);
        for status in [Status::Passing, Status::Warning, Status::Critical] {
            let count = by_status.get(&status).copied().unwrap_or(0);
            set("chancery_checks", &[("status", status.as_str())], count as f64);
        }
        let now = self.house.clock.unix_seconds();
        if let Some(first) = query::leaves(&tables).iter().map(|leaf| leaf.valid_before.0).min() {
            set("chancery_leaf_expiry_seconds", &[], (first - now) as f64);
        }
        if let Some(root) = tables.roots().and_then(|roots| roots.active()) {
            set("chancery_root_expiry_seconds", &[], (root.not_after.0 - now) as f64);
        }
    }

    fn read_proxies(&self) {
        let proxies = &self.house.proxies;
        let mut topics = std::collections::BTreeMap::new();
        for topic in self.house.watches.topics.keys() {
            *topics.entry(topic.kind()).or_insert(0_u32) += 1;
        }
        for kind in chancery::model::Topic::KINDS {
            set("chancery_source_watches", &[("topic", kind)], topics.get(kind).copied().unwrap_or(0).into());
        }
        let programs = &self.house.streams.publications().programs;
        let of_sidecars = proxies.snapshots.keys().into_iter().filter_map(|id| proxies.board.read(&id));
        let of_programs = programs.snapshots.keys().into_iter().filter_map(|id| programs.board.read(&id));
        let published = of_sidecars.chain(of_programs);
        let refusals: Vec<_> = published.flat_map(|published| published.refusals.to_vec()).collect();
        set("chancery_generation_refusals", &[], refusals.len() as f64);
        for (name, word) in ExtensionName::WORDS {
            let failed = refusals.iter().filter(|refusal| refusal.extension() == Some(*name)).count();
            set("chancery_extension_failures", &[("extension", word)], failed as f64);
        }
        set("chancery_proxies", &[], (proxies.board.len() + programs.board.len()) as f64);
        let sheets = self.house.streams.sheets();
        for (dialect, word) in crate::xds_stream::DIALECTS {
            let open = sheets.iter().filter(|sheet| sheet.dialect == dialect).count();
            set("chancery_xds_streams", &[("dialect", word)], open as f64);
        }
        let behind = sheets.iter().filter(|sheet| !sheet.protocol().settled()).count();
        set("chancery_proxies_out_of_sync", &[], behind as f64);
        set("chancery_http_blocking_reads", &[], blocking_reads());
    }

    fn read_actors(&self) {
        for (kind, totals) in self.house.desk.totals() {
            set("chancery_actors", &[("kind", kind)], totals.actors as f64);
            set("chancery_actor_mailbox_depth", &[("kind", kind)], totals.mailbox as f64);
            counter!("chancery_actor_messages_total", "kind" => kind).absolute(totals.handled);
            counter!("chancery_actor_restarts_total", "kind" => kind).absolute(totals.restarts);
            // whole seconds would hide an idle actor: counters of the recorder are integers, so a gauge carries it
            set("chancery_actor_busy_seconds_total", &[("kind", kind)], totals.busy_ns as f64 / 1e9);
        }
    }

    fn read_process(&self) {
        set("chancery_build_info", &[("version", CHANCERY_VERSION)], 1.0);
        let open = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        set("chancery_open_files", &[], open as f64);
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        set("chancery_open_files_limit", &[], limit.unwrap_or(0) as f64);
    }
}
