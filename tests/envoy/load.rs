//! Make before break, seen from outside: no call fails, whatever changes around it.

use std::io::{self, Write as _};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::sleep;

use chancery::bootstrap::XDS_CLUSTER;
use chancery_tests::agent::Agent;
use chancery_tests::chance::Chance;
use chancery_tests::envoy::Envoy;
use chancery_tests::mesh::{Mesh, Protocol, Upstream, Watched};
use chancery_tests::setup;

use crate::changes::{Change, Landscape};
use crate::traffic::{Seen, Traffic};

const CHANGES: usize = 2500;
const CLIENTS: usize = 4;
/// So long the mesh is without one.
const AWAY: Duration = Duration::from_millis(300);
/// Counters of an Envoy that must be zero at the end: what it refused, could not set up, had no route for, answered
/// itself because something was missing, or gave up waiting for.
const NEVER: &[&str] = &[
    "update_rejected$",
    "listener_create_failure$",
    "^http\\..*\\.(no_route|no_cluster)$",
    "^cluster\\..*\\.upstream_rq_5xx$",
    "^cluster\\..*\\.(upstream_cx_none_healthy|assignment_timeout_received)$",
    "init_fetch_timeout$",
    "(warming_clusters|total_listeners_warming)$",
];

const MEMBERS: &str = "^cluster\\..*backend\\.default\\..*\\.membership_total$";

fn given(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// `LOAD_CHANGES=n`: another number of them.
fn changes() -> usize {
    given("LOAD_CHANGES").and_then(|number| usize::try_from(number).ok()).unwrap_or(CHANGES)
}

/// `LOAD_SEED=n` repeats the changes of a run.
fn seed() -> u64 {
    given("LOAD_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        now.as_secs() * 1000 + u64::from(now.subsec_millis())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_while_everything_around_it_changes() {
    if !setup::has_envoy("changes under load") {
        return;
    }
    let (seed, changes) = (seed(), changes());
    let mut mesh = Mesh::on(Agent::durable().await, Protocol::Http).await;
    mesh.add_backend("backend-2", Watched::Not).await;
    let Upstream::Port(port) = mesh.upstream else { panic!("HTTP is spoken over ports here") };
    let (mut chance, mut landscape) = (Chance(seed), Landscape::of(&mesh).await);

    let (traffic, began) = (Traffic::start(CLIENTS, port), Instant::now());
    let mut history = Vec::with_capacity(changes);
    for number in 0..changes {
        if number == changes / 2 {
            history.push((began.elapsed(), "the agent is killed".to_owned()));
            mesh.agent.kill();
            sleep(AWAY).await;
            mesh.agent.restart().await;
        }
        let change = landscape.next(&mut chance);
        history.push((began.elapsed(), change.to_string()));
        make(&mesh, change).await;
        match chance.below(20) {
            // a proxy that comes back to a new agent while it is not registered is told nothing, so never in sync
            0 if landscape.has_second() => mesh.settle().await,
            1..9 => sleep(Duration::from_millis(chance.below(40))).await,
            _ => {}
        }
    }
    if !landscape.has_second() {
        make(&mesh, landscape.flip_second()).await;
    }
    mesh.settle().await;
    let changed = began.elapsed();
    // what was replaced last is drained for a second
    sleep(Duration::from_millis(1500)).await;
    let seen = traffic.stop().await;
    _ = writeln!(io::stderr(), "{changes} changes in {:.1} s: {seen}", changed.as_secs_f32());

    tell_what_came_before(&seen, &history);
    assert!(seen.failures.is_empty(), "calls failed; LOAD_SEED={seed} repeats the changes");
    assert!(seen.requests > changes, "only {} requests were made", seen.requests);
    for envoy in mesh.envoys() {
        assert_nothing_went_wrong(envoy, seed).await;
    }
    let expected = landscape.instances();
    // clusters that nothing leads to linger while Envoy drains
    mesh.until(&format!("one cluster with {expected} instances (LOAD_SEED={seed})"), async |mesh| {
        let members = mesh.frontend.stats(MEMBERS).await;
        members.len() == 1 && members.values().all(|total| *total == expected)
    })
    .await;
    mesh.finish().await;
}

// a drain would cut them, maybe with a request under way
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_requests_is_closed_by_the_caller() {
    if !setup::has_envoy("idle connections") {
        return;
    }
    let mesh = Mesh::http().await;
    assert!(mesh.call().await.is_ok());
    mesh.until("the connection to be closed", async |mesh| {
        let closed = mesh.frontend.stats("^cluster\\.backend\\.default\\..*\\.upstream_cx_idle_timeout$").await;
        closed.values().any(|closed| *closed > 0)
    })
    .await;
    assert!(mesh.call().await.is_ok());
    mesh.finish().await;
}

async fn make(mesh: &Mesh, change: Change) {
    let (http, told) = (&mesh.agent.http, change.to_string());
    let answer = match change.body {
        _ if change.delete => http.delete(&change.path).await,
        Some(body) => http.put(&change.path, &body).await,
        None => http.poke(&change.path).await,
    };
    _ = answer.unwrap_or_else(|error| panic!("{told}: {error}")).expect_ok(&told);
}

/// The changes of the last moments before each of the first failures.
fn tell_what_came_before(seen: &Seen, history: &[(Duration, String)]) {
    let mut out = io::stderr();
    for moment in seen.failures.values().flatten().take(5) {
        _ = writeln!(out, "  before the failure at {moment:?}:");
        let recent = history.iter().filter(|(at, _)| at <= moment && *moment - *at < Duration::from_millis(1500));
        for (at, change) in recent {
            _ = writeln!(out, "    {at:?} {change}");
        }
    }
}

async fn assert_nothing_went_wrong(envoy: &Envoy, seed: u64) {
    for filter in NEVER {
        let mut wrong = envoy.stats(filter).await;
        // the agent was away for a while
        wrong.retain(|name, value| *value > 0 && !name.contains(XDS_CLUSTER));
        assert!(wrong.is_empty(), "the Envoy of {} has {wrong:?}; LOAD_SEED={seed}", envoy.service);
    }
}
