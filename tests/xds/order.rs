//! Rows 99 to 109: make before break.

use crate::services::VHDS;
use crate::stage::{Stage, Talk, in_both, in_delta, url};
use chancery::delta::Dialect;
use chancery::resource::ResourceType;
use chancery_tests::world::{World, in_virtual_time};
use serde_json::json;

/// Through the real actors: an upstream that nobody provides.
#[test]
fn row_039_a_cluster_without_endpoints_gets_an_empty_assignment() {
    in_virtual_time(|| async {
        let world = World::new().await;
        let upstreams = json!([{ "DestinationName": "backend", "LocalBindPort": 5000 }]);
        let sidecar = json!({ "Checks": [], "Port": 20000, "Proxy": { "Upstreams": upstreams } });
        let body = json!({ "Name": "web", "Port": 80, "Connect": { "SidecarService": sidecar } });
        world.register(&body).await.expect("web is good");
        let mut envoy = world.envoy("web-sidecar-proxy");
        envoy.start().await;
        for _ in 0..5 {
            world.settle().await;
            envoy.hear().await;
        }
        let mut assignments = envoy.holds.iter().filter(|((kind, _), _)| *kind == ResourceType::Endpoint);
        let ((_, name), (_, assignment)) = assignments.next().expect("an assignment");
        assert!(name.starts_with("backend.") && assignments.next().is_none());
        assert_eq!(assignment["cluster_name"], *name);
        let mut localities = assignment["endpoints"].as_array().into_iter().flatten();
        assert!(localities.all(|locality| locality["lb_endpoints"].is_null()), "{assignment}");
    });
}

const START: [&str; 4] = ["C a@1 a", "E a@1", "L l@1 a", "R r@1 a"];

async fn settled(stage: &Stage, talk: &mut Talk) {
    stage.show(&START);
    talk.settles("C", &[], "C +a@1").await;
    talk.settles("E", &["a"], "E +a@1").await;
    talk.settles("L", &[], "L +l@1").await;
    talk.settles("R", &["r"], "R +r@1").await;
}

#[test]
fn row_099_clusters_endpoints_listeners_routes() {
    in_both(async |stage, mut talk| {
        settled(&stage, &mut talk).await;
        stage.show(&["C a@2 a", "E a@2", "L l@2 a", "R r@2 a"]);
        for told in ["C +a@2", "E +a@2", "L +l@2", "R +r@2"] {
            talk.takes(told).await;
        }
    });
}

#[test]
fn row_100_removals_come_last_and_in_reverse() {
    in_delta(async |stage, mut talk| {
        settled(&stage, &mut talk).await;
        stage.show(&["C b@1 b", "E b@1", "L l@2 b", "R r@2 b"]);
        let clusters = talk.hears("C +b@1").await;
        talk.settles("E", &["b"], "E +b@1").await;
        talk.ack(&clusters).await;
        talk.takes("L +l@2").await;
        talk.takes("R +r@2").await;
        talk.takes("C -a").await;
        talk.takes("E -a").await;
    });
}

#[test]
fn row_100_in_state_of_the_world_too() {
    crate::stage::in_the_world(async |stage, mut talk| {
        settled(&stage, &mut talk).await;
        stage.show(&["C b@1 b", "E b@1", "L l@2 b", "R r@2 b"]);
        talk.takes("C +a@1 +b@1").await;
        talk.takes("L +l@2").await;
        talk.takes("R +r@2").await;
        talk.takes("C +b@1").await;
    });
}

#[test]
fn row_101_of_many_clusters_the_changed_one_brings_its_endpoints() {
    in_delta(async |stage, mut talk| {
        let view = |content: &str| -> Vec<String> {
            let names = (0..1000).map(|at| format!("n{at:04}"));
            names
                .flat_map(|name| {
                    let content = if name == "n0500" { content } else { "1" };
                    [format!("C {name}@{content} {name}"), format!("E {name}@1")]
                })
                .collect()
        };
        stage.show(&crate::stage::slices(&view("1")));
        talk.asks("C", &[]).await;
        let clusters = talk.expect(url("C")).await;
        talk.ack(&clusters).await;
        talk.asks("E", &clusters.names()).await;
        let endpoints = talk.expect(url("E")).await;
        assert_eq!(endpoints.resources.len(), 1000);
        talk.ack(&endpoints).await;
        stage.show(&crate::stage::slices(&view("2")));
        talk.takes("C +n0500@2").await;
        talk.takes("E +n0500@1").await;
        talk.quiet().await;
    });
}

#[test]
fn row_102_endpoints_and_secrets_do_not_wait_for_the_ack_of_clusters() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1 a", "E a@1", "S s@1"]);
        talk.asks("C", &[]).await;
        let clusters = talk.hears("C +a@1").await;
        talk.settles("E", &["a"], "E +a@1").await;
        talk.settles("S", &["s"], "S +s@1").await;
        talk.ack(&clusters).await;
        talk.quiet().await;
    });
}

#[test]
fn row_103_endpoints_of_a_new_cluster_wait_for_their_subscription() {
    in_both(async |stage, mut talk| {
        settled(&stage, &mut talk).await;
        stage.show(&["C a@1 a", "C b@1 b", "E a@1", "E b@1", "L l@1 a", "R r@1 a"]);
        talk.takes(if talk.is_delta() { "C +b@1" } else { "C +a@1 +b@1" }).await;
        talk.quiet().await;
        talk.settles("E", &["b"], "E +b@1").await;
    });
}

#[test]
fn row_104_listeners_and_routes_wait_for_the_clusters_they_lean_on() {
    in_both(async |stage, mut talk| {
        settled(&stage, &mut talk).await;
        stage.show(&["C a@1 a", "C b@1", "E a@1", "L l@2 b", "R r@2 b"]);
        let clusters = talk.hears(if talk.is_delta() { "C +b@1" } else { "C +a@1 +b@1" }).await;
        talk.quiet().await;
        talk.ack(&clusters).await;
        talk.takes("L +l@2").await;
        talk.takes("R +r@2").await;
    });
}

#[test]
fn row_105_endpoints_are_named_as_the_cluster_says() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1 eds-of-a", "E eds-of-a@1"]);
        talk.settles("C", &[], "C +a@1").await;
        talk.settles("E", &["eds-of-a"], "E +eds-of-a@1").await;
        stage.show(&["C a@2 eds-of-a", "E eds-of-a@1"]);
        talk.takes("C +a@2").await;
        talk.takes("E +eds-of-a@1").await;
    });
}

#[test]
fn row_106_a_new_route_name_is_answered_at_once() {
    in_both(async |stage, mut talk| {
        settled(&stage, &mut talk).await;
        stage.show(&["C a@1 a", "E a@1", "L l@2 a", "R r@1 a", "R s@1 a"]);
        let listener = talk.hears("L +l@2").await;
        // a listener that warms withholds its ACK until the route is there
        talk.settles("R", &["s"], "R +s@1").await;
        talk.ack(&listener).await;
        talk.quiet().await;
    });
}

#[test]
fn row_107_clusters_come_before_endpoints_however_they_were_asked() {
    in_both(async |stage, mut talk| {
        talk.asks("L", &[]).await;
        talk.asks("R", &["r"]).await;
        talk.asks("E", &["a"]).await;
        talk.asks("C", &[]).await;
        let asked =
            |stage: &Stage| stage.streams.sheets().iter().map(|sheet| sheet.protocol().status().len()).sum::<usize>();
        stage.eventually("all four are asked for", |stage| asked(stage) == 4).await;
        stage.show(&START);
        for told in ["C +a@1", "E +a@1", "L +l@1", "R +r@1"] {
            talk.takes(told).await;
        }
    });
}

/// In delta: where each response holds everything, the second waits for an answer to the first, or 15 s.
#[test]
fn row_109_a_cluster_update_is_accepted_while_an_earlier_one_warms() {
    in_delta(async |stage, mut talk| {
        settled(&stage, &mut talk).await;
        stage.show(&["C a@2 a", "E a@1", "L l@1 a", "R r@1 a"]);
        let first = talk.hears("C +a@2").await;
        stage.show(&["C a@3 a", "E a@1", "L l@1 a", "R r@1 a"]);
        talk.takes("E +a@1").await;
        let second = talk.hears("C +a@3").await;
        talk.takes("E +a@1").await;
        talk.ack(&first).await;
        talk.ack(&second).await;
        talk.quiet().await;
    });
}

#[test]
fn row_112_secrets_come_by_name_over_ads_and_their_own_service() {
    in_both(async |stage, mut talk| {
        stage.show(&["S leaf@1", "S roots@1"]);
        talk.settles("S", &["leaf"], "S +leaf@1").await;
        let mut own = stage.talk_to(crate::services::SDS, talk.dialect);
        own.settles("S", &["roots"], "S +roots@1").await;
    });
}

#[test]
fn row_113_secrets_are_for_their_own_client_and_never_for_all() {
    in_both(async |stage, mut talk| {
        stage.show(&["S leaf@mine"]);
        stage.show_to("q", "n1", &["S leaf@theirs", "S other@theirs"]);
        talk.asks("S", &["*"]).await;
        talk.asks("S", &[]).await;
        talk.quiet().await;
        talk.names("S", &["leaf", "other"]).await;
        talk.takes(if talk.is_delta() { "S +leaf@mine -other" } else { "S +leaf@mine !other" }).await;
        talk.quiet().await;
    });
}

#[test]
fn row_114_a_renewed_secret_moves_nothing_else() {
    in_both(async |stage, mut talk| {
        settled(&stage, &mut talk).await;
        let with = |content: &str| [&START[..], &[content]].concat().iter().map(|word| (*word).to_owned()).collect();
        let (old, new): (Vec<String>, Vec<String>) = (with("S leaf@1"), with("S leaf@2"));
        stage.show(&crate::stage::slices(&old));
        talk.settles("S", &["leaf"], "S +leaf@1").await;
        stage.show(&crate::stage::slices(&new));
        talk.takes("S +leaf@2").await;
        talk.quiet().await;
    });
}

#[test]
fn row_117_the_first_request_for_virtual_hosts_is_answered_at_once() {
    const VIRTUAL_HOST: &str = "type.googleapis.com/envoy.config.route.v3.VirtualHost";
    in_delta(async |stage, mut ads| {
        stage.show(&START);
        let own = stage.talk_to(VHDS, Dialect::Delta);
        ads.subscribe(VIRTUAL_HOST, &[]).await;
        let mut own = own;
        own.subscribe(VIRTUAL_HOST, &[]).await;
        for talk in [&mut ads, &mut own] {
            let answer = talk.expect(VIRTUAL_HOST).await;
            assert!(answer.resources.is_empty() && answer.removed.is_empty());
            talk.ack(&answer).await;
            talk.quiet().await;
        }
    });
}

#[test]
fn row_118_a_virtual_host_that_does_not_exist_comes_with_its_name_as_alias_and_no_body() {
    const VIRTUAL_HOST: &str = "type.googleapis.com/envoy.config.route.v3.VirtualHost";
    in_delta(async |stage, mut ads| {
        stage.show(&START);
        ads.subscribe(VIRTUAL_HOST, &[]).await;
        let first = ads.expect(VIRTUAL_HOST).await;
        ads.ack(&first).await;
        ads.subscribe(VIRTUAL_HOST, &["web/unknown"]).await;
        let answer = ads.expect(VIRTUAL_HOST).await;
        assert_eq!(answer.names(), ["web/unknown"]);
        assert_eq!(answer.resources[0].aliases, ["web/unknown"]);
        assert!(answer.resources[0].is_bodiless() && answer.removed.is_empty());
        ads.ack(&answer).await;
        ads.quiet().await;
    });
}

#[test]
fn row_119_a_cluster_asked_for_beside_the_wildcard_is_sent_or_missing_at_once() {
    in_delta(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.settles("C", &[], "C +a@1").await;
        talk.settles("C", &["a"], "C +a@1").await;
        talk.settles("C", &["z"], "C -z").await;
        stage.show(&["C a@1", "C z@1"]);
        talk.takes("C +z@1").await;
    });
}

#[test]
fn row_121_scoped_routes_are_a_wildcard_type_and_empty() {
    const SCOPED: &str = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration";
    in_both(async |stage, mut talk| {
        stage.show(&START);
        talk.subscribe(SCOPED, &[]).await;
        let answer = talk.expect(SCOPED).await;
        assert!(answer.resources.is_empty());
        talk.ack(&answer).await;
        talk.quiet().await;
    });
}

#[test]
fn row_128_responses_name_the_control_plane() {
    in_both(async |stage, mut talk| {
        stage.show(&START);
        talk.asks("C", &[]).await;
        let answer = talk.takes("C +a@1").await;
        assert!(answer.control_plane.starts_with("chancery"), "{answer:?}");
    });
}

#[test]
fn row_129_in_state_of_the_world_a_missing_name_comes_as_an_error_with_our_text() {
    crate::stage::in_the_world(async |stage, mut talk| {
        stage.show(&["C a@1", "E e@1", "L l@1"]);
        talk.asks("L", &["l", "nothing"]).await;
        let answer = talk.takes("L +l@1 !nothing").await;
        let [(_, status)] = &answer.errors[..] else { panic!("one error: {answer:?}") };
        assert_eq!(status.code, tonic::Code::NotFound as i32);
        assert!(status.message.contains("no listener \"nothing\""), "{status:?}");
        talk.settles("E", &["nothing"], "E !nothing").await;
        // once, and good ones are never left out for it
        stage.show(&["C a@1", "E e@1", "L l@2"]);
        talk.takes("L +l@2").await;
        stage.show(&["C a@1", "E e@1", "L l@2", "L nothing@1"]);
        talk.takes("L +l@2 +nothing@1").await;
        stage.show(&["C a@1", "E e@1", "L l@2"]);
        talk.takes("L +l@2 !nothing").await;
    });
}
