use std::time::Duration;

use super::*;
use crate::catalog::fixture::{World, check, entry as an_entry, intentions as put_intentions, opaque, proxy_defaults};
use crate::catalog::fixture::{node as a_node, sidecar, update};
use crate::catalog::fixture::{put, register, register_with_sidecar, service as a_service, service_defaults};
use crate::catalog::write::Write;
use crate::model::entry::service_defaults::{UpstreamDefaults, UpstreamOverride};
use crate::model::entry::service_resolver::Subset;
use crate::model::entry::{EntryBody, ServiceDefaults, TlsSettings, TlsVersion};
use crate::model::topic::{ChainKey, EndpointsKey};
use crate::model::upstream_settings::{Limits, UpstreamSettings};
use crate::model::{Action, Bind, Locality, Protocol, Proxy, ProxyConfig, ProxyId, Status, Upstream, Weights};

/// The proxy of `web` with this `Proxy.Config`.
fn configured(world: &mut World, config: &str) -> ProxyConfig {
    let proxy = Proxy { config: opaque(config), ..sidecar("web").proxy.expect("a sidecar has one") };
    world.write(register(Service { port: 21000, proxy: Some(proxy), ..sidecar("web") }));
    proxy_of(world)
}

fn proxy_of(world: &World) -> ProxyConfig {
    let id = ProxyId { node: "n1".into(), service: "web-sidecar-proxy".into() };
    proxy(&world.tables, &id).expect("registered")
}

fn with_weights(passing: u32, warning: u32) -> Service {
    Service { port: 21000, weights: Weights { passing, warning }, ..sidecar("web") }
}

/// Health and weight of the one endpoint of `web`.
fn endpoint(world: &World) -> (bool, u32) {
    let endpoints = endpoints(&world.tables, &EndpointsKey::all("web".into())).endpoints;
    assert_eq!(endpoints.len(), 1);
    (endpoints[0].healthy, endpoints[0].weight)
}

#[test]
fn names_come_with_the_tags_of_all_their_instances() {
    let mut world = World::with_nodes();
    let tagged = |id: &str, tags: &[&str]| {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        register(Service { id: id.into(), tags, ..a_service("web") })
    };
    world.write(tagged("web-1", &["v1", "v2"]));
    world.write(tagged("web-2", &["v2", "v3"]));
    world.write(register(a_service("db")));
    let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<BTreeSet<_>>();
    let expected = [("db".into(), tags(&[])), ("web".into(), tags(&["v1", "v2", "v3"]))];
    assert_eq!(services(&world.tables), BTreeMap::from(expected));
}

#[test]
fn an_instance_comes_with_the_checks_of_its_node_and_its_own() {
    let mut world = World::with_nodes();
    world.write(register(a_service("web")));
    world.write(register(a_service("db")));
    for (id, service) in [("z-node", ""), ("b", "web"), ("a", "web"), ("c", "db")] {
        world.write(Write::RegisterCheck(check(id, service)));
    }
    let found = instances(&world.tables, &"web".into());
    let ids: Vec<_> = found[0].checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!((found.len(), ids), (1, vec!["z-node", "a", "b"]));
    let (services, checks) = on_node(&world.tables, &"n1".into());
    let ids: Vec<_> = services.iter().map(|service| service.id.as_str()).collect();
    assert_eq!((ids, checks.len()), (vec!["db", "web"], 4));
}

#[test]
fn the_mesh_reaches_sidecars_and_what_speaks_tls_itself() {
    let mut world = World::with_nodes();
    world.write(register_with_sidecar("web"));
    world.write(register(Service { node: "n2".into(), connect_native: true, ..a_service("web") }));
    world.write(register(Service { id: "web-2".into(), ..a_service("web") }));
    let found = connect_instances(&world.tables, &"web".into());
    let ids: Vec<_> = found.iter().map(|instance| instance.service.id.as_str()).collect();
    assert_eq!(ids, ["web-sidecar-proxy", "web"]);
    assert_eq!(instances(&world.tables, &"web".into()).len(), 3);
}

#[test]
fn an_endpoint_has_its_own_address_or_its_nodes() {
    let mut world = World::with_nodes();
    world.write(register_with_sidecar("web"));
    let own = Service { node: "n2".into(), address: "10.7.7.7".to_owned(), port: 7, ..sidecar("web") };
    world.write(register(own));
    let found = endpoints(&world.tables, &EndpointsKey::all("web".into())).endpoints;
    let addresses: Vec<_> = found.iter().map(|endpoint| (endpoint.address.as_str(), endpoint.port)).collect();
    assert_eq!(addresses, [("10.0.0.1", 21000), ("10.7.7.7", 7)]);
}

#[test]
fn the_weight_follows_the_health() {
    let mut world = World::with_nodes();
    world.write(register(with_weights(10, 3)));
    assert_eq!(endpoint(&world), (true, 10));
    world.write(Write::RegisterCheck(check("c", "web-sidecar-proxy")));
    world.write(update("c", Status::Warning, ""));
    assert_eq!(endpoint(&world), (true, 3));
    world.write(update("c", Status::Critical, ""));
    assert_eq!(endpoint(&world), (false, 10));
    world.write(update("c", Status::Passing, ""));
    world.write(Write::RegisterCheck(Check { status: Status::Critical, ..check("disk", "") }));
    assert_eq!(endpoint(&world), (false, 10));
}

#[test]
fn a_weight_is_between_1_and_128_and_less_takes_no_load() {
    let mut world = World::with_nodes();
    world.write(register(with_weights(1000, 1)));
    assert_eq!(endpoint(&world), (true, 128));
    world.write(register(with_weights(0, 1)));
    assert_eq!(endpoint(&world), (false, 1));
}

#[test]
fn the_protocol_is_the_services_else_everybodys_else_tcp() {
    let mut world = World::with_nodes();
    let protocol = |world: &World, service: &str| {
        let compiled = chain(&world.tables, &ChainKey::plain(service.into()), &"1111.consul".into());
        compiled.chain.expect("nothing is routed").protocol
    };
    let of = |world: &World| protocol(world, "web");
    assert_eq!(of(&world), Protocol::Tcp);
    world.write(put(proxy_defaults(r#"{"protocol": "http"}"#)));
    assert_eq!(of(&world), Protocol::Http);
    world.write(put(service_defaults("web", Protocol::Grpc)));
    assert_eq!(of(&world), Protocol::Grpc);
    assert_eq!(protocol(&world, "db"), Protocol::Http);
}

#[test]
fn a_registration_wins_key_by_key_over_central_configuration() {
    let mut world = World::with_nodes();
    world.write(put(proxy_defaults(r#"{"protocol": "http", "local_connect_timeout_ms": 100, "bind_port": 1}"#)));
    world.write(put(service_defaults("web", Protocol::Grpc)));
    let proxy = configured(&mut world, r#"{"bind_port": "2"}"#);
    assert_eq!((proxy.protocol, proxy.bind_port), (Protocol::Grpc, 2));
    assert_eq!(proxy.local_app.connect_timeout, Duration::from_millis(100));
    let registered = service(&world.tables, &"n1".into(), &"web-sidecar-proxy".into()).expect("registered");
    let merged = merged_proxy_config(&world.tables, &registered);
    assert_eq!(merged, opaque(r#"{"protocol": "grpc", "local_connect_timeout_ms": 100, "bind_port": "2"}"#));

    assert_eq!(configured(&mut world, r#"{"protocol": "tcp"}"#).protocol, Protocol::Tcp);
}

#[test]
fn what_nobody_configured_has_a_default() {
    let mut world = World::with_nodes();
    world.write(register(a_service("web")));
    let proxy = configured(&mut world, "{}");
    assert_eq!((proxy.destination.as_str(), proxy.datacenter.as_str()), ("web", "dc1"));
    assert_eq!((proxy.bind_address.as_str(), proxy.bind_port), ("0.0.0.0", 21000));
    assert_eq!(proxy.local_app.address, Bind::Address { address: "127.0.0.1".to_owned(), port: 8080 });
    assert_eq!(proxy.local_app.connect_timeout, Duration::from_secs(5));
    assert_eq!((proxy.local_app.request_timeout, proxy.local_app.idle_timeout), (None, None));
    assert_eq!((proxy.max_inbound_connections, proxy.balance_inbound_connections), (0, false));
    assert_eq!((proxy.protocol, proxy.xds_fetch_timeout), (Protocol::Tcp, None));
}

#[test]
fn every_key_of_a_sidecar_is_read() {
    let mut world = World::with_nodes();
    let proxy = configured(
        &mut world,
        r#"{"protocol": "http2", "bind_address": "10.1.1.1", "bind_port": 9, "local_connect_timeout_ms": "250",
            "local_request_timeout_ms": 0, "local_idle_timeout_ms": 70, "max_inbound_connections": "8",
            "balance_inbound_connections": "exact_balance", "xds_fetch_timeout_ms": 0, "envoy_stats_bind_addr": "x"}"#,
    );
    assert_eq!((proxy.bind_address.as_str(), proxy.bind_port, proxy.protocol), ("10.1.1.1", 9, Protocol::Http2));
    assert_eq!(proxy.local_app.connect_timeout, Duration::from_millis(250));
    assert_eq!(proxy.local_app.request_timeout, Some(Duration::ZERO));
    assert_eq!(proxy.local_app.idle_timeout, Some(Duration::from_millis(70)));
    assert_eq!((proxy.max_inbound_connections, proxy.balance_inbound_connections), (8, true));
    assert_eq!(proxy.xds_fetch_timeout, Some(Duration::ZERO));
}

#[test]
fn a_value_out_of_its_range_counts_as_absent() {
    let mut world = World::with_nodes();
    let proxy = configured(
        &mut world,
        r#"{"bind_port": 70000, "local_connect_timeout_ms": 0, "max_inbound_connections": -1,
            "xds_fetch_timeout_ms": -1, "protocol": "thrift"}"#,
    );
    assert_eq!((proxy.bind_port, proxy.protocol, proxy.xds_fetch_timeout), (21000, Protocol::Tcp, None));
    assert_eq!((proxy.local_app.connect_timeout, proxy.max_inbound_connections), (Duration::from_secs(5), 0));
}

#[test]
fn the_application_is_where_the_registration_says_else_where_it_listens() {
    let mut world = World::with_nodes();
    let with = |world: &mut World, proxy: Proxy| {
        world.write(register(Service { port: 21000, proxy: Some(proxy), ..sidecar("web") }));
        proxy_of(world).local_app.address
    };
    let plain = || sidecar("web").proxy.expect("a sidecar has one");
    let socket = |path: &str| Bind::Socket { path: path.to_owned(), mode: None };
    let said = Proxy { local_address: "10.2.2.2".to_owned(), local_port: 80, ..plain() };
    assert_eq!(with(&mut world, said), Bind::Address { address: "10.2.2.2".to_owned(), port: 80 });
    let on_socket = Proxy { local_socket_path: "/run/web".to_owned(), local_port: 80, ..plain() };
    assert_eq!(with(&mut world, on_socket), socket("/run/web"));
    world.write(register(Service { port: 0, socket_path: "/run/own".to_owned(), ..a_service("web") }));
    assert_eq!(with(&mut world, plain()), socket("/run/own"));
}

#[test]
fn an_upstream_carries_what_it_overrides() {
    let mut world = World::with_nodes();
    let by_port = Upstream { destination_name: "db".into(), local_bind_port: 5432, ..Upstream::default() };
    let by_socket = Upstream {
        destination_name: "api".into(),
        local_bind_socket_path: "/run/api".to_owned(),
        local_bind_socket_mode: "0640".to_owned(),
        settings: UpstreamSettings {
            protocol: Some(Protocol::Grpc),
            connect_timeout: Some(Duration::from_millis(300)),
            ..Default::default()
        },
        ..Upstream::default()
    };
    let plain = sidecar("web").proxy.expect("a sidecar has one");
    let proxy = Proxy { upstreams: vec![by_port, by_socket], ..plain };
    world.write(register(Service { port: 21000, proxy: Some(proxy), ..sidecar("web") }));
    let [db, api] = &proxy_of(&world).upstreams[..] else { panic!("two upstreams") };
    assert_eq!((db.name.as_str(), &db.chain), ("db", &ChainKey::plain("db".into())));
    assert_eq!(db.bind, Bind::Address { address: "127.0.0.1".to_owned(), port: 5432 });
    assert_eq!(api.bind, Bind::Socket { path: "/run/api".to_owned(), mode: Some(0o640) });
    let overrides = (api.chain.protocol, api.chain.connect_timeout);
    assert_eq!(overrides, (Some(Protocol::Grpc), Some(Duration::from_millis(300))));
}

#[test]
fn what_a_registration_says_of_an_upstream_wins_over_the_services_word_on_it_and_that_over_its_word_on_all() {
    let timeout = |ms| UpstreamSettings { connect_timeout: Some(Duration::from_millis(ms)), ..Default::default() };
    let limits = Limits { max_connections: Some(7), ..Default::default() };
    let defaults = ServiceDefaults {
        upstreams: UpstreamDefaults {
            defaults: UpstreamSettings { limits, ..timeout(1) },
            overrides: vec![UpstreamOverride { name: "api".to_owned(), settings: timeout(2) }],
        },
        ..Default::default()
    };
    let mut world = World::with_nodes();
    world.write(put(an_entry("web", EntryBody::ServiceDefaults(defaults))));
    let upstream = |name: &str, settings| Upstream { destination_name: name.into(), settings, ..Default::default() };
    let own = UpstreamSettings { protocol: Some(Protocol::Http), ..Default::default() };
    let upstreams = vec![upstream("db", own), upstream("api", Default::default()), upstream("api", timeout(3))];
    let proxy = Proxy { upstreams, ..sidecar("web").proxy.expect("a sidecar has one") };
    world.write(register(Service { port: 21000, proxy: Some(proxy), ..sidecar("web") }));
    let found = proxy_of(&world).upstreams;
    let timeouts: Vec<_> = found.iter().map(|of| of.chain.connect_timeout.unwrap().as_millis()).collect();
    assert_eq!(timeouts, [1, 2, 3]);
    assert_eq!(found[0].chain.protocol, Some(Protocol::Http));
    assert!(found.iter().all(|of| of.settings.limits == limits));
}

#[test]
fn a_proxy_and_an_instance_are_where_they_say_else_where_their_node_is() {
    let at = |zone: &str| Some(Locality { region: "r".to_owned(), zone: zone.to_owned() });
    let mut world = World::with_nodes();
    world.write(register(Service { port: 21000, ..sidecar("web") }));
    let seen = |world: &World| {
        let endpoints = endpoints(&world.tables, &EndpointsKey::all("web".into())).endpoints;
        assert_eq!(endpoints[0].locality, proxy_of(world).locality);
        endpoints[0].locality.clone()
    };
    assert_eq!(seen(&world), None);
    world.write(Write::RegisterNode(Node { locality: at("a"), ..a_node("n1") }));
    assert_eq!(seen(&world), at("a"));
    world.write(register(Service { port: 21000, locality: at("b"), ..sidecar("web") }));
    assert_eq!(seen(&world), at("b"));
}

#[test]
fn service_defaults_limit_what_comes_in() {
    let defaults = ServiceDefaults {
        max_inbound_connections: 9,
        balance_inbound_connections: true,
        local_connect_timeout: Some(Duration::from_millis(4)),
        local_request_timeout: Some(Duration::from_millis(5)),
        ..Default::default()
    };
    let mut world = World::with_nodes();
    world.write(put(an_entry("web", EntryBody::ServiceDefaults(defaults))));
    let found = configured(&mut world, r#"{"local_request_timeout_ms": 6}"#);
    assert_eq!((found.max_inbound_connections, found.balance_inbound_connections), (9, true));
    assert_eq!(found.local_app.connect_timeout, Duration::from_millis(4));
    assert_eq!(found.local_app.request_timeout, Some(Duration::from_millis(6)));
}

#[test]
fn a_subset_is_the_instances_that_its_filter_selects() {
    let mut world = World::with_nodes();
    let instance = |id: &str, version: &str| Service {
        id: id.into(),
        port: 21000,
        meta: [("version".to_owned(), version.to_owned())].into(),
        ..sidecar("web")
    };
    world.write(register(instance("one", "v1")));
    world.write(register(Service { port: 21001, ..instance("two", "v2") }));
    let of = |world: &World, filter: &str, only_passing| {
        let subset = Subset { filter: filter.to_owned(), only_passing };
        let found = endpoints(&world.tables, &EndpointsKey { service: "web".into(), subset }).endpoints;
        found.into_iter().map(|endpoint| (endpoint.port, endpoint.healthy)).collect::<Vec<_>>()
    };
    assert_eq!(of(&world, "Service.Meta.version == v2", false), [(21001, true)]);
    assert_eq!(of(&world, "Service.Meta.version == ", false), [], "what is no filter selects nobody");
    world.write(Write::RegisterCheck(check("ttl", "two")));
    world.write(update("ttl", Status::Warning, ""));
    assert_eq!(of(&world, "", false), [(21000, true), (21001, true)]);
    assert_eq!(of(&world, "", true), [(21000, true), (21001, false)]);
}

#[test]
fn a_service_that_is_no_proxy_has_no_proxys_configuration() {
    let mut world = World::with_nodes();
    world.write(put(proxy_defaults(r#"{"protocol": "http"}"#)));
    world.write(register(a_service("web")));
    assert_eq!(proxy(&world.tables, &ProxyId { node: "n1".into(), service: "web".into() }), None);
    assert_eq!(merged_proxy_config(&world.tables, &a_service("web")), opaque("{}"));
}

#[test]
fn the_more_precise_intention_decides() {
    let mut world = World::new();
    let decide = |world: &World, source: &str| decide_intention(&world.tables, &source.into(), &"db".into());
    assert_eq!(decide(&world, "web"), Action::Allow, "the default of this catalog");
    world.write(put(put_intentions("*", &[("*", Action::Deny), ("api", Action::Allow)])));
    assert_eq!((decide(&world, "web"), decide(&world, "api")), (Action::Deny, Action::Allow));
    world.write(put(put_intentions("db", &[("*", Action::Deny), ("web", Action::Allow)])));
    assert_eq!((decide(&world, "web"), decide(&world, "api")), (Action::Allow, Action::Deny));
}

#[test]
fn intentions_are_listed_by_precedence_then_by_name() {
    let mut world = World::new();
    world.write(put(put_intentions("*", &[("*", Action::Deny), ("api", Action::Allow)])));
    world.write(put(put_intentions("web", &[("b", Action::Allow), ("*", Action::Deny), ("a", Action::Allow)])));
    world.write(put(put_intentions("db", &[("c", Action::Allow)])));
    let list = intention_list(&world.tables);
    let names: Vec<_> = list.iter().map(|one| (one.source.as_str(), one.destination.as_str())).collect();
    assert_eq!(names, [("c", "db"), ("a", "web"), ("b", "web"), ("*", "web"), ("api", "*"), ("*", "*")]);
    assert_eq!(intentions(&world.tables, &"*".into()).matching.len(), 2);
}

#[test]
fn entries_are_listed_by_kind_sorted_by_name() {
    let mut world = World::new();
    for name in ["web", "api"] {
        world.write(put(service_defaults(name, Protocol::Http)));
    }
    world.write(put(proxy_defaults("{}")));
    let listed = entries(&world.tables, EntryKind::ServiceDefaults);
    let names: Vec<_> = listed.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["api", "web"]);
}

#[test]
fn without_an_entry_the_mesh_has_defaults() {
    let mut world = World::new();
    assert_eq!(mesh(&world.tables), Mesh::default());
    let incoming = TlsSettings { min_version: Some(TlsVersion::V1_3), ..TlsSettings::default() };
    let strict = Mesh { incoming, ..Mesh::default() };
    world.write(put(an_entry("mesh", EntryBody::Mesh(strict.clone()))));
    // whoever calls must be able to speak what is demanded
    let outgoing = TlsSettings { max_version: Some(TlsVersion::V1_3), ..TlsSettings::default() };
    assert_eq!(mesh(&world.tables), Mesh { outgoing: outgoing.clone(), ..strict.clone() });
    let said = TlsSettings { max_version: Some(TlsVersion::V1_2), ..TlsSettings::default() };
    assert_eq!(said.clone().reaching(&strict.incoming), said);
    assert_eq!(TlsSettings::default().reaching(&outgoing), TlsSettings::default());
}

#[test]
fn checks_of_the_node_that_changed_are_told_and_no_others() {
    let mut world = World::with_nodes();
    for id in ["a", "b", "c"] {
        world.write(Write::RegisterCheck(check(id, "")));
    }
    let before = world.tables.clone();
    assert_eq!(changed_checks(&before, &world.tables, &"n1".into()), []);
    world.write(update("b", Status::Warning, "slow"));
    world.write(Write::DeregisterCheck { node: "n1".into(), id: "a".into() });
    world.write(Write::RegisterCheck(check("d", "")));
    world.write(Write::RegisterCheck(Check { node: "n2".into(), ..check("e", "") }));
    let changed = changed_checks(&before, &world.tables, &"n1".into());
    let told: Vec<_> =
        changed.iter().map(|(id, check)| (id.as_str(), check.as_ref().map(|check| check.status))).collect();
    assert_eq!(told, [("a", None), ("b", Some(Status::Warning)), ("d", Some(check("d", "").status))]);
}
