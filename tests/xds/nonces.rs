//! Rows 49 to 57: nonces.

use std::collections::BTreeSet;

use chancery::delta::TypeStatus;
use chancery::resource::ResourceType;
use chancery_tests::ads::{Answer, Say};
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DiscoveryRequest};

use crate::stage::{Stage, in_both, in_delta, in_the_world, url};

/// What the one stream's server side knows of a type.
pub(crate) fn status(stage: &Stage, kind: ResourceType) -> Option<TypeStatus> {
    let sheets = stage.streams.sheets();
    let [sheet] = &sheets[..] else { panic!("{} streams", sheets.len()) };
    sheet.protocol().status().into_iter().find(|status| status.kind == kind)
}

fn in_flight(stage: &Stage, kind: ResourceType) -> usize {
    status(stage, kind).map_or(0, |status| status.in_flight)
}

fn world(letter: &str, names: &[&str], answered: &Answer) -> Say {
    Say::StateOfTheWorld(DiscoveryRequest {
        type_url: url(letter).to_owned(),
        resource_names: names.iter().map(|name| (*name).to_owned()).collect(),
        version_info: answered.version.clone(),
        response_nonce: answered.nonce.clone(),
        ..Default::default()
    })
}

fn delta(letter: &str, names: &[&str], nonce: &str) -> Say {
    Say::Delta(DeltaDiscoveryRequest {
        type_url: url(letter).to_owned(),
        resource_names_subscribe: names.iter().map(|name| (*name).to_owned()).collect(),
        response_nonce: nonce.to_owned(),
        ..Default::default()
    })
}

#[test]
fn row_049_nonces_are_unique_over_all_types() {
    in_both(async |stage, mut talk| {
        let mut seen = BTreeSet::new();
        for content in 1..20 {
            stage.show(&[&format!("C a@{content}"), &format!("E e@{content}"), &format!("L l@{content}")]);
            if content == 1 {
                talk.asks("C", &[]).await;
                talk.asks("E", &["e"]).await;
                talk.asks("L", &[]).await;
            }
            for letter in ["C +a", "E +e", "L +l"] {
                let answer = talk.takes(&format!("{letter}@{content}")).await;
                assert!(!answer.nonce.is_empty() && seen.insert(answer.nonce.clone()), "{answer:?}");
            }
        }
    });
}

#[test]
fn row_050_a_nonce_of_another_type_acknowledges_nothing() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1", "L l@1"]);
        talk.asks("C", &[]).await;
        let clusters = talk.hears("C +a@1").await;
        talk.asks("L", &[]).await;
        let listeners = talk.hears("L +l@1").await;
        let crossed = Answer { nonce: clusters.nonce.clone(), ..listeners.clone() };
        talk.ack(&crossed).await;
        talk.quiet().await;
        assert_eq!((in_flight(&stage, ResourceType::Cluster), in_flight(&stage, ResourceType::Listener)), (1, 1));
        talk.ack(&listeners).await;
        stage.eventually("listeners are acknowledged", |stage| in_flight(stage, ResourceType::Listener) == 0).await;
        assert_eq!(in_flight(&stage, ResourceType::Cluster), 1);
    });
}

#[test]
fn row_051_a_stale_nonce_is_no_answer() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["E a@1", "E b@1"]);
        talk.asks("E", &["a"]).await;
        let first = talk.hears("E +a@1").await;
        talk.names("E", &["a", "b"]).await;
        let second = talk.hears("E +b@1").await;
        talk.ack(&second).await;
        talk.send(world("E", &["a", "b"], &first)).await;
        talk.quiet().await;
        let known = status(&stage, ResourceType::Endpoint).expect("endpoints");
        assert_eq!(known.accepted.map(|(nonce, _)| nonce.to_string()), Some(second.nonce));
    });
}

#[test]
fn row_052_the_names_of_a_stale_request_count() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["E a@1", "E b@1"]);
        talk.asks("E", &["a"]).await;
        let first = talk.takes("E +a@1").await;
        stage.show(&["E a@2", "E b@1"]);
        talk.hears("E +a@2").await;
        talk.send(world("E", &["a", "b"], &first)).await;
        talk.hears("E +b@1").await;
    });
}

#[test]
fn row_053_the_first_request_is_a_subscription_whatever_its_nonce() {
    in_both(async |stage, mut talk| {
        stage.show(&["E a@1"]);
        let stranger = Answer::from(envoy_types::pb::envoy::service::discovery::v3::DiscoveryResponse {
            version_info: "another".to_owned(),
            nonce: "17".to_owned(),
            ..Default::default()
        });
        let say = if talk.is_delta() { delta("E", &["a"], "17") } else { world("E", &["a"], &stranger) };
        talk.send(say).await;
        talk.takes("E +a@1").await;
    });
}

#[test]
fn row_054_a_subscription_counts_beside_a_stale_nonce() {
    in_delta(async |stage, mut talk| {
        stage.show(&["E a@1", "E b@1", "E c@1"]);
        talk.settles("E", &["a"], "E +a@1").await;
        for (name, nonce) in [("b", "99"), ("c", "not ours")] {
            talk.send(delta("E", &[name], nonce)).await;
            talk.takes(&format!("E +{name}@1")).await;
        }
    });
}

#[test]
fn row_055_one_message_may_acknowledge_and_subscribe() {
    in_delta(async |stage, mut talk| {
        stage.show(&["E a@1", "E b@1"]);
        talk.asks("E", &["a"]).await;
        let first = talk.hears("E +a@1").await;
        talk.send(delta("E", &["b"], &first.nonce)).await;
        talk.hears("E +b@1").await;
        let known = status(&stage, ResourceType::Endpoint).expect("endpoints");
        assert_eq!(known.accepted.map(|(nonce, _)| nonce.to_string()), Some(first.nonce));
        assert_eq!(known.in_flight, 1);
    });
}

#[test]
fn row_056_an_ack_settles_what_was_sent_before() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["E a@1", "E b@1"]);
        talk.asks("E", &["a"]).await;
        talk.hears("E +a@1").await;
        talk.names("E", &["a", "b"]).await;
        talk.takes("E +b@1").await;
        stage.eventually("the client is in sync", |stage| stage.streams.sheets()[0].protocol().settled()).await;
    });
}

#[test]
fn row_057_an_ack_that_comes_twice_gets_no_answer() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1 a", "E a@1"]);
        talk.settles("C", &[], "C +a@1").await;
        talk.asks("E", &["a"]).await;
        let answer = talk.takes("E +a@1").await;
        talk.ack(&answer).await;
        talk.quiet().await;
    });
}
