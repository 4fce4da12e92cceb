//! Servers that take calls as the control plane says, and mutual TLS.

use std::fs;
use std::path::PathBuf;

use chancery_tests::agent::Agent;
use chancery_tests::envoy::Envoy;
use chancery_tests::ports::free_port;
use chancery_tests::setup::has_envoy;
use serde_json::{Value, json};

use crate::program::Language::{Node, Python};
use crate::program::{Client, Identity, Language, Server, has};
use crate::{assert_no_rejections, deregister, instance, register_native};

async fn intend(agent: &Agent, source: &str, action: &str) {
    let intention = json!({"SourceName": source, "DestinationName": "echo", "Action": action});
    let path = format!("/v1/connect/intentions/exact?source={source}&destination=echo");
    agent.put(&path, intention).await;
}

/// Without certificates a server cannot tell its callers apart: it is open while everybody may call.
#[tokio::test]
async fn a_server_takes_calls_while_its_registration_and_its_intentions_allow_it() {
    if !has(Python, "a_server_takes_calls_while_its_registration_and_its_intentions_allow_it") {
        return;
    }
    let agent = Agent::dev().await;
    let identity = Identity::native("echo1");
    let server = Server::xds(&agent, &identity, "one").await;
    let target = format!("127.0.0.1:{}", server.port);
    let mut client = Client::start(Python, &agent, &Identity::asking("caller"), &target);
    assert!(client.call_now().await.starts_with("error UNAVAILABLE"), "it serves although nobody knows it");

    register_native(&agent, "echo", "echo1", server.port).await;
    client.expect("ok one").await;
    intend(&agent, "somebody", "deny").await;
    client.expect("error PERMISSION_DENIED").await;
    agent.delete("/v1/connect/intentions/exact?source=somebody&destination=echo").await;
    client.expect("ok one").await;

    let mut by_name = Client::start(Python, &agent, &Identity::asking("caller"), "xds:///echo");
    assert_eq!(by_name.call().await, "ok one");
    assert_no_rejections(&agent).await;
    deregister(&agent, "echo1").await;
    by_name.expect("error UNAVAILABLE").await;
}

/// Writes what a file watcher reads: the leaf of a service, its key, and the roots.
async fn certificates(agent: &Agent, service: &str) -> PathBuf {
    let folder = agent.folder().join(service);
    fs::create_dir(&folder).expect("a temporary folder");
    let leaf = agent.http.json(&format!("/v1/agent/connect/ca/leaf/{service}")).await;
    let roots = agent.http.json("/v1/agent/connect/ca/roots").await;
    let root_of = |root: &Value| root["RootCert"].as_str().expect("a certificate").to_owned();
    let roots: String = roots["Roots"].as_array().expect("roots").iter().map(root_of).collect();
    let text = |key: &str| leaf[key].as_str().expect("text").to_owned();
    for (file, text) in [("cert.pem", text("CertPEM")), ("key.pem", text("PrivateKeyPEM")), ("roots.pem", roots)] {
        fs::write(folder.join(file), text).expect("a temporary file");
    }
    folder
}

/// Both ends prove who they are, and the server tells its callers apart.
async fn mutual_tls(language: Language) {
    let agent = Agent::dev().await;
    let (of_echo, of_web) = (certificates(&agent, "echo").await, certificates(&agent, "web").await);
    let server = Server::xds(&agent, &Identity::native("echo1").with(&of_echo), "one").await;
    register_native(&agent, "echo", "echo1", server.port).await;
    register_native(&agent, "web", "web1", 1).await;
    let mut web = Client::start(language, &agent, &Identity::native("web1").with(&of_web), "xds:///echo");
    web.expect("ok one").await;

    intend(&agent, "web", "deny").await;
    web.expect("error PERMISSION_DENIED").await;
    intend(&agent, "web", "allow").await;
    web.expect("ok one").await;
    assert_no_rejections(&agent).await;

    // whoever shows no certificate is nobody
    let mut nobody = Client::start(Python, &agent, &Identity::asking("nobody"), &format!("127.0.0.1:{}", server.port));
    assert!(nobody.call_now().await.starts_with("error UNAVAILABLE"), "it was let in");
    // and whoever has another certificate than its name is not called
    let other = Server::xds(&agent, &Identity::native("shop1").with(&of_web), "other").await;
    register_native(&agent, "shop", "shop1", other.port).await;
    let mut to_shop = Client::start(language, &agent, &Identity::native("web1").with(&of_web), "xds:///shop");
    assert!(to_shop.call_now().await.starts_with("error UNAVAILABLE"), "it called an impostor");
}

/// A gRPC method is a path. A server without a proxy looks at requests, and at no tokens: what needs one denies.
#[tokio::test]
async fn a_server_tells_requests_apart() {
    if !has(Python, "a_server_tells_requests_apart") {
        return;
    }
    let agent = Agent::dev().await;
    let (of_echo, of_web) = (certificates(&agent, "echo").await, certificates(&agent, "web").await);
    let server = Server::xds(&agent, &Identity::native("echo1").with(&of_echo), "one").await;
    register_native(&agent, "echo", "echo1", server.port).await;
    register_native(&agent, "web", "web1", 1).await;
    let mut web = Client::start(Python, &agent, &Identity::native("web1").with(&of_web), "xds:///echo");
    web.expect("ok one").await;

    let put = async |entry: Value| drop(agent.put("/v1/config", entry).await);
    let intend = async |permissions: Value| {
        let source = json!({ "Name": "web", "Permissions": permissions });
        put(json!({ "Kind": "service-intentions", "Name": "echo", "Sources": [source] })).await;
    };
    put(json!({ "Kind": "service-defaults", "Name": "echo", "Protocol": "grpc" })).await;
    let all = json!({ "Action": "deny", "HTTP": { "PathPrefix": "/" } });
    intend(json!([all])).await;
    web.expect("error PERMISSION_DENIED").await;
    let known = json!({ "Name": "x-stranger", "Present": true, "Invert": true });
    intend(json!([{ "Action": "allow", "HTTP": { "PathRegex": "/[^/]+/[^/]+", "Header": [known] } }, all])).await;
    web.expect("ok one").await;
    intend(json!([{ "Action": "deny", "HTTP": { "Header": [{ "Name": "x-a", "Exact": "b" }] } }])).await;
    web.expect("ok one").await;

    let keys = json!({ "Local": { "JWKS": "eyJrZXlzIjpbXX0=" } });
    put(json!({ "Kind": "jwt-provider", "Name": "okta", "JSONWebKeySet": keys })).await;
    intend(json!([{ "Action": "allow", "JWT": { "Providers": [{ "Name": "okta" }] } }])).await;
    web.expect("error PERMISSION_DENIED").await;
    assert_no_rejections(&agent).await;
}

#[tokio::test]
async fn python_proves_who_it_is_and_demands_the_same() {
    if has(Python, "python_proves_who_it_is_and_demands_the_same") {
        mutual_tls(Python).await;
    }
}

#[tokio::test]
async fn node_proves_who_it_is_and_demands_the_same() {
    if has(Node, "node_proves_who_it_is_and_demands_the_same") {
        mutual_tls(Node).await;
    }
}

/// An application behind its Envoy, which knows its callers by their certificates, with or without a proxy of their own.
async fn into_the_mesh(language: Language) {
    let agent = Agent::dev().await;
    agent.put("/v1/config", json!({"Kind": "service-defaults", "Name": "echo", "Protocol": "grpc"})).await;
    let server = Server::plain(agent.folder(), "one").await;
    let mut behind = instance("echo", "echo1", server.port);
    behind["Connect"] =
        json!({"SidecarService": {"Port": free_port(), "Checks": [{"Name": "its service", "AliasService": "echo1"}]}});
    agent.put("/v1/agent/service/register", behind).await;
    let envoy = Envoy::sidecar_for(&agent, "echo1").await;
    register_native(&agent, "web", "web1", 1).await;
    let of_web = certificates(&agent, "web").await;
    let mut web = Client::start(language, &agent, &Identity::native("web1").with(&of_web), "xds:///echo");
    web.expect("ok one").await;
    intend(&agent, "web", "deny").await;
    web.expect("error PERMISSION_DENIED").await;
    envoy.assert_no_rejections().await;
    assert_no_rejections(&agent).await;
}

#[tokio::test]
async fn python_calls_into_the_mesh_without_a_proxy() {
    let test = "python_calls_into_the_mesh_without_a_proxy";
    if has(Python, test) && has_envoy(test) {
        into_the_mesh(Python).await;
    }
}

#[tokio::test]
async fn node_calls_into_the_mesh_without_a_proxy() {
    let test = "node_calls_into_the_mesh_without_a_proxy";
    if has(Node, test) && has_envoy(test) {
        into_the_mesh(Node).await;
    }
}
