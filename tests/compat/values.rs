//! Keys and values: their indexes, who is woken, and how large they may be.

use std::time::Duration;

use chancery_tests::agent::Agent;
use hyper::Method;
use tokio::time::{sleep, timeout};

use crate::connection::Connection;

/// Long enough for a read to have begun to wait, or for one to be woken in error.
const MOMENT: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_read_of_a_key_or_a_prefix_wakes_at_its_change_and_no_other() {
    let agent = Agent::dev().await;
    let mut writer = Connection::open(agent.http_port).await;
    for key in ["a/x", "a/y", "ab", "b/x"] {
        writer.put(&format!("/v1/kv/{key}"), "old").await;
    }
    let new = Some("new");
    for (path, others, wakes) in [
        ("/v1/kv/a/x", &["a/y", "a/x/z", "a", "b/x"][..], ("a/x", new)),
        ("/v1/kv/a/x", &["a/y"], ("a/x", None)),
        ("/v1/kv/nothing", &["a/y", "nothing/below"], ("nothing", new)),
        ("/v1/kv/a/?recurse", &["ab", "b/x"], ("a/y", None)),
        ("/v1/kv/a/?recurse", &["ab", "b/x"], ("a/deep/er", new)),
        ("/v1/kv/a?keys", &["b/x"], ("ac", new)),
        ("/v1/kv/?recurse", &[], ("new", new)),
        ("/v1/kv/empty/?recurse", &["a/x", "b/y"], ("empty/1", new)),
    ] {
        let mut reader = Connection::open(agent.http_port).await;
        let before = reader.get(path).await.index();
        let separator = if path.contains('?') { '&' } else { '?' };
        let waiting = format!("{path}{separator}index={before}&wait=60s");
        let read = tokio::spawn(async move { reader.get(&waiting).await });
        sleep(MOMENT).await;
        assert!(!read.is_finished(), "{path} answered before anything changed");
        for (count, other) in others.iter().enumerate() {
            let value = format!("{count} {path}");
            assert_eq!(writer.send(Method::PUT, &format!("/v1/kv/{other}"), value).await.status, 200);
        }
        sleep(MOMENT).await;
        assert!(!read.is_finished(), "{path} was woken by one of {others:?}");
        let (key, value) = wakes;
        let method = if value.is_some() { Method::PUT } else { Method::DELETE };
        assert_eq!(writer.send(method, &format!("/v1/kv/{key}"), value.unwrap_or_default()).await.status, 200);
        let after = timeout(PATIENCE, read).await.expect("a change ends the wait").expect("an answer");
        assert!(after.index() > before, "{path}: {before} then {}", after.index());
    }
}

#[tokio::test]
async fn a_key_has_the_index_of_its_own_change() {
    let agent = Agent::dev().await;
    let mut connection = Connection::open(agent.http_port).await;
    connection.put("/v1/kv/a/x", "1").await;
    let own = connection.get("/v1/kv/a/x").await.index();
    connection.put("/v1/kv/b", "1").await;
    let newest = connection.get("/v1/kv/b").await.index();
    assert!(newest > own);
    for (path, index) in
        [("/v1/kv/a/x", own), ("/v1/kv/a/?recurse", own), ("/v1/kv/?recurse", newest), ("/v1/kv/nothing", newest)]
    {
        assert_eq!(connection.get(path).await.index(), index, "{path}");
    }
    // what says nothing new takes no index
    connection.put("/v1/kv/a/x", "1").await;
    assert_eq!(connection.get("/v1/kv/a/x").await.index(), own);
    connection.send(Method::DELETE, "/v1/kv/a/x", "").await;
    assert!(connection.get("/v1/kv/a/x").await.index() > newest);
}

#[tokio::test]
async fn a_value_has_at_most_512_kilobytes_and_may_be_any_bytes() {
    let agent = Agent::dev().await;
    let mut connection = Connection::open(agent.http_port).await;
    let largest: Vec<u8> = (0..512 << 10).map(|at: u32| at.to_le_bytes()[0]).collect();
    assert_eq!(connection.send(Method::PUT, "/v1/kv/large", largest.clone()).await.status, 200);
    let raw = connection.get("/v1/kv/large?raw").await;
    assert_eq!((raw.status, raw.header("content-length")), (200, Some("524288")));

    let reply = connection.send(Method::PUT, "/v1/kv/large", [largest, vec![0]].concat()).await;
    assert_eq!(reply.status, 413, "{}", reply.body);
    let mut connection = Connection::open(agent.http_port).await;
    assert_eq!(connection.get("/v1/kv/large?raw").await.header("content-length"), Some("524288"));

    let long = format!("/v1/kv/{}", "k".repeat(1025));
    let reply = connection.send(Method::PUT, &long, "x").await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert!(reply.body.contains("1025 bytes"), "{}", reply.body);
    assert_eq!(connection.get("/v1/kv/?keys").await.body, r#"["large"]"#);
}

#[tokio::test]
async fn values_survive_the_end_of_the_agent() {
    let mut agent = Agent::durable().await;
    let mut connection = Connection::open(agent.http_port).await;
    connection.put("/v1/kv/a/x?flags=7", "kept").await;
    connection.put("/v1/kv/a/y", "gone").await;
    assert_eq!(connection.send(Method::DELETE, "/v1/kv/a/y", "").await.status, 200);
    let (key, tree) = (connection.get("/v1/kv/a/x").await, connection.get("/v1/kv/a/?recurse").await);
    agent.restart().await;
    let mut connection = Connection::open(agent.http_port).await;
    let again = connection.get("/v1/kv/a/x").await;
    assert_eq!((again.index(), &again.body), (key.index(), &key.body));
    // somebody may have waited for what was removed
    let again = connection.get("/v1/kv/a/?recurse").await;
    assert!(again.index() >= tree.index() && again.body == tree.body, "{} {}", again.index(), again.body);
}
