//! The steps, one function each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use chancery_tests::mesh::Tally;
use chancery_tests::prometheus::{quantile, samples};

use crate::Outcome;
use crate::narrator::Narrator;
use crate::stage::{Stage, word};

const INTENTION: &str = "/v1/connect/intentions/exact?source=frontend&destination=backend";
/// Enough calls for a chart.
const CALLS: usize = 60;

pub(crate) async fn first_call(narrator: &mut Narrator, stage: &Stage) -> Outcome {
    narrator.step("frontend calls backend: app -> Envoy == mutual TLS ==> Envoy -> app");
    let works = async |stage: &Stage| stage.call().await.is_ok_and(|answer| answer.status.is_success());
    stage.until(narrator, "the first call to succeed", works).await?;
    let answer = stage.call().await?.json();
    let certificate = word(&answer["headers"]["x-forwarded-client-cert"]);
    let caller = certificate.split(';').find_map(|part| part.strip_prefix("URI="));
    let caller = caller.ok_or_else(|| format!("backend was not told who calls: {certificate:?}"))?;
    narrator.say(&format!("{} answered; its Envoy has checked who called:", word(&answer["app"])));
    narrator.say(caller);
    if !caller.ends_with("/svc/frontend") {
        return Err("that is not frontend".to_owned());
    }
    narrator.done("the call arrived, with a proven identity");
    Ok(())
}

pub(crate) async fn add_instances(narrator: &mut Narrator, stage: &mut Stage) -> Outcome {
    narrator.step("Two more instances of backend");
    stage.add_backend(narrator, "backend-2").await;
    stage.add_backend(narrator, "backend-3").await;
    let all = async |stage: &Stage| stage.tally(12).await.len() == 3;
    stage.until(narrator, "both to pass their health check", all).await?;
    let tally = stage.tally(CALLS).await;
    narrator.chart(&tally);
    expect_answers_of(&tally, &["backend-1", "backend-2", "backend-3"])?;
    narrator.done("the calls spread over all three; frontend was told nothing");
    Ok(())
}

pub(crate) async fn stop_one(narrator: &mut Narrator, stage: &mut Stage) -> Outcome {
    narrator.step("One instance leaves");
    narrator.command("PUT /v1/agent/service/deregister/backend-2");
    let answer = stage.agent.http.poke("/v1/agent/service/deregister/backend-2").await.map_err(|e| e.to_string())?;
    if !answer.status.is_success() {
        return Err(format!("backend-2 could not be deregistered: {}", answer.text()));
    }
    let gone = async |stage: &Stage| !stage.tally(12).await.contains_key("backend-2");
    stage.until(narrator, "calls to stay away from it", gone).await?;
    let at = stage.backends.iter().position(|instance| instance.app.name == "backend-2").ok_or("no backend-2")?;
    stage.backends.remove(at).envoy.terminate();
    let tally = stage.tally(CALLS).await;
    narrator.chart(&tally);
    expect_answers_of(&tally, &["backend-1", "backend-3"])?;
    narrator.done("its application and its Envoy were stopped; no call has noticed");
    Ok(())
}

fn expect_answers_of(tally: &Tally, names: &[&str]) -> Outcome {
    let answered: Vec<&str> = tally.keys().map(String::as_str).collect();
    if answered == names { Ok(()) } else { Err(format!("{names:?} should have answered, but it was {tally:?}")) }
}

pub(crate) async fn forbid_and_allow(narrator: &mut Narrator, stage: &Stage) -> Outcome {
    narrator.step("An intention forbids the call, and allows it again");
    for (action, status) in [("deny", 403), ("allow", 200)] {
        let body = json!({ "Action": action });
        narrator.command(&format!("PUT {INTENTION}  {body}"));
        let began = Instant::now();
        stage.agent.put(INTENTION, body).await;
        let seen = async |stage: &Stage| stage.all_get(status).await;
        stage.until(narrator, &format!("all calls to get {status}"), seen).await?;
        let took = began.elapsed().as_millis();
        let answer = stage.call().await?;
        let text = if status == 200 { format!("{} answers", word(&answer.json()["app"])) } else { answer.text() };
        narrator.say(&format!("{status}: {text}  (every call, after {took} ms)"));
    }
    narrator.done("decided by backend's own Envoys, by the caller's certificate");
    Ok(())
}

pub(crate) async fn renew_the_leaf(narrator: &mut Narrator, stage: &Stage) -> Outcome {
    narrator.step("A new certificate for backend, long before the old one ends");
    let envoy = &stage.backends.first().ok_or("no backend")?.envoy;
    let listeners = envoy.stat("listener_manager.listener_modified").await;
    let secrets = envoy.updates().await.get("sds").copied();
    narrator.command("PUT /admin/leaf/backend/renew");
    let answer = stage.agent.http.poke("/admin/leaf/backend/renew").await.map_err(|e| e.to_string())?;
    if !answer.status.is_success() {
        return Err(format!("the leaf was not renewed: {}", answer.text()));
    }
    let serials = answer.json();
    let taken = async |_: &Stage| envoy.updates().await.get("sds").copied() > secrets;
    stage.until(narrator, "Envoy to take the new certificate", taken).await?;
    narrator.say(&format!("old serial number {}", word(&serials["old"])));
    narrator.say(&format!("new serial number {}", word(&serials["new"])));
    if envoy.stat("listener_manager.listener_modified").await != listeners {
        return Err("a listener was touched, and its connections with it".to_owned());
    }
    expect_answers_of(&stage.tally(20).await, &["backend-1", "backend-3"])?;
    narrator.done("only the secret was sent; no listener changed, no connection was drained, no call failed");
    Ok(())
}

pub(crate) async fn look_inside(narrator: &mut Narrator, stage: &Stage) -> Outcome {
    narrator.step("How long a change takes, and who carries it");
    // the histogram is filled when a change has been acknowledged by the last Envoy
    sleep(Duration::from_millis(100)).await;
    let metrics = samples(&stage.agent.http.text("/metrics").await);
    let mut known = false;
    for (stage, words) in STAGES {
        let label = format!("stage=\"{stage}\"");
        if let Some(seconds) = quantile(&metrics, "chancery_ripple_seconds", &label, 0.5) {
            known |= *stage == "ack";
            narrator.say(&format!("half of the changes within about {:>5.1} ms: {words}", seconds * 1e3));
        }
    }
    if !known {
        return Err("no change was acknowledged by all Envoys concerned".to_owned());
    }
    let cards = stage.agent.http.json("/admin/actors").await;
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for card in cards.as_array().into_iter().flatten() {
        *kinds.entry(word(&card["kind"])).or_default() += 1;
    }
    if kinds.is_empty() {
        return Err("/admin/actors shows nobody".to_owned());
    }
    let list: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    narrator.say(&format!("actors: {}", list.join(", ")));
    narrator.done("the same is on /admin/ while an agent runs, and in Grafana");
    Ok(())
}

/// The stages of a change, with words for them.
const STAGES: &[(&str, &str)] = &[
    ("commit", "durable"),
    ("watch", "seen by whoever watches"),
    ("rebuild", "turned into configuration"),
    ("push", "sent to the Envoys"),
    ("ack", "acknowledged by every Envoy concerned"),
];
