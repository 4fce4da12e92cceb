//! Rows 67 to 71: when something is sent.

use chancery::delta::Dialect;

use crate::stage::{in_both, in_delta, many, on_stage, slices};

#[test]
fn row_067_equal_content_is_not_sent() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1", "E e@1"]);
        talk.settles("C", &[], "C +a@1").await;
        talk.settles("E", &["e"], "E +e@1").await;
        stage.show(&["C a@1", "E e@1"]);
        stage.show(&["C a@1", "E e@1", "R r@1"]);
        talk.quiet().await;
    });
}

#[test]
fn row_068_changes_made_meanwhile_come_as_their_last_state() {
    in_both(async |stage, mut talk| {
        stage.show(&["E a@0"]);
        talk.asks("E", &["a"]).await;
        let first = talk.hears("E +a@0").await;
        for content in 1..=1000 {
            stage.show(&[&format!("E a@{content}")]);
        }
        talk.quiet().await;
        talk.ack(&first).await;
        talk.takes("E +a@1000").await;
        talk.quiet().await;
    });
}

#[test]
fn row_069_the_newest_request_counts() {
    in_both(async |stage, mut talk| {
        stage.show(&["E a@1", "E b@1", "E c@1"]);
        talk.settles("E", &["a"], "E +a@1").await;
        talk.names("E", &["a", "b"]).await;
        talk.names("E", &["c"]).await;
        talk.takes("E +b@1").await;
        talk.takes("E +c@1").await;
        stage.show(&["E a@2", "E b@2", "E c@2"]);
        talk.takes("E +c@2").await;
        talk.quiet().await;
    });
}

#[test]
fn row_070_not_every_request_gets_a_response() {
    in_both(async |stage, mut talk| {
        stage.show(&["E a@1"]);
        talk.settles("E", &["a"], "E +a@1").await;
        for _ in 0..50 {
            talk.names("E", &["a"]).await;
        }
        talk.quiet().await;
    });
}

/// In state of the world the second cluster update waits for an answer to the first, or 15 s.
#[test]
fn row_071_endpoints_and_a_second_cluster_update_flow_while_clusters_warm() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1 a", "E a@1"]);
        talk.settles("C", &[], "C +a@1").await;
        talk.settles("E", &["a"], "E +a@1").await;
        stage.show(&["C a@2 a", "E a@1"]);
        talk.hears("C +a@2").await;
        talk.takes("E +a@1").await;
        stage.show(&["C a@3 a", "E a@2"]);
        talk.hears("C +a@3").await;
        talk.takes("E +a@2").await;
    });
}

#[test]
fn row_071_a_client_that_answers_nothing_is_sent_a_few_responses_only() {
    on_stage(async |stage| {
        let mut talk = stage.talk(Dialect::Delta);
        stage.show(&["C a@0"]);
        talk.asks("C", &[]).await;
        talk.hears("C +a@0").await;
        for content in 1..100 {
            stage.show(&slices(&many("C", 1, &[(0, content.to_string().as_str())].into())));
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let sent = stage.streams.sheets()[0].sent[chancery::resource::ResourceType::Cluster as usize]
            .responses
            .load(std::sync::atomic::Ordering::Relaxed);
        assert!((2..=4).contains(&sent), "{sent} responses");
    });
}
