//! A certificate is renewed.

use serde_json::Value;

use chancery_tests::envoy::Envoy;
use chancery_tests::mesh::{Caller, Mesh};
use chancery_tests::setup;

/// The serial number, without leading zeros, of the certificate that an Envoy presents.
pub(crate) async fn serial(envoy: &Envoy) -> String {
    let certificates = envoy.admin.json("/certs").await;
    let all = certificates["certificates"].as_array().cloned().unwrap_or_default();
    let chain = all.iter().find_map(|entry| entry["cert_chain"].as_array()?.first().cloned());
    plain(chain.unwrap_or_default()["serial_number"].as_str().unwrap_or_default())
}

/// Serial numbers are written with colons and without.
fn plain(serial: &str) -> String {
    serial.replace(':', "").trim_start_matches('0').to_lowercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_leaf_touches_only_secrets() {
    if !setup::has_envoy("a leaf is renewed") {
        return;
    }
    let mesh = Mesh::http().await;
    mesh.settle().await;
    let backend = &mesh.backends[0].envoy;
    let old = serial(backend).await;
    let (versions, updates) = (backend.versions().await, backend.updates().await);
    let modified = backend.stat("listener_manager.listener_modified").await;
    let frontend = mesh.frontend.versions().await;
    let caller = Caller::start(&mesh);

    let answer = mesh.agent.http.poke("/admin/leaf/backend/renew").await.unwrap().expect_ok("renew").json();
    assert_eq!(plain(answer["old"].as_str().unwrap()), old);
    mesh.until("the Envoy to present the new certificate", async |_| serial(backend).await != old).await;
    mesh.settle().await;

    assert_eq!(serial(backend).await, plain(answer["new"].as_str().unwrap()));
    let now = backend.versions().await;
    let touched: Vec<&String> =
        now.iter().filter(|(name, version)| versions.get(*name) != Some(*version)).map(|(name, _)| name).collect();
    assert!(!touched.is_empty() && touched.iter().all(|name| name.starts_with("secret ")), "touched: {touched:?}");
    for (kind, times) in backend.updates().await {
        let before = updates.get(&kind).copied().unwrap_or_default();
        assert!(kind == "sds" && times > before || times == before, "{kind} went from {before} updates to {times}");
    }
    assert_eq!(backend.stat("listener_manager.listener_modified").await, modified);
    assert_eq!(mesh.frontend.versions().await, frontend);
    caller.expect_no_failure().await;
    mesh.finish().await;
}

#[test]
fn serial_numbers_compare_however_they_are_written() {
    assert_eq!(plain("00:Ab:12"), plain("0ab12"));
    assert_eq!(plain(Value::Null.as_str().unwrap_or_default()), "");
}
