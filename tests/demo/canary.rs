//! Traffic: a new version takes its share, and a retry hides an instance that fails.

use chancery_tests::app::Failing;
use serde_json::{Value, json};

use crate::Outcome;
use crate::narrator::Narrator;
use crate::stage::Stage;

/// Enough calls to see a tenth.
const CALLS: usize = 200;

async fn write(narrator: &Narrator, stage: &Stage, entry: Value) {
    narrator.command(&format!("PUT /v1/config  {entry}"));
    stage.agent.put("/v1/config", entry).await;
}

fn splits(canary: u32) -> Value {
    let split = |weight: u32, subset: &str| json!({ "Weight": weight, "ServiceSubset": subset });
    let splits = [split(100 - canary, "stable"), split(canary, "canary")];
    json!({ "Kind": "service-splitter", "Name": "backend", "Splits": splits })
}

pub(crate) async fn send_a_tenth_to_the_canary(narrator: &mut Narrator, stage: &Stage) -> Outcome {
    narrator.step("A canary takes a tenth of the calls, and then all of them");
    let subset = |id: &str| json!({ "Filter": format!("Service.ID matches `^{id}`") });
    let subsets = json!({ "stable": subset("backend-1"), "canary": subset("backend-3") });
    let resolver = json!({
        "Kind": "service-resolver", "Name": "backend", "DefaultSubset": "stable", "Subsets": subsets,
    });
    write(narrator, stage, resolver).await;
    let stable = async |stage: &Stage| !stage.tally(12).await.contains_key("backend-3");
    stage.until(narrator, "the canary to be without calls", stable).await?;
    write(narrator, stage, splits(10)).await;
    let some = async |stage: &Stage| stage.tally(30).await.contains_key("backend-3");
    stage.until(narrator, "the canary to be called", some).await?;
    let tally = stage.tally(CALLS).await;
    narrator.chart(&tally);
    let canary = tally.get("backend-3").copied().unwrap_or_default();
    // four standard deviations about the tenth
    if !(3..=37).contains(&canary) || tally.contains_key("") {
        return Err(format!("a tenth should have gone to the canary, but it was {tally:?}"));
    }
    write(narrator, stage, splits(100)).await;
    let all = async |stage: &Stage| stage.tally(12).await.get("backend-3") == Some(&12);
    stage.until(narrator, "the canary to take all", all).await?;
    narrator.done("frontend's Envoy counts; neither application has changed, and no call has failed");
    Ok(())
}

pub(crate) async fn hide_a_flaky_instance(narrator: &mut Narrator, stage: &Stage) -> Outcome {
    narrator.step("The canary fails every other call; a retry hides it");
    let canary = stage.backends.iter().find(|instance| instance.app.name == "backend-3").ok_or("no backend-3")?;
    canary.app.set_failing(Failing::EveryOther);
    let tally = stage.tally(60).await;
    narrator.chart(&tally);
    if !tally.contains_key("") {
        return Err("the canary should have failed now and then".to_owned());
    }
    let destination = json!({ "NumRetries": 5, "RetryOnStatusCodes": [503] });
    let routes = [json!({ "Destination": destination })];
    write(narrator, stage, json!({ "Kind": "service-router", "Name": "backend", "Routes": routes })).await;
    let hidden = async |stage: &Stage| !stage.tally(12).await.contains_key("");
    stage.until(narrator, "calls to be retried", hidden).await?;
    let tally = stage.tally(60).await;
    narrator.chart(&tally);
    if tally.contains_key("") {
        return Err(format!("a failure came through: {tally:?}"));
    }
    canary.app.set_failing(Failing::Never);
    for kind in ["service-router", "service-splitter", "service-resolver"] {
        narrator.command(&format!("DELETE /v1/config/{kind}/backend"));
        stage.agent.delete(&format!("/v1/config/{kind}/backend")).await;
    }
    let both = async |stage: &Stage| stage.tally(12).await.len() == 2;
    stage.until(narrator, "calls to spread again", both).await?;
    narrator.done("its callers saw none of the failures");
    Ok(())
}
