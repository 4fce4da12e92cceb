//! Rows 43 to 48: versions.

use chancery::delta::Dialect;

use crate::stage::{DIALECTS, in_both, in_the_world, on_stage};

#[test]
fn row_043_a_type_keeps_its_version_when_another_changes() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["C a@1", "E e@1", "E f@1"]);
        talk.asks("C", &[]).await;
        let clusters = talk.takes("C +a@1").await;
        talk.asks("E", &["e"]).await;
        let endpoints = talk.takes("E +e@1").await;
        stage.show(&["C a@2", "E e@1", "E f@1"]);
        assert_ne!(talk.takes("C +a@2").await.version, clusters.version);
        talk.names("E", &["e", "f"]).await;
        assert_eq!(talk.takes("E +f@1").await.version, endpoints.version);
    });
}

#[test]
fn row_044_two_replicas_give_the_same_versions() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        on_stage(async |stage| {
            stage.show(&["C a@1", "C b@1", "E e@1"]);
            for dialect in DIALECTS {
                let mut talk = stage.talk(dialect);
                talk.asks("C", &[]).await;
                seen.push(talk.takes("C +a@1 +b@1").await);
                talk.asks("E", &["e"]).await;
                seen.push(talk.takes("E +e@1").await);
            }
        });
    }
    let (one, other) = seen.split_at(4);
    assert_eq!(one, other);
}

#[test]
fn row_045_an_equal_version_spares_all_clusters_but_no_name() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["C a@1", "L l@1", "E e@1"]);
        talk.settles("C", &[], "C +a@1").await;
        talk.settles("L", &[], "L +l@1").await;
        talk.settles("E", &["e"], "E +e@1").await;
        stage.hears_all_answers().await;
        talk.reconnect();
        talk.asks("C", &[]).await;
        talk.asks("L", &[]).await;
        talk.quiet().await;
        talk.asks("E", &[]).await;
        talk.takes("E +e@1").await;
        stage.show(&["C a@2", "L l@1", "E e@1"]);
        talk.takes("C +a@2").await;
    });
}

#[test]
fn row_046_an_equal_version_does_not_stand_for_a_new_name() {
    in_the_world(async |stage, mut talk| {
        stage.show(&["R a@1", "R b@1"]);
        talk.settles("R", &["a"], "R +a@1").await;
        stage.hears_all_answers().await;
        talk.reconnect();
        talk.asks("R", &["a", "b"]).await;
        talk.takes("R +a@1 +b@1").await;
    });
}

#[test]
fn row_047_endpoints_of_a_changed_cluster_come_again_at_their_old_version() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1 a", "E a@1"]);
        talk.settles("C", &[], "C +a@1").await;
        talk.asks("E", &["a"]).await;
        let first = talk.takes("E +a@1").await;
        stage.show(&["C a@2 a", "E a@1"]);
        talk.takes("C +a@2").await;
        let again = talk.takes("E +a@1").await;
        assert_eq!(again.resources, first.resources);
        assert!(talk.dialect == Dialect::Delta || again.version == first.version);
    });
}

#[test]
fn row_048_a_version_is_a_text_that_people_can_compare() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.asks("C", &[]).await;
        let version = talk.takes("C +a@1").await.version;
        assert!(version.len() == 16 && version.chars().all(|digit| digit.is_ascii_hexdigit()), "{version}");
    });
}
