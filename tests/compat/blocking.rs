//! Reads that wait.

use std::time::{Duration, Instant};

use chancery_tests::agent::Agent;
use tokio::time::{sleep, timeout};

use crate::connection::Connection;

const WEB: &str = r#"{"Name": "web", "Port": 80}"#;
/// Long enough for a read to have begun to wait.
const MOMENT: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads, waits at the index it got, and returns what came after `write` was done.
async fn changed_by(path: &str, method: hyper::Method, write: &str, body: &'static str) -> (u64, u64, String) {
    let agent = Agent::dev().await;
    let mut reader = Connection::open(agent.http_port).await;
    let mut writer = Connection::open(agent.http_port).await;
    writer.put("/v1/agent/service/register", WEB).await;
    let before = reader.get(path).await.index();
    let separator = if path.contains('?') { '&' } else { '?' };
    let waiting = format!("{path}{separator}index={before}&wait=60s");
    let read = tokio::spawn(async move { reader.get(&waiting).await });
    sleep(MOMENT).await;
    assert!(!read.is_finished(), "{path} answered before anything changed");
    let reply = writer.send(method, write, body).await;
    assert_eq!(reply.status, 200, "{write}: {}", reply.body);
    let after = timeout(PATIENCE, read).await.expect("a change ends the wait").expect("an answer");
    (before, after.index(), after.body)
}

#[tokio::test]
async fn lists_that_are_always_empty_wait_all_the_same() {
    let agent = Agent::dev().await;
    for path in ["/v1/health/ingress/web", "/v1/catalog/gateway-services/gw"] {
        let mut reader = Connection::open(agent.http_port).await;
        let first = reader.get(path).await;
        assert_eq!((first.status, first.body.trim()), (200, "[]"), "{path}");
        let began = Instant::now();
        let second = reader.get(&format!("{path}?index={}&wait=300ms", first.index())).await;
        assert_eq!((second.status, second.body.trim()), (200, "[]"), "{path}");
        assert!(began.elapsed() >= Duration::from_millis(300), "{path}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn each_read_wakes_at_its_change() {
    let register = "/v1/agent/service/register";
    for (path, write, body, then) in [
        ("/v1/catalog/services", register, r#"{"Name": "api", "Port": 81}"#, "api"),
        ("/v1/catalog/service/api", register, r#"{"Name": "api", "Port": 81}"#, "81"),
        ("/v1/health/service/web", register, r#"{"Name": "web", "ID": "web2", "Port": 8081}"#, "web2"),
        (
            "/v1/health/connect/web",
            register,
            r#"{"Name": "web", "Connect": {"SidecarService": {}}, "Port": 80}"#,
            "21000",
        ),
        ("/v1/health/checks/api", register, r#"{"Name": "api", "Port": 81, "Check": {"TTL": "1h"}}"#, "service:api"),
        ("/v1/health/node/n1", register, r#"{"Name": "api", "Port": 81, "Check": {"TTL": "1h"}}"#, "service:api"),
        ("/v1/health/state/critical", register, r#"{"Name": "api", "Port": 81, "Check": {"TTL": "1h"}}"#, "api"),
        ("/v1/internal/ui/services", register, r#"{"Name": "web", "ID": "web2", "Port": 81}"#, r#""InstanceCount":2"#),
        (
            "/v1/connect/ca/configuration",
            "/v1/connect/ca/configuration",
            r#"{"Provider": "consul", "Config": {"LeafCertTTL": "36h"}}"#,
            "36h",
        ),
        ("/v1/operator/usage", register, r#"{"Name": "api", "Port": 81}"#, r#""ServiceInstances":3"#),
        ("/v1/internal/ui/nodes", register, r#"{"Name": "api", "Port": 81}"#, "api"),
        ("/v1/catalog/node/n1", register, r#"{"Name": "api", "Port": 81}"#, "api"),
        ("/v1/catalog/node-services/n1", register, r#"{"Name": "api", "Port": 81}"#, "api"),
        (
            "/v1/health/service/web?merge-central-config",
            "/v1/config",
            r#"{"Kind": "service-defaults", "Name": "web", "Protocol": "http"}"#,
            "web",
        ),
        (
            "/v1/config/service-defaults",
            "/v1/config",
            r#"{"Kind": "service-defaults", "Name": "web", "Protocol": "http"}"#,
            "http",
        ),
        (
            "/v1/config/service-defaults/web",
            "/v1/config",
            r#"{"Kind": "service-defaults", "Name": "web", "Protocol": "http"}"#,
            "http",
        ),
        (
            "/v1/connect/intentions",
            "/v1/connect/intentions/exact?source=a&destination=b",
            r#"{"Action": "deny"}"#,
            "deny",
        ),
        (
            "/v1/connect/intentions/check?source=a&destination=b",
            "/v1/connect/intentions/exact?source=a&destination=b",
            r#"{"Action": "deny"}"#,
            "false",
        ),
    ] {
        let (before, after, text) = changed_by(path, hyper::Method::PUT, write, body).await;
        assert!(after > before, "{path}: {before} then {after}");
        assert!(text.contains(then), "{path}: {text}");
    }
}

#[tokio::test]
async fn a_removal_wakes_too() {
    let (before, after, text) =
        changed_by("/v1/health/service/web", hyper::Method::PUT, "/v1/agent/service/deregister/web", "").await;
    assert!(after > before, "{before} then {after}");
    assert_eq!(text, "[]");
}

#[tokio::test]
async fn a_wait_that_is_over_answers_with_what_stands() {
    let agent = Agent::dev().await;
    let mut connection = Connection::open(agent.http_port).await;
    let index = connection.get("/v1/catalog/services").await.index();
    let began = Instant::now();
    let reply = connection.get(&format!("/v1/catalog/services?index={index}&wait=320ms")).await;
    // up to a sixteenth more, and what a busy machine adds
    assert!(began.elapsed() >= Duration::from_millis(320) && began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    assert_eq!((reply.status, reply.index()), (200, index));
    assert!(reply.body.contains("consul"), "{}", reply.body);
}

#[tokio::test]
async fn an_index_from_the_past_answers_at_once() {
    let agent = Agent::dev().await;
    let mut connection = Connection::open(agent.http_port).await;
    connection.put("/v1/agent/service/register", WEB).await;
    for query in ["", "?index=0", "?index=0&wait=60s", "?index=1&wait=60s"] {
        let reply = timeout(PATIENCE, connection.get(&format!("/v1/health/service/web{query}"))).await;
        assert!(reply.is_ok_and(|reply| reply.body.contains("web")), "{query}");
    }
}

#[tokio::test]
async fn another_change_does_not_wake() {
    let agent = Agent::dev().await;
    let mut reader = Connection::open(agent.http_port).await;
    let mut writer = Connection::open(agent.http_port).await;
    writer.put("/v1/agent/service/register", WEB).await;
    let index = reader.get("/v1/health/service/web").await.index();
    let read = tokio::spawn(async move { reader.get(&format!("/v1/health/service/web?index={index}&wait=60s")).await });
    sleep(MOMENT).await;
    writer.put("/v1/agent/service/register", r#"{"Name": "api", "Port": 81}"#).await;
    writer.put("/v1/config", r#"{"Kind": "service-defaults", "Name": "api", "Protocol": "http"}"#).await;
    sleep(MOMENT).await;
    assert!(!read.is_finished(), "woken by what has nothing to do with it");
    read.abort();
}

#[tokio::test]
async fn a_known_hash_waits_until_the_instance_is_another() {
    let agent = Agent::dev().await;
    let mut reader = Connection::open(agent.http_port).await;
    let mut writer = Connection::open(agent.http_port).await;
    writer.put("/v1/agent/service/register", r#"{"Name": "web", "Port": 80, "Connect": {"SidecarService": {}}}"#).await;
    for (id, write, body) in [
        ("web", "/v1/agent/service/register", r#"{"Name": "web", "Port": 82, "Connect": {"SidecarService": {}}}"#),
        // central configuration is part of a proxy
        ("web-sidecar-proxy", "/v1/config", r#"{"Kind": "proxy-defaults", "Name": "global", "Config": {"x": 1}}"#),
        ("web-sidecar-proxy", "/v1/config", r#"{"Kind": "service-defaults", "Name": "web", "Protocol": "http"}"#),
    ] {
        let path = format!("/v1/agent/service/{id}");
        let known = reader.get(&path).await;
        let hash = known.header("x-consul-contenthash").expect("a hash").to_owned();
        assert!(known.body.contains(&hash), "{}", known.body);
        let mut second = Connection::open(agent.http_port).await;
        let waiting = format!("{path}?hash={hash}&wait=60s");
        let read = tokio::spawn(async move { second.get(&waiting).await });
        sleep(MOMENT).await;
        assert!(!read.is_finished(), "{id} answered before anything changed");
        writer.put(write, body).await;
        let reply = timeout(PATIENCE, read).await.expect("a change ends the wait").expect("an answer");
        assert_ne!(reply.header("x-consul-contenthash"), Some(hash.as_str()), "{id}: {}", reply.body);
    }
    let mut last = Connection::open(agent.http_port).await;
    let reply = last.get("/v1/agent/service/web?hash=other&wait=60s").await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_read() {
    let agent = Agent::dev().await;
    let mut connection = Connection::open(agent.http_port).await;
    let index = connection.get("/v1/catalog/services").await.index();
    let mut leaver = Connection::open(agent.http_port).await;
    let path = format!("/v1/catalog/services?index={index}&wait=10m");
    let read = tokio::spawn(async move { leaver.get(&path).await });
    waiting_reads(&mut connection, 1).await;
    read.abort();
    waiting_reads(&mut connection, 0).await;
}

#[tokio::test]
async fn a_leaf_is_made_once_and_a_renewal_wakes_who_waits_for_it() {
    let agent = Agent::dev().await;
    let mut connection = Connection::open(agent.http_port).await;
    let path = "/v1/agent/connect/ca/leaf/web";
    let first = connection.get(path).await;
    let second = connection.get(path).await;
    assert_eq!((first.status, &first.body), (200, &second.body), "a leaf is not made anew for each read");
    let index = second.index();
    let mut reader = Connection::open(agent.http_port).await;
    let read = tokio::spawn(async move { reader.get(&format!("{path}?index={index}&wait=60s")).await });
    sleep(MOMENT).await;
    assert!(!read.is_finished(), "answered before anything changed");
    connection.put("/admin/leaf/web/renew", "").await;
    let renewed = timeout(PATIENCE, read).await.expect("a renewal ends the wait").expect("an answer");
    assert!(renewed.index() > index, "{} then {}", index, renewed.index());
    assert_ne!(renewed.body, second.body);
}

#[tokio::test]
async fn many_wait_and_all_are_woken() {
    let agent = Agent::dev().await;
    let mut writer = Connection::open(agent.http_port).await;
    let index = writer.get("/v1/catalog/services").await.index();
    let mut reads = Vec::new();
    for _ in 0..200 {
        let mut reader = Connection::open(agent.http_port).await;
        let path = format!("/v1/catalog/services?index={index}&wait=60s");
        reads.push(tokio::spawn(async move { reader.get(&path).await }));
    }
    waiting_reads(&mut writer, 200).await;
    writer.put("/v1/agent/service/register", WEB).await;
    for read in reads {
        let reply = timeout(PATIENCE, read).await.expect("a change ends every wait").expect("an answer");
        assert!(reply.body.contains("web"), "{}", reply.body);
    }
    waiting_reads(&mut writer, 0).await;
}

/// Until that many reads wait.
async fn waiting_reads(connection: &mut Connection, wanted: u32) {
    chancery_tests::wait::eventually("the number of waiting reads", PATIENCE, async || {
        let metrics = connection.get("/v1/agent/metrics?format=prometheus").await.body;
        let gauge = metrics.lines().find_map(|line| line.strip_prefix("chancery_http_blocking_reads "));
        gauge.is_some_and(|count| count == wanted.to_string()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_server_that_ends_answers_those_who_wait() {
    let mut agent = Agent::dev().await;
    let mut connection = Connection::open(agent.http_port).await;
    let index = connection.get("/v1/catalog/services").await.index();
    let path = format!("/v1/catalog/services?index={index}&wait=10m");
    let read = tokio::spawn(async move { connection.get(&path).await });
    sleep(MOMENT).await;
    let status = tokio::task::spawn_blocking(move || agent.terminate()).await.expect("an end");
    assert!(status.success(), "{status}");
    let reply = timeout(PATIENCE, read).await.expect("nobody is left waiting").expect("an answer");
    assert_eq!((reply.status, reply.index()), (200, index));
}
