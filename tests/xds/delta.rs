//! Rows 72 to 92: subscriptions in delta.

use std::collections::BTreeMap;

use chancery_tests::ads::{Say, inner_name};
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, ResourceLocator};

use crate::stage::{DIALECTS, Stage, in_both, in_delta, many, on_stage, slices, url};

fn both_ways(letter: &str, subscribe: &[&str], unsubscribe: &[&str]) -> Say {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Say::Delta(DeltaDiscoveryRequest {
        type_url: url(letter).to_owned(),
        resource_names_subscribe: owned(subscribe),
        resource_names_unsubscribe: owned(unsubscribe),
        ..Default::default()
    })
}

#[test]
fn row_072_a_first_message_without_names_means_all_clusters_and_listeners() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1", "L l@1", "E e@1", "R r@1"]);
        talk.settles("C", &[], "C +a@1 +b@1").await;
        talk.settles("L", &[], "L +l@1").await;
        talk.asks("E", &[]).await;
        talk.asks("R", &[]).await;
        talk.quiet().await;
    });
}

#[test]
fn row_073_a_star_means_all() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1"]);
        talk.settles("C", &["*"], "C +a@1 +b@1").await;
    });
}

#[test]
fn row_074_a_name_beside_the_wildcard_is_sent_again() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1"]);
        talk.settles("C", &[], "C +a@1 +b@1").await;
        talk.settles("C", &["a"], "C +a@1").await;
        stage.show(&["C a@1", "C b@2"]);
        talk.takes("C +b@2").await;
    });
}

#[test]
fn row_075_without_the_wildcard_the_names_remain() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1"]);
        talk.settles("C", &["*", "a"], "C +a@1 +b@1").await;
        talk.drops("C", &["*"]).await;
        talk.quiet().await;
        stage.show(&["C a@1", "C b@2"]);
        talk.quiet().await;
        stage.show(&["C a@2", "C b@2"]);
        talk.takes("C +a@2").await;
    });
}

#[test]
fn row_076_without_its_last_name_a_client_gets_nothing() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1"]);
        talk.settles("C", &["a"], "C +a@1").await;
        talk.drops("C", &["a"]).await;
        talk.quiet().await;
        stage.show(&["C a@2", "C b@2"]);
        talk.quiet().await;
    });
}

#[test]
fn row_077_subscribing_and_unsubscribing_the_star_at_once_is_no_wildcard() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1"]);
        talk.send(both_ways("C", &["*"], &["*"])).await;
        talk.quiet().await;
        talk.settles("C", &["b"], "C +b@1").await;
    });
}

#[test]
fn row_078_a_name_subscribed_again_is_sent_again() {
    in_delta(async |stage, mut talk| {
        stage.show(&["E a@1"]);
        talk.settles("E", &["a"], "E +a@1").await;
        talk.settles("E", &["a"], "E +a@1").await;
    });
}

#[test]
fn row_079_unsubscribing_what_was_never_subscribed_is_ignored() {
    in_delta(async |stage, mut talk| {
        stage.show(&["E a@1"]);
        talk.settles("E", &["a"], "E +a@1").await;
        talk.drops("E", &["z"]).await;
        talk.quiet().await;
    });
}

#[test]
fn row_080_unsubscribing_a_name_beside_the_wildcard_tells_what_is_held_now() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.settles("C", &["*", "a", "z"], "C +a@1 -z").await;
        talk.drops("C", &["a"]).await;
        talk.takes("C +a@1").await;
        talk.drops("C", &["z"]).await;
        talk.takes("C -z").await;
    });
}

#[test]
fn row_081_any_other_unsubscription_gets_no_answer() {
    in_delta(async |stage, mut talk| {
        stage.show(&["E a@1", "E b@1"]);
        talk.settles("E", &["a", "b"], "E +a@1 +b@1").await;
        talk.drops("E", &["a"]).await;
        talk.quiet().await;
        stage.show(&["E a@2", "E b@1"]);
        talk.quiet().await;
    });
}

#[test]
fn row_082_a_missing_name_is_told_at_once_and_sent_when_it_appears() {
    in_delta(async |stage, mut talk| {
        stage.show(&[]);
        for letter in ["C", "E", "L", "R", "S"] {
            talk.settles(letter, &["z"], &format!("{letter} -z")).await;
        }
        stage.show(&["E z@1"]);
        talk.takes("E +z@1").await;
    });
}

#[test]
fn row_083_a_deletion_is_told_once() {
    in_delta(async |stage, mut talk| {
        stage.show(&["L a@1", "L b@1"]);
        talk.settles("L", &[], "L +a@1 +b@1").await;
        stage.show(&["L b@1"]);
        talk.takes("L -a").await;
        stage.show(&["L b@2"]);
        talk.takes("L +b@2").await;
    });
}

#[test]
fn row_084_of_a_deletion_and_a_return_only_the_end_is_told() {
    in_delta(async |stage, mut talk| {
        stage.show(&["L a@1", "L b@1"]);
        talk.settles("L", &[], "L +a@1 +b@1").await;
        stage.show(&["L a@1", "L b@2"]);
        let held_up = talk.hears("L +b@2").await;
        stage.show(&["L b@2"]);
        stage.show(&["L a@2", "L b@2"]);
        talk.quiet().await;
        talk.ack(&held_up).await;
        talk.takes("L +a@2").await;
        talk.quiet().await;
    });
}

#[test]
fn row_085_each_resource_has_its_inner_name_a_version_and_a_body() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C x@1", "E x@1", "L x@1", "R x@1", "S x@1"]);
        for letter in ["C", "E", "L", "R", "S"] {
            talk.asks(letter, &["x"]).await;
            let answer = talk.expect(url(letter)).await;
            let [resource] = &answer.resources[..] else { panic!("one resource: {answer:?}") };
            assert_eq!(inner_name(&resource.body), resource.name);
            assert_eq!(resource.body.type_url, url(letter));
            assert!(!resource.version.is_empty());
        }
    });
}

async fn versions(stage: &Stage) -> BTreeMap<String, String> {
    let mut talk = stage.talk(DIALECTS[0]);
    talk.asks("C", &[]).await;
    let answer = talk.expect(url("C")).await;
    answer.resources.into_iter().map(|resource| (resource.name, resource.version)).collect()
}

#[test]
fn row_086_versions_of_resources_depend_on_content_alone() {
    let mut seen = Vec::new();
    for view in [["C a@1", "C b@1"], ["C a@1", "C b@2"]] {
        on_stage(async |stage| {
            stage.show(&view);
            seen.push(versions(&stage).await);
        });
    }
    assert_eq!(seen[0]["a"], seen[1]["a"]);
    assert_ne!(seen[0]["b"], seen[1]["b"]);
}

#[test]
fn row_087_the_system_version_is_set_and_changes_with_the_view() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.asks("C", &[]).await;
        let first = talk.takes("C +a@1").await;
        stage.show(&["C a@2"]);
        let second = talk.takes("C +a@2").await;
        assert!(!first.version.is_empty() && first.version != second.version);
    });
}

#[test]
fn row_088_of_ten_thousand_the_changed_one_is_sent() {
    in_delta(async |stage, mut talk| {
        stage.show(&slices(&many("C", 10_000, &[].into())));
        talk.asks("C", &[]).await;
        let all = talk.expect(url("C")).await;
        assert_eq!(all.resources.len(), 10_000);
        talk.ack(&all).await;
        stage.show(&slices(&many("C", 10_000, &[(5_000, "2")].into())));
        talk.takes("C +n05000@2").await;
    });
}

#[test]
fn row_089_an_empty_world_is_an_empty_answer() {
    in_both(async |stage, mut talk| {
        stage.show(&[]);
        talk.settles("C", &[], "C").await;
        talk.settles("L", &[], "L").await;
        talk.quiet().await;
    });
}

#[test]
fn row_090_clusters_are_one_response_however_large() {
    in_delta(async |stage, mut talk| {
        let content = "x".repeat(2 << 20);
        stage.show(&[&format!("C a@{content}"), &format!("C b@{content}"), &format!("C c@{content}"), "L l@1 a b c"]);
        talk.asks("C", &[]).await;
        talk.asks("L", &[]).await;
        let all = talk.expect(url("C")).await;
        assert_eq!(all.names(), ["a", "b", "c"]);
        talk.quiet().await;
        talk.ack(&all).await;
        talk.takes("L +l@1").await;
    });
}

#[test]
fn row_092_resource_locators_are_ignored() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1"]);
        let locator = ResourceLocator { name: "b".to_owned(), ..Default::default() };
        talk.send(Say::Delta(DeltaDiscoveryRequest {
            type_url: url("C").to_owned(),
            resource_names_subscribe: vec!["a".to_owned()],
            resource_locators_subscribe: vec![locator.clone()],
            resource_locators_unsubscribe: vec![locator],
            ..Default::default()
        }))
        .await;
        talk.takes("C +a@1").await;
        talk.quiet().await;
    });
}
