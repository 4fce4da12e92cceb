//! What a client sees of a service's life.

use chancery_tests::agent::Agent;

use crate::program::Language::{Node, Python};
use crate::program::{Client, Identity, Language, Server, has};
use crate::{assert_no_rejections, deregister, instance, register, register_native};
use serde_json::json;

/// Instances come, go and fail; the service goes and returns.
async fn life_of_a_service(language: Language) {
    let agent = Agent::dev().await;
    let (one, two) = (Server::plain(agent.folder(), "one").await, Server::plain(agent.folder(), "two").await);
    register(&agent, "echo", "echo1", one.port).await;
    let mut client = Client::start(language, &agent, &Identity::asking("caller"), "xds:///echo");
    assert_eq!(client.call().await, "ok one");

    register(&agent, "echo", "echo2", two.port).await;
    client.expect_all(&["ok one", "ok two"]).await;
    deregister(&agent, "echo1").await;
    client.expect_all(&["ok two"]).await;

    deregister(&agent, "echo2").await;
    client.expect("error UNAVAILABLE").await;
    register(&agent, "echo", "echo1", one.port).await;
    client.expect("ok one").await;
    assert_no_rejections(&agent).await;
}

#[tokio::test]
async fn python_follows_the_life_of_a_service() {
    if has(Python, "python_follows_the_life_of_a_service") {
        life_of_a_service(Python).await;
    }
}

#[tokio::test]
async fn node_follows_the_life_of_a_service() {
    if has(Node, "node_follows_the_life_of_a_service") {
        life_of_a_service(Node).await;
    }
}

/// The control plane is killed, and comes back with what it knew.
async fn restart(language: Language) {
    let mut agent = Agent::durable().await;
    let (one, two) = (Server::plain(agent.folder(), "one").await, Server::plain(agent.folder(), "two").await);
    register(&agent, "echo", "echo1", one.port).await;
    register(&agent, "shop", "shop1", two.port).await;
    let mut client = Client::start(language, &agent, &Identity::asking("caller"), "xds:///echo:80");
    assert_eq!(client.call().await, "ok one");

    agent.kill();
    for _ in 0..20 {
        assert_eq!(client.call().await, "ok one");
    }
    agent.restart().await;
    for _ in 0..20 {
        assert_eq!(client.call().await, "ok one");
    }
    register(&agent, "echo", "echo1", two.port).await;
    client.expect_all(&["ok two"]).await;
    assert_no_rejections(&agent).await;
}

#[tokio::test]
async fn python_keeps_calling_through_a_restart() {
    if has(Python, "python_keeps_calling_through_a_restart") {
        restart(Python).await;
    }
}

#[tokio::test]
async fn node_keeps_calling_through_a_restart() {
    if has(Node, "node_keeps_calling_through_a_restart") {
        restart(Node).await;
    }
}

/// gRPC waits 15 s before it believes that there is no such service: the first absence may be older than its question.
#[tokio::test]
async fn a_client_may_come_before_its_service_and_its_own_registration() {
    if !has(Python, "a_client_may_come_before_its_service_and_its_own_registration") {
        return;
    }
    let agent = Agent::dev().await;
    let one = Server::plain(agent.folder(), "one").await;
    let mut client = Client::start(Python, &agent, &Identity::native("web1"), "xds:///echo");
    let (answer, ()) = tokio::join!(client.call(), async {
        register_native(&agent, "web", "web1", 1).await;
        register(&agent, "echo", "echo1", one.port).await;
    });
    assert_eq!(answer, "ok one");
    assert_no_rejections(&agent).await;
}

/// Faults of routes are put in the way of calls by the library itself.
async fn faults(language: Language) {
    let agent = Agent::dev().await;
    let one = Server::plain(agent.folder(), "one").await;
    register(&agent, "echo", "echo1", one.port).await;
    agent.put("/v1/config", json!({ "Kind": "service-defaults", "Name": "echo", "Protocol": "grpc" })).await;
    let mut client = Client::start(language, &agent, &Identity::asking("caller"), "xds:///echo");
    assert_eq!(client.call().await, "ok one");
    let routes = json!([{ "Destination": { "Fault": { "Abort": { "GRPCStatus": 9 } } } }]);
    agent.put("/v1/config", json!({ "Kind": "service-router", "Name": "echo", "Routes": routes })).await;
    client.expect_all(&["error FAILED_PRECONDITION Fault injected"]).await;
    agent.delete("/v1/config/service-router/echo").await;
    client.expect_all(&["ok one"]).await;
    assert_no_rejections(&agent).await;
}

#[tokio::test]
async fn calls_of_python_are_aborted_as_a_route_says() {
    if has(Python, "calls_of_python_are_aborted_as_a_route_says") {
        faults(Python).await;
    }
}

#[tokio::test]
async fn calls_of_node_are_aborted_as_a_route_says() {
    if has(Node, "calls_of_node_are_aborted_as_a_route_says") {
        faults(Node).await;
    }
}

/// Instances near the program go first, and the others when there are none.
async fn localities(language: Language) {
    let agent = Agent::dev().await;
    let (one, two) = (Server::plain(agent.folder(), "one").await, Server::plain(agent.folder(), "two").await);
    for (id, port, region) in [("echo1", one.port, "r1"), ("echo2", two.port, "r2")] {
        let mut instance = instance("echo", id, port);
        instance["Locality"] = json!({ "Region": region, "Zone": "a" });
        agent.put("/v1/agent/service/register", instance).await;
    }
    let mut client = Client::start(language, &agent, &Identity::asking("caller").at("r2", "a"), "xds:///echo");
    client.expect_all(&["ok one", "ok two"]).await;
    let mode = json!({ "Mode": "failover" });
    agent.put("/v1/config", json!({ "Kind": "service-resolver", "Name": "echo", "PrioritizeByLocality": mode })).await;
    client.expect_all(&["ok two"]).await;
    deregister(&agent, "echo2").await;
    client.expect_all(&["ok one"]).await;
    assert_no_rejections(&agent).await;
}

#[tokio::test]
async fn python_calls_who_is_near() {
    if has(Python, "python_calls_who_is_near") {
        localities(Python).await;
    }
}

#[tokio::test]
async fn node_calls_who_is_near() {
    if has(Node, "node_calls_who_is_near") {
        localities(Node).await;
    }
}
