//! The description of the API, held against the API: what it names is served, what it does not name is not, and each
//! parameter with a form of its own is read.

use std::collections::{BTreeMap, BTreeSet};

use chancery_tests::agent::Agent;
use hyper::Method;
use serde_json::Value;

use crate::connection::Connection;

const METHODS: [Method; 4] = [Method::GET, Method::PUT, Method::POST, Method::DELETE];

/// Ends the agent, or never ends.
const LEFT_OUT: [&str; 2] = ["/v1/agent/leave", "/v1/agent/monitor"];

struct Described {
    path: String,
    operations: BTreeMap<String, Value>,
}

impl Described {
    /// With something for each name in the path.
    fn example(&self) -> String {
        self.path
            .split('/')
            .map(|part| match part {
                "{state}" => "any",
                "{kind}" => "service-defaults",
                part if part.starts_with('{') => "a-name",
                part => part,
            })
            .collect::<Vec<_>>()
            .join("/")
    }

    fn methods(&self) -> BTreeSet<String> {
        self.operations.keys().map(|method| method.to_uppercase()).collect()
    }
}

async fn described(connection: &mut Connection) -> Vec<Described> {
    let reply = connection.get("/v1/openapi.json").await;
    assert_eq!(reply.status, 200);
    let document: Value = serde_json::from_str(&reply.body).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().expect("paths").clone();
    paths
        .into_iter()
        .map(|(path, operations)| {
            let operations = operations.as_object().expect("operations").clone().into_iter().collect();
            Described { path, operations }
        })
        .collect()
}

#[tokio::test]
async fn every_endpoint_that_is_described_is_served_with_these_methods_and_no_others() {
    let agent = Agent::dev().await;
    let mut connection = Connection::open(agent.http_port).await;
    let described = described(&mut connection).await;
    assert!(described.len() > 70, "{}", described.len());
    for one in &described {
        let path = one.example();
        let allowed = connection.send(Method::OPTIONS, &path, "").await;
        assert_eq!(allowed.status, 200, "{path}: {}", allowed.body);
        let allow = allowed.header("allow").unwrap_or_default();
        let told: BTreeSet<String> =
            allow.split(',').filter(|method| !matches!(*method, "OPTIONS" | "HEAD")).map(str::to_owned).collect();
        // a write of all keys is there to say that it needs a name
        let expected = if path == "/v1/kv/" { BTreeSet::from(["PUT".to_owned()]) } else { BTreeSet::new() };
        assert_eq!(told, one.methods().union(&expected).cloned().collect(), "{path}");
        for method in METHODS.iter().filter(|method| !told.contains(method.as_str())) {
            let reply = connection.send(method.clone(), &path, "").await;
            assert_eq!(reply.status, 405, "{method} {path}: {}", reply.body);
        }
    }
}

/// What no reader of this parameter takes; `None`: it takes everything.
fn wrong(schema: &Value, name: &str) -> Option<&'static str> {
    match (schema["type"].as_str(), name) {
        (Some("integer"), _) => Some("many"),
        (_, "wait" | "max_stale") => Some("soon"),
        (_, "filter") => Some("=="),
        (_, "dc" | "compile-dc" | "peer" | "sg" | "acquire" | "release") => Some("elsewhere"),
        // with or without a value it is there
        (_, "pretty" | "stale" | "consistent" | "cached") => None,
        _ => schema["enum"].as_array().map(|_| "perhaps"),
    }
}

#[tokio::test]
async fn every_parameter_that_is_described_is_read() {
    let agent = Agent::dev().await;
    let mut connection = Connection::open(agent.http_port).await;
    connection.put("/v1/agent/service/register", r#"{"Name": "a-name"}"#).await;
    connection.put("/v1/kv/a-name", "1").await;
    let mut asked = 0;
    for one in described(&mut connection).await {
        if LEFT_OUT.contains(&one.path.as_str()) {
            continue;
        }
        for (method, operation) in &one.operations {
            let method: Method = method.to_uppercase().parse().expect("a method");
            for parameter in operation["parameters"].as_array().expect("parameters") {
                let name = parameter["name"].as_str().expect("a name");
                let Some(value) = wrong(&parameter["schema"], name).filter(|_| parameter["in"] == "query") else {
                    continue;
                };
                let path = one.example();
                // what the others need
                let beside = match (path.as_str(), name) {
                    ("/v1/connect/intentions/exact" | "/v1/connect/intentions/check", _) => "&source=a&destination=b",
                    ("/v1/connect/intentions/match", "by") => "&name=a",
                    ("/v1/connect/intentions/match", _) => "&by=source&name=a",
                    ("/v1/internal/ui/service-topology/a-name", name) if name != "kind" => "&kind=typical",
                    ("/v1/kv/", name) if name != "recurse" => "&recurse",
                    ("/v1/agent/service/a-name", "wait") => "&hash=0",
                    _ => "",
                };
                let body = if path == "/v1/txn" { "[]" } else { "{}" };
                let reply = connection.send(method.clone(), &format!("{path}?{name}={value}{beside}"), body).await;
                assert_eq!(reply.status, 400, "{method} {path}?{name}={value}{beside}: {}", reply.body);
                asked += 1;
            }
        }
    }
    assert!(asked > 400, "{asked}");
}
