//! The same story in every way in which an Envoy can be told to ask: incremental or state of the world, all types on one
//! stream or clusters and listeners on streams of their own. What we make says `ads` for endpoints and secrets, so those
//! stay on the common stream.

use serde_json::{Value, json};

use chancery_tests::agent::Agent;
use chancery_tests::mesh::{Caller, Mesh, Protocol, Upstream, Watched};
use chancery_tests::ports::free_port;
use chancery_tests::setup;

use crate::leaf::serial;

#[derive(Clone, Copy)]
struct Dialect {
    /// In Envoy's bootstrap.
    api_type: &'static str,
    /// On the admin page.
    word: &'static str,
}

const DELTA: Dialect = Dialect { api_type: "DELTA_GRPC", word: "delta" };
const STATE_OF_THE_WORLD: Dialect = Dialect { api_type: "GRPC", word: "sotw" };

fn aggregated(bootstrap: &mut Value, dialect: Dialect) {
    bootstrap["dynamic_resources"]["ads_config"]["api_type"] = json!(dialect.api_type);
}

fn separate(bootstrap: &mut Value, dialect: Dialect) {
    aggregated(bootstrap, dialect);
    let resources = &mut bootstrap["dynamic_resources"];
    let stream = resources["ads_config"].clone();
    for config in ["cds_config", "lds_config"] {
        let place = resources[config].as_object_mut().expect("a source");
        place.remove("ads").expect("the common stream");
        place.insert("api_config_source".to_owned(), stream.clone());
    }
}

async fn frontend_streams(mesh: &Mesh) -> Vec<Value> {
    let proxies = mesh.agent.http.json("/admin/proxies?id=frontend").await;
    proxies[0]["streams"].as_array().cloned().unwrap_or_default()
}

/// `streams`: the types that are asked for on each, sorted.
async fn story(edit: fn(&mut Value, Dialect), dialect: Dialect, streams: &[&[&str]]) {
    let upstream = Upstream::Port(free_port());
    let mut mesh =
        Mesh::with_bootstrap(Agent::dev().await, Protocol::Http, upstream, |value| edit(value, dialect)).await;
    mesh.settle().await;
    let open = frontend_streams(&mesh).await;
    assert!(open.iter().all(|stream| stream["dialect"] == dialect.word), "not all {}: {open:#?}", dialect.word);
    let mut asked: Vec<Vec<String>> = open.iter().map(types).collect();
    asked.sort();
    assert_eq!(asked, streams, "the types asked for, stream by stream");

    mesh.add_backend("backend-2", Watched::Not).await;
    let tally = mesh.tally(20).await;
    assert_eq!(tally.keys().collect::<Vec<_>>(), ["backend-1", "backend-2"], "{tally:?}");

    mesh.set_intention("deny").await;
    mesh.until("calls to be denied", async |mesh| mesh.call().await.is_err()).await;
    mesh.set_intention("allow").await;
    mesh.until("calls to be allowed", async |mesh| !mesh.tally(12).await.contains_key("")).await;

    let (caller, old) = (Caller::start(&mesh), serial(&mesh.frontend).await);
    mesh.agent.http.poke("/admin/leaf/frontend/renew").await.expect("an answer").expect_ok("renew");
    mesh.until("the Envoy to present the new certificate", async |mesh| serial(&mesh.frontend).await != old).await;
    mesh.agent.http.poke("/v1/agent/service/deregister/backend-2").await.expect("an answer").expect_ok("deregister");
    mesh.until("calls to stay away", async |mesh| !mesh.tally(12).await.contains_key("backend-2")).await;
    caller.expect_no_failure().await;
    assert_eq!(frontend_streams(&mesh).await.len(), streams.len(), "no stream was opened again");
    mesh.finish().await;
}

fn types(stream: &Value) -> Vec<String> {
    stream["types"].as_object().into_iter().flatten().map(|(kind, _)| kind.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn incremental_on_one_stream() {
    if setup::has_envoy("delta ADS") {
        story(aggregated, DELTA, &[&["cluster", "endpoint", "listener", "secret"]]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn state_of_the_world_on_one_stream() {
    if setup::has_envoy("SotW ADS") {
        story(aggregated, STATE_OF_THE_WORLD, &[&["cluster", "endpoint", "listener", "secret"]]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn incremental_on_streams_of_their_own() {
    if setup::has_envoy("separate delta streams") {
        story(separate, DELTA, &[&["cluster"], &["endpoint", "secret"], &["listener"]]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn state_of_the_world_on_streams_of_their_own() {
    if setup::has_envoy("separate SotW streams") {
        story(separate, STATE_OF_THE_WORLD, &[&["cluster"], &["endpoint", "secret"], &["listener"]]).await;
    }
}
