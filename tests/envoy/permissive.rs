//! Permissive mutual TLS: what a connection was meant for decides whether it needs a certificate.
//!
//! Connections get there by redirection, which needs a kernel that redirects; here the PROXY protocol says what they were
//! meant for, in the place of the kernel.

use chancery_tests::app::App;
use chancery_tests::envoy::Envoy;
use chancery_tests::golden::{Scenario, bootstrap};
use chancery_tests::ports::free_port;
use chancery_tests::raw::{self, Reply};
use chancery_tests::setup;
use serde_json::{Value, json};
use tempfile::TempDir;

/// As the scenario has them.
const APPLICATION: u16 = 8080;
const SIDECAR: u16 = 21000;

fn named<'a>(bootstrap: &'a mut Value, list: &str, name: &str) -> &'a mut Value {
    let items = bootstrap["static_resources"][list].as_array_mut().expect("a list");
    let found = items.iter_mut().find(|item| item["name"].as_str().is_some_and(|found| found.starts_with(name)));
    found.unwrap_or_else(|| panic!("no {name} in {list}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_called_the_applications_own_port_needs_no_certificate() {
    if !setup::has_envoy("permissive mutual TLS") {
        return;
    }
    let scenarios = Scenario::all("sidecar");
    let scenario = scenarios.iter().find(|scenario| scenario.name == "permissive").expect("the scenario");
    let app = App::http("web").await;
    let port = free_port();
    let mut bootstrap = bootstrap(&scenario.generate());
    let listener = named(&mut bootstrap, "listeners", "public_listener");
    listener["address"]["socket_address"]["port_value"] = port.into();
    listener["listener_filters"] = json!([{
        "name": "envoy.filters.listener.proxy_protocol",
        "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol" },
    }]);
    let cluster = named(&mut bootstrap, "clusters", "local_app");
    cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]["port_value"] =
        app.port.into();
    let folder = TempDir::new().expect("a temporary folder");
    let envoy = Envoy::alone(folder.path(), "permissive", &mut bootstrap).await;

    let call = async |meant_for: u16| {
        let first = format!("PROXY TCP4 10.9.9.9 10.0.0.1 1234 {meant_for}\r\n");
        raw::send_after(&first, port, "GET", "/", &[]).await
    };
    let reply: Reply = call(APPLICATION).await.expect("an answer");
    assert_eq!((reply.status, reply.told()["app"].as_str()), (200, Some("web")));
    for port in [SIDECAR, APPLICATION + 1] {
        let strict = call(port).await;
        assert!(strict.is_err(), "port {port}: {strict:?}");
    }
    assert_eq!(app.calls(), 1);
    let stats = envoy.stats("^tcp.permissive_public_listener.downstream_cx_total$").await;
    assert_eq!(stats.values().sum::<u64>(), 1, "{stats:?}");
}
