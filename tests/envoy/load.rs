//! Make before break, seen from outside: no call fails, whatever changes around it.

use std::io::{self, Write as _};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::sleep;

use chancery_tests::agent::Agent;
use chancery_tests::envoy::Envoy;
use chancery_tests::mesh::{Mesh, Protocol, Upstream, Watched};
use chancery_tests::setup;

use crate::changes::{Chance, Landscape};
use crate::traffic::Traffic;

const CHANGES: usize = 1200;
const CLIENTS: usize = 4;
/// The agent is killed after so many changes.
const KILLED_AT: usize = CHANGES / 2;
/// So long the mesh is without one.
const AWAY: Duration = Duration::from_millis(300);
/// Counters of an Envoy that must be zero at the end: what it refused, could not set up, had no route for, answered
/// itself because something was missing, or gave up waiting for.
const NEVER: &[&str] = &[
    "update_rejected$",
    "listener_create_failure$",
    "^http\\..*\\.(no_route|no_cluster)$",
    "^cluster\\..*\\.upstream_rq_5xx$",
    "^cluster\\..*\\.(upstream_cx_none_healthy|upstream_cx_connect_fail|assignment_timeout_received)$",
    "init_fetch_timeout$",
    "(warming_clusters|total_listeners_warming)$",
];

/// `LOAD_SEED=n` repeats the changes of a run.
fn seed() -> u64 {
    let given = std::env::var("LOAD_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        now.as_secs() * 1000 + u64::from(now.subsec_millis())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_while_everything_around_it_changes() {
    if !setup::has_envoy("changes under load") {
        return;
    }
    let seed = seed();
    let mut mesh = Mesh::on(Agent::durable().await, Protocol::Http).await;
    mesh.add_backend("backend-2", Watched::Not).await;
    let Upstream::Port(port) = mesh.upstream else { panic!("HTTP is spoken over ports here") };
    let (mut chance, mut landscape) = (Chance(seed), Landscape::of(&mesh).await);

    let (traffic, began) = (Traffic::start(CLIENTS, port), Instant::now());
    let mut history = Vec::with_capacity(CHANGES);
    for number in 0..CHANGES {
        if number == KILLED_AT {
            mesh.agent.kill();
            sleep(AWAY).await;
            mesh.agent.restart().await;
            history.push((began.elapsed(), "the agent was killed, and is back".to_owned()));
        }
        let change = landscape.next(&mut chance);
        history.push((began.elapsed(), change.to_string()));
        let http = &mesh.agent.http;
        let answer = match change.body {
            _ if change.delete => http.delete(&change.path).await,
            Some(body) => http.put(&change.path, &body).await,
            None => http.poke(&change.path).await,
        };
        _ = answer.expect("the agent answers").expect_ok(&history[history.len() - 1].1);
        match chance.below(20) {
            0 => mesh.settle().await,
            1..9 => sleep(Duration::from_millis(chance.below(40))).await,
            _ => {}
        }
    }
    mesh.settle().await;
    let changed = began.elapsed();
    // what was replaced last is drained for a second
    sleep(Duration::from_millis(1500)).await;
    let seen = traffic.stop().await;
    _ = writeln!(io::stderr(), "{CHANGES} changes in {:.1} s: {seen}", changed.as_secs_f32());

    if !seen.failures.is_empty() {
        for moment in seen.failures.values().flatten().take(5) {
            let before = history.iter().filter(|(at, _)| at <= moment && *moment - *at < Duration::from_millis(1500));
            let told: Vec<String> = before.map(|(at, change)| format!("    {at:?} {change}")).collect();
            _ = writeln!(io::stderr(), "  before the failure at {moment:?}:\n{}", told.join("\n"));
        }
    }
    assert!(seen.failures.is_empty(), "calls failed; LOAD_SEED={seed} repeats the changes");
    assert!(seen.requests > CHANGES, "only {} requests were made", seen.requests);
    for envoy in mesh.envoys() {
        assert_nothing_went_wrong(envoy, seed).await;
    }
    let members = mesh.frontend.stats("^cluster\\..*backend\\.default\\..*\\.membership_total$").await;
    let expected = landscape.instances();
    assert!(
        !members.is_empty() && members.values().all(|total| *total == expected),
        "{members:?} are not {expected} instances; LOAD_SEED={seed}"
    );
    mesh.finish().await;
}

async fn assert_nothing_went_wrong(envoy: &Envoy, seed: u64) {
    for filter in NEVER {
        let mut wrong = envoy.stats(filter).await;
        wrong.retain(|_, value| *value > 0);
        assert!(wrong.is_empty(), "the Envoy of {} has {wrong:?}; LOAD_SEED={seed}", envoy.service);
    }
}
