//! Rows 122 to 126: times to live.

use std::time::Duration;

use chancery::delta::Dialect;
use chancery_tests::ads::Say;
use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;
use envoy_types::pb::google::rpc::Status;

use crate::stage::{PROXY, in_delta, node, on_stage, url};

#[test]
fn row_122_what_lasts_for_a_time_is_confirmed_without_its_body() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1~2", "C b@1"]);
        talk.asks("C", &[]).await;
        let first = talk.takes("C +a@1 +b@1").await;
        assert_eq!(first.resources[0].ttl, Some(Duration::from_secs(2)));
        assert_eq!(first.resources[1].ttl, None);
        for _ in 0..2 {
            let heartbeat = talk.takes("C ~a").await;
            assert_eq!(heartbeat.resources[0].ttl, first.resources[0].ttl);
            assert_eq!(heartbeat.resources[0].version, first.resources[0].version);
        }
    });
}

#[test]
fn row_123_a_heartbeat_has_the_version_that_was_sent_last_and_a_refused_one_is_made_good() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1~2"]);
        talk.settles("C", &[], "C +a@1").await;
        stage.show(&["C a@2~2"]);
        let newest = talk.takes("C +a@2").await;
        let heartbeat = talk.hears("C ~a").await;
        assert_eq!(heartbeat.resources[0].version, newest.resources[0].version);
        talk.send(Say::Delta(DeltaDiscoveryRequest {
            type_url: url("C").to_owned(),
            response_nonce: heartbeat.nonce,
            error_detail: Some(Status { code: 13, message: "another version".to_owned(), details: vec![] }),
            ..Default::default()
        }))
        .await;
        talk.takes("C +a@2").await;
    });
}

fn envoy() -> Node {
    Node { user_agent_name: "envoy".to_owned(), ..node(PROXY) }
}

fn grpc_feature() -> Node {
    Node { client_features: vec!["xds.config.resource-in-sotw".to_owned()], ..node(PROXY) }
}

#[test]
fn row_124_in_state_of_the_world_only_who_knows_wrappers_learns_a_time_to_live() {
    for (node, ttl) in
        [(envoy(), Some(Duration::from_secs(60))), (grpc_feature(), Some(Duration::from_secs(60))), (node(PROXY), None)]
    {
        on_stage(async |stage| {
            stage.show(&["E e@1~60"]);
            let mut talk = stage.talk_as(node.clone(), Dialect::StateOfTheWorld);
            talk.names("E", &["e"]).await;
            let answer = talk.takes("E +e@1").await;
            assert_eq!(answer.resources[0].ttl, ttl);
        });
    }
}

#[test]
fn row_125_in_state_of_the_world_the_full_set_is_sent_again_in_place_of_heartbeats() {
    on_stage(async |stage| {
        stage.show(&["C a@1~2", "C b@1"]);
        let mut talk = stage.talk_as(envoy(), Dialect::StateOfTheWorld);
        talk.names("C", &[]).await;
        for _ in 0..3 {
            let answer = talk.takes("C +a@1 +b@1").await;
            assert_eq!(answer.resources[0].ttl, Some(Duration::from_secs(2)));
        }
    });
}

#[test]
fn row_126_without_its_time_to_live_a_resource_is_sent_again_and_confirmed_no_more() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1~2"]);
        talk.settles("C", &[], "C +a@1").await;
        stage.show(&["C a@1"]);
        let answer = talk.takes("C +a@1").await;
        assert_eq!(answer.resources[0].ttl, None);
        tokio::time::sleep(Duration::from_millis(1200)).await;
        talk.quiet().await;
    });
}
