//! Many HTTP checks of one agent: when each of them really asks, and what that costs. The applications are all here, so what
//! they take is not the agent's; the agent is `target/<profile>/chancery` (or `CHANCERY_BIN`).
//!
//! `checks [checks] [interval in seconds] [seconds to look]`

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use chancery_actors::swarm::Process;
use chancery_tests::agent::Agent;
use serde_json::json;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// When each was asked.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<BTreeMap<usize, Vec<Instant>>>>);

impl Asked {
    fn note(&self, check: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(check).or_default().push(Instant::now());
    }

    fn take(&self) -> BTreeMap<usize, Vec<Instant>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = std::env::args().skip(1).map(|word| word.parse::<u64>()).collect::<Result<Vec<_>, _>>()?;
    let number = |at: usize, default: u64| numbers.get(at).copied().unwrap_or(default);
    let (checks, interval) = (usize::try_from(number(0, 2000))?, Duration::from_secs(number(1, 10)));
    let looking = Duration::from_secs(number(2, 60));

    let asked = Asked::default();
    let routes = Router::new().route("/{check}", get(answer)).with_state(asked.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let agent = Agent::start(&["-dev", "-log-level", "warn"]).await;
    let process = Process::listening_on(agent.http_port).ok_or("the agent cannot be looked at")?;
    let begun = Instant::now();
    for check in 0..checks {
        let url = format!("http://127.0.0.1:{port}/{check}");
        let every = format!("{}s", interval.as_secs());
        let body = json!({ "ID": format!("check-{check}"), "Name": "up", "HTTP": url, "Interval": every });
        agent.put("/v1/agent/check/register", body).await;
    }
    println!("{checks} checks registered in {:.1} s", begun.elapsed().as_secs_f64());
    // each has asked once, and is passing
    tokio::time::sleep(interval + Duration::from_secs(1)).await;

    asked.take();
    let before = process.usage().ok_or("the agent is gone")?;
    let begin = Instant::now();
    tokio::time::sleep(looking).await;
    let (looked, usage) = (begin.elapsed(), process.usage().ok_or("the agent is gone")?);
    let asked = asked.take();
    report(&asked, checks, interval, looked);
    let cpu = usage.since(&before);
    println!(
        "agent: {:.2} s of CPU in {:.0} s, {:.1} % of one core; {} µs for each run; {} MB resident",
        cpu.as_secs_f64(),
        looked.as_secs_f64(),
        cpu.as_secs_f64() / looked.as_secs_f64() * 100.0,
        cpu.checked_div(runs(&asked)).unwrap_or_default().as_micros(),
        process.resident_bytes().unwrap_or_default() / 1_000_000,
    );
    Ok(())
}

async fn answer(State(asked): State<Asked>, Path(check): Path<usize>) {
    asked.note(check);
}

fn runs(asked: &BTreeMap<usize, Vec<Instant>>) -> u32 {
    asked.values().map(Vec::len).sum::<usize>().try_into().unwrap_or(u32::MAX)
}

/// How much later than its interval each check asked again.
fn report(asked: &BTreeMap<usize, Vec<Instant>>, checks: usize, interval: Duration, looked: Duration) {
    let gaps = asked.values().flat_map(|times| times.windows(2).map(|pair| pair[1].duration_since(pair[0])));
    let mut late: Vec<Duration> = gaps.map(|gap| gap.saturating_sub(interval)).collect();
    late.sort_unstable();
    let per_mille = |share: usize| {
        let at = (late.len() * share / 1000).min(late.len().saturating_sub(1));
        late.get(at).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    let silent = checks - asked.len();
    println!(
        "{} runs in {:.0} s ({:.0} per second), of {silent} checks none",
        runs(asked),
        looked.as_secs_f64(),
        f64::from(runs(asked)) / looked.as_secs_f64()
    );
    println!(
        "late after its interval: p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms; more than a second: {}",
        per_mille(500),
        per_mille(990),
        per_mille(1000),
        late.iter().filter(|late| **late > Duration::from_secs(1)).count()
    );
}
