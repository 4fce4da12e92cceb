//! Rows 149 to 159: connections, limits, back-pressure, replicas.

use std::time::{Duration, Instant};

use chancery::delta::Dialect;
use chancery_actors::xds_settings::XdsSettings;
use chancery_tests::ads::{ADS, AdsClient, connection};
use futures_util::future::join_all;
use tonic::Code;
use tonic::transport::Endpoint;

use crate::stage::{PROXY, Talk, in_both, in_delta, node, on_stage, on_stage_with, url};

#[test]
fn row_149_a_client_that_has_nothing_to_get_is_not_sent_away() {
    in_both(async |stage, mut talk| {
        talk.asks("L", &["nothing"]).await;
        talk.quiet().await;
        stage.show(&["L nothing@1"]);
        talk.takes("L +nothing@1").await;
    });
}

#[test]
fn row_150_large_endpoints_are_split_below_four_megabytes() {
    in_both(async |stage, mut talk| {
        let content = "x".repeat(1 << 20);
        let view: Vec<String> = ["a", "b", "c", "d", "e"].map(|name| format!("E {name}@{content}")).to_vec();
        stage.show(&crate::stage::slices(&view));
        talk.asks("E", &["a", "b", "c", "d", "e"]).await;
        let mut names = Vec::new();
        while names.len() < 5 {
            let answer = talk.expect(url("E")).await;
            talk.ack(&answer).await;
            assert!(answer.resources.len() <= 3);
            names.extend(answer.names().into_iter().map(str::to_owned));
        }
        assert_eq!(names, ["a", "b", "c", "d", "e"]);
        talk.quiet().await;
    });
}

/// Between client and server a relay that falls silent without closing.
#[test]
fn row_151_a_client_that_vanished_without_a_word_is_found() {
    let second = Duration::from_secs(1);
    let settings = XdsSettings { keepalive_interval: second, keepalive_timeout: second, ..Default::default() };
    on_stage_with(settings, async |stage| {
        stage.show(&["C a@1"]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let relay = listener.local_addr().expect("an address").to_string();
        let (hush, hushed) = tokio::sync::oneshot::channel::<()>();
        let server = stage.address.clone();
        tokio::spawn(async move {
            let (mut near, _) = listener.accept().await.expect("a client");
            let mut far = tokio::net::TcpStream::connect(server).await.expect("a server");
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                _ = hushed => {}
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
            drop((near, far));
        });
        let mut talk = Talk(AdsClient::new(connection(&relay), ADS, Dialect::Delta, node(PROXY)));
        talk.settles("C", &[], "C +a@1").await;
        tokio::time::sleep(3 * second).await;
        assert_eq!(stage.streams.len(), 1, "a client that answers pings stays");
        hush.send(()).expect("the relay listens");
        stage.eventually("the stream is gone", |stage| stage.streams.is_empty()).await;
    });
}

#[test]
fn row_152_pings_of_a_client_are_answered() {
    on_stage(async |stage| {
        stage.show(&["C a@1"]);
        let endpoint = Endpoint::from_shared(format!("http://{}", stage.address)).expect("an address");
        let often = Duration::from_millis(20);
        let channel = endpoint.http2_keep_alive_interval(often).keep_alive_while_idle(true).connect_lazy();
        let mut talk = Talk(AdsClient::new(channel, ADS, Dialect::Delta, node(PROXY)));
        talk.settles("C", &[], "C +a@1").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        stage.show(&["C a@2"]);
        talk.takes("C +a@2").await;
    });
}

#[test]
fn row_154_a_stream_ends_at_its_age_and_its_client_comes_back_in_sync() {
    let settings = XdsSettings { max_stream_age: Some(Duration::from_secs(1)), ..Default::default() };
    on_stage_with(settings, async |stage| {
        stage.show(&["C a@1"]);
        for dialect in [Dialect::Delta, Dialect::StateOfTheWorld] {
            let mut talk = stage.talk(dialect);
            talk.settles("C", &[], "C +a@1").await;
            let began = Instant::now();
            assert_eq!(talk.ended().await.code(), Code::Unavailable);
            assert!(began.elapsed() > Duration::from_millis(700));
            talk.reconnect();
            talk.asks("C", &[]).await;
            talk.quiet().await;
        }
    });
}

#[test]
fn row_155_a_drain_ends_streams_over_its_window_and_takes_no_new_ones() {
    on_stage(async |stage| {
        stage.show(&["C a@1"]);
        let mut talks = Vec::new();
        for _ in 0..20 {
            let mut talk = stage.talk(Dialect::Delta);
            talk.settles("C", &[], "C +a@1").await;
            talks.push(talk);
        }
        let began = Instant::now();
        let streams = stage.streams.clone();
        let drain = tokio::spawn(async move { streams.drain(Duration::from_secs(1)).await });
        let ends = join_all(talks.iter_mut().map(async |talk| {
            let status = talk.ended().await;
            (began.elapsed(), status.code())
        }))
        .await;
        assert!(ends.iter().all(|(_, code)| *code == Code::Unavailable));
        let (first, last) = (ends.iter().map(|end| end.0).min(), ends.iter().map(|end| end.0).max());
        assert!(
            first < Some(Duration::from_millis(500)) && last > Some(Duration::from_millis(800)),
            "{first:?} {last:?}"
        );
        let mut late = stage.talk(Dialect::Delta);
        late.asks("C", &[]).await;
        assert_eq!(late.ended().await.code(), Code::Unavailable);
        drain.await.expect("a drain ends");
    });
}

#[test]
fn row_156_new_streams_beyond_the_rate_are_refused_with_a_hint() {
    let settings = XdsSettings { new_streams_per_second: 10, ..Default::default() };
    on_stage_with(settings, async |stage| {
        stage.show(&["C a@1"]);
        let channel = stage.connection();
        let mut talks: Vec<Talk> =
            (0..40).map(|_| Talk(AdsClient::new(channel.clone(), ADS, Dialect::Delta, node(PROXY)))).collect();
        let outcomes = join_all(talks.iter_mut().map(async |talk| {
            talk.asks("C", &[]).await;
            tokio::select! {
                status = talk.0.ended() => Some(status),
                () = tokio::time::sleep(Duration::from_secs(2)) => None,
            }
        }))
        .await;
        let refused: Vec<_> = outcomes.into_iter().flatten().collect();
        // a second's worth at once, another while waiting
        assert!((15..=25).contains(&refused.len()), "{} were refused", refused.len());
        for status in &refused {
            assert_eq!(status.code(), Code::ResourceExhausted);
            let hint = status.metadata().get("grpc-retry-pushback-ms").expect("a hint").to_str().expect("a number");
            assert!(hint.parse::<u64>().expect("a number") >= 1000);
        }
        stage.eventually("the others are served", |stage| stage.streams.len() == 40 - refused.len()).await;
        // the storm over, the next is taken on
        let mut late = stage.talk(Dialect::Delta);
        late.settles("C", &[], "C +a@1").await;
    });
}

/// The client reads one response ahead, and its window holds 64 kB.
#[test]
fn row_157_a_client_that_does_not_read_delays_nobody_and_holds_no_queue() {
    on_stage(async |stage| {
        let large = |content: usize| format!("E a@{content}-{}", "x".repeat(1 << 20));
        stage.show(&[&large(0), "C a@0"]);
        let mut slow = stage.talk(Dialect::Delta);
        slow.asks("E", &["a"]).await;
        let mut quick = stage.talk(Dialect::Delta);
        quick.settles("C", &[], "C +a@0").await;
        for content in 1..200 {
            stage.show(&[&large(content), &format!("C a@{content}")]);
            quick.takes(&format!("C +a@{content}")).await;
        }
        let first = slow.expect(url("E")).await;
        slow.ack(&first).await;
        let last = slow.expect(url("E")).await;
        slow.ack(&last).await;
        assert!(inner_zone(&last).starts_with("199-"));
        slow.quiet().await;
    });
}

fn inner_zone(answer: &chancery_tests::ads::Answer) -> String {
    use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
    let endpoints: ClusterLoadAssignment = prost::Message::decode(&*answer.resources[0].body.value).expect("endpoints");
    endpoints.endpoints.into_iter().filter_map(|of| of.locality).map(|locality| locality.zone).collect()
}

#[test]
fn row_158_a_client_that_does_not_read_is_dropped() {
    let settings = XdsSettings { read_patience: Duration::from_secs(1), ..Default::default() };
    on_stage_with(settings, async |stage| {
        let content = "x".repeat(3 << 20);
        let view: Vec<String> = ["a", "b", "c", "d"].map(|name| format!("E {name}@{content}")).to_vec();
        stage.show(&crate::stage::slices(&[view, vec!["C a@1".to_owned()]].concat()));
        let mut reads = stage.talk(Dialect::Delta);
        reads.settles("C", &[], "C +a@1").await;
        let mut sleeps = stage.talk(Dialect::Delta);
        sleeps.asks("E", &["a", "b", "c", "d"]).await;
        stage.eventually("it has come", |stage| stage.streams.len() == 2).await;
        stage.eventually("it has gone", |stage| stage.streams.len() == 1).await;
        assert_ne!(sleeps.ended().await.code(), Code::Ok);
        stage.show(&["C a@2"]);
        reads.takes("C +a@2").await;
    });
}

#[test]
fn row_158_a_client_that_reads_slowly_stays() {
    let settings = XdsSettings { read_patience: Duration::from_secs(1), ..Default::default() };
    on_stage_with(settings, async |stage| {
        let content = "x".repeat(3 << 20);
        let view: Vec<String> = ["a", "b", "c", "d", "e", "f"].map(|name| format!("E {name}@{content}")).to_vec();
        stage.show(&crate::stage::slices(&view));
        let mut talk = stage.talk(Dialect::Delta);
        talk.asks("E", &["a", "b", "c", "d", "e", "f"]).await;
        for _ in 0..6 {
            tokio::time::sleep(Duration::from_millis(600)).await;
            let answer = talk.expect(url("E")).await;
            talk.ack(&answer).await;
        }
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert_eq!(stage.streams.len(), 1);
    });
}

#[test]
fn row_159_a_client_may_move_between_replicas() {
    in_delta(async |one, mut talk| {
        one.show(&["C a@2", "C b@1"]);
        talk.settles("C", &[], "C +a@2 +b@1").await;
        // the other is a little behind
        let settings = *one.streams.settings();
        let address = std::thread::spawn(move || {
            let (tell, told) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                on_stage_with(settings, async |other| {
                    other.show(&["C a@1", "C b@1"]);
                    tell.send(other.address.clone()).expect("somebody listens");
                    tokio::time::sleep(Duration::from_secs(5)).await;
                });
            });
            told.recv().expect("an address")
        })
        .join()
        .expect("a replica");
        talk.moves_to(&address);
        talk.asks("C", &[]).await;
        talk.takes("C +a@1").await;
        talk.quiet().await;
    });
}

#[test]
fn a_client_that_says_its_last_word_gets_a_good_end() {
    in_both(async |stage, mut talk| {
        stage.show(&["C a@1"]);
        talk.settles("C", &[], "C +a@1").await;
        talk.half_close();
        assert_eq!(talk.ended().await.code(), Code::Ok);
        stage.eventually("the stream is gone", |stage| stage.streams.is_empty()).await;
    });
}
