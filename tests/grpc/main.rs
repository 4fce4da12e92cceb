//! Do gRPC programs without a proxy work with us? Real clients and servers of Python and Node, with the xDS resolver of
//! their library, against a real agent; where nothing that can be written to the catalog makes what is to be shown (a
//! change of route, a cluster that clients refuse), against its real gRPC door with views that are written by hand.

mod door;
mod handmade;
mod program;
mod resources;
mod server;
mod stories;

use chancery_tests::agent::Agent;
use serde_json::{Value, json};

/// An instance of a service on the agent's node.
async fn register(agent: &Agent, service: &str, id: &str, port: u16) {
    agent.put("/v1/agent/service/register", instance(service, id, port)).await;
}

/// One that speaks for itself in the mesh.
async fn register_native(agent: &Agent, service: &str, id: &str, port: u16) {
    let mut native = instance(service, id, port);
    native["Connect"] = json!({"Native": true});
    agent.put("/v1/agent/service/register", native).await;
}

async fn deregister(agent: &Agent, id: &str) {
    agent.put(&format!("/v1/agent/service/deregister/{id}"), Value::Null).await;
}

fn instance(service: &str, id: &str, port: u16) -> Value {
    json!({"Name": service, "ID": id, "Address": "127.0.0.1", "Port": port})
}

/// No client has refused anything.
async fn assert_no_rejections(agent: &Agent) {
    let proxies = agent.http.json("/admin/proxies").await;
    let streams = proxies.as_array().into_iter().flatten().flat_map(|proxy| proxy["streams"].as_array().cloned());
    let streams: Vec<Value> = streams.flatten().collect();
    assert!(!streams.is_empty(), "nobody is connected");
    for stream in streams {
        for (kind, of) in stream["types"].as_object().expect("an object") {
            assert_eq!(of["rejections"], 0, "{kind}: {of}");
        }
    }
}
