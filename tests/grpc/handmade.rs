//! What a client makes of changes that the catalog cannot bring about, and of a control plane that does not know it.

use std::sync::Arc;
use std::time::Duration;

use chancery::resource::{Resource, ResourceType};
use chancery_tests::wait::eventually;
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType, LbPolicy};
use envoy_types::pb::envoy::service::status::v3::ConfigStatus;
use envoy_types::pb::envoy::service::status::v3::client_config::GenericXdsConfig;
use tempfile::TempDir;

use crate::door::{Door, behind_a_door};
use crate::program::Language::{Node, Python};
use crate::program::{Client, Identity, Language, Server, has};
use crate::resources::{TARGET, cluster, endpoints, leads_to, listener, loose_route, route};

/// How long a change may take, reconnecting with back-off included.
const SOON: Duration = Duration::from_secs(10);

/// Three servers, which answer `one`, `two` and `three`, and where they write their logs.
struct Servers {
    one: Server,
    two: Server,
    three: Server,
    _logs: TempDir,
}

impl Servers {
    async fn start() -> Self {
        let logs = TempDir::new().expect("a temporary folder");
        let plain = |tag| Server::plain(logs.path(), tag);
        let (one, two, three) = tokio::join!(plain("one"), plain("two"), plain("three"));
        Self { one, two, three, _logs: logs }
    }
}

fn caller(language: Language, door: &Door) -> Client {
    Client::start_at(language, door.port, &Identity::asking("caller"), TARGET)
}

/// A good cluster, with its endpoints.
fn good(name: &str, ports: &[u16]) -> [Arc<Resource>; 2] {
    [cluster(&leads_to(name, name)), endpoints(name, ports)]
}

fn all<const N: usize>(parts: [&[Arc<Resource>]; N]) -> Vec<Arc<Resource>> {
    parts.concat()
}

/// Calls until the answer is `to`; until then no other than `from` may come.
async fn moves(client: &mut Client, from: &str, to: &str) {
    eventually(&format!("{to:?} after {from:?}"), SOON, async || {
        let answer = client.call_now().await;
        assert!(answer == from || answer == to, "{answer:?} between {from:?} and {to:?}");
        (answer == to).then_some(())
    })
    .await;
}

/// Many calls have these answers, each at least once, and no others.
async fn only(client: &mut Client, tags: &[&str]) {
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..40 {
        seen.insert(client.call_now().await);
    }
    assert!(seen.iter().map(String::as_str).eq(tags.iter().copied()), "wanted {tags:?}, the answers were {seen:?}");
}

/// The route moves to and fro, first with both clusters there, then with only the one it leads to.
async fn a_route_moves(language: Language, door: Door) {
    let servers = Servers::start().await;
    let (a, b) = (good("a", &[servers.one.port]), good("b", &[servers.two.port]));
    door.show(all([&[listener(), route(&["a"])], &a, &b]));
    let mut client = caller(language, &door);
    assert_eq!(client.call().await, "ok one");
    for _ in 0..10 {
        door.show(all([&[listener(), route(&["b"])], &a, &b]));
        moves(&mut client, "ok one", "ok two").await;
        door.show(all([&[listener(), route(&["a"])], &a, &b]));
        moves(&mut client, "ok two", "ok one").await;
    }
    for _ in 0..10 {
        door.show(all([&[listener(), route(&["b"])], &b]));
        moves(&mut client, "ok one", "ok two").await;
        only(&mut client, &["ok two"]).await;
        door.show(all([&[listener(), route(&["a"])], &a]));
        moves(&mut client, "ok two", "ok one").await;
        only(&mut client, &["ok one"]).await;
    }
    assert_eq!(door.rejections(), 0);
}

#[test]
fn python_follows_a_route_that_moves_and_no_call_fails() {
    if has(Python, "python_follows_a_route_that_moves_and_no_call_fails") {
        behind_a_door(async |door| a_route_moves(Python, door).await);
    }
}

#[test]
fn node_follows_a_route_that_moves_and_no_call_fails() {
    if has(Node, "node_follows_a_route_that_moves_and_no_call_fails") {
        behind_a_door(async |door| a_route_moves(Node, door).await);
    }
}

async fn endpoints_change(language: Language, door: Door) {
    let Servers { one, two, three, _logs } = Servers::start().await;
    let show = |ports: &[u16]| door.show(all([&[listener(), route(&["a"])], &good("a", ports)]));
    show(&[one.port]);
    let mut client = caller(language, &door);
    assert_eq!(client.call().await, "ok one");
    let clusters = door.responses(ResourceType::Cluster);
    show(&[two.port]);
    moves(&mut client, "ok one", "ok two").await;
    show(&[two.port, three.port]);
    moves(&mut client, "ok two", "ok three").await;
    only(&mut client, &["ok three", "ok two"]).await;
    show(&[]);
    client.expect("error UNAVAILABLE").await;
    show(&[one.port]);
    client.expect("ok one").await;
    only(&mut client, &["ok one"]).await;
    assert_eq!(door.responses(ResourceType::Cluster), clusters, "clusters were sent for endpoints");
    assert_eq!(door.rejections(), 0);
}

#[test]
fn python_follows_the_endpoints_of_a_cluster() {
    if has(Python, "python_follows_the_endpoints_of_a_cluster") {
        behind_a_door(async |door| endpoints_change(Python, door).await);
    }
}

#[test]
fn node_follows_the_endpoints_of_a_cluster() {
    if has(Node, "node_follows_the_endpoints_of_a_cluster") {
        behind_a_door(async |door| endpoints_change(Node, door).await);
    }
}

/// A policy that gRPC does not have.
fn bad_policy(name: &str) -> Cluster {
    Cluster { lb_policy: LbPolicy::Maglev.into(), ..leads_to(name, name) }
}

/// Endpoints inside the cluster, which gRPC does not read.
fn bad_type(name: &str) -> Cluster {
    let cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into()));
    Cluster { cluster_discovery_type, ..leads_to(name, name) }
}

/// The client has refused the newest content of the cluster; what it said of it.
async fn refused(door: &Door, name: &str, version: &Resource) -> String {
    let error = eventually("a cluster that is refused", SOON, async || {
        let known = door.status(ResourceType::Cluster, name).await?;
        let error = known.error_state.clone()?;
        (known.config_status() == ConfigStatus::Error && error.version_info == version.version.to_string())
            .then_some(error)
    });
    let error = error.await;
    assert!(error.failed_configuration.is_some() && error.last_update_attempt.is_some(), "{error:?}");
    error.details
}

async fn synced(door: &Door, name: &str) -> GenericXdsConfig {
    eventually("a cluster that is accepted", SOON, async || {
        let known = door.status(ResourceType::Cluster, name).await?;
        (known.config_status() == ConfigStatus::Synced).then_some(known)
    })
    .await
}

/// Calls go to two clusters; one of them turns bad, twice and in different ways, and good again.
async fn a_cluster_turns_bad(language: Language, door: Door) {
    let servers = Servers::start().await;
    let (a, b) = (good("a", &[servers.one.port]), good("b", &[servers.two.port]));
    let routed = [listener(), route(&["a", "b"])];
    door.show(all([&routed, &a, &b]));
    let mut client = caller(language, &door);
    client.expect("ok").await;
    only(&mut client, &["ok one", "ok two"]).await;

    for (bad, word) in [(bad_policy("b"), "lb_policy"), (bad_type("b"), "type")] {
        let bad = cluster(&bad);
        door.show(all([&routed, &a, &[Arc::clone(&bad), Arc::clone(&b[1])]]));
        let text = refused(&door, "b", &bad).await;
        assert!(text.contains("validat") && text.contains(word), "{text}");
        synced(&door, "a").await;
        let (sent, rejections) = (door.responses(ResourceType::Cluster), door.rejections());
        only(&mut client, &["ok one", "ok two"]).await;
        // the same again is nothing new
        door.show(all([&routed, &a, &[Arc::clone(&bad), Arc::clone(&b[1])]]));
        only(&mut client, &["ok one", "ok two"]).await;
        assert_eq!((door.responses(ResourceType::Cluster), door.rejections()), (sent, rejections), "it was sent again");
    }

    // the other cluster lives on: gRPC takes what is good in a response that it refuses
    let bad = cluster(&bad_type("b"));
    let a = [cluster(&leads_to("a", "a-next")), endpoints("a-next", &[servers.three.port])];
    door.show(all([&routed, &a, &[Arc::clone(&bad), Arc::clone(&b[1])]]));
    eventually("the other cluster's change", SOON, async || {
        let answer = client.call_now().await;
        assert!(answer.starts_with("ok "), "{answer}");
        (answer == "ok three").then_some(())
    })
    .await;
    only(&mut client, &["ok three", "ok two"]).await;
    refused(&door, "b", &bad).await;
    // and says which it has refused
    synced(&door, "a").await;

    let b = [cluster(&leads_to("b", "b-next")), endpoints("b-next", &[servers.one.port])];
    door.show(all([&routed, &a, &b]));
    synced(&door, "b").await;
    synced(&door, "a").await;
    client.expect("ok one").await;
    only(&mut client, &["ok one", "ok three"]).await;
}

#[test]
fn python_refuses_a_bad_cluster_and_calls_on_with_the_last_good_one() {
    if has(Python, "python_refuses_a_bad_cluster_and_calls_on_with_the_last_good_one") {
        behind_a_door(async |door| a_cluster_turns_bad(Python, door).await);
    }
}

#[test]
fn node_refuses_a_bad_cluster_and_calls_on_with_the_last_good_one() {
    if has(Node, "node_refuses_a_bad_cluster_and_calls_on_with_the_last_good_one") {
        behind_a_door(async |door| a_cluster_turns_bad(Node, door).await);
    }
}

/// There is no last good one to call on with.
async fn a_cluster_was_never_good(language: Language, door: Door) {
    let servers = Servers::start().await;
    let routed = [listener(), route(&["a"]), endpoints("a", &[servers.one.port])];
    let bad = cluster(&bad_policy("a"));
    door.show(all([&routed, &[Arc::clone(&bad)]]));
    let mut client = caller(language, &door);
    let answer = client.expect("error UNAVAILABLE").await;
    assert!(answer.contains("lb_policy"), "{answer}");
    refused(&door, "a", &bad).await;
    door.show(all([&routed, &[cluster(&leads_to("a", "a"))]]));
    client.expect("ok one").await;
    only(&mut client, &["ok one"]).await;
    synced(&door, "a").await;
    assert_eq!(door.rejections(), 1);
}

#[test]
fn python_says_why_it_cannot_call_a_bad_cluster() {
    if has(Python, "python_says_why_it_cannot_call_a_bad_cluster") {
        behind_a_door(async |door| a_cluster_was_never_good(Python, door).await);
    }
}

#[test]
fn node_says_why_it_cannot_call_a_bad_cluster() {
    if has(Node, "node_says_why_it_cannot_call_a_bad_cluster") {
        behind_a_door(async |door| a_cluster_was_never_good(Node, door).await);
    }
}

/// A cluster is deleted under the route, and comes back; then everything is deleted.
async fn a_cluster_is_deleted(language: Language, door: Door) {
    let servers = Servers::start().await;
    let (a, b) = (good("a", &[servers.one.port]), good("b", &[servers.two.port]));
    let routed = [listener(), loose_route(&["a"])];
    door.show(all([&routed, &a, &b]));
    let mut client = caller(language, &door);
    assert_eq!(client.call().await, "ok one");

    door.show(all([&routed, &b]));
    let answer = client.expect("error UNAVAILABLE").await;
    assert!(answer.contains("does not exist"), "{answer}");
    only(&mut client, &[&answer]).await;
    // gRPC for Node does not notice what comes back just as it was (see `GrpcNode::misses_returns`)
    let name = if language == Node { "a-back" } else { "a" };
    let back = [cluster(&leads_to("a", name)), endpoints(name, &[servers.one.port])];
    door.show(all([&routed, &back, &b]));
    client.expect("ok one").await;
    only(&mut client, &["ok one"]).await;

    door.show([]);
    // no need of the loose route keeps the cluster, which may be seen missing before the listener is
    eventually("the same refusal of many calls", SOON, async || {
        let answer = client.call_now().await;
        if !answer.starts_with("error UNAVAILABLE") {
            return None;
        }
        for _ in 0..40 {
            if client.call_now().await != answer {
                return None;
            }
        }
        Some(())
    })
    .await;
    assert_eq!(door.rejections(), 0);
}

#[test]
fn python_fails_without_its_cluster_and_recovers_with_it() {
    if has(Python, "python_fails_without_its_cluster_and_recovers_with_it") {
        behind_a_door(async |door| a_cluster_is_deleted(Python, door).await);
    }
}

#[test]
fn node_fails_without_its_cluster_and_recovers_with_it() {
    if has(Node, "node_fails_without_its_cluster_and_recovers_with_it") {
        behind_a_door(async |door| a_cluster_is_deleted(Node, door).await);
    }
}

/// No mistake of ours takes a cluster away from under a route: it stays for whoever holds the route, until that leads
/// elsewhere.
async fn a_cluster_is_missing(language: Language, door: Door) {
    let servers = Servers::start().await;
    let (a, b) = (good("a", &[servers.one.port]), good("b", &[servers.two.port]));
    let routed = [listener(), route(&["a"])];
    door.show(all([&routed, &a]));
    let mut client = caller(language, &door);
    assert_eq!(client.call().await, "ok one");
    door.show(all([&routed, &b]));
    only(&mut client, &["ok one"]).await;
    let known = door.status(ResourceType::Cluster, "a").await.expect("it is subscribed to");
    assert_eq!(known.config_status(), ConfigStatus::NotSent, "{known:?}");
    door.show(all([&[listener(), route(&["b"])], &b]));
    moves(&mut client, "ok one", "ok two").await;
    only(&mut client, &["ok two"]).await;
    eventually("the end of the old cluster", SOON, async || {
        door.status(ResourceType::Cluster, "a").await.is_none().then_some(())
    })
    .await;
    assert_eq!(door.rejections(), 0);
}

#[test]
fn python_keeps_a_cluster_that_its_route_leads_to() {
    if has(Python, "python_keeps_a_cluster_that_its_route_leads_to") {
        behind_a_door(async |door| a_cluster_is_missing(Python, door).await);
    }
}

#[test]
fn node_keeps_a_cluster_that_its_route_leads_to() {
    if has(Node, "node_keeps_a_cluster_that_its_route_leads_to") {
        behind_a_door(async |door| a_cluster_is_missing(Node, door).await);
    }
}

/// The server stops, and another that knows nothing of its clients starts: once with the same to show, once with
/// something else.
async fn the_server_restarts(language: Language, mut door: Door) {
    let servers = Servers::start().await;
    let (a, b) = (good("a", &[servers.one.port]), good("b", &[servers.two.port]));
    door.show(all([&[listener(), route(&["a"])], &a]));
    let mut client = caller(language, &door);
    assert_eq!(client.call().await, "ok one");

    door.close().await;
    only(&mut client, &["ok one"]).await;
    door.open().await;
    eventually("a client that is back", SOON, async || {
        assert_eq!(client.call_now().await, "ok one");
        let known = door.status(ResourceType::Endpoint, "a").await?;
        (known.config_status() == ConfigStatus::Synced).then_some(())
    })
    .await;
    only(&mut client, &["ok one"]).await;

    door.close().await;
    door.show(all([&[listener(), route(&["b"])], &b]));
    only(&mut client, &["ok one"]).await;
    door.open().await;
    moves(&mut client, "ok one", "ok two").await;
    only(&mut client, &["ok two"]).await;
    assert_eq!(door.rejections(), 0);
}

#[test]
fn python_calls_on_while_the_server_is_away_and_learns_what_changed() {
    if has(Python, "python_calls_on_while_the_server_is_away_and_learns_what_changed") {
        behind_a_door(async |door| the_server_restarts(Python, door).await);
    }
}

#[test]
fn node_calls_on_while_the_server_is_away_and_learns_what_changed() {
    if has(Node, "node_calls_on_while_the_server_is_away_and_learns_what_changed") {
        behind_a_door(async |door| the_server_restarts(Node, door).await);
    }
}
