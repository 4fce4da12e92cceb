//! A transparent proxy, in a network namespace of its own: an application calls addresses that exist nowhere, and what
//! `chancery connect redirect-traffic` wrote into iptables leads it through its Envoy.
//!
//! Whatever root runs (the agent, the Envoys, this test) counts as the proxy; the application is `curl`, as another user.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use chancery_tests::agent::Agent;
use chancery_tests::app::App;
use chancery_tests::envoy::Envoy;
use chancery_tests::namespace::Namespace;
use chancery_tests::setup;
use chancery_tests::wait::eventually;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(15);
/// The user that the application runs as; nobody else's connections are led anywhere.
const APPLICATION: u32 = 4321;
/// Addresses of the namespace that are not the loopback's: where the backend's sidecar is, and what is not in the mesh.
const INSIDE: &str = "10.99.0.1";
const OUTSIDE: &str = "10.99.0.2";
const OUTSIDE_OF_IPV6: &str = "fd00:99::2";

/// With the addresses above.
fn enter() -> Namespace {
    let namespace = Namespace::enter();
    for address in [INSIDE, OUTSIDE] {
        namespace.ip(&["address", "add", &format!("{address}/32"), "dev", "lo"]);
    }
    namespace.ip(&["address", "add", &format!("{OUTSIDE_OF_IPV6}/128"), "dev", "lo", "nodad"]);
    namespace.ip(&["route", "add", "default", "dev", "lo", "src", INSIDE]);
    namespace
}

/// What is missing for this, if anything is.
fn missing() -> Option<&'static str> {
    if let Some(missing) = Namespace::missing() {
        return Some(missing);
    }
    let programs = [
        ("iptables", "iptables"),
        ("iptables-restore", "iptables"),
        ("ip6tables-restore", "iptables"),
        ("curl", "curl"),
    ];
    let missing = programs.into_iter().find(|(program, _)| setup::on_path(program).is_none());
    if let Some((_, package)) = missing {
        return Some(package);
    }
    let works = ["iptables", "ip6tables"].into_iter().all(|program| {
        let made = Command::new("unshare").args(["--net", program, "-t", "nat", "-S"]).output();
        made.is_ok_and(|output| output.status.success())
    });
    (!works).then_some("a kernel that lets iptables redirect connections in a network namespace")
}

/// The application calls: what it is answered, or nothing.
async fn call(url: &str) -> Option<Value> {
    let url = url.to_owned();
    let output = tokio::task::spawn_blocking(move || {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--noproxy", "*", "--max-time", "3", &url]).uid(APPLICATION).output()
    });
    let output = output.await.expect("the thread ends").expect("there is a curl");
    output.status.success().then(|| serde_json::from_slice(&output.stdout).ok()).flatten()
}

async fn reaches(url: &str, app: &str) {
    eventually(&format!("{url} to lead to {app}"), PATIENCE, async || {
        call(url).await.filter(|answer| answer["app"] == app).map(drop)
    })
    .await;
}

async fn fails(url: &str) {
    eventually(&format!("{url} to lead nowhere"), PATIENCE, async || call(url).await.is_none().then_some(())).await;
}

async fn virtual_ip(agent: &Agent, service: &str) -> String {
    let answer = agent.http.get(&format!("/v1/health/connect/{service}")).await.expect("the agent answers").json();
    answer[0]["Service"]["TaggedAddresses"]["consul-virtual"]["Address"].as_str().expect("it has one").to_owned()
}

#[tokio::test]
async fn an_application_reaches_services_by_their_virtual_addresses_and_knows_of_no_proxy() {
    if !setup::has_envoy("transparent proxy") {
        return;
    }
    if let Some(missing) = missing() {
        return setup::skip("transparent proxy", missing);
    }
    let _namespace = enter();
    let agent = Agent::dev().await;
    let (backend, plain) = (App::http("backend").await, App::http("plain").await);
    agent.put("/v1/config", json!({ "Kind": "service-defaults", "Name": "backend", "Protocol": "http" })).await;
    let sidecar = json!({ "Address": INSIDE, "Port": 21000, "Proxy": { "LocalServiceAddress": "127.0.0.1", "TransparentProxy": { "DialedDirectly": true } } });
    let service = json!({ "Name": "backend", "Port": backend.port, "Connect": { "SidecarService": sidecar } });
    agent.put("/v1/agent/service/register", service).await;
    // at all addresses, those of IPv6 among them: so connections over IPv6 are led as well
    let sidecar = json!({ "Proxy": { "Mode": "transparent", "Config": { "bind_address": "::" } } });
    let service = json!({ "Name": "frontend", "Port": plain.port, "Connect": { "SidecarService": sidecar } });
    agent.put("/v1/agent/service/register", service).await;
    let envoys = [Envoy::sidecar_for(&agent, "backend").await, Envoy::sidecar_for(&agent, "frontend").await];
    let frontend = &envoys[1];

    let virtual_url = format!("http://{}/", virtual_ip(&agent, "backend").await);
    assert_eq!(call(&virtual_url).await, None, "nothing leads there yet");
    let redirect = ["connect", "redirect-traffic", "-proxy-id", "frontend-sidecar-proxy", "-proxy-uid", "0"];
    agent.run(&redirect).expect("the rules are taken");
    // and taken again, in place of the first
    agent.run(&redirect).expect("the rules are taken");
    for program in ["iptables", "ip6tables"] {
        let rules = Command::new(program).args(["-t", "nat", "-S", "OUTPUT"]).output().expect("the program is there");
        let rules = String::from_utf8_lossy(&rules.stdout).into_owned();
        assert_eq!(rules.matches("CONSUL_PROXY_OUTPUT").count(), 1, "{program}: {rules}");
    }

    reaches(&virtual_url, "backend").await;
    // the instance at its own address, still by mutual TLS
    reaches(&format!("http://{INSIDE}:21000/"), "backend").await;
    // past the mesh, to whatever it is
    let outside = App::http_at(OUTSIDE, "outside").await;
    let outside_url = format!("http://{OUTSIDE}:{}/", outside.port);
    reaches(&outside_url, "outside").await;
    let passed = frontend.stats("^cluster.original-destination.upstream_cx_total$").await;
    let over_ipv4 = passed["cluster.original-destination.upstream_cx_total"];
    assert!(over_ipv4 > 0, "it went through the proxy");
    let outside_of_ipv6 = App::http_at(OUTSIDE_OF_IPV6, "outside over IPv6").await;
    let url_of_ipv6 = format!("http://[{OUTSIDE_OF_IPV6}]:{}/", outside_of_ipv6.port);
    reaches(&url_of_ipv6, "outside over IPv6").await;
    let passed = frontend.stats("^cluster.original-destination.upstream_cx_total$").await;
    assert!(passed["cluster.original-destination.upstream_cx_total"] > over_ipv4, "it went through the proxy too");

    agent.put("/v1/connect/intentions/exact?source=frontend&destination=backend", json!({ "Action": "deny" })).await;
    fails(&virtual_url).await;
    agent.delete("/v1/connect/intentions/exact?source=frontend&destination=backend").await;
    reaches(&virtual_url, "backend").await;

    let mesh_only = json!({ "Kind": "mesh", "TransparentProxy": { "MeshDestinationsOnly": true } });
    agent.put("/v1/config", mesh_only).await;
    fails(&outside_url).await;
    fails(&url_of_ipv6).await;
    reaches(&virtual_url, "backend").await;
    for envoy in &envoys {
        envoy.assert_no_rejections().await;
    }
}
