//! Rows 1 to 12: services, streams, limits.

use std::collections::HashMap;

use chancery::delta::Dialect;
use chancery::resource::ResourceType;
use chancery_tests::ads::{AdsClient, Answer, Say, Service};
use envoy_types::pb::envoy::service::cluster::v3::cluster_discovery_service_client::ClusterDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DiscoveryRequest};
use tonic::Code;

use crate::stage::{DIALECTS, PROXY, Talk, in_both, in_delta, in_the_world, node, on_stage, url};

const fn service(name: &'static str, state_of_the_world: &'static str, delta: &'static str) -> Service {
    Service { name, state_of_the_world, delta }
}

const CDS: Service = service("envoy.service.cluster.v3.ClusterDiscoveryService", "StreamClusters", "DeltaClusters");
const EDS: Service = service("envoy.service.endpoint.v3.EndpointDiscoveryService", "StreamEndpoints", "DeltaEndpoints");
const LDS: Service = service("envoy.service.listener.v3.ListenerDiscoveryService", "StreamListeners", "DeltaListeners");
const RDS: Service = service("envoy.service.route.v3.RouteDiscoveryService", "StreamRoutes", "DeltaRoutes");
pub(crate) const SDS: Service =
    service("envoy.service.secret.v3.SecretDiscoveryService", "StreamSecrets", "DeltaSecrets");
const SRDS: Service =
    service("envoy.service.route.v3.ScopedRoutesDiscoveryService", "StreamScopedRoutes", "DeltaScopedRoutes");
pub(crate) const VHDS: Service = service("envoy.service.route.v3.VirtualHostDiscoveryService", "", "DeltaVirtualHosts");
const ECDS: Service = service(
    "envoy.service.extension.v3.ExtensionConfigDiscoveryService",
    "StreamExtensionConfigs",
    "DeltaExtensionConfigs",
);
const RTDS: Service = service("envoy.service.runtime.v3.RuntimeDiscoveryService", "StreamRuntime", "DeltaRuntime");

/// What is made here, each by its own service.
const SERVED: [(Service, &str); 5] = [(CDS, "C"), (EDS, "E"), (LDS, "L"), (RDS, "R"), (SDS, "S")];
/// Served as sets without a resource.
const EMPTY: [(Service, &str); 4] = [
    (SRDS, "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration"),
    (VHDS, "type.googleapis.com/envoy.config.route.v3.VirtualHost"),
    (ECDS, "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"),
    (RTDS, "type.googleapis.com/envoy.service.runtime.v3.Runtime"),
];

#[test]
fn row_001_the_aggregated_service_speaks_both_dialects() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.settles("C", &[], "C +a@1").await;
    });
}

#[test]
fn row_002_each_type_has_a_service_of_its_own_in_both_dialects() {
    on_stage(async |stage| {
        stage.show(&["C x@1", "E x@1", "L x@1", "R x@1", "S x@1"]);
        for (service, letter) in SERVED {
            for dialect in DIALECTS {
                let mut talk = stage.talk_to(service, dialect);
                talk.settles(letter, &["x"], &format!("{letter} +x@1")).await;
                talk.quiet().await;
            }
        }
    });
}

/// What an answer says does not exist: virtual hosts by the lack of a body (row 118), the rest by a removal.
fn missing(answer: &Answer) -> Vec<&str> {
    let bodiless = answer.resources.iter().filter(|resource| resource.is_bodiless());
    answer.removed.iter().chain(bodiless.map(|resource| &resource.name)).map(String::as_str).collect()
}

#[test]
fn row_002_types_that_nobody_makes_are_served_as_empty() {
    on_stage(async |stage| {
        stage.show(&["C x@1"]);
        for (service, type_url) in EMPTY {
            let mut talk = stage.talk_to(service, Dialect::Delta);
            talk.subscribe(type_url, &["x"]).await;
            assert_eq!(missing(&talk.expect(type_url).await), ["x"]);
            talk.quiet().await;
            if !service.state_of_the_world.is_empty() {
                let mut talk = stage.talk_to(service, Dialect::StateOfTheWorld);
                talk.subscribe(type_url, &["x"]).await;
                talk.quiet().await;
            }
        }
    });
}

#[test]
fn row_003_a_service_of_one_type_takes_an_empty_type_url_for_its_own() {
    on_stage(async |stage| {
        stage.show(&["C x@1", "E x@1", "L x@1", "R x@1", "S x@1"]);
        for (service, letter) in SERVED {
            let mut talk = stage.talk_to(service, Dialect::Delta);
            let names = vec!["x".to_owned()];
            talk.send(Say::Delta(DeltaDiscoveryRequest {
                resource_names_subscribe: names.clone(),
                ..Default::default()
            }))
            .await;
            talk.takes(&format!("{letter} +x@1")).await;
            let mut talk = stage.talk_to(service, Dialect::StateOfTheWorld);
            talk.send(Say::StateOfTheWorld(DiscoveryRequest { resource_names: names, ..Default::default() })).await;
            talk.takes(&format!("{letter} +x@1")).await;
        }
        for (service, type_url) in EMPTY {
            let mut talk = stage.talk_to(service, Dialect::Delta);
            let names = vec!["x".to_owned()];
            talk.send(Say::Delta(DeltaDiscoveryRequest { resource_names_subscribe: names, ..Default::default() }))
                .await;
            assert_eq!(missing(&talk.expect(type_url).await), ["x"]);
        }
    });
}

#[test]
fn row_003_a_service_of_one_type_refuses_another() {
    on_stage(async |stage| {
        stage.show(&["C x@1"]);
        for dialect in DIALECTS {
            let mut talk = stage.talk_to(CDS, dialect);
            talk.asks("L", &[]).await;
            assert_eq!(talk.ended().await.code(), Code::InvalidArgument);
            // later on the stream too
            let mut talk = stage.talk_to(CDS, dialect);
            talk.settles("C", &[], "C +x@1").await;
            talk.asks("L", &[]).await;
            let end = talk.ended().await;
            assert_eq!(end.code(), Code::InvalidArgument);
            assert!(end.message().contains("envoy.config.cluster.v3.Cluster"), "{end}");
        }
    });
}

#[test]
fn row_004_an_empty_type_url_on_ads_is_ignored() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.subscribe("", &["a"]).await;
        talk.settles("C", &[], "C +a@1").await;
        talk.subscribe("", &[]).await;
        talk.quiet().await;
    });
}

#[test]
fn row_005_an_unknown_type_on_ads_does_no_harm() {
    const UNKNOWN: &str = "type.googleapis.com/made.up.Type";
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.subscribe(UNKNOWN, &["x", "y"]).await;
        if talk.is_delta() {
            assert_eq!(talk.expect(UNKNOWN).await.removed, ["x", "y"]);
        }
        talk.settles("C", &[], "C +a@1").await;
        talk.quiet().await;
    });
}

#[test]
fn row_006_two_streams_of_one_node_do_not_mix() {
    in_both(async |stage, mut one| {
        stage.show(&["C a@1", "C b@1", "E a@1"]);
        let mut other = Talk(AdsClient::new(stage.connection(), chancery_tests::ads::ADS, one.dialect, node(PROXY)));
        one.settles("C", &["a"], "C +a@1").await;
        other.settles("C", &["b"], "C +b@1").await;
        stage.show(&["C a@2", "C b@1", "E a@1"]);
        one.takes("C +a@2").await;
        other.quiet().await;
        stage.show(&["C a@2", "C b@2", "E a@1"]);
        other.takes("C +b@2").await;
        one.quiet().await;
    });
}

#[test]
fn row_007_both_dialects_get_the_same_bytes() {
    on_stage(async |stage| {
        stage.show(&["C a@1 a", "C b@2"]);
        let mut bodies = Vec::new();
        for dialect in DIALECTS {
            let mut talk = stage.talk(dialect);
            talk.asks("C", &[]).await;
            let answer = talk.expect(url("C")).await;
            bodies.push(answer.resources.into_iter().map(|resource| resource.body).collect::<Vec<_>>());
        }
        assert_eq!(bodies[0], bodies[1]);
    });
}

#[test]
fn row_008_one_connection_carries_thousands_of_streams() {
    on_stage(async |stage| {
        stage.show(&["E a@1"]);
        let channel = stage.connection();
        let mut talks = Vec::new();
        for _ in 0..5000 {
            let mut talk = Talk(AdsClient::new(channel.clone(), EDS, Dialect::Delta, node(PROXY)));
            talk.asks("E", &["a"]).await;
            talks.push(talk);
        }
        for talk in &mut talks {
            talk.takes("E +a@1").await;
        }
        assert_eq!(stage.streams.len(), 5000);
        stage.show(&["E a@2"]);
        for talk in &mut talks {
            talk.takes("E +a@2").await;
        }
    });
}

#[test]
fn row_009_a_request_may_have_eight_megabytes() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        let held: HashMap<String, String> =
            (0..70_000).map(|at| (format!("{at:0100}"), "0123456789abcdef0123456789abcdef".to_owned())).collect();
        let request = DeltaDiscoveryRequest {
            type_url: url("C").to_owned(),
            initial_resource_versions: held,
            ..Default::default()
        };
        assert!(prost::Message::encoded_len(&request) > 8 << 20);
        talk.send(Say::Delta(request)).await;
        talk.takes("C +a@1").await;
        let gone = talk.expect(url("C")).await;
        assert_eq!(gone.removed.len(), 70_000);
    });
}

#[test]
fn row_009_a_request_beyond_the_limit_is_refused() {
    let settings = chancery_actors::xds_settings::XdsSettings { max_request_bytes: 10_000, ..Default::default() };
    crate::stage::on_stage_with(settings, async |stage| {
        stage.show(&["C a@1"]);
        for dialect in DIALECTS {
            let mut talk = stage.talk(dialect);
            talk.asks("C", &[&"x".repeat(20_000)]).await;
            assert_eq!(talk.ended().await.code(), Code::ResourceExhausted);
        }
    });
}

#[test]
fn row_010_nothing_is_said_before_the_first_state_is_known() {
    in_both(async |stage, mut talk| {
        talk.asks("C", &[]).await;
        talk.asks("L", &[]).await;
        talk.quiet().await;
        stage.show(&["C a@1", "L l@1"]);
        talk.takes("C +a@1").await;
        talk.takes("L +l@1").await;
    });
}

#[test]
fn row_012_polling_is_not_served_and_says_so() {
    in_the_world(async |stage, _| {
        let mut client = ClusterDiscoveryServiceClient::new(stage.connection());
        let error = client.fetch_clusters(DiscoveryRequest::default()).await.unwrap_err();
        assert_eq!(error.code(), Code::Unimplemented);
        assert!(error.message().contains("FetchClusters"), "{error}");
    });
}

#[test]
fn every_type_that_is_made_is_in_the_table() {
    assert_eq!(SERVED.len(), ResourceType::ALL.len());
}
