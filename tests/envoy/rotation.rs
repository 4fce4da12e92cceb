//! Another root takes over, and nobody's call fails.

use serde_json::{Value, json};

use chancery::authority;
use chancery::model::{KeyKind, Lifetimes, TrustDomain, UnixTime};
use chancery_tests::mesh::{Caller, Mesh};
use chancery_tests::setup;

use crate::leaf::serial;

const PATH: &str = "/v1/connect/ca/configuration";

async fn roots(mesh: &Mesh) -> Vec<Value> {
    let answer = mesh.agent.http.json("/v1/connect/ca/roots").await;
    answer["Roots"].as_array().cloned().expect("roots")
}

/// Rotates and waits until both sides present certificates of the new root.
async fn rotate(mesh: &Mesh, path: &str, config: Value) {
    let envoys: Vec<_> = mesh.envoys().collect();
    let mut old = Vec::new();
    for envoy in &envoys {
        old.push(serial(envoy).await);
    }
    mesh.agent.put(path, json!({ "Provider": "consul", "Config": config })).await;
    mesh.until("every Envoy to present a certificate of the new root", async |_| {
        let mut renewed = 0;
        for (envoy, old) in envoys.iter().zip(&old) {
            renewed += usize::from(serial(envoy).await != *old);
        }
        renewed == envoys.len()
    })
    .await;
    mesh.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_while_the_root_is_rotated_and_rotated_again() {
    if !setup::has_envoy("the root is rotated") {
        return;
    }
    // every call of it is a connection of its own, so each one proves both certificates anew
    let mesh = Mesh::tcp().await;
    mesh.settle().await;
    let first = roots(&mesh).await;
    let caller = Caller::start(&mesh);

    rotate(&mesh, &format!("{PATH}?rotate=true"), json!({})).await;
    let second = roots(&mesh).await;
    assert_eq!((first.len(), second.len()), (1, 2));

    let domain = mesh.agent.http.json("/v1/connect/ca/roots").await["TrustDomain"].as_str().map(TrustDomain::from);
    let now =
        UnixTime(i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().expect("now").as_secs()).expect("now"));
    let brought = authority::new_root(&domain.expect("a trust domain"), KeyKind::Ec(384), Lifetimes::DEFAULT.root, now)
        .expect("a root");
    let brought_root = brought.roots.active().expect("a root");
    rotate(&mesh, PATH, json!({ "RootCert": brought_root.pem, "PrivateKey": brought.key.reveal() })).await;

    let third = roots(&mesh).await;
    let active: Vec<&Value> = third.iter().filter(|root| root["Active"] == true).collect();
    assert_eq!((third.len(), active.len()), (3, 1));
    assert_eq!(active[0]["ID"], brought_root.id);
    assert_eq!(active[0]["PrivateKeyBits"], 384);
    for old in first.iter().chain(&second) {
        assert!(third.iter().any(|root| root["RootCert"] == old["RootCert"]), "an old root is no longer trusted");
    }
    let calls = caller.expect_no_failure().await;
    assert!(calls > 0);
    // said again, it is what it is
    let shown = mesh.agent.http.json(PATH).await;
    assert!(!shown.to_string().contains("PRIVATE"), "{shown}");
    mesh.agent.put(PATH, shown).await;
    assert_eq!(roots(&mesh).await, third);
    mesh.finish().await;
}
