//! A round of a scenario: what is noted when it begins, what is waited for, what it cost.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{LOOK, REPOSE, Run, SILENCE};
use crate::swarm::board::{Count, Moment};
use crate::swarm::process::{Process, Usage};
use crate::swarm::report::Row;
use crate::swarm::spread::Spread;

/// The state of things when a round begins.
pub(super) struct Begin {
    at: u64,
    count: Count,
    usage: Option<Usage>,
    failures: u64,
}

impl Run<'_> {
    pub(super) fn begin_round(&self) -> Begin {
        let board = &self.fleet.board;
        Begin {
            usage: self.server.and_then(Process::usage),
            count: board.count(),
            failures: board.totals.failures.load(Relaxed),
            at: board.now(),
        }
    }

    pub(super) async fn wait_for_acknowledgements(&self, name: &str, wanted: usize) {
        let board = &self.fleet.board;
        self.wait_for(name, || board.totals.acknowledged.load(Relaxed), wanted, false).await;
    }

    /// Waits until the count is reached or the patience ends; for `until_silent` also until the server, having said
    /// something, says nothing any more for long.
    pub(super) async fn wait_for(&self, name: &str, count: impl Fn() -> u64, wanted: usize, until_silent: bool) {
        let end = Instant::now() + self.flags.patience();
        let (mut last, mut changed, mut looks) = ((0, 0), Instant::now(), 0_u32);
        while count() < wanted as u64 && Instant::now() < end {
            sleep(LOOK).await;
            let now = (count(), self.fleet.board.totals.responses.load(Relaxed));
            if now != last {
                (last, changed) = (now, Instant::now());
            }
            if until_silent && last.1 > 0 && changed.elapsed() > SILENCE * 10 {
                break;
            }
            looks += 1;
            if looks.is_multiple_of(25) {
                self.progress.show(name, count(), wanted);
            }
        }
    }

    pub(super) fn arrivals(&self, begin: &Begin, counted: impl Fn(usize) -> bool) -> Row {
        let places = || self.fleet.board.places.iter().enumerate().filter(|(at, _)| counted(*at));
        let times = |of| since(begin, places().filter_map(move |(_, place)| place.moment(of)));
        let received = times(Moment::Received);
        Row {
            reached: received.len(),
            received: Spread::of(received),
            acknowledged: Spread::of(times(Moment::Acknowledged)),
            ..Row::default()
        }
    }

    /// Completes the row with what the round cost, once everybody is done with it.
    pub(super) async fn end_round(&mut self, scenario: String, begin: &Begin, row: Row) {
        self.fleet.settle(SILENCE, REPOSE).await;
        let board = &self.fleet.board;
        let count = board.count();
        let usage = self.server.and_then(Process::usage).zip(begin.usage.as_ref());
        let resident = self.server.and_then(Process::resident_bytes);
        let proxies = self.fleet.len() as u64;
        self.report.rows.push(Row {
            scenario,
            streams: if row.streams == 0 { self.fleet.len() } else { row.streams },
            bytes: count.bytes - begin.count.bytes,
            resource_bytes: count.resource_bytes - begin.count.resource_bytes,
            resources: count.resources - begin.count.resources,
            responses: count.responses - begin.count.responses,
            server_cpu_seconds: usage.map(|(now, before)| now.since(before).as_secs_f64()),
            server_resident_bytes: resident,
            server_resident_bytes_per_proxy: resident
                .zip(self.resident_at_first)
                .map(|(now, first)| now.saturating_sub(first) / proxies),
            failures: board.totals.failures.load(Relaxed) - begin.failures,
            ..row
        });
    }
}

pub(super) fn since(begin: &Begin, moments: impl Iterator<Item = u64>) -> Vec<Duration> {
    moments.map(|moment| Duration::from_nanos(moment.saturating_sub(begin.at))).collect()
}
