//! Rows 58 to 66: what is accepted and what is refused.

use std::time::Duration;

use chancery::resource::ResourceType;
use chancery_tests::ads::Say;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DiscoveryRequest};
use envoy_types::pb::google::rpc::Status;

use crate::nonces::status;
use crate::stage::{Stage, in_both, in_delta, in_the_world, url};

fn rejections(stage: &Stage, kind: ResourceType) -> u64 {
    status(stage, kind).map_or(0, |status| status.rejections)
}

#[test]
fn row_058_only_the_error_says_that_a_response_was_refused() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["E a@1"]);
        talk.asks("E", &["a"]).await;
        let answer = talk.hears("E +a@1").await;
        talk.send(Say::StateOfTheWorld(DiscoveryRequest {
            type_url: url("E").to_owned(),
            resource_names: vec!["a".to_owned()],
            // some clients say the version they refuse
            version_info: answer.version.clone(),
            response_nonce: answer.nonce,
            error_detail: Some(Status { code: 3, message: "in part".to_owned(), details: vec![] }),
            ..Default::default()
        }))
        .await;
        talk.quiet().await;
        assert_eq!(rejections(&stage, ResourceType::Endpoint), 1);
    });
}

#[test]
fn row_059_after_a_nack_there_is_silence_until_the_content_changes() {
    in_both(async |stage, mut talk| {
        stage.show(&["L l@1"]);
        talk.asks("L", &[]).await;
        let good = talk.takes("L +l@1").await;
        stage.show(&["L l@2"]);
        let bad = talk.hears("L +l@2").await;
        talk.nack(&bad, "no").await;
        talk.quiet().await;
        let known = status(&stage, ResourceType::Listener).expect("listeners");
        assert_eq!(known.accepted.map(|(nonce, _)| nonce.to_string()), Some(good.nonce));
        stage.show(&["L l@3"]);
        talk.takes("L +l@3").await;
    });
}

#[test]
fn row_060_the_subscriptions_in_a_nack_count_and_it_counts_once() {
    in_both(async |stage, mut talk| {
        stage.show(&["E a@1", "E b@1"]);
        talk.asks("E", &["a"]).await;
        let answer = talk.hears("E +a@1").await;
        let error = Some(Status { code: 13, message: "no".to_owned(), details: vec![] });
        let nack = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let (type_url, nonce) = (url("E").to_owned(), answer.nonce.clone());
            if talk.is_delta() {
                Say::Delta(DeltaDiscoveryRequest {
                    type_url,
                    resource_names_subscribe: names,
                    response_nonce: nonce,
                    error_detail: error.clone(),
                    ..Default::default()
                })
            } else {
                Say::StateOfTheWorld(DiscoveryRequest {
                    type_url,
                    resource_names: names,
                    response_nonce: nonce,
                    error_detail: error.clone(),
                    ..Default::default()
                })
            }
        };
        let is_delta = talk.is_delta();
        let first = nack(if is_delta { &[] } else { &["a"] });
        let again = nack(if is_delta { &["b"] } else { &["a", "b"] });
        talk.send(first).await;
        talk.send(again).await;
        talk.hears("E +b@1").await;
        assert_eq!(rejections(&stage, ResourceType::Endpoint), 1);
    });
}

#[test]
fn row_061_a_nack_is_shown_with_client_resource_text_time_and_origin() {
    in_both(async |stage, mut talk| {
        stage.show(&["C backend.default.dc1.internal.1111.consul@1", "S leaf@1"]);
        talk.asks("C", &[]).await;
        let answer = talk.expect(url("C")).await;
        talk.nack(&answer, "no such thing").await;
        talk.asks("S", &["leaf"]).await;
        let secret = talk.hears("S +leaf@1").await;
        talk.nack(&secret, "bad PRIVATE KEY").await;
        stage.eventually("it is recorded", |stage| rejections(stage, ResourceType::Secret) == 1).await;
        let sheets = stage.streams.sheets();
        let refused = sheets[0].refused(ResourceType::Cluster, "backend.default.dc1.internal.1111.consul");
        let refused = refused.expect("a refusal");
        assert_eq!(sheets[0].proxy.to_string(), "n1/p");
        assert_eq!((refused.code, refused.message.as_str()), (13, "no such thing"));
        assert_eq!(refused.nonce.to_string(), answer.nonce);
        assert_eq!(refused.origin, "the service backend, an upstream of the proxy n1/p");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        assert!(now.abs_diff(refused.at) < Duration::from_secs(60));
        let withheld = sheets[0].refused(ResourceType::Secret, "leaf").expect("a refusal").message;
        assert!(!withheld.contains("KEY"), "{withheld}");
    });
}

#[test]
fn row_062_a_refused_batch_is_halved_until_the_bad_one_stands_alone() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1", "C bad@1", "C c@1", "C d@1"]);
        talk.asks("C", &[]).await;
        let answer = talk.hears("C +a@1 +bad@1 +c@1 +d@1").await;
        talk.nack(&answer, "no").await;
        let answer = talk.hears("C +a@1 +bad@1").await;
        talk.nack(&answer, "no").await;
        talk.takes("C +a@1").await;
        let answer = talk.hears("C +bad@1").await;
        talk.nack(&answer, "no").await;
        talk.takes("C +c@1 +d@1").await;
        talk.quiet().await;
        assert_eq!(stage.streams.sheets()[0].refused(ResourceType::Cluster, "bad").expect("refused").message, "no");
        stage.show(&["C a@1", "C bad@2", "C c@1", "C d@1"]);
        talk.takes("C +bad@2").await;
    });
}

#[test]
fn row_062_in_state_of_the_world_the_good_halves_stay() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.settles("C", &[], "C +a@1").await;
        stage.show(&["C a@1", "C bad@1", "C c@1"]);
        let answer = talk.hears("C +a@1 +bad@1 +c@1").await;
        talk.nack(&answer, "no").await;
        let answer = talk.hears("C +a@1 +bad@1").await;
        talk.nack(&answer, "no").await;
        talk.takes("C +a@1 +c@1").await;
        talk.quiet().await;
    });
}

#[test]
fn row_063_what_a_refused_batch_may_have_left_is_removed_after_a_reconnect() {
    in_delta(async |stage, mut talk| {
        stage.show(&["L a@1"]);
        talk.settles("L", &[], "L +a@1").await;
        stage.show(&["L a@1", "L new@1"]);
        let answer = talk.hears("L +new@1").await;
        talk.nack(&answer, "no").await;
        talk.quiet().await;
        talk.reconnect();
        stage.eventually("the old stream has ended", |stage| stage.streams.is_empty()).await;
        // a client does not list what it took from a response that it refused
        stage.show(&["L a@1"]);
        talk.asks("L", &[]).await;
        talk.takes("L -new").await;
        talk.quiet().await;
    });
}

#[test]
fn row_064_a_nack_of_one_client_is_nothing_to_another() {
    in_both(async |stage, mut one| {
        stage.show(&["C a@1"]);
        stage.show_to("q", "n1", &["C a@1"]);
        let mut other = stage.talk_as(crate::stage::node("q"), one.dialect);
        one.asks("C", &[]).await;
        let answer = one.hears("C +a@1").await;
        one.nack(&answer, "no").await;
        other.settles("C", &[], "C +a@1").await;
        stage.show_to("q", "n1", &["C a@2"]);
        other.takes("C +a@2").await;
        one.quiet().await;
    });
}

#[test]
fn row_065_no_code_and_no_wording_is_special() {
    in_both(async |stage, mut talk| {
        talk.asks("C", &[]).await;
        for (content, code) in [(1, 13), (2, 3), (3, 14), (4, 0)] {
            stage.show(&[&format!("C a@{content}")]);
            let answer = talk.hears(&format!("C +a@{content}")).await;
            let (type_url, response_nonce) = (answer.type_url, answer.nonce);
            let error_detail = Some(Status { code, message: String::new(), details: vec![] });
            let say = if talk.is_delta() {
                Say::Delta(DeltaDiscoveryRequest { type_url, response_nonce, error_detail, ..Default::default() })
            } else {
                Say::StateOfTheWorld(DiscoveryRequest { type_url, response_nonce, error_detail, ..Default::default() })
            };
            talk.send(say).await;
            talk.quiet().await;
        }
        assert_eq!(rejections(&stage, ResourceType::Cluster), 4);
    });
}

#[test]
fn row_066_a_nack_that_is_repeated_is_not_answered() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.asks("C", &[]).await;
        let answer = talk.hears("C +a@1").await;
        for _ in 0..100 {
            talk.nack(&answer, "no").await;
        }
        talk.quiet().await;
        assert_eq!(rejections(&stage, ResourceType::Cluster), 1);
    });
}
