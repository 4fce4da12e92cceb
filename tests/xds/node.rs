//! Rows 13 to 20: the node and the first request.

use chancery_tests::ads::Say;
use envoy_types::pb::envoy::config::core::v3::{Extension, Node};
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DiscoveryRequest};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};
use prost::Message as _;
use tonic::Code;

use crate::stage::{Talk, in_both, node, url};

/// Like Envoy's own: 516 extensions, 61 kB.
fn large(id: &str) -> Node {
    let extension = |at: usize| Extension {
        name: format!("envoy.extensions.filters.http.some_filter_{at:03}"),
        category: "envoy.filters.http".to_owned(),
        type_urls: vec![format!("envoy.extensions.filters.http.some.v3.Filter{at:03}")],
        ..Default::default()
    };
    let large = Node { extensions: (0..516).map(extension).collect(), ..node(id) };
    assert!(large.encoded_len() > 60_000, "{}", large.encoded_len());
    large
}

async fn says_with(talk: &mut Talk, letter: &str, node: Node) {
    let type_url = url(letter).to_owned();
    let say = if talk.is_delta() {
        Say::Delta(DeltaDiscoveryRequest { type_url, node: Some(node), ..Default::default() })
    } else {
        Say::StateOfTheWorld(DiscoveryRequest { type_url, node: Some(node), ..Default::default() })
    };
    talk.send(say).await;
}

#[test]
fn row_013_the_node_of_the_first_message_counts_for_all_types() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1", "E a@1"]);
        talk.settles("C", &[], "C +a@1").await;
        talk.settles("E", &["a"], "E +a@1").await;
    });
}

#[test]
fn row_014_a_node_may_be_repeated_with_each_message() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1", "E a@1"]);
        talk.node = large("p");
        talk.repeats_node = true;
        talk.settles("C", &[], "C +a@1").await;
        for content in 2..50 {
            stage.show(&[&format!("C a@{content}"), "E a@1"]);
            talk.takes(&format!("C +a@{content}")).await;
        }
        talk.settles("E", &["a"], "E +a@1").await;
    });
}

#[test]
fn row_015_a_first_message_without_node_id_is_refused() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.node = Node::default();
        talk.asks("C", &[]).await;
        let end = talk.ended().await;
        assert_eq!(end.code(), Code::InvalidArgument);
        assert!(end.message().contains("node with an id"), "{end}");
    });
}

#[test]
fn row_016_a_stream_cannot_change_its_node_id() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.settles("C", &[], "C +a@1").await;
        says_with(&mut talk, "L", node("q")).await;
        let end = talk.ended().await;
        assert_eq!(end.code(), Code::InvalidArgument);
        assert!(end.message().contains("\"p\"") && end.message().contains("\"q\""), "{end}");
    });
}

#[test]
fn row_018_the_node_name_of_the_metadata_selects_the_proxy() {
    in_both(async |stage, talk| {
        stage.show_to("p", "n2", &["C elsewhere@1"]);
        stage.show(&["C here@1"]);
        let name = Value { kind: Some(Kind::StringValue("n2".to_owned())) };
        let metadata = Some(Struct { fields: [("node_name".to_owned(), name)].into() });
        let mut elsewhere = stage.talk_as(Node { metadata, ..node("p") }, talk.dialect);
        elsewhere.settles("C", &[], "C +elsewhere@1").await;
        let mut here = talk;
        here.settles("C", &[], "C +here@1").await;
    });
}

#[test]
fn row_019_no_client_feature_is_needed() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1", "E a@1", "L l@1", "R r@1", "S s@1"]);
        assert!(talk.node.client_features.is_empty());
        for (letter, name) in [("C", "a"), ("E", "a"), ("L", "l"), ("R", "r"), ("S", "s")] {
            talk.settles(letter, &[name], &format!("{letter} +{name}@1")).await;
        }
    });
}
