//! Many blocking reads at once: one write wakes those whom it concerns, soon, and who goes away leaves nothing behind.
//!
//! `WAITERS=10000 cargo test -p chancery-tests --release --test waiters -- --nocapture --test-threads 1` prints how long
//! it took from the write to each answer.

use std::time::{Duration, Instant};

use chancery_tests::agent::Agent;
use chancery_tests::prometheus::{samples, sum};
use chancery_tests::wait::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const SERVICES: usize = 10;
const PATIENCE: Duration = Duration::from_secs(60);

fn waiters() -> usize {
    std::env::var("WAITERS").ok().and_then(|count| count.parse().ok()).unwrap_or(1000)
}

/// An agent with services `s0`, `s1`, …
async fn agent() -> Agent {
    let agent = Agent::dev().await;
    for service in 0..SERVICES {
        register(&agent, service, 80).await;
    }
    agent
}

async fn register(agent: &Agent, service: usize, port: u16) {
    let body = serde_json::json!({ "Name": format!("s{service}"), "Port": port });
    agent.put("/v1/agent/service/register", body).await;
}

/// Waits for a change of the service's instances, on a connection of its own; the moment at which the answer was whole.
async fn wait_for(port: u16, service: usize, index: u64) -> Instant {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the agent listens");
    let path = format!("/v1/health/service/s{service}?index={index}&wait=10m");
    let request = format!("GET {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("the request goes out");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    let at = Instant::now();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    at
}

async fn index(agent: &Agent) -> u64 {
    let metrics = agent.http.get("/metrics").await.expect("metrics");
    let index = sum(&samples(&metrics.text()), "chancery_catalog_index", "");
    format!("{index:.0}").parse().expect("a whole number")
}

/// How many reads wait, and how many topics of instances are watched.
async fn waiting(agent: &Agent) -> (usize, usize) {
    let metrics = agent.http.get("/metrics").await.expect("metrics");
    let samples = samples(&metrics.text());
    let whole = |number: f64| format!("{number:.0}").parse().expect("a whole number");
    let reads = sum(&samples, "chancery_http_blocking_reads", "");
    (whole(reads), whole(sum(&samples, "chancery_source_watches", r#"topic="service""#)))
}

async fn until(agent: &Agent, reads: usize, topics: usize) {
    eventually(&format!("{reads} waiting reads of {topics} topics"), PATIENCE, async || {
        (waiting(agent).await == (reads, topics)).then_some(())
    })
    .await;
}

/// The moments after `began`, in order.
fn latencies(began: Instant, mut moments: Vec<Instant>) -> Vec<Duration> {
    moments.sort();
    moments.into_iter().map(|moment| moment - began).collect()
}

fn print(what: &str, sorted: &[Duration]) {
    let at = |percent: usize| sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)];
    println!("{what}: p50 {:?}, p99 {:?}, last {:?}", at(50), at(99), at(100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_wakes_those_whom_it_concerns_and_who_leaves_is_forgotten() {
    let (agent, count) = (agent().await, waiters());
    let index = index(&agent).await;
    let mut concerned = JoinSet::new();
    let mut others = JoinSet::new();
    for waiter in 0..count {
        let service = waiter % SERVICES;
        let set = if service == 0 { &mut concerned } else { &mut others };
        set.spawn(wait_for(agent.http_port, service, index));
    }
    until(&agent, count, SERVICES).await;
    let woken = concerned.len();
    let began = Instant::now();
    register(&agent, 0, 81).await;
    let moments = tokio::time::timeout(PATIENCE, concerned.join_all()).await.expect("all that it concerns");
    print(&format!("{woken} of {count} woken"), &latencies(began, moments));
    until(&agent, count - woken, SERVICES - 1).await;
    assert!(others.try_join_next().is_none(), "a write woke somebody whom it did not concern");
    others.shutdown().await;
    until(&agent, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_wait_for_the_same() {
    let (agent, count) = (agent().await, waiters());
    let index = index(&agent).await;
    let mut all = JoinSet::new();
    for _ in 0..count {
        all.spawn(wait_for(agent.http_port, 0, index));
    }
    until(&agent, count, 1).await;
    let began = Instant::now();
    register(&agent, 0, 81).await;
    let moments = tokio::time::timeout(PATIENCE, all.join_all()).await.expect("everybody");
    print(&format!("{count} of {count} woken"), &latencies(began, moments));
    until(&agent, 0, 0).await;
}
