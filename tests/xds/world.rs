//! Rows 21 to 42: subscriptions in state of the world, in the other dialect too where they mean the same.

use chancery_tests::ads::Say;
use envoy_types::pb::envoy::service::discovery::v3::DiscoveryRequest;
use prost::Message as _;

use crate::stage::{Stage, Talk, in_both, in_the_world, many, slices, telling, url};

#[test]
fn row_021_an_empty_list_that_was_never_otherwise_means_all() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1", "L l@1"]);
        talk.settles("C", &[], "C +a@1 +b@1").await;
        talk.settles("L", &[], "L +l@1").await;
    });
}

#[test]
fn row_022_a_star_means_all() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1"]);
        talk.settles("C", &["*"], "C +a@1 +b@1").await;
    });
}

/// Through the sequence of the protocol's own text.
#[test]
fn row_023_a_name_beside_the_star_is_added_to_it() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1"]);
        talk.settles("C", &[], "C +a@1 +b@1").await;
        talk.names("C", &["*", "a"]).await;
        talk.takes("C +a@1 +b@1").await;
        stage.show(&["C a@1", "C b@2"]);
        talk.takes("C +a@1 +b@2").await;
    });
}

async fn left_with_a(stage: &Stage, talk: &mut Talk) {
    stage.show(&["C a@1", "C b@1"]);
    talk.names("C", &["*", "a"]).await;
    talk.takes("C +a@1 +b@1").await;
    talk.names("C", &["a"]).await;
    talk.quiet().await;
}

#[test]
fn row_024_without_the_star_the_names_remain() {
    in_both(async |stage, mut talk| {
        left_with_a(&stage, &mut talk).await;
        stage.show(&["C a@1", "C b@2"]);
        talk.quiet().await;
        stage.show(&["C a@2", "C b@2"]);
        talk.takes("C +a@2").await;
    });
}

#[test]
fn row_025_an_empty_list_after_names_means_nothing() {
    in_both(async |stage, mut talk| {
        left_with_a(&stage, &mut talk).await;
        talk.names("C", &[]).await;
        talk.quiet().await;
        stage.show(&["C a@2", "C b@2"]);
        talk.quiet().await;
    });
}

#[test]
fn row_026_the_star_brings_everything_back() {
    in_both(async |stage, mut talk| {
        left_with_a(&stage, &mut talk).await;
        talk.names("C", &[]).await;
        talk.quiet().await;
        talk.names("C", &["*"]).await;
        talk.takes("C +a@1 +b@1").await;
    });
}

#[test]
fn row_027_an_empty_first_list_of_other_types_means_nothing() {
    in_both(async |stage, mut talk| {
        stage.show(&["E a@1", "R a@1", "S a@1"]);
        for letter in ["E", "R", "S"] {
            talk.asks(letter, &[]).await;
        }
        talk.quiet().await;
        talk.settles("E", &["a"], "E +a@1").await;
    });
}

#[test]
fn row_028_names_left_out_are_unsubscribed() {
    in_both(async |stage, mut talk| {
        stage.show(&["E a@1", "E b@1"]);
        talk.settles("E", &["a", "b"], "E +a@1 +b@1").await;
        talk.names("E", &["a"]).await;
        talk.quiet().await;
        stage.show(&["E a@1", "E b@2"]);
        talk.quiet().await;
    });
}

#[test]
fn row_029_a_new_name_is_sent_though_no_version_has_changed() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["E a@1", "E b@1"]);
        talk.asks("E", &["a"]).await;
        let first = talk.takes("E +a@1").await;
        talk.names("E", &["a", "b"]).await;
        let second = talk.takes("E +b@1").await;
        assert_eq!(first.version, second.version);
    });
}

#[test]
fn row_030_a_name_that_returns_is_sent_again() {
    in_both(async |stage, mut talk| {
        stage.show(&["E a@1"]);
        talk.settles("E", &["a"], "E +a@1").await;
        talk.names("E", &[]).await;
        talk.quiet().await;
        talk.names("E", &["a"]).await;
        talk.takes("E +a@1").await;
    });
}

#[test]
fn row_031_the_empty_string_is_a_name_that_never_exists() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1"]);
        talk.settles("C", &["a"], "C +a@1").await;
        talk.names("C", &[""]).await;
        talk.quiet().await;
        stage.show(&["C a@2", "C b@2"]);
        talk.quiet().await;
    });
}

#[test]
fn row_032_a_name_given_twice_is_sent_once() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        let names = vec!["a".to_owned(); 3];
        let request = DiscoveryRequest { type_url: url("C").to_owned(), resource_names: names, ..Default::default() };
        talk.send(Say::StateOfTheWorld(request)).await;
        talk.takes("C +a@1").await;
    });
}

#[test]
fn row_033_a_name_that_does_not_exist_is_sent_when_it_does() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.settles("E", &["z"], "E !z").await;
        stage.show(&["C a@1", "E z@1"]);
        talk.takes("E +z@1").await;
    });
}

#[test]
fn row_034_clusters_and_listeners_come_complete_each_time() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["C a@1", "C b@1", "C c@1", "L l@1", "L m@1"]);
        talk.settles("C", &[], "C +a@1 +b@1 +c@1").await;
        talk.settles("L", &[], "L +l@1 +m@1").await;
        stage.show(&["C a@1", "C b@2", "C c@1", "L l@1", "L m@2"]);
        talk.takes("C +a@1 +b@2 +c@1").await;
        talk.takes("L +l@1 +m@2").await;
    });
}

#[test]
fn row_035_who_names_one_gets_one_of_a_thousand() {
    in_both(async |stage, mut talk| {
        let clusters = many("C", 1000, &[].into());
        stage.show(&slices(&clusters));
        talk.settles("C", &["n00500"], "C +n00500@1").await;
        let clusters = many("C", 1000, &[(499, "2")].into());
        stage.show(&slices(&clusters));
        talk.quiet().await;
    });
}

#[test]
fn row_036_of_other_types_only_changes_come() {
    in_both(async |stage, mut talk| {
        let letters = ["E", "R", "S"];
        let view = |content| letters.map(|letter| [format!("{letter} a@{content}"), format!("{letter} b@1")]).concat();
        stage.show(&slices(&view(1)));
        for letter in letters {
            talk.settles(letter, &["a", "b"], &format!("{letter} +a@1 +b@1")).await;
        }
        stage.show(&slices(&view(2)));
        for letter in letters {
            talk.takes(&format!("{letter} +a@2")).await;
        }
    });
}

#[test]
fn row_037_a_deletion_is_a_response_without_it_and_the_last_an_empty_one() {
    in_the_world(async |stage, mut talk| {
        for letter in ["C", "L"] {
            stage.show(&[&format!("{letter} a@1"), &format!("{letter} b@1")]);
            talk.settles(letter, &["*"], &format!("{letter} +a@1 +b@1")).await;
            stage.show(&[&format!("{letter} b@1")]);
            talk.takes(&format!("{letter} +b@1")).await;
            stage.show(&[]);
            talk.takes(letter).await;
            talk.quiet().await;
            talk.names(letter, &["none"]).await;
            talk.takes(&format!("{letter} !none")).await;
        }
    });
}

#[test]
fn row_038_the_deletion_of_other_types_is_not_told() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["E a@1", "E b@1"]);
        talk.settles("E", &["a", "b"], "E +a@1 +b@1").await;
        stage.show(&["E b@1"]);
        talk.quiet().await;
        stage.show(&["E b@2"]);
        talk.takes("E +b@2").await;
    });
}

/// Every response of a client that sees much change.
async fn responses_to_changes(stage: &Stage, talk: &mut Talk) -> Vec<chancery_tests::ads::Answer> {
    let mut seen = Vec::new();
    talk.asks("C", &[]).await;
    talk.asks("E", &["n00001", "n00002"]).await;
    for round in 0..40_usize {
        let changed = round.to_string();
        let mut words = many("C", 3 + round % 5, &[(round % 3, changed.as_str())].into());
        words.extend(many("E", 3, &[(1, changed.as_str())].into()));
        stage.show(&slices(&words));
        for type_url in [url("C"), url("E")] {
            let answer = talk.expect(type_url).await;
            talk.ack(&answer).await;
            seen.push(answer);
        }
    }
    seen
}

#[test]
fn row_040_no_name_is_twice_in_a_response() {
    in_both(async |stage, mut talk| {
        for answer in responses_to_changes(&stage, &mut talk).await {
            let mut names = answer.names();
            names.extend(answer.removed.iter().map(String::as_str));
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{answer:?}");
        }
    });
}

#[test]
fn row_041_every_resource_is_of_the_type_of_its_response() {
    in_both(async |stage, mut talk| {
        for answer in responses_to_changes(&stage, &mut talk).await {
            assert!(answer.resources.iter().all(|resource| resource.body.type_url == answer.type_url));
            assert!(answer.resources.iter().all(|resource| resource.body.encoded_len() > 0));
        }
    });
}

#[test]
fn row_042_a_bare_ack_gets_no_answer() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.settles("C", &[], "C +a@1").await;
        talk.quiet().await;
    });
}

#[test]
fn row_141_a_listener_is_answered_by_its_name_from_the_first_request() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["L other@1", "L svc@1"]);
        talk.settles("L", &["svc"], "L +svc@1").await;
        stage.show(&["L other@2", "L svc@1"]);
        talk.quiet().await;
    });
}

#[test]
fn row_144_lists_of_names_grow_and_shrink() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["C cl1@1", "C cl2@1", "E cl1@1", "E cl2@1"]);
        talk.settles("C", &["cl1"], "C +cl1@1").await;
        talk.settles("E", &["cl1"], "E +cl1@1").await;
        talk.names("C", &["cl1", "cl2"]).await;
        talk.takes("C +cl1@1 +cl2@1").await;
        talk.names("E", &["cl1", "cl2"]).await;
        talk.takes("E +cl2@1").await;
        talk.names("C", &["cl2"]).await;
        talk.names("E", &["cl2"]).await;
        talk.quiet().await;
        stage.show(&["C cl1@2", "C cl2@2", "E cl1@2", "E cl2@2"]);
        talk.takes("C +cl2@2").await;
        talk.takes("E +cl2@2").await;
    });
}

#[test]
fn row_145_no_name_is_the_end_of_all_and_a_name_after_that_is_new() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["E a@1", "R r@1"]);
        for (letter, name) in [("E", "a"), ("R", "r")] {
            let told = format!("{letter} +{name}@1");
            talk.settles(letter, &[name], &told).await;
            talk.names(letter, &[]).await;
            talk.quiet().await;
            talk.names(letter, &[name]).await;
            talk.takes(&told).await;
        }
    });
}

/// For these clients a name that is left out is a resource that was deleted.
#[test]
fn row_146_a_name_added_during_an_update_leaves_nothing_out() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["C a@0", "C b@1"]);
        talk.asks("C", &["a"]).await;
        let mut unanswered = talk.hears("C +a@0").await;
        for content in 1..20 {
            stage.show(&[&format!("C a@{content}"), "C b@1"]);
            let names: &[&str] = if content % 2 == 0 { &["a"] } else { &["a", "b"] };
            talk.names("C", names).await;
            talk.ack(&unanswered).await;
            loop {
                unanswered = talk.expect(url("C")).await;
                assert_eq!(unanswered.names()[0], "a", "{unanswered:?}");
                if telling(&unanswered).starts_with(&format!("C +a@{content}")) {
                    break;
                }
                talk.ack(&unanswered).await;
            }
        }
    });
}
