//! Do we answer like Consul? Scenarios over a socket, against the program itself.
//!
//! A scenario is a text file in `scenarios/`, told in order to a fresh agent over one connection; [`script`] has its
//! language. Whatever is refused must have changed nothing: the suite compares all that can be read before and after.

mod blocking;
mod connection;
mod listening;
mod matching;
mod mesh;
mod openapi;
mod process;
mod robustness;
mod script;
mod values;

use std::path::PathBuf;

use chancery_tests::agent::Agent;
use chancery_tests::setup::root;
use hyper::Method;
use serde_json::{Map, Value};

use connection::{Connection, Reply};
use script::{Exchange, Expected};

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                tell(stringify!($name)).await;
            }
        )*

        #[test]
        fn every_scenario_is_told() {
            let mut told = [$(stringify!($name)),*];
            told.sort_unstable();
            let mut found: Vec<String> = std::fs::read_dir(folder())
                .expect("the folder of scenarios")
                .map(|file| file.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned())
                .collect();
            found.sort();
            assert_eq!(found, told);
        }
    };
}

scenarios! {
    agent_checks,
    agent_connect,
    agent_health,
    agent_self,
    agent_services,
    catalog,
    central,
    check_kinds,
    config,
    connect_ca,
    discovery_chain,
    elsewhere,
    encodings,
    external,
    filters,
    health,
    inbound,
    intentions,
    intentions_by_id,
    ipv6,
    kv,
    leaned_on,
    locality,
    operator,
    parameters,
    permissions,
    protocol,
    refused_registrations,
    sidecars,
    topology,
    txn,
    ui,
    virtual_ips,
}

fn folder() -> PathBuf {
    root().join("tests/compat/scenarios")
}

/// Plays a scenario to its end and reports all that came out differently.
async fn tell(name: &str) {
    let path = folder().join(format!("{name}.http"));
    let text = std::fs::read_to_string(&path).expect("a scenario");
    let exchanges = script::parse(&text).unwrap_or_else(|error| panic!("{name}.http:{error}"));
    let agent = Agent::dev().await;
    let mut connection = Connection::open(agent.http_port).await;
    let mut wrong = Vec::new();
    for exchange in exchanges {
        if let Err(why) = play(&mut connection, &exchange).await {
            wrong.push(format!("{name}.http:{}: {} {}\n{why}", exchange.line, exchange.method, exchange.path));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

async fn play(connection: &mut Connection, exchange: &Exchange) -> Result<(), String> {
    let refused = exchange.expected.status >= 400 && exchange.method != Method::GET;
    let before = if refused { Some(state(connection).await) } else { None };
    let reply =
        connection.send_with(exchange.method.clone(), &exchange.path, &exchange.with, exchange.body.clone()).await;
    compare(&reply, &exchange.expected)?;
    if let Some(before) = before {
        let after = state(connection).await;
        if before != after {
            return Err(format!("was refused, yet changed the state\nfrom {before}\nto   {after}"));
        }
    }
    Ok(())
}

/// All that can be read, with the index: no write may go unseen. What the agent's own checks find is no write of ours, and
/// may come at any time: while there are such checks, what they say and the indexes that grow by it are left out.
async fn state(connection: &mut Connection) -> String {
    let checks = connection.send(Method::GET, "/v1/agent/checks", String::new()).await.body;
    let mut checks: Value = serde_json::from_str(&checks).unwrap_or_else(|error| panic!("{error}: {checks}"));
    let mut run = 0;
    for check in checks.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if !matches!(check["Type"].as_str(), None | Some("" | "ttl" | "maintenance")) {
            run += 1;
            for found in ["Status", "Output", "ModifyIndex"] {
                check[found].take();
            }
        }
    }
    let mut state = format!("/v1/agent/checks {checks}\n");
    for path in [
        "/v1/agent/services",
        "/v1/catalog/nodes",
        "/v1/catalog/services",
        "/v1/config/jwt-provider",
        "/v1/config/mesh",
        "/v1/config/proxy-defaults",
        "/v1/config/service-defaults",
        "/v1/config/service-intentions",
        "/v1/kv/?recurse",
    ] {
        let reply = connection.send(Method::GET, path, String::new()).await;
        assert!(reply.status == 200 || path.starts_with("/v1/kv") && reply.status == 404, "GET {path}: {}", reply.body);
        let index = if run > 0 && path.starts_with("/v1/agent") { 0 } else { reply.index() };
        state.push_str(&format!("{path} @{index} {}\n", reply.body));
    }
    state
}

fn compare(reply: &Reply, expected: &Expected) -> Result<(), String> {
    let got = format!("got  {} {:?}", reply.status, reply.body);
    if reply.status != expected.status {
        return Err(format!("want {}\n{got}", expected.status));
    }
    for (name, wanted) in &expected.headers {
        let found = reply.header(name);
        if !matching::text(wanted, found) {
            return Err(format!("want header {name}: {wanted}\ngot  {found:?}"));
        }
    }
    if let Some(text) = expected.text.as_ref().filter(|text| **text != reply.body) {
        return Err(format!("want exactly {text:?}\n{got}"));
    }
    for part in &expected.parts {
        if !reply.body.contains(part) {
            return Err(format!("want {part:?} in it\n{got}"));
        }
    }
    if let Some(wanted) = &expected.json {
        let found = serde_json::from_str(&reply.body).map_err(|error| format!("{error}\n{got}"))?;
        matching::json(wanted, &found).map_err(|why| format!("{why}\n{got}"))?;
    }
    Ok(())
}
