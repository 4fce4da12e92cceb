use std::collections::BTreeMap;
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::listener::v3::Listener;

use super::*;
use crate::chain;
use crate::model::entry::{Mesh, TlsSettings, TlsVersion};
use crate::model::intention::Intentions;
use crate::model::topic::{ChainKey, EndpointsKey};
use crate::model::{
    Action, Endpoint, Inbound, Index, LocalApp, Protocol, ProxyConfig, ProxyId, Secret, ServiceName, Telemetry,
};
use crate::model::{Leaf, Root, Roots, UnixTime};
use crate::resource::ResourceType::{Cluster as C, Endpoint as E, Listener as L, Secret as S};
use crate::snapshot::Facts;

const DOMAIN: &str = "11111111-2222.consul";

/// A sidecar of `web` that calls `db` on port 5000. Everything in it is made anew at each call.
pub(in crate::generate) fn snapshot() -> Facts {
    let mut snapshot = facts();
    call(&mut snapshot, ChainKey::plain("db".into()), at("127.0.0.1", 5000));
    snapshot
}

/// A sidecar of `web` that calls nobody.
pub(super) fn facts() -> Facts {
    Facts {
        node: ProxyId { node: "n1".into(), service: "web-sidecar-proxy".into() }.into(),
        proxy: Some(Arc::new(ProxyConfig {
            id: ProxyId { node: "n1".into(), service: "web-sidecar-proxy".into() },
            datacenter: "dc1".into(),
            locality: None,
            destination: "web".into(),
            bind_address: "0.0.0.0".to_owned(),
            bind_port: 21000,
            local_app: LocalApp {
                address: Bind::Address { address: "127.0.0.1".to_owned(), port: 8080 },
                connect_timeout: Duration::from_secs(5),
                request_timeout: None,
                idle_timeout: None,
            },
            protocol: Protocol::Tcp,
            max_inbound_connections: 0,
            balance_inbound_connections: false,
            inbound: Inbound::default(),
            telemetry: Telemetry::default(),
            xds_fetch_timeout: None,
            outbound_port: None,
            upstream_defaults: Default::default(),
            extensions: vec![],
            upstreams: vec![],
        })),
        roots: Some(Arc::new(Shared::new(Roots { trust_domain: DOMAIN.into(), roots: vec![root()] }))),
        leaf: Some(Arc::new(Shared::new(leaf("a leaf")))),
        intentions: Some(Arc::new(Shared::new(Intentions::new(vec![], Action::Deny)))),
        mesh: Some(Arc::new(Mesh::default())),
        chains: BTreeMap::new(),
        endpoints: BTreeMap::new(),
        reachable: None,
        addresses: BTreeMap::new(),
    }
}

/// From all that is there, whether it is complete or not.
pub(in crate::generate) fn seen(facts: &Facts) -> Snapshot<'_> {
    Snapshot {
        envoy: facts.node.envoy,
        proxy: facts.proxy.as_ref().expect("it was given"),
        roots: facts.roots.as_ref().expect("they were given"),
        leaf: facts.leaf.as_ref().expect("it was given"),
        intentions: facts.intentions.as_ref().expect("they were given"),
        mesh: facts.mesh.as_ref().expect("it was given"),
        chains: &facts.chains,
        endpoints: &facts.endpoints,
        reachable: facts.reachable.as_ref(),
        addresses: &facts.addresses,
    }
}

pub(super) fn made(facts: &Facts) -> Generated {
    sidecar(&seen(facts))
}

fn root() -> Root {
    Root {
        id: "aa".to_owned(),
        name: "root".to_owned(),
        serial_number: 1,
        signing_key_id: "bb".to_owned(),
        not_before: UnixTime(0),
        not_after: UnixTime(1),
        pem: "a root".to_owned(),
        key: crate::model::KeyKind::default(),
        active: true,
        create_index: Index(1),
        modify_index: Index(1),
    }
}

fn leaf(cert_pem: &str) -> Leaf {
    Leaf {
        service: "web".into(),
        uri: format!("spiffe://{DOMAIN}/ns/default/dc/dc1/svc/web"),
        serial_number: "01".to_owned(),
        cert_pem: cert_pem.into(),
        key_pem: Secret::new("a key".to_owned()),
        valid_after: UnixTime(0),
        valid_before: UnixTime(1),
        create_index: Index(1),
        modify_index: Index(1),
    }
}

pub(super) fn at(address: &str, port: u16) -> Bind {
    Bind::Address { address: address.to_owned(), port }
}

fn call(snapshot: &mut Facts, key: ChainKey, bind: Bind) {
    let (datacenter, trust_domain) = ("dc1".into(), DOMAIN.into());
    let inputs = chain::Inputs { datacenter: &datacenter, trust_domain: &trust_domain, entries: &BTreeMap::new() };
    let service: ServiceName = key.service.clone();
    snapshot.chains.insert(key.clone(), chain::compile(&key, &inputs).chain.map(|chain| Arc::new(Shared::new(chain))));
    snapshot
        .endpoints
        .entry(EndpointsKey::all(service.clone()))
        .or_insert_with(|| Arc::new(Shared::new(instances(&["10.0.0.1"]))));
    edit(snapshot, |proxy| {
        proxy.upstreams.push(UpstreamConfig {
            name: service.to_string(),
            bind,
            chain: key,
            settings: Default::default(),
        });
    });
}

pub(super) fn edit(snapshot: &mut Facts, change: impl FnOnce(&mut ProxyConfig)) {
    change(Arc::make_mut(snapshot.proxy.as_mut().expect("it was given")));
}

pub(super) fn instances(addresses: &[&str]) -> Endpoints {
    let endpoint = |address: &&str| Endpoint {
        address: (*address).to_owned(),
        port: 20000,
        socket_path: String::new(),
        healthy: true,
        weight: 1,
        locality: None,
    };
    Endpoints { endpoints: addresses.iter().map(endpoint).collect() }
}

fn names(generated: &Generated, kind: ResourceType) -> Vec<&str> {
    generated.view.list(kind).iter().map(|resource| &*resource.name).collect()
}

fn message<M: prost::Message + Default>(generated: &Generated, kind: ResourceType, name: &str) -> M {
    M::decode(&*generated.view.get(kind, name).expect("it is there").any().unwrap().value).unwrap()
}

/// The resources of `after` that differ from those of `before`.
fn changed(before: &Generated, after: &Generated) -> Vec<String> {
    let differs = |resource: &&Arc<Resource>| before.view.get(resource.kind, &resource.name) != Some(*resource);
    after.view.all().filter(differs).map(|resource| format!("{} {}", resource.kind, resource.name)).collect()
}

const DB: &str = "db.default.dc1.internal.11111111-2222.consul";

#[test]
fn a_sidecar_has_two_secrets_and_a_listener_and_cluster_each_way() {
    let generated = made(&snapshot());
    assert_eq!(generated.refusals, []);
    assert_eq!(names(&generated, S), ["leaf", "roots"]);
    assert_eq!(names(&generated, C), [DB, "local_app"]);
    assert_eq!(names(&generated, E), [DB]);
    assert_eq!(names(&generated, L), ["db:127.0.0.1:5000", "public_listener:0.0.0.0:21000"]);
}

#[test]
fn generated_twice_from_scratch_the_bytes_are_the_same() {
    for protocol in [Protocol::Tcp, Protocol::Http, Protocol::Http2, Protocol::Grpc] {
        let make = || {
            let mut snapshot = snapshot();
            edit(&mut snapshot, |proxy| {
                proxy.protocol = protocol;
                proxy.max_inbound_connections = 10;
            });
            call(
                &mut snapshot,
                ChainKey { protocol: Some(protocol), ..ChainKey::plain("api".into()) },
                at("::1", 5001),
            );
            made(&snapshot).view
        };
        let (one, other) = (make(), make());
        assert_eq!(one.version, other.version);
        for (one, other) in one.all().zip(other.all()) {
            assert_eq!(one.delta_chunk(), other.delta_chunk());
        }
    }
}

#[test]
fn resources_refer_to_what_they_need() {
    let view = made(&snapshot()).view;
    for resource in view.all() {
        for need in &resource.needs {
            let kind = if resource.kind == C { E } else { C };
            assert!(view.get(kind, need).is_some(), "{resource:?} needs {need}");
        }
    }
    assert_eq!(view.get(L, "db:127.0.0.1:5000").unwrap().needs[..], [DB.into()]);
    assert_eq!(view.get(C, DB).unwrap().needs[..], [DB.into()]);
}

#[test]
fn a_renewed_leaf_changes_one_secret_and_nothing_else() {
    let mut snapshot = snapshot();
    let before = made(&snapshot);
    snapshot.leaf = Some(Arc::new(Shared::new(leaf("another leaf"))));
    assert_eq!(changed(&before, &made(&snapshot)), ["secret leaf"]);
}

#[test]
fn an_intention_changes_the_public_listener_and_nothing_else() {
    let mut snapshot = snapshot();
    let before = made(&snapshot);
    snapshot.intentions = Some(Arc::new(Shared::new(Intentions::new(vec![], Action::Allow))));
    assert_eq!(changed(&before, &made(&snapshot)), ["listener public_listener:0.0.0.0:21000"]);
}

#[test]
fn an_instance_that_comes_changes_the_endpoints_and_nothing_else() {
    let mut snapshot = snapshot();
    let before = made(&snapshot);
    snapshot
        .endpoints
        .insert(EndpointsKey::all("db".into()), Arc::new(Shared::new(instances(&["10.0.0.1", "10.0.0.2"]))));
    assert_eq!(changed(&before, &made(&snapshot)), [format!("endpoint {DB}")]);
}

#[test]
fn the_mesh_rules_for_outgoing_connections_change_upstream_clusters_alone() {
    let mut snapshot = snapshot();
    let before = made(&snapshot);
    let outgoing = TlsSettings { min_version: Some(TlsVersion::V1_3), ..Default::default() };
    snapshot.mesh = Some(Arc::new(Mesh { outgoing, ..Default::default() }));
    assert_eq!(changed(&before, &made(&snapshot)), [format!("cluster {DB}")]);
}

#[test]
fn proxies_of_different_services_share_an_upstreams_bytes() {
    let web = snapshot();
    let mut api = web.clone();
    api.leaf = Some(Arc::new(Shared::new(Leaf { service: "api".into(), ..leaf("the leaf of api") })));
    edit(&mut api, |proxy| {
        proxy.destination = "api".into();
        proxy.bind_port = 21001;
    });
    let (web, api) = (made(&web), made(&api));
    for (kind, name) in [(C, DB), (E, DB), (L, "db:127.0.0.1:5000"), (S, "roots")] {
        assert!(Arc::ptr_eq(web.view.get(kind, name).unwrap(), api.view.get(kind, name).unwrap()), "{kind} {name}");
    }
}

#[test]
fn generated_again_from_the_same_facts_the_public_listener_is_not_made_again() {
    let snapshot = snapshot();
    let (one, other) = (made(&snapshot), made(&snapshot));
    let listener = |generated: &Generated| Arc::clone(generated.view.get(L, "public_listener:0.0.0.0:21000").unwrap());
    assert!(Arc::ptr_eq(&listener(&one), &listener(&other)));
}

#[test]
fn a_rebuild_makes_what_a_build_from_scratch_makes() {
    let mut facts = snapshot();
    call(&mut facts, ChainKey::plain("api".into()), at("127.0.0.1", 5001));
    let mut sidecar = Sidecar::default();
    // each step changes one fact, some of them back to what it was
    let steps: [fn(&mut Facts); 8] = [
        |_| {},
        |facts| facts.leaf = Some(Arc::new(Shared::new(leaf("another leaf")))),
        |facts| {
            let others = Arc::new(Shared::new(instances(&["10.0.0.2"])));
            facts.endpoints.insert(EndpointsKey::all("db".into()), others);
        },
        |facts| facts.intentions = Some(Arc::new(Shared::new(Intentions::new(vec![], Action::Allow)))),
        |facts| {
            let named = Arc::new(Shared::new(instances(&["db.example"])));
            facts.endpoints.insert(EndpointsKey::all("db".into()), named);
        },
        |facts| edit(facts, |proxy| drop(proxy.upstreams.remove(0))),
        |facts| edit(facts, |proxy| proxy.protocol = Protocol::Http),
        |facts| edit(facts, |proxy| proxy.bind_port = 5001),
    ];
    for step in steps {
        step(&mut facts);
        assert_eq!(sidecar.generate(&seen(&facts)), made(&facts));
    }
}

#[test]
fn two_listeners_at_one_address_are_one_and_a_refusal() {
    let mut snapshot = snapshot();
    call(&mut snapshot, ChainKey::plain("api".into()), at("127.0.0.1", 5000));
    call(&mut snapshot, ChainKey::plain("api".into()), at("0.0.0.0", 21000));
    let generated = made(&snapshot);
    assert_eq!(names(&generated, L), ["db:127.0.0.1:5000", "public_listener:0.0.0.0:21000"]);
    assert_eq!(names(&generated, C), [DB, "local_app"]);
    let reasons: Vec<&Reason> = generated.refusals.iter().map(|refusal| &refusal.reason).collect();
    assert_eq!(
        reasons,
        [
            &Reason::BindTaken("db:127.0.0.1:5000".to_owned()),
            &Reason::BindTaken("public_listener:0.0.0.0:21000".to_owned()),
        ]
    );
}

#[test]
fn one_upstream_declared_twice_is_refused_once() {
    let mut snapshot = snapshot();
    let again = snapshot.proxy.as_ref().expect("it was given").upstreams[0].clone();
    edit(&mut snapshot, |proxy| proxy.upstreams.push(again));
    let generated = made(&snapshot);
    assert_eq!(generated.refusals.len(), 1);
    assert_eq!(generated.refusals[0].reason, Reason::NameTaken);
}

#[test]
fn one_upstream_at_two_addresses_has_one_cluster() {
    let mut snapshot = snapshot();
    let socket = Bind::Socket { path: "/tmp/db.sock".to_owned(), mode: Some(0o600) };
    call(&mut snapshot, ChainKey::plain("db".into()), socket);
    let generated = made(&snapshot);
    assert_eq!(generated.refusals, []);
    assert_eq!(names(&generated, C), [DB, "local_app"]);
    assert_eq!(names(&generated, L), ["db:/tmp/db.sock", "db:127.0.0.1:5000", "public_listener:0.0.0.0:21000"]);
}

#[test]
fn a_bad_address_costs_its_own_listener_and_no_other() {
    let mut snapshot = snapshot();
    edit(&mut snapshot, |proxy| proxy.bind_address = "web.example".to_owned());
    call(&mut snapshot, ChainKey::plain("api".into()), at("localhost", 5001));
    call(&mut snapshot, ChainKey::plain("api".into()), at("127.0.0.1", 0));
    let long = format!("/tmp/{}", "x".repeat(103));
    call(&mut snapshot, ChainKey::plain("api".into()), Bind::Socket { path: long.clone(), mode: None });
    let generated = made(&snapshot);
    assert_eq!(names(&generated, L), ["db:127.0.0.1:5000"]);
    let reasons: Vec<&Reason> = generated.refusals.iter().map(|refusal| &refusal.reason).collect();
    assert_eq!(
        reasons,
        [
            &Reason::NotAnAddress("web.example".to_owned()),
            &Reason::NotAnAddress("localhost".to_owned()),
            &Reason::NoPort,
            &Reason::SocketPathTooLong(long),
        ]
    );
    assert_eq!(
        generated.refusals[1].to_string(),
        "listener api:localhost:5001: \"localhost\" is not an IP address, and Envoy binds listeners to nothing else \
         (from the upstream api of the proxy n1/web-sidecar-proxy)"
    );
}

#[test]
fn without_an_application_to_reach_nothing_listens_for_the_mesh() {
    let mut snapshot = snapshot();
    edit(&mut snapshot, |proxy| proxy.local_app.address = at("", 8080));
    let generated = made(&snapshot);
    assert_eq!(names(&generated, L), ["db:127.0.0.1:5000"]);
    assert_eq!((generated.refusals[0].kind, &generated.refusals[0].reason), (C, &Reason::NoAddress));
}

#[test]
fn an_upstream_whose_facts_are_missing_is_refused() {
    let mut snapshot = snapshot();
    snapshot.endpoints.clear();
    let generated = made(&snapshot);
    assert_eq!(generated.refusals[0].reason, Reason::Unknown);
    assert_eq!(names(&generated, C), ["local_app"]);
}

#[test]
fn instances_with_host_names_are_resolved_by_envoy() {
    let mut snapshot = snapshot();
    let mut found = instances(&["db.example", "10.0.0.1"]);
    found.endpoints.push(Endpoint { socket_path: "/tmp/db.sock".to_owned(), ..found.endpoints[0].clone() });
    snapshot.endpoints.insert(EndpointsKey::all("db".into()), Arc::new(Shared::new(found)));
    let generated = made(&snapshot);
    assert!(names(&generated, E).is_empty());
    let cluster: Cluster = message(&generated, C, DB);
    assert_eq!(cluster.load_assignment.unwrap().endpoints[0].lb_endpoints.len(), 2);
    assert_eq!(generated.refusals[0].reason, Reason::SocketAmongHostNames("/tmp/db.sock".to_owned()));
    assert_eq!(generated.refusals[0].origin.to_string(), "the instances of db");
}

#[test]
fn every_inbound_filter_chain_has_tls_and_authorisation() {
    for protocol in [Protocol::Tcp, Protocol::Http, Protocol::Http2, Protocol::Grpc] {
        let mut snapshot = snapshot();
        edit(&mut snapshot, |proxy| proxy.protocol = protocol);
        let generated = made(&snapshot);
        let listener: Listener = message(&generated, L, "public_listener:0.0.0.0:21000");
        let [chain] = &listener.filter_chains[..] else { panic!("one chain") };
        assert!(chain.transport_socket.is_some());
        let told = crate::canonical::json(&envoy_types::util::pack_any(listener.clone())).unwrap().to_string();
        assert!(told.contains("rbac.v3.RBAC"), "{told}");
        assert!(told.contains(r#""require_client_certificate":true"#), "{told}");
    }
}
