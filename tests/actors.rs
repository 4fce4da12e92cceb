//! What the actors promise as a whole, counted on their cards.

use std::time::Duration;

use chancery::catalog::Write;
use chancery::model::{Action, ProxyId, Topic};
use chancery_actors::kit::Doorbell;
use chancery_tests::world::{ScriptedEnvoy, World, in_virtual_time};
use serde_json::json;

/// Registers `backend`, and `count` services with a sidecar each that has it as an upstream.
async fn mesh(world: &World, count: u32) {
    let sidecar = json!({ "Checks": [], "Port": 20000 });
    let backend = json!({ "Name": "backend", "Port": 80, "Connect": { "SidecarService": sidecar } });
    world.register(&backend).await.expect("backend is good");
    for number in 0..count {
        let upstreams = json!([{ "DestinationName": "backend", "LocalBindPort": 5000 }]);
        let sidecar = json!({ "Checks": [], "Port": 20001, "Proxy": { "Upstreams": upstreams } });
        let body = json!({ "Name": format!("web-{number:04}"), "Port": 80, "Connect": { "SidecarService": sidecar } });
        world.register(&body).await.expect("a web is good");
    }
}

async fn connect(world: &World, count: u32) -> Vec<ScriptedEnvoy> {
    let mut envoys = Vec::new();
    for number in 0..count {
        let mut envoy = world.envoy(&format!("web-{number:04}-sidecar-proxy"));
        envoy.start().await;
        envoys.push(envoy);
    }
    converge(world, &mut envoys).await;
    envoys
}

/// Until nobody is told anything more; how many responses there were.
async fn converge(world: &World, envoys: &mut [ScriptedEnvoy]) -> usize {
    let mut responses = 0;
    loop {
        world.settle().await;
        let mut heard = 0;
        for envoy in envoys.iter_mut() {
            heard += envoy.hear().await.len();
        }
        if heard == 0 {
            return responses;
        }
        responses += heard;
    }
}

/// Messages that actors of a kind have handled, or each one's version summed.
fn handled(world: &World, kind: &str) -> u64 {
    world.house.desk.totals().get(kind).map_or(0, |totals| totals.handled)
}

#[test]
fn a_thousand_sidecars_share_one_watch_of_their_upstream() {
    in_virtual_time(|| async {
        let world = World::new().await;
        mesh(&world, 1000).await;
        let mut envoys = connect(&world, 1000).await;
        assert_eq!(world.actors("ProxyState"), 1000);
        assert_eq!(world.house.desk.read(Some("SourceWatch"), Some("endpoints:backend")).len(), 1);
        assert_eq!(world.house.desk.read(Some("SourceWatch"), Some("chain:backend")).len(), 1);

        // one more instance: one response to each, made of the same bytes
        let sidecar = json!({ "Checks": [], "Port": 20002 });
        let second = json!({ "ID": "b2", "Name": "backend", "Address": "10.0.0.2", "Port": 80, "Connect": { "SidecarService": sidecar } });
        world.register(&second).await.expect("a second instance is good");
        assert_eq!(converge(&world, &mut envoys).await, 1000);
    });
}

#[test]
fn an_irrelevant_write_wakes_no_proxy() {
    in_virtual_time(|| async {
        let world = World::new().await;
        mesh(&world, 20).await;
        let mut envoys = connect(&world, 20).await;
        let (proxies, streams) = (handled(&world, "ProxyState"), handled(&world, "XdsStream"));

        world.register(&json!({ "Name": "unrelated", "Port": 1 })).await.expect("it is good");
        let check =
            json!({ "Name": "backend-note", "TTL": "1h", "ServiceID": "backend-sidecar-proxy", "Status": "passing" });
        let check = chancery::wire::registration::check(&check, chancery::wire::Typing::Strict, &"n1".into());
        world.commit(Write::RegisterCheck(check.expect("a good check"))).await.expect("it is registered");
        converge(&world, &mut envoys).await;
        let note = Write::UpdateCheck {
            node: "n1".into(),
            id: "backend-note".into(),
            status: chancery::model::Status::Passing,
            output: "another note".to_owned(),
        };
        world.commit(note).await.expect("a note can be written");
        let intention = Write::PutIntention {
            source: "nobody".into(),
            destination: "unrelated".into(),
            action: Action::Deny,
            permissions: vec![],
            description: String::new(),
        };
        world.commit(intention).await.expect("an intention can be written");

        assert_eq!(converge(&world, &mut envoys).await, 0);
        assert_eq!(handled(&world, "ProxyState"), proxies);
        assert_eq!(handled(&world, "XdsStream"), streams);
    });
}

/// Entries that bear on one proxy by several topics: what everybody speaks, who may do what, what the mesh asks for.
fn together(http: bool) -> Write {
    let permissions = json!([{ "Action": "deny", "HTTP": { "PathPrefix": "/admin" } }]);
    let source = if http {
        json!({ "Name": "a", "Permissions": permissions })
    } else {
        json!({ "Name": "a", "Action": "deny" })
    };
    let entries = [
        json!({ "Kind": "mesh", "HTTP": { "SanitizeXForwardedClientCert": http } }),
        json!({ "Kind": "service-intentions", "Name": "web-0000", "Sources": [source] }),
        json!({ "Kind": "proxy-defaults", "Name": "global", "Config": { "protocol": if http { "http" } else { "tcp" } } }),
    ];
    let body = entries.iter().map(|entry| json!({ "Config": { "Verb": "set", "Entry": entry } })).collect();
    Write::Transaction(chancery::wire::transaction::decode(&body, &"dc1".into()).expect("good operations"))
}

#[test]
fn entries_written_together_are_seen_together() {
    in_virtual_time(|| async {
        let world = World::new().await;
        mesh(&world, 1).await;
        // so many hear of proxy-defaults that those of the Envoy hear late: what else was written is known long before
        let doorbell = Doorbell::new(|| {});
        let other = |number: u32| ProxyId { node: "n1".into(), service: format!("other-{number}").into() };
        let listen = |number| world.house.watches.listen(Topic::Proxy(other(number)), &doorbell);
        let _crowd: Vec<_> = (0..500).map(listen).collect();
        world.settle().await;

        let mut envoys = connect(&world, 1).await;
        let published = || world.house.proxies.board.read(&envoys_proxy().into()).expect("it is published");
        for round in 0..20 {
            let before = published().version;
            world.commit(together(round % 2 == 0)).await.expect("the entries go together");
            converge(&world, &mut envoys).await;
            let newest = chancery_tests::world::newest_view(&world, &envoys_proxy()).expect("all is known");
            assert_eq!(published().view.expect("it is complete").version, newest.version);
            assert_eq!(published().version, before + 1, "one write, one view");
        }
    });
}

fn envoys_proxy() -> ProxyId {
    ProxyId { node: "n1".into(), service: "web-0000-sidecar-proxy".into() }
}

#[test]
fn a_thousand_proxies_that_come_and_go_leave_no_card() {
    in_virtual_time(|| async {
        let world = World::new().await;
        mesh(&world, 1000).await;
        let before = world.house.desk.len();
        for _ in 0..2 {
            let mut envoys = connect(&world, 1000).await;
            assert_eq!(world.actors("XdsStream"), 1000);
            envoys.iter_mut().for_each(ScriptedEnvoy::disconnect);
            tokio::time::sleep(Duration::from_secs(60)).await;
            world.settle().await;
            assert_eq!(world.house.desk.len(), before);
        }
        assert!(world.house.watches.board.is_empty(), "answers nobody asks for are still on the board");
        assert!(world.house.proxies.board.is_empty(), "snapshots nobody asks for are still on the board");
    });
}

#[test]
fn every_change_converges_and_tells_its_stages() {
    in_virtual_time(|| async {
        let world = World::new().await;
        mesh(&world, 3).await;
        let mut envoys = connect(&world, 3).await;
        world.ended.lock().unwrap().clear();
        let sidecar = json!({ "Checks": [], "Port": 20002 });
        let body = json!({ "ID": "b2", "Name": "backend", "Address": "10.0.0.2", "Port": 80, "Connect": { "SidecarService": sidecar } });
        let index = world.register(&body).await.expect("a second instance is good").index;
        assert!(world.ended.lock().unwrap().is_empty(), "nobody has acknowledged yet");
        converge(&world, &mut envoys).await;
        let ended = world.ended.lock().unwrap().clone();
        let [end] = &ended[..] else { panic!("one change, not {ended:?}") };
        assert_eq!((end.index, end.rejected, end.gone), (index.0, false, false));
        assert!(end.stage_ns.iter().all(|elapsed| *elapsed > 0), "{end:?}");
    });
}

#[test]
fn a_client_that_leaves_ends_the_changes_it_had_not_answered() {
    in_virtual_time(|| async {
        let world = World::new().await;
        mesh(&world, 1).await;
        let mut envoys = connect(&world, 1).await;
        world.ended.lock().unwrap().clear();
        world
            .commit(Write::DeregisterService { node: "n1".into(), id: "backend".into() })
            .await
            .expect("it can be deregistered");
        world.settle().await;
        envoys[0].disconnect();
        world.settle().await;
        let ended = world.ended.lock().unwrap().clone();
        assert!(matches!(&ended[..], [end] if end.gone), "{ended:?}");
    });
}
