//! Rows 93 to 97 and 120: a client that comes back.

use std::collections::HashMap;

use chancery_tests::ads::Say;
use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;

use crate::stage::{in_both, in_delta, url};

#[test]
fn row_093_a_client_that_comes_back_gets_what_differs() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1", "C gone@1"]);
        talk.settles("C", &[], "C +a@1 +b@1 +gone@1").await;
        stage.hears_all_answers().await;
        talk.reconnect();
        stage.show(&["C a@1", "C b@2", "C c@1"]);
        talk.asks("C", &[]).await;
        talk.takes("C +b@2 +c@1").await;
        talk.takes("C -gone").await;
        talk.quiet().await;
    });
}

#[test]
fn row_093_a_client_that_comes_back_in_sync_gets_nothing() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1 a", "E a@1", "L l@1 a"]);
        talk.settles("C", &[], "C +a@1").await;
        talk.settles("E", &["a"], "E +a@1").await;
        talk.settles("L", &[], "L +l@1").await;
        stage.hears_all_answers().await;
        talk.reconnect();
        talk.asks("C", &[]).await;
        talk.asks("E", &["a"]).await;
        talk.asks("L", &[]).await;
        talk.quiet().await;
        stage
            .eventually("it is in sync", |stage| stage.streams.sheets().iter().all(|sheet| sheet.protocol().settled()))
            .await;
    });
}

#[test]
fn row_094_the_map_counts_in_the_first_message_of_a_type_alone() {
    in_delta(async |stage, mut talk| {
        stage.show(&["E a@1", "E b@1"]);
        talk.asks("E", &["a"]).await;
        let answer = talk.takes("E +a@1").await;
        talk.send(Say::Delta(DeltaDiscoveryRequest {
            type_url: url("E").to_owned(),
            resource_names_subscribe: vec!["b".to_owned()],
            initial_resource_versions: HashMap::from([("b".to_owned(), answer.resources[0].version.clone())]),
            ..Default::default()
        }))
        .await;
        talk.takes("E +b@1").await;
    });
}

#[test]
fn row_095_endpoints_of_a_cluster_that_changed_meanwhile_come_though_equal() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1 a", "C b@1 b", "E a@1", "E b@1"]);
        talk.settles("C", &[], "C +a@1 +b@1").await;
        talk.settles("E", &["a", "b"], "E +a@1 +b@1").await;
        stage.hears_all_answers().await;
        talk.reconnect();
        stage.show(&["C a@2 a", "C b@1 b", "E a@1", "E b@1"]);
        talk.asks("C", &[]).await;
        talk.asks("E", &["a", "b"]).await;
        talk.takes("C +a@2").await;
        talk.takes("E +a@1").await;
        talk.quiet().await;
        // and after each later change
        stage.show(&["C a@2 a", "C b@2 b", "E a@1", "E b@1"]);
        talk.takes("C +b@2").await;
        talk.takes("E +b@1").await;
    });
}

#[test]
fn row_096_what_is_equal_is_spared_only_without_its_cluster() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1 a", "E a@1"]);
        talk.settles("C", &[], "C +a@1").await;
        talk.settles("E", &["a"], "E +a@1").await;
        stage.hears_all_answers().await;
        talk.reconnect();
        talk.asks("C", &[]).await;
        talk.asks("E", &["a"]).await;
        talk.quiet().await;
        stage.hears_all_answers().await;
        talk.reconnect();
        // what is under way to an end that comes too late would be told again
        stage.eventually("the earlier stream has gone", |stage| stage.streams.is_empty()).await;
        // asked before its cluster, which is new to the client
        stage.show(&["C a@3 a", "E a@1"]);
        talk.asks("E", &["a"]).await;
        talk.quiet().await;
        talk.asks("C", &[]).await;
        talk.takes("C +a@3").await;
        talk.takes("E +a@1").await;
    });
}

#[test]
fn row_097_nonces_do_not_outlive_a_stream() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.asks("C", &[]).await;
        let old = talk.hears("C +a@1").await;
        talk.reconnect();
        talk.asks("C", &[]).await;
        let new = talk.hears("C +a@1").await;
        assert!(!new.nonce.is_empty());
        talk.ack(&old).await;
        talk.quiet().await;
    });
}

#[test]
fn row_120_names_beside_the_wildcard_come_back_with_it() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1"]);
        talk.settles("C", &[], "C +a@1 +b@1").await;
        talk.settles("C", &["a", "z"], "C +a@1 -z").await;
        stage.hears_all_answers().await;
        talk.reconnect();
        stage.show(&["C a@1", "C b@2"]);
        talk.asks("C", &["*", "a", "z"]).await;
        talk.takes("C +b@2 -z").await;
        talk.quiet().await;
        stage.show(&["C a@1", "C b@2", "C z@1"]);
        talk.takes("C +z@1").await;
    });
}
