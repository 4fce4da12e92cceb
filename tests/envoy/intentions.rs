//! Who may call whom, on running Envoys.

use std::collections::BTreeMap;

use chancery_tests::mesh::Mesh;
use chancery_tests::setup;

/// Names of the resources that differ.
fn changed(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

async fn forbid_and_allow(mesh: &Mesh) {
    mesh.settle().await;
    let backend = &mesh.backends[0].envoy;
    let (frontend_before, backend_before) = (mesh.frontend.versions().await, backend.versions().await);

    mesh.set_intention("deny").await;
    mesh.until("calls to be denied", async |mesh| mesh.call().await.is_err()).await;
    assert_eq!(mesh.tally(10).await.get(""), Some(&10), "denied is denied");
    let denied = changed(&backend_before, &backend.versions().await);
    assert!(
        matches!(&denied[..], [one] if one.starts_with("listener public_listener:")),
        "an intention changes the public listener alone, not {denied:?}"
    );

    mesh.set_intention("allow").await;
    mesh.until("calls to be allowed", async |mesh| mesh.call().await.is_ok()).await;
    assert_eq!(mesh.tally(10).await.get(""), None, "allowed is allowed");

    mesh.remove_intention().await;
    mesh.settle().await;
    mesh.until("all to be as it was", async |_| backend.versions().await == backend_before).await;
    assert_eq!(mesh.frontend.versions().await, frontend_before, "the caller's Envoy has nothing to do with it");
    mesh.until("calls to go on", async |mesh| mesh.call().await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_calls_are_forbidden_and_allowed_and_nothing_else_changes() {
    if !setup::has_envoy("intentions for http") {
        return;
    }
    let mesh = Mesh::http().await;
    forbid_and_allow(&mesh).await;
    mesh.set_intention("deny").await;
    mesh.until("an answer that says so", async |mesh| {
        mesh.http_call().await.is_ok_and(|answer| answer.status.as_u16() == 403 && answer.text().contains("RBAC"))
    })
    .await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp_connections_are_forbidden_and_allowed_and_nothing_else_changes() {
    if !setup::has_envoy("intentions for tcp") {
        return;
    }
    let mesh = Mesh::tcp().await;
    forbid_and_allow(&mesh).await;
    mesh.finish().await;
}
