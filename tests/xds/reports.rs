//! Rows 134 to 139: load reports and client status.

use std::time::Duration;

use chancery::delta::Dialect;
use chancery_actors::loads::{LoadKey, Place};
use envoy_types::pb::envoy::config::core::v3::{Locality, Node};
use envoy_types::pb::envoy::config::endpoint::v3::cluster_stats::DroppedRequests;
use envoy_types::pb::envoy::config::endpoint::v3::{ClusterStats, UpstreamLocalityStats};
use envoy_types::pb::envoy::service::load_stats::v3::load_reporting_service_client::LoadReportingServiceClient;
use envoy_types::pb::envoy::service::load_stats::v3::{LoadStatsRequest, LoadStatsResponse};
use envoy_types::pb::envoy::service::status::v3::client_status_discovery_service_client::ClientStatusDiscoveryServiceClient;
use envoy_types::pb::envoy::service::status::v3::{ClientConfig, ClientStatusRequest, ConfigStatus};
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{NodeMatcher, StringMatcher};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::stage::{Stage, Talk, in_both, node, on_stage, url};

async fn reporting(
    stage: &Stage,
    first: LoadStatsRequest,
) -> (mpsc::Sender<LoadStatsRequest>, Streaming<LoadStatsResponse>) {
    let (out, requests) = mpsc::channel(4);
    out.send(first).await.expect("room");
    let mut client = LoadReportingServiceClient::new(stage.connection());
    let answers = client.stream_load_stats(ReceiverStream::new(requests)).await.expect("it is served");
    (out, answers.into_inner())
}

fn all_clusters(id: &str) -> Node {
    Node { client_features: vec!["envoy.lrs.supports_send_all_clusters".to_owned()], ..node(id) }
}

fn hello(node: Node) -> LoadStatsRequest {
    LoadStatsRequest { node: Some(node), cluster_stats: Vec::new() }
}

fn report(cluster: &str, zone: &str, successful: u64) -> LoadStatsRequest {
    let locality = Some(Locality { zone: zone.to_owned(), ..Default::default() });
    let stats = UpstreamLocalityStats {
        locality,
        total_issued_requests: successful + 1,
        total_successful_requests: successful,
        total_error_requests: 1,
        total_requests_in_progress: 2,
        ..Default::default()
    };
    let stats = ClusterStats {
        cluster_name: cluster.to_owned(),
        cluster_service_name: format!("eds-of-{cluster}"),
        upstream_locality_stats: vec![stats],
        total_dropped_requests: 3,
        dropped_requests: vec![DroppedRequests { category: "throttle".to_owned(), dropped_count: 3 }],
        ..Default::default()
    };
    // with the node again, as Envoy does
    LoadStatsRequest { node: Some(all_clusters("p")), cluster_stats: vec![stats] }
}

#[test]
fn row_134_the_first_answer_says_how_often_and_what_to_report() {
    on_stage(async |stage| {
        let (_out, mut answers) = reporting(&stage, hello(all_clusters("p"))).await;
        let answer = answers.message().await.expect("no error").expect("an answer");
        assert_eq!(answer.load_reporting_interval.map(|interval| interval.seconds), Some(10));
        assert!(answer.send_all_clusters && answer.clusters.is_empty());
    });
}

#[test]
fn row_135_a_client_without_the_feature_is_told_its_clusters() {
    on_stage(async |stage| {
        stage.show(&["C a@1", "C b@1"]);
        let (_out, mut answers) = reporting(&stage, hello(node("p"))).await;
        let answer = answers.message().await.expect("no error").expect("an answer");
        assert!(!answer.send_all_clusters);
        assert_eq!(answer.clusters, ["a", "b"]);
    });
}

#[test]
fn row_136_other_clusters_are_asked_for_on_the_same_stream() {
    on_stage(async |stage| {
        stage.show(&["C a@1"]);
        let (out, mut answers) = reporting(&stage, hello(node("p"))).await;
        assert_eq!(answers.message().await.expect("no error").expect("an answer").clusters, ["a"]);
        out.send(hello(node("p"))).await.expect("room");
        stage.show(&["C a@1", "C b@1"]);
        out.send(hello(node("p"))).await.expect("room");
        assert_eq!(answers.message().await.expect("no error").expect("an answer").clusters, ["a", "b"]);
    });
}

#[test]
fn row_137_reports_are_added_up_by_cluster_endpoint_service_and_locality() {
    on_stage(async |stage| {
        let (one, mut answers) = reporting(&stage, hello(all_clusters("p"))).await;
        answers.message().await.expect("no error").expect("an answer");
        let (other, _other_answers) = reporting(&stage, hello(all_clusters("q"))).await;
        for message in [report("a", "z1", 10), report("a", "z1", 5), report("a", "z2", 7)] {
            one.send(message).await.expect("room");
        }
        other.send(report("a", "z1", 100)).await.expect("room");
        let key = LoadKey { cluster: "a".to_owned(), service: "eds-of-a".to_owned() };
        let dropped = |stage: &Stage| stage.loads.read().get(&key).map_or(0, |load| load.dropped);
        stage.eventually("all four have come", |stage| dropped(stage) == 12).await;
        let load = stage.loads.read().remove(&key).expect("the cluster");
        let of_zone = |zone: &str| load.requests[&Place { zone: zone.to_owned(), ..Default::default() }];
        assert_eq!((of_zone("z1").successful, of_zone("z1").errors, of_zone("z1").issued), (115, 3, 118));
        assert_eq!((of_zone("z1").in_progress, of_zone("z2").successful), (4, 7));
        assert_eq!(load.dropped_by["throttle"], 12);
        drop(other);
        let z1 = Place { zone: "z1".to_owned(), ..Default::default() };
        stage
            .eventually("its requests are over", |stage| stage.loads.read()[&key].requests[&z1].in_progress == 2)
            .await;
    });
}

async fn statuses(stage: &Stage, request: ClientStatusRequest) -> Vec<ClientConfig> {
    let mut client = ClientStatusDiscoveryServiceClient::new(stage.connection());
    let fetched = client.fetch_client_status(request.clone()).await.expect("it is served").into_inner();
    let requests = tokio_stream::iter([request.clone(), request]);
    let mut streamed = client.stream_client_status(requests).await.expect("it is served").into_inner();
    for _ in 0..2 {
        assert_eq!(streamed.message().await.expect("no error").expect("an answer"), fetched);
    }
    assert_eq!(streamed.message().await.expect("a good end"), None);
    fetched.config
}

/// A listener each that is synced, refused, sent, and waiting for a cluster that is not acknowledged.
async fn in_all_states(stage: &Stage, talk: &mut Talk) {
    stage.show(&["C a@1", "L bad@1", "L gated@1 a", "L stale@1", "L synced@1", "S leaf@1"]);
    talk.settles("C", &[], "C +a@1").await;
    talk.settles("S", &["leaf"], "S +leaf@1").await;
    talk.settles("L", &["bad", "gated", "stale", "synced"], "L +bad@1 +gated@1 +stale@1 +synced@1").await;
    stage.show(&["C a@1", "L bad@2", "L gated@1 a", "L stale@1", "L synced@1", "S leaf@1"]);
    let refused = talk.hears("L +bad@2").await;
    talk.nack(&refused, "no such filter").await;
    stage.show(&["C a@2", "L bad@2", "L gated@2 a", "L stale@2", "L synced@1", "S leaf@1"]);
    talk.hears("C +a@2").await;
    talk.hears("L +stale@2").await;
}

#[test]
fn row_139_client_status_tells_all_four_states_and_the_error() {
    on_stage(async |stage| {
        let mut talk = stage.talk(Dialect::Delta);
        in_all_states(&stage, &mut talk).await;
        let clients = statuses(&stage, ClientStatusRequest::default()).await;
        let [client] = &clients[..] else { panic!("one client: {clients:?}") };
        assert_eq!(client.node.as_ref().map(|node| node.id.as_str()), Some("p"));
        let of = |name: &str| client.generic_xds_configs.iter().find(|config| config.name == name).expect("a resource");
        for (name, status) in [
            ("synced", ConfigStatus::Synced),
            ("stale", ConfigStatus::Stale),
            ("gated", ConfigStatus::NotSent),
            ("bad", ConfigStatus::Error),
        ] {
            assert_eq!(of(name).config_status(), status, "{name}");
            assert_eq!(of(name).type_url, url("L"));
        }
        let error = of("bad").error_state.as_ref().expect("an error");
        assert!(error.details.contains("no such filter"), "{error:?}");
        assert!(error.last_update_attempt.is_some() && error.failed_configuration.is_some());
        assert_ne!(error.version_info, of("bad").version_info);
        assert!(of("synced").xds_config.is_some() && of("synced").error_state.is_none());
        assert!(of("leaf").xds_config.is_none(), "a secret is shown");
    });
}

#[test]
fn row_139_contents_may_be_left_out_and_clients_chosen() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        stage.show_to("q", "n1", &["C a@1"]);
        talk.settles("C", &[], "C +a@1").await;
        let mut other = stage.talk_as(node("q"), talk.dialect);
        other.settles("C", &[], "C +a@1").await;
        stage
            .eventually("both are in sync", |stage| {
                stage.streams.sheets().iter().all(|sheet| sheet.protocol().settled())
            })
            .await;
        let by = |pattern: MatchPattern| NodeMatcher {
            node_id: Some(StringMatcher { match_pattern: Some(pattern), ..Default::default() }),
            ..Default::default()
        };
        let (p, q) = (by(MatchPattern::Exact("p".to_owned())), by(MatchPattern::Prefix("q".to_owned())));
        for (node_matchers, expected) in [(vec![], 2), (vec![p.clone()], 1), (vec![p, q], 2)] {
            let request = ClientStatusRequest { node_matchers, exclude_resource_contents: true, ..Default::default() };
            let clients = statuses(&stage, request).await;
            assert_eq!(clients.len(), expected);
            let configs = clients.iter().flat_map(|client| &client.generic_xds_configs);
            assert!(configs.clone().all(|config| config.config_status() == ConfigStatus::Synced));
            assert!(configs.clone().count() == expected && configs.clone().all(|config| config.xds_config.is_none()));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    });
}
