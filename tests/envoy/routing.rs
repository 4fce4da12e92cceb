//! Routers, splitters and resolvers, as real Envoys carry them out.

use std::io::{self, Write as _};
use std::time::Duration;

use chancery_tests::app::Failing;
use chancery_tests::mesh::{Mesh, Upstream, Watched};
use chancery_tests::raw::Reply;
use chancery_tests::setup;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::traffic::Traffic;

/// Two instances of `backend`; the resolver of the subsets `one` and `two` has more to say.
async fn two_subsets(watched: Watched, resolver: Value) -> Mesh {
    let mut mesh = Mesh::http().await;
    mesh.add_backend("backend-2", watched).await;
    write(&mesh, resolver).await;
    mesh
}

fn resolver(more: Value) -> Value {
    let mut entry = json!({
        "Kind": "service-resolver",
        "Name": "backend",
        "Subsets": {
            "one": { "Filter": "Service.Meta.instance == \"backend-1\"" },
            "two": { "Filter": "Service.Meta.instance == \"backend-2\"" },
        },
    });
    if let (Value::Object(entry), Value::Object(more)) = (&mut entry, more) {
        entry.extend(more);
    }
    entry
}

fn splitter(one: f64, two: f64) -> Value {
    json!({ "Kind": "service-splitter", "Name": "backend", "Splits": [
        { "Weight": one, "ServiceSubset": "one" },
        { "Weight": two, "ServiceSubset": "two" },
    ] })
}

fn router(routes: &Value) -> Value {
    json!({ "Kind": "service-router", "Name": "backend", "Routes": routes })
}

async fn write(mesh: &Mesh, entry: Value) {
    mesh.agent.put("/v1/config", entry).await;
}

async fn ask(mesh: &Mesh, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    mesh.request(method, path, headers).await.expect("an answer")
}

fn app(reply: &Reply) -> String {
    reply.told()["app"].as_str().unwrap_or_default().to_owned()
}

/// Until this many calls in a row were answered by that instance alone.
async fn until_all_calls_reach(mesh: &Mesh, id: &str) {
    mesh.until(&format!("all calls to reach {id}"), async |mesh| mesh.tally(12).await.get(id) == Some(&12)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_routed_by_what_they_ask_for() {
    if !setup::has_envoy("routing") {
        return;
    }
    let mesh = two_subsets(Watched::Not, resolver(json!({ "DefaultSubset": "one" }))).await;
    until_all_calls_reach(&mesh, "backend-1").await;
    let two = json!({ "ServiceSubset": "two" });
    let route = |http: Value| json!({ "Match": { "HTTP": http }, "Destination": two });
    write(
        &mesh,
        router(&json!([
            { "Match": { "HTTP": { "PathPrefix": "/new/" } },
              "Destination": { "ServiceSubset": "two", "PrefixRewrite": "/",
                "RequestHeaders": { "Set": { "x-set": "1" }, "Add": { "x-more": "2" }, "Remove": ["x-gone"] },
                "ResponseHeaders": { "Set": { "x-answer": "yes" } } } },
            route(json!({ "PathExact": "/exact" })),
            route(json!({ "PathPrefix": "/any", "CaseInsensitive": true })),
            route(json!({ "PathRegex": "/v[0-9]+/x" })),
            route(json!({ "Header": [{ "Name": "x-beta", "Exact": "1" }, { "Name": "x-off", "Present": true, "Invert": true }] })),
            route(json!({ "Header": [{ "Name": "x-team", "Prefix": "shop-" }, { "Name": "x-team", "Suffix": "-eu" }] })),
            route(json!({ "Header": [{ "Name": "x-agent", "Regex": "bot/[0-9]+" }] })),
            route(json!({ "QueryParam": [{ "Name": "beta", "Regex": "[ab]" }] })),
            route(json!({ "QueryParam": [{ "Name": "debug", "Present": true }, { "Name": "level", "Exact": "2" }] })),
            route(json!({ "Methods": ["PUT", "DELETE"] })),
        ])),
    )
    .await;
    mesh.until("routes to be there", async |mesh| app(&ask(mesh, "GET", "/exact", &[]).await) == "backend-2").await;
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 22] = [
        ("GET", "/", &[], "backend-1"),
        ("GET", "/exact/", &[], "backend-1"),
        ("GET", "/exact?x=1", &[], "backend-2"),
        ("GET", "/ANYthing", &[], "backend-2"),
        ("GET", "/v12/x", &[], "backend-2"),
        ("GET", "/v12/xy", &[], "backend-1"),
        ("GET", "/", &[("X-Beta", "1")], "backend-2"),
        ("GET", "/", &[("x-beta", "1"), ("x-off", "")], "backend-1"),
        ("GET", "/", &[("x-beta", "10")], "backend-1"),
        ("GET", "/", &[("x-team", "shop-7-eu")], "backend-2"),
        ("GET", "/", &[("x-team", "shop-7-us")], "backend-1"),
        ("GET", "/", &[("x-agent", "bot/12")], "backend-2"),
        ("GET", "/", &[("x-agent", "a bot/12")], "backend-1"),
        ("GET", "/?beta=a", &[], "backend-2"),
        ("GET", "/?debug&level=2", &[], "backend-2"),
        ("GET", "/?debug=1&level=22", &[], "backend-1"),
        ("GET", "/?level=2", &[], "backend-1"),
        ("GET", "/?beta=c", &[], "backend-1"),
        ("PUT", "/", &[], "backend-2"),
        ("DELETE", "/", &[], "backend-2"),
        ("POST", "/", &[], "backend-1"),
        ("GET", "/new/thing", &[], "backend-2"),
    ];
    for (method, path, headers, expected) in cases {
        let reply = ask(&mesh, method, path, headers).await;
        assert_eq!(app(&reply), expected, "{method} {path} {headers:?}: {reply:?}");
    }
    let reply = ask(&mesh, "GET", "/new/thing?q=1", &[("x-set", "0"), ("x-more", "1"), ("x-gone", "1")]).await;
    let told = reply.told();
    assert_eq!(told["path"], "/thing?q=1");
    assert_eq!(told["headers"]["x-set"], "1");
    assert_eq!(told["headers"]["x-more"], "1, 2");
    assert_eq!(told["headers"]["x-gone"], Value::Null);
    assert!(reply.head.contains("x-answer: yes"), "{reply:?}");
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_added_set_and_removed_on_both_ways_by_routes_and_by_splits() {
    if !setup::has_envoy("headers") {
        return;
    }
    let mesh = two_subsets(Watched::Not, resolver(json!({ "DefaultSubset": "one" }))).await;
    let modifiers = |by: &str| {
        json!({
            "Add": { format!("x-{by}-added"): by },
            "Set": { format!("x-{by}-set"): by },
            "Remove": [format!("x-{by}-gone")],
        })
    };
    let answers = json!({ "Add": { "x-answer-added": "split" }, "Set": { "content-type": "text/plain" } });
    write(
        &mesh,
        json!({ "Kind": "service-splitter", "Name": "backend", "Splits": [
            { "Weight": 100, "ServiceSubset": "one", "RequestHeaders": modifiers("split"), "ResponseHeaders": answers },
        ] }),
    )
    .await;
    let destination = json!({
        "RequestHeaders": modifiers("route"),
        "ResponseHeaders": { "Set": { "x-answer-set": "route" }, "Remove": ["x-envoy-upstream-service-time"] },
    });
    write(&mesh, router(&json!([{ "Match": { "HTTP": { "PathPrefix": "/" } }, "Destination": destination }]))).await;
    mesh.until("both to change headers", async |mesh| {
        let told = ask(mesh, "GET", "/", &[]).await.told();
        told["headers"]["x-route-set"] == "route" && told["headers"]["x-split-set"] == "split"
    })
    .await;
    let sent = ["route", "split"].map(|by| ["added", "set", "gone"].map(|what| format!("x-{by}-{what}")));
    let sent: Vec<(&str, &str)> = sent.iter().flatten().map(|name| (name.as_str(), "own")).collect();
    let reply = ask(&mesh, "GET", "/", &sent).await;
    let told = reply.told();
    for by in ["route", "split"] {
        let came = |what: &str| told["headers"][format!("x-{by}-{what}")].clone();
        assert_eq!(came("added"), json!(format!("own, {by}")), "{told}");
        assert_eq!((came("set"), came("gone")), (json!(by), Value::Null), "{told}");
    }
    let head = reply.head.to_ascii_lowercase();
    for there in ["x-answer-set: route", "x-answer-added: split", "content-type: text/plain"] {
        assert!(head.contains(there), "{there}: {head}");
    }
    assert!(!head.contains("x-envoy-upstream-service-time"), "{head}");
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_deals_requests_out_by_its_weights() {
    if !setup::has_envoy("splits") {
        return;
    }
    let mesh = two_subsets(Watched::Not, resolver(json!({ "DefaultSubset": "one" }))).await;
    until_all_calls_reach(&mesh, "backend-1").await;
    write(&mesh, splitter(90.0, 10.0)).await;
    mesh.until("the canary to be called", async |mesh| mesh.tally(30).await.contains_key("backend-2")).await;
    let tally = mesh.tally(1000).await;
    let canary = tally.get("backend-2").copied().unwrap_or_default();
    // four standard deviations of a thousand draws with a tenth
    assert!((62..=138).contains(&canary), "{tally:?}");
    assert_eq!(tally.values().sum::<usize>(), canary + tally["backend-1"], "{tally:?}");
    write(&mesh, splitter(0.0, 100.0)).await;
    until_all_calls_reach(&mesh, "backend-2").await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_leads_to_a_subset() {
    if !setup::has_envoy("redirects") {
        return;
    }
    let mesh = two_subsets(Watched::Not, resolver(json!({}))).await;
    write(&mesh, resolver(json!({ "Redirect": { "Service": "backend", "ServiceSubset": "two" } }))).await;
    until_all_calls_reach(&mesh, "backend-2").await;
    write(&mesh, resolver(json!({ "DefaultSubset": "one" }))).await;
    until_all_calls_reach(&mesh, "backend-1").await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_subset_stands_in_while_the_first_is_ill() {
    if !setup::has_envoy("failover") {
        return;
    }
    let failover = json!({ "DefaultSubset": "two", "Failover": { "two": { "ServiceSubset": "one" } } });
    let mesh = two_subsets(Watched::Ttl, resolver(failover)).await;
    until_all_calls_reach(&mesh, "backend-2").await;
    let Upstream::Port(port) = mesh.upstream else { panic!("HTTP is spoken over ports here") };
    let traffic = Traffic::start(2, port);
    mesh.agent.http.poke("/v1/agent/check/fail/service:backend-2").await.expect("a report is taken");
    until_all_calls_reach(&mesh, "backend-1").await;
    mesh.agent.http.poke("/v1/agent/check/pass/service:backend-2").await.expect("a report is taken");
    until_all_calls_reach(&mesh, "backend-2").await;
    let seen = traffic.stop().await;
    assert!(seen.failures.is_empty() && seen.requests > 10, "{seen}");
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_hide_an_instance_that_fails_every_other_call() {
    if !setup::has_envoy("retries") {
        return;
    }
    let mut mesh = Mesh::http().await;
    mesh.add_backend("backend-2", Watched::Not).await;
    mesh.backend("backend-2").app.set_failing(Failing::EveryOther);
    assert!(mesh.tally(40).await.contains_key(""), "without retries calls fail");
    let destination = json!({ "NumRetries": 3, "RetryOn": ["5xx"] });
    write(&mesh, router(&json!([{ "Match": { "HTTP": { "PathPrefix": "/" } }, "Destination": destination }]))).await;
    mesh.until("calls to be tried again", async |mesh| !mesh.tally(20).await.contains_key("")).await;
    let tally = mesh.tally(200).await;
    assert!(!tally.contains_key("") && tally.len() == 2, "{tally:?}");
    let retried = mesh.frontend.stats("^cluster\\..*backend\\..*upstream_rq_retry_success$").await;
    assert!(retried.values().sum::<u64>() > 20, "{retried:?}");
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_keeps_failing_is_left_alone() {
    if !setup::has_envoy("outlier detection") {
        return;
    }
    let mut mesh = Mesh::http().await;
    mesh.add_backend("backend-2", Watched::Not).await;
    let check = json!({
        "Interval": "1s", "MaxFailures": 3, "EnforcingConsecutive5xx": 100, "MaxEjectionPercent": 50,
        "BaseEjectionTime": "60s",
    });
    let defaults = json!({ "PassiveHealthCheck": check });
    write(&mesh, json!({ "Kind": "service-defaults", "Name": "frontend", "UpstreamConfig": { "Defaults": defaults } }))
        .await;
    mesh.settle().await;
    mesh.backend("backend-2").app.set_failing(Failing::Always);
    mesh.until("the instance to be left alone", async |mesh| mesh.tally(20).await.get("backend-1") == Some(&20)).await;
    let ejected = mesh.frontend.stats("^cluster\\..*backend\\..*outlier_detection\\.ejections_active$").await;
    assert_eq!(ejected.values().sum::<u64>(), 1, "{ejected:?}");
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_end_where_their_budget_does() {
    if !setup::has_envoy("retry budgets") {
        return;
    }
    let mesh = Mesh::http().await;
    let budget = async |percent: f64| {
        let limits = json!({ "RetryBudget": { "Percent": percent, "MinRetryConcurrency": 0 } });
        let upstreams = json!({ "Defaults": { "Limits": limits } });
        write(&mesh, json!({ "Kind": "service-defaults", "Name": "frontend", "UpstreamConfig": upstreams })).await;
        mesh.settle().await;
    };
    let destination = json!({ "NumRetries": 3, "RetryOn": ["5xx"] });
    write(&mesh, router(&json!([{ "Match": { "HTTP": { "PathPrefix": "/" } }, "Destination": destination }]))).await;
    budget(100.0).await;
    mesh.backend("backend-1").app.set_failing(Failing::EveryOther);
    mesh.until("calls to be tried again", async |mesh| !mesh.tally(20).await.contains_key("")).await;
    // a hundredth of one request on its way is no retry
    budget(1.0).await;
    mesh.until("calls not to be tried again", async |mesh| mesh.tally(20).await.get("") == Some(&10)).await;
    let beyond = mesh.frontend.stats("^cluster\\..*backend\\..*upstream_rq_retry_overflow$").await;
    assert!(beyond.values().sum::<u64>() >= 10, "{beyond:?}");
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_instance_takes_its_share_little_by_little() {
    if !setup::has_envoy("slow start") {
        return;
    }
    let mut mesh = Mesh::http().await;
    let window = Duration::from_secs(10);
    let slow_start = json!({ "Window": "10s", "MinWeightPercent": 1 });
    write(&mesh, resolver(json!({ "LoadBalancer": { "SlowStartConfig": slow_start } }))).await;
    mesh.settle().await;
    // the first instance is new to a cluster that has changed, and Envoy does not tell when it is no longer
    sleep(window).await;
    mesh.add_backend("backend-2", Watched::Not).await;
    let early = mesh.tally(100).await;
    assert!(early["backend-1"] > 65, "{early:?}");
    mesh.until("the new instance to have its share", async |mesh| {
        mesh.tally(100).await.get("backend-2").is_some_and(|share| *share >= 45)
    })
    .await;
    mesh.finish().await;
}

/// Each of these is written again and again, in one way or the other.
fn rewritten(number: usize) -> Value {
    let odd = !number.is_multiple_of(2);
    match number % 3 {
        0 => splitter(if odd { 90.0 } else { 25.5 }, if odd { 10.0 } else { 74.5 }),
        1 => {
            let destination = json!({ "ServiceSubset": if odd { "one" } else { "two" }, "PrefixRewrite": "/" });
            let path = format!("/{}", number % 7);
            router(&json!([{ "Match": { "HTTP": { "PathPrefix": path } }, "Destination": destination }]))
        }
        _ => {
            let failover = json!({ "*": { "ServiceSubset": if odd { "one" } else { "two" } } });
            let timeout = format!("{}s", 3 + number % 5);
            resolver(if odd {
                json!({ "Failover": failover, "ConnectTimeout": timeout })
            } else {
                json!({ "ConnectTimeout": timeout, "LoadBalancer": { "Policy": "least_request" } })
            })
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_its_routes_are_rewritten_a_thousand_times() {
    if !setup::has_envoy("routes under load") {
        return;
    }
    let mesh = two_subsets(Watched::Not, resolver(json!({}))).await;
    write(&mesh, splitter(50.0, 50.0)).await;
    write(&mesh, router(&json!([]))).await;
    mesh.settle().await;
    let Upstream::Port(port) = mesh.upstream else { panic!("HTTP is spoken over ports here") };
    let traffic = Traffic::start(4, port);
    for number in 0..1000 {
        write(&mesh, rewritten(number)).await;
        if number % 10 == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    }
    mesh.settle().await;
    // what was replaced last is drained for a second
    sleep(Duration::from_millis(1500)).await;
    let seen = traffic.stop().await;
    _ = writeln!(io::stderr(), "1000 rewrites: {seen}");
    assert!(seen.failures.is_empty(), "{seen}: {:?}", seen.failures);
    assert!(seen.requests > 1000, "{seen}");
    mesh.finish().await;
}
