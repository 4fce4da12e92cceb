//! How long a change takes from the HTTP write to Envoy's ACK: recorded, not asserted, because it depends on the machine.

use std::io::{self, Write as _};
use std::time::Duration;

use tokio::time::sleep;

use chancery_tests::mesh::{Mesh, Watched};
use chancery_tests::prometheus::{quantile, samples, sum};
use chancery_tests::setup;

const CHANGES: u32 = 40;
const STAGES: &[&str] = &["commit", "watch", "rebuild", "push", "ack"];

#[tokio::test(flavor = "multi_thread")]
async fn the_time_from_write_to_ack_is_recorded() {
    if !setup::has_envoy("latency") {
        return;
    }
    let mut mesh = Mesh::http().await;
    mesh.add_backend("backend-2", Watched::Ttl).await;
    mesh.settle().await;
    let before = acknowledged(&mesh).await;
    for change in 0..CHANGES {
        let word = if change % 2 == 0 { "fail" } else { "pass" };
        mesh.agent.http.poke(&format!("/v1/agent/check/{word}/service:backend-2")).await.unwrap().expect_ok(word);
        sleep(Duration::from_millis(30)).await;
    }
    mesh.settle().await;
    let recorded = acknowledged(&mesh).await - before;
    assert!(recorded >= f64::from(CHANGES), "{recorded} changes of {CHANGES} were acknowledged");

    let metrics = samples(&mesh.agent.http.text("/metrics").await);
    let mut out = io::stderr();
    _ = writeln!(out, "from the HTTP write until a stage was passed:");
    for stage in STAGES {
        let label = format!("stage=\"{stage}\"");
        let [half, most] = [0.5, 0.95].map(|part| {
            quantile(&metrics, "chancery_ripple_seconds", &label, part)
                .map_or_else(|| "?".to_owned(), |seconds| format!("{:.2} ms", seconds * 1e3))
        });
        _ = writeln!(out, "  {stage:<8} p50 {half:>9}   p95 {most:>9}");
    }
    mesh.finish().await;
}

async fn acknowledged(mesh: &Mesh) -> f64 {
    let metrics = samples(&mesh.agent.http.text("/metrics").await);
    sum(&metrics, "chancery_ripple_seconds_count", "stage=\"ack\"")
}
