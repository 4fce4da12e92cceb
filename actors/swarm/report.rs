//! What was measured, as a table for people and as JSON for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::spread::Spread;

/// One round of a scenario.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    pub scenario: String,
    /// Of the streams that are counted.
    pub streams: usize,
    /// Those that got there in time.
    pub reached: usize,
    /// From the start of the round: in sync, or the change received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Spread>,
    /// Until the HTTP request of the change was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_ms: Option<f64>,
    /// Writes over the HTTP API, as the server took them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes_per_second: Option<f64>,
    /// Of gRPC messages, over all streams.
    pub bytes: u64,
    pub resource_bytes: u64,
    pub resources: u64,
    pub responses: u64,
    /// Of the server; absent when its process is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_resident_bytes: Option<u64>,
    /// More than before the Envoys and their services were there, for each Envoy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_resident_bytes_per_proxy: Option<u64>,
    /// Streams that ended although nobody wanted them to.
    pub failures: u64,
}

/// One run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub proxies: usize,
    pub dialect: String,
    pub xds_addr: String,
    pub node_bytes: u32,
    pub rows: Vec<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Report {
    /// Whether everything arrived everywhere.
    pub fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| row.reached == row.streams)
    }

    pub fn table(&self) -> String {
        let head = [
            "scenario",
            "streams",
            "first",
            "p50",
            "p90",
            "p99",
            "last",
            "ack p99",
            "ack last",
            "write",
            "kB/stream",
            "resources",
            "CPU s",
            "RSS MB",
            "kB/proxy",
        ];
        let rows = self.rows.iter().map(Row::cells);
        let rows: Vec<_> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
        let mut text = aligned(&rows);
        for row in self.rows.iter().filter(|row| row.writes_per_second.is_some()) {
            _ = writeln!(text, "{}: {:.0} writes per second", row.scenario, row.writes_per_second.unwrap_or_default());
        }
        if let Some(failure) = &self.failure {
            let failures: u64 = self.rows.iter().map(|row| row.failures).sum();
            _ = writeln!(text, "{failures} streams ended on their own; the first: {failure}");
        }
        text
    }
}

impl Row {
    fn cells(&self) -> [String; 15] {
        let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
        let received = |of: fn(&Spread) -> f64| ms(self.received.as_ref().map(of));
        let streams = self.streams.max(1);
        let reached = if self.reached == self.streams {
            self.streams.to_string()
        } else {
            format!("{}/{}", self.reached, self.streams)
        };
        [
            self.scenario.clone(),
            reached,
            received(|spread| spread.first_ms),
            received(|spread| spread.p50_ms),
            received(|spread| spread.p90_ms),
            received(|spread| spread.p99_ms),
            received(|spread| spread.last_ms),
            ms(self.acknowledged.map(|spread| spread.p99_ms)),
            ms(self.acknowledged.map(|spread| spread.last_ms)),
            ms(self.write_ms),
            format!("{:.2}", ratio(self.bytes, streams) / 1e3),
            format!("{:.2}", ratio(self.resources, streams)),
            self.server_cpu_seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.3}")),
            self.server_resident_bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{:.0}", ratio(bytes, 1) / 1e6)),
            self.server_resident_bytes_per_proxy
                .map_or_else(|| "-".to_owned(), |bytes| format!("{:.1}", ratio(bytes, 1) / 1e3)),
        ]
    }
}

#[allow(clippy::cast_precision_loss, reason = "figures for people: 53 bits are plenty")]
fn ratio(value: u64, of: usize) -> f64 {
    value as f64 / of as f64
}

/// The first column to the left, figures to the right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text.push_str(&cells.collect::<Vec<_>>().join("  "));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_what_did_not_arrive() {
        let row = Row { scenario: "endpoint 1".to_owned(), streams: 10, reached: 9, bytes: 25_000, ..Row::default() };
        let report = Report { rows: vec![row], ..Report::default() };
        assert!(!report.is_complete());
        let table = report.table();
        let line = table.lines().nth(1).expect("a row");
        assert!(line.starts_with("endpoint 1") && line.contains("9/10") && line.contains("2.50"), "{table}");
    }
}
