//! Every metric, in one list. Labels are types, outcomes and reasons, never names of services, proxies or resources:
//! those are what the admin API is for.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chancery::catalog::Outcome;
use chancery::resource::ResourceType;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::kit::Stage;
use crate::kit::ripple::Ended;

/// Kind, name, what it says.
pub const LIST: &[(Kind, &str, &str)] = &[
    (Kind::Gauge, "chancery_build_info", "1, with the version as a label"),
    (Kind::Gauge, "chancery_catalog_index", "index of the newest published tables"),
    (
        Kind::Counter,
        "chancery_catalog_writes_total",
        "writes by outcome: applied, unchanged, cas_failed, refused, failed",
    ),
    (Kind::Histogram, "chancery_catalog_commit_seconds", "from a write's receipt until it is durable and published"),
    (Kind::Histogram, "chancery_store_commit_seconds", "one commit of the store"),
    (Kind::Histogram, "chancery_store_batch_size", "writes that went to the store as one commit"),
    (Kind::Gauge, "chancery_services", "instances registered"),
    (Kind::Gauge, "chancery_nodes", "nodes registered"),
    (Kind::Gauge, "chancery_config_entries", "config entries by kind"),
    (Kind::Gauge, "chancery_checks", "health checks by status"),
    (Kind::Counter, "chancery_check_runs_total", "runs of health checks by kind and outcome"),
    (Kind::Gauge, "chancery_source_watches", "topics that are watched, by kind of topic"),
    (Kind::Counter, "chancery_source_watch_evaluations_total", "looks at a topic, by kind and outcome: changed, same"),
    (Kind::Gauge, "chancery_proxies", "proxies with a state"),
    (Kind::Gauge, "chancery_proxies_out_of_sync", "connected proxies that have not acknowledged their newest snapshot"),
    (Kind::Counter, "chancery_proxy_rebuilds_total", "snapshots rebuilt, by outcome: changed, unchanged, incomplete"),
    (Kind::Histogram, "chancery_proxy_rebuild_seconds", "one rebuild of a snapshot"),
    (Kind::Gauge, "chancery_generation_refusals", "resources that could not be generated, over all proxies"),
    (
        Kind::Gauge,
        "chancery_extension_failures",
        "resources to which an Envoy extension could not be applied, by extension",
    ),
    (Kind::Gauge, "chancery_xds_streams", "open xDS streams by dialect"),
    (Kind::Counter, "chancery_xds_pushes_total", "responses sent, by type"),
    (Kind::Counter, "chancery_xds_resources_sent_total", "resources sent, by type"),
    (Kind::Counter, "chancery_xds_bytes_sent_total", "bytes of responses sent, by type"),
    (Kind::Counter, "chancery_xds_acks_total", "responses acknowledged, by type"),
    (Kind::Counter, "chancery_xds_nacks_total", "responses refused by clients, by type"),
    (
        Kind::Counter,
        "chancery_xds_streams_ended_total",
        "streams that were refused or ended here, by reason: crowded, draining, invalid, unread, aged",
    ),
    (
        Kind::Counter,
        "chancery_load_requests_total",
        "requests that clients have reported, by outcome: success, error, dropped",
    ),
    (Kind::Histogram, "chancery_ripple_seconds", "from a write's receipt until the last of it passed a stage"),
    (Kind::Counter, "chancery_ripples_total", "changes that ended, by outcome: converged, rejected, gone"),
    (Kind::Gauge, "chancery_actors", "actors by kind"),
    (Kind::Counter, "chancery_actor_messages_total", "messages handled, by kind of actor"),
    (Kind::Gauge, "chancery_actor_mailbox_depth", "messages that wait, by kind of actor"),
    (Kind::Gauge, "chancery_actor_busy_seconds_total", "time spent in handlers, by kind of actor; only grows"),
    (Kind::Counter, "chancery_actor_restarts_total", "actors rebuilt, by kind"),
    (Kind::Counter, "chancery_http_requests_total", "HTTP requests by family and code"),
    (
        Kind::Counter,
        "chancery_http_requests_over_limit_total",
        "HTTP requests beyond limits.request_limits, by kind (read, write) and mode (permissive, enforcing)",
    ),
    (Kind::Histogram, "chancery_http_request_seconds", "HTTP requests that do not block, by family"),
    (Kind::Gauge, "chancery_http_blocking_reads", "blocking reads that wait"),
    (Kind::Counter, "chancery_leaf_issued_total", "leaf certificates issued"),
    (Kind::Gauge, "chancery_leaf_expiry_seconds", "until the first leaf in use expires"),
    (Kind::Gauge, "chancery_root_expiry_seconds", "until the active root expires"),
    (Kind::Gauge, "chancery_open_files", "file descriptors in use"),
    (Kind::Gauge, "chancery_open_files_limit", "file descriptors allowed"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Bounds of the histograms of durations, in seconds: 50 µs to 30 s.
pub const SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0, 30.0,
];

/// Bounds of the histograms of counts.
pub const COUNTS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 5000.0];

/// Gives each metric its help text; once, after the recorder is installed.
pub fn describe() {
    for (kind, name, help) in LIST {
        match kind {
            Kind::Counter => describe_counter!(*name, *help),
            Kind::Gauge => describe_gauge!(*name, *help),
            Kind::Histogram => describe_histogram!(*name, *help),
        }
    }
}

pub(crate) fn catalog_write(outcome: &'static str) {
    counter!("chancery_catalog_writes_total", "outcome" => outcome).increment(1);
}

pub(crate) fn catalog_commit(outcome: Outcome, took: Duration) {
    catalog_write(match outcome {
        Outcome::Applied => "applied",
        Outcome::Unchanged => "unchanged",
        Outcome::CasFailed => "cas_failed",
    });
    histogram!("chancery_catalog_commit_seconds").record(took);
}

#[allow(clippy::cast_precision_loss, reason = "a batch is far below 2^52")]
pub(crate) fn store_batch(writes: usize) {
    histogram!("chancery_store_batch_size").record(writes as f64);
}

pub(crate) fn store_commit(took: Duration) {
    histogram!("chancery_store_commit_seconds").record(took);
}

pub(crate) fn watch_evaluation(topic: &'static str, changed: bool) {
    let outcome = if changed { "changed" } else { "same" };
    counter!("chancery_source_watch_evaluations_total", "topic" => topic, "outcome" => outcome).increment(1);
}

pub(crate) fn proxy_rebuild(outcome: &'static str, took: Duration) {
    counter!("chancery_proxy_rebuilds_total", "outcome" => outcome).increment(1);
    histogram!("chancery_proxy_rebuild_seconds").record(took);
}

pub(crate) fn push(kind: ResourceType, resources: usize, bytes: usize) {
    counter!("chancery_xds_pushes_total", "type" => kind.as_str()).increment(1);
    counter!("chancery_xds_resources_sent_total", "type" => kind.as_str()).increment(resources as u64);
    counter!("chancery_xds_bytes_sent_total", "type" => kind.as_str()).increment(bytes as u64);
}

pub(crate) fn acknowledged(kind: ResourceType) {
    counter!("chancery_xds_acks_total", "type" => kind.as_str()).increment(1);
}

pub(crate) fn rejected(kind: ResourceType) {
    counter!("chancery_xds_nacks_total", "type" => kind.as_str()).increment(1);
}

pub(crate) fn stream_ended(reason: &'static str) {
    counter!("chancery_xds_streams_ended_total", "reason" => reason).increment(1);
}

/// What one client has sent to one cluster since its last report.
pub(crate) fn load_reported(successful: u64, errors: u64, dropped: u64) {
    for (outcome, count) in [("success", successful), ("error", errors), ("dropped", dropped)] {
        counter!("chancery_load_requests_total", "outcome" => outcome).increment(count);
    }
}

pub(crate) fn leaf_issued() {
    counter!("chancery_leaf_issued_total").increment(1);
}

pub(crate) fn check_run(kind: &'static str, outcome: &'static str) {
    counter!("chancery_check_runs_total", "kind" => kind, "outcome" => outcome).increment(1);
}

/// A change has converged, or as good as it will.
#[allow(clippy::cast_precision_loss, reason = "a duration in nanoseconds fits a double well enough for a bucket")]
pub fn ripple_ended(ended: &Ended) {
    for stage in Stage::ALL {
        let elapsed_ns = ended.stage_ns[stage as usize];
        if elapsed_ns > 0 {
            histogram!("chancery_ripple_seconds", "stage" => stage.as_str()).record(elapsed_ns as f64 / 1e9);
        }
    }
    let outcome = match (ended.rejected, ended.gone) {
        (true, _) => "rejected",
        (false, true) => "gone",
        (false, false) => "converged",
    };
    counter!("chancery_ripples_total", "outcome" => outcome).increment(1);
}

static BLOCKING_READS: AtomicI64 = AtomicI64::new(0);

/// One blocking read, counted until dropped.
pub(crate) struct BlockingRead(());

pub(crate) fn blocking_read() -> BlockingRead {
    BLOCKING_READS.fetch_add(1, Ordering::Relaxed);
    BlockingRead(())
}

impl Drop for BlockingRead {
    fn drop(&mut self) {
        BLOCKING_READS.fetch_sub(1, Ordering::Relaxed);
    }
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn blocking_reads() -> f64 {
    BLOCKING_READS.load(Ordering::Relaxed) as f64
}

/// Sets a gauge that is read off the state when somebody scrapes.
pub(crate) fn set(name: &'static str, labels: &[(&'static str, &str)], value: f64) {
    let labels: Vec<metrics::Label> =
        labels.iter().map(|(key, value)| metrics::Label::new(*key, (*value).to_owned())).collect();
    gauge!(name, labels).set(value);
}
