use std::collections::BTreeSet;

use super::*;
use crate::catalog::fixture::{World, alias, check, intentions, node, proxy_defaults, put, register};
use crate::catalog::fixture::{
    register_with_sidecar, registration, service, service_defaults, settings, sidecar, update,
};
use crate::catalog::{AuthorityState, Registration, Settings, SidecarRegistration, query};
use crate::model::check::SocketProbe;
use crate::model::topic::EndpointsKey;
use crate::model::{Action, EntryKey, EntryKind, Probe, Protocol, ProxyId, Root, Roots, Secret, Service, ServiceId};
use crate::model::{Status, Target, UnixTime};

fn on_n1(id: &str) -> ProxyId {
    ProxyId { node: "n1".into(), service: id.into() }
}

fn deregister(id: &str) -> Write {
    Write::DeregisterService { node: "n1".into(), id: id.into() }
}

fn with_checks(service: Service, checks: Vec<crate::model::Check>) -> Registration {
    Registration { checks, ..registration(service) }
}

fn boxed(registration: Registration) -> Write {
    Write::RegisterService(Box::new(registration))
}

fn port_of(world: &World, id: &str) -> u16 {
    query::service(&world.tables, &"n1".into(), &id.into()).expect("registered").port
}

fn check_ids(world: &World, service: &str) -> Vec<String> {
    let checks = query::checks_of_service(&world.tables, &"n1".into(), &service.into());
    checks.iter().map(|check| check.id.to_string()).collect()
}

#[test]
fn a_registration_touches_its_own_places_and_no_others() {
    let mut world = World::with_nodes();
    world.write(register_with_sidecar("db"));
    let applied = world.write(register(service("web")));
    let expected = [Place::Node("n1".into()), Place::ServiceNames, Place::Service("web".into()), Place::Instances];
    assert_eq!(applied.places, BTreeSet::from(expected));

    let applied = world.write(boxed(Registration {
        sidecar: Some(SidecarRegistration { service: sidecar("web"), checks: Some(vec![]) }),
        ..registration(service("web"))
    }));
    let expected = [
        Place::Node("n1".into()),
        Place::ServiceNames,
        Place::Service("web-sidecar-proxy".into()),
        Place::Connect("web".into()),
        Place::Proxy(on_n1("web-sidecar-proxy")),
        Place::VirtualIp("web".into()),
        Place::Instances,
        Place::InMesh,
    ];
    assert_eq!(applied.places, BTreeSet::from(expected));
}

#[test]
fn another_instance_with_known_tags_leaves_the_names_alone() {
    let mut world = World::with_nodes();
    let tagged = |id: &str, tag: &str| Service { id: id.into(), tags: vec![tag.to_owned()], ..service("web") };
    assert!(world.write(register(tagged("web-1", "v1"))).places.contains(&Place::ServiceNames));
    assert!(!world.write(register(tagged("web-2", "v1"))).places.contains(&Place::ServiceNames));
    assert!(world.write(register(tagged("web-2", "v2"))).places.contains(&Place::ServiceNames));
    assert!(!world.write(register(Service { port: 1, ..tagged("web-1", "v1") })).places.contains(&Place::ServiceNames));
    assert!(world.write(deregister("web-1")).places.contains(&Place::ServiceNames));
}

#[test]
fn a_check_of_the_node_touches_every_service_on_it() {
    let mut world = World::with_nodes();
    world.write(register_with_sidecar("web"));
    world.write(register(Service { node: "n2".into(), ..service("db") }));
    let applied = world.write(Write::RegisterCheck(check("disk", "")));
    let expected = [
        Place::Node("n1".into()),
        Place::Service("web".into()),
        Place::Service("web-sidecar-proxy".into()),
        Place::Connect("web".into()),
        Place::Checks,
    ];
    assert_eq!(applied.places, BTreeSet::from(expected));
}

#[test]
fn a_check_of_a_sidecar_touches_what_it_stands_for() {
    let mut world = World::with_nodes();
    world.write(register_with_sidecar("web"));
    let applied = world.write(update("service:web-sidecar-proxy:1", Status::Passing, ""));
    let expected = [
        Place::Node("n1".into()),
        Place::Service("web-sidecar-proxy".into()),
        Place::Connect("web".into()),
        Place::Checks,
    ];
    assert_eq!(applied.places, BTreeSet::from(expected));
}

#[test]
fn a_nodes_record_touches_the_instances_on_it() {
    let mut world = World::with_nodes();
    world.write(register(service("web")));
    let applied = world.write(Write::RegisterNode(crate::model::Node { address: "10.9.9.9".into(), ..node("n1") }));
    assert_eq!(applied.places, BTreeSet::from([Place::Nodes, Place::Node("n1".into()), Place::Service("web".into())]));
}

#[test]
fn a_node_that_is_elsewhere_touches_the_proxies_on_it() {
    let mut world = World::with_nodes();
    world.write(register_with_sidecar("web"));
    let of = |region: &str| Some(crate::model::Locality { region: region.to_owned(), zone: "a".to_owned() });
    let proxy = Place::Proxy(on_n1("web-sidecar-proxy"));
    let applied = world.write(Write::RegisterNode(crate::model::Node { locality: of("r1"), ..node("n1") }));
    assert!(applied.places.contains(&proxy) && applied.places.contains(&Place::Connect("web".into())));
    let meta = [("a".to_owned(), "b".to_owned())].into();
    let applied = world.write(Write::RegisterNode(crate::model::Node { locality: of("r1"), meta, ..node("n1") }));
    assert!(!applied.places.contains(&proxy), "what else is said of the node is not theirs");
}

#[test]
fn output_alone_is_news_to_readers_but_not_to_proxies() {
    let mut world = World::with_nodes();
    world.write(register_with_sidecar("web"));
    world.write(Write::RegisterCheck(check("c", "web-sidecar-proxy")));
    let before = query::endpoints(&world.tables, &EndpointsKey::all("web".into()));
    let applied = world.write(update("c", Status::Passing, "200 OK"));
    assert!(applied.places.contains(&Place::Connect("web".into())));
    assert_eq!(query::endpoints(&world.tables, &EndpointsKey::all("web".into())), before);
    world.idle(update("c", Status::Passing, "200 OK"));
}

#[test]
fn registering_again_keeps_the_create_index_and_what_the_checks_found() {
    let mut world = World::with_nodes();
    let write = || boxed(with_checks(service("web"), vec![check("c", "web")]));
    world.write(write());
    world.write(update("c", Status::Critical, "refused"));
    world.idle(write());
    let registered = query::service(&world.tables, &"n1".into(), &"web".into()).expect("registered");
    assert_eq!((registered.create_index, registered.modify_index), (Index(3), Index(3)));
    let found = query::check(&world.tables, &"n1".into(), &"c".into()).expect("registered");
    assert_eq!((found.create_index, found.modify_index, found.status), (Index(3), Index(4), Status::Critical));

    world.write(register(Service { port: 9, ..service("web") }));
    let registered = query::service(&world.tables, &"n1".into(), &"web".into()).expect("registered");
    assert_eq!((registered.create_index, registered.modify_index), (Index(3), Index(5)));
}

#[test]
fn a_status_that_somebody_else_keeps_is_replaced() {
    let mut world = World::with_nodes();
    let kept = |status| crate::model::Check { status, definition: None, ..check("serfHealth", "") };
    world.write(Write::RegisterCheck(kept(Status::Passing)));
    world.write(Write::RegisterCheck(kept(Status::Critical)));
    let found = query::check(&world.tables, &"n1".into(), &"serfHealth".into()).expect("registered");
    assert_eq!(found.status, Status::Critical);
}

#[test]
fn checks_carry_the_name_and_tags_of_their_service() {
    let mut world = World::with_nodes();
    world.write(boxed(with_checks(service("web"), vec![check("c", "somebody-else")])));
    world.write(register(Service { name: "www".into(), tags: vec!["v2".to_owned()], ..service("web") }));
    let found = query::check(&world.tables, &"n1".into(), &"c".into()).expect("registered");
    assert_eq!((found.service_id.as_str(), found.service_name.as_str()), ("web", "www"));
    assert_eq!(found.service_tags, ["v2"]);
}

#[test]
fn checks_that_are_not_named_go_only_when_asked() {
    let mut world = World::with_nodes();
    world.write(boxed(with_checks(service("web"), vec![check("c1", "web"), check("c2", "web")])));
    world.write(boxed(with_checks(service("web"), vec![check("c3", "web")])));
    assert_eq!(check_ids(&world, "web"), ["c1", "c2", "c3"]);
    let registration = with_checks(service("web"), vec![check("c3", "web")]);
    world.write(boxed(Registration { replace_existing_checks: true, ..registration }));
    assert_eq!(check_ids(&world, "web"), ["c3"]);
}

#[test]
fn a_sidecar_gets_the_lowest_free_port_and_keeps_it() {
    let mut world = World::with_nodes();
    world.write(register_with_sidecar("a"));
    world.write(register(Service { port: 21001, ..service("squatter") }));
    world.write(register_with_sidecar("b"));
    assert_eq!((port_of(&world, "a-sidecar-proxy"), port_of(&world, "b-sidecar-proxy")), (21000, 21002));
    world.idle(register_with_sidecar("b"));
    world.write(deregister("a"));
    world.idle(register_with_sidecar("b"));
    world.write(register_with_sidecar("c"));
    assert_eq!(port_of(&world, "c-sidecar-proxy"), 21000);
}

#[test]
fn when_every_port_is_taken_a_sidecar_is_refused_and_its_service_too() {
    let mut world = World::with_nodes();
    for number in 0..256 {
        world.write(register_with_sidecar(&format!("s{number}")));
    }
    assert_eq!(port_of(&world, "s255-sidecar-proxy"), 21255);
    let refusal = world.refuse(register_with_sidecar("late"));
    assert!(refusal.to_string().contains("none left in its range [21000, 21255]"), "{refusal}");
    assert_eq!(refusal.status(), 400);
    assert_eq!(query::service(&world.tables, &"n1".into(), &"late".into()), None);
}

#[test]
fn the_range_of_sidecar_ports_can_be_chosen() {
    let mut world = World::with_nodes();
    let settings = Settings { sidecar_ports: 30000..=30000, ..settings() };
    world.tables = Tables::load(settings, world.tables.index(), world.records.values().cloned().collect());
    world.write(register_with_sidecar("a"));
    assert_eq!(port_of(&world, "a-sidecar-proxy"), 30000);
    assert!(world.refuse(register_with_sidecar("b")).to_string().contains("[30000, 30000]"));
}

#[test]
fn a_sidecar_is_checked_by_default() {
    let mut world = World::with_nodes();
    world.write(register_with_sidecar("web"));
    let checks = query::checks_of_service(&world.tables, &"n1".into(), &"web-sidecar-proxy".into());
    let probes: Vec<_> = checks
        .iter()
        .map(|check| (check.id.as_str(), check.name.as_str(), check.definition.clone().expect("defined").probe))
        .collect();
    let address = "127.0.0.1:21000".to_owned();
    let tcp = Probe::Periodic(Target::Tcp(SocketProbe { address, tls: None }));
    let alias = Probe::Alias { node: "".into(), service: "web".into() };
    assert_eq!(
        probes,
        [
            ("service:web-sidecar-proxy:1", "Connect Sidecar Listening", tcp),
            ("service:web-sidecar-proxy:2", "Connect Sidecar Aliasing web", alias),
        ]
    );
}

#[test]
fn a_service_takes_its_checks_and_its_sidecar_along() {
    let mut world = World::with_nodes();
    let before = world.records.clone();
    world.write(register_with_sidecar("web"));
    world.write(Write::RegisterCheck(check("c", "web")));
    world.write(deregister("web"));
    // which virtual address was the last, the catalog does not forget
    assert!(world.records.remove(&crate::catalog::RecordKey::LastVirtualIp).is_some());
    assert_eq!(world.records, before);
}

#[test]
fn a_proxy_that_was_registered_by_itself_outlives_its_service() {
    let mut world = World::with_nodes();
    world.write(register(service("web")));
    world.write(register(Service { port: 21500, ..sidecar("web") }));
    let applied = world.write(deregister("web"));
    assert!(applied.places.contains(&Place::Proxy(on_n1("web-sidecar-proxy"))), "its application's port is gone");
    assert!(query::proxy(&world.tables, &on_n1("web-sidecar-proxy")).is_some());
}

#[test]
fn a_sidecar_under_another_id_takes_the_place_of_the_first() {
    let mut world = World::with_nodes();
    world.write(register_with_sidecar("web"));
    let other = SidecarRegistration { service: Service { id: "other".into(), ..sidecar("web") }, checks: None };
    world.write(boxed(Registration { sidecar: Some(other), ..registration(service("web")) }));
    assert_eq!(query::connect_instances(&world.tables, &"web".into()).len(), 1);
    assert_eq!(port_of(&world, "other"), 21000);
}

#[test]
fn what_does_not_exist_is_named() {
    let mut world = World::with_nodes();
    let nowhere = Service { node: "n9".into(), ..service("web") };
    assert_eq!(world.refuse(register(nowhere)), Refusal::UnknownNode("n9".into()));
    let (node, id) = ("n1".into(), ServiceId::from("web"));
    let unknown = Refusal::UnknownService { node, id };
    assert_eq!(world.refuse(deregister("web")), unknown);
    assert_eq!(world.refuse(Write::RegisterCheck(check("c", "web"))), unknown);
    assert_eq!(unknown.status(), 404);
    let refusal = world.refuse(update("c", Status::Passing, ""));
    assert_eq!(refusal, Refusal::UnknownCheck { node: "n1".into(), id: "c".into() });
    assert_eq!(world.refuse(Write::DeregisterCheck { node: "n1".into(), id: "c".into() }), refusal);
}

#[test]
fn a_proxy_without_its_parts_is_refused() {
    let mut world = World::with_nodes();
    let refuse = |world: &mut World, service| world.refuse(register(service));
    let id = || ServiceId::from("web-sidecar-proxy");
    let blockless = Service { proxy: None, ..sidecar("web") };
    assert_eq!(refuse(&mut world, blockless), Refusal::ProxyWithoutKind(id()));
    assert_eq!(refuse(&mut world, sidecar("*")), Refusal::ProxyWithoutDestination("*-sidecar-proxy".into()));
    assert_eq!(refuse(&mut world, Service { id: "".into(), ..service("web") }), Refusal::Empty("service id"));
    let nested = Some(SidecarRegistration { service: sidecar("x"), checks: None });
    let nested = world.refuse(boxed(Registration { sidecar: nested, ..registration(sidecar("web")) }));
    assert_eq!(nested, Refusal::NestedSidecar(id()));
    let same = SidecarRegistration { service: Service { id: "web".into(), ..sidecar("web") }, checks: None };
    let same = world.refuse(boxed(Registration { sidecar: Some(same), ..registration(service("web")) }));
    assert_eq!(same, Refusal::SidecarHasServiceId("web".into()));
}

#[test]
fn an_alias_may_not_lead_back_to_itself() {
    let mut world = World::with_nodes();
    for name in ["a", "b", "c"] {
        world.write(register(service(name)));
    }
    let cycle = |id: &str| Refusal::AliasCycle { id: id.into() };
    assert_eq!(world.refuse(Write::RegisterCheck(alias("self", "a", "a"))), cycle("self"));
    world.write(Write::RegisterCheck(alias("ab", "a", "b")));
    world.write(Write::RegisterCheck(alias("bc", "b", "c")));
    assert_eq!(world.refuse(Write::RegisterCheck(alias("ca", "c", "a"))), cycle("ca"));
    assert_eq!(world.refuse(Write::RegisterCheck(alias("node", "", "a"))), cycle("node"));
    // the same check turned round is no cycle with what it was before
    world.write(Write::RegisterCheck(alias("bc", "c", "b")));
    world.write(Write::RegisterCheck(alias("ac", "a", "c")));
}

#[test]
fn a_compare_and_set_writes_only_over_what_it_saw() {
    let mut world = World::with_nodes();
    let cas = |protocol, index| Write::PutEntry { entry: service_defaults("web", protocol), cas: Some(Index(index)) };
    assert_eq!(world.idle(cas(Protocol::Http, 7)), Outcome::CasFailed);
    world.write(cas(Protocol::Http, 0));
    assert_eq!(world.idle(cas(Protocol::Grpc, 0)), Outcome::CasFailed);
    assert_eq!(world.idle(cas(Protocol::Http, 3)), Outcome::Unchanged);
    world.write(cas(Protocol::Grpc, 3));
    let key = EntryKey::new(EntryKind::ServiceDefaults, "web");
    let entry = query::entry(&world.tables, &key).expect("written");
    assert_eq!((entry.create_index, entry.modify_index), (Index(3), Index(4)));

    let delete = |index: Option<u64>| Write::DeleteEntry { key: key.clone(), cas: index.map(Index) };
    assert_eq!(world.idle(delete(Some(3))), Outcome::CasFailed);
    world.write(delete(Some(4)));
    assert_eq!(world.idle(delete(None)), Outcome::Unchanged);
}

#[test]
fn an_entry_of_which_there_is_one_has_its_name() {
    let mut world = World::new();
    let misnamed = crate::model::Entry { name: "default".to_owned(), ..proxy_defaults("{}") };
    let refusal = world.refuse(put(misnamed));
    assert_eq!(refusal.to_string(), r#"a proxy-defaults entry is always named "global", not "default""#);
    world.write(put(proxy_defaults("{}")));
}

#[test]
fn an_intention_is_a_source_of_its_destinations_entry() {
    let mut world = World::new();
    let set = |source: &str, action| Write::PutIntention {
        source: source.into(),
        destination: "db".into(),
        action,
        permissions: vec![],
        description: String::new(),
    };
    let delete = |source: &str| Write::DeleteIntention { source: source.into(), destination: "db".into() };
    world.idle(delete("web"));
    world.write(set("web", Action::Allow));
    world.write(set("api", Action::Deny));
    world.write(set("web", Action::Deny));
    world.idle(set("web", Action::Deny));
    let key = EntryKey::new(EntryKind::ServiceIntentions, "db");
    let entry = query::entry(&world.tables, &key).expect("made by the first intention");
    let wanted = intentions("db", &[("web", Action::Deny), ("api", Action::Deny)]);
    assert_eq!(entry.body, wanted.body);
    assert_eq!((entry.create_index, entry.modify_index), (Index(1), Index(3)));
    world.write(delete("web"));
    world.idle(delete("web"));
    world.write(delete("api"));
    assert_eq!(query::entry(&world.tables, &key), None);
}

#[test]
fn a_batch_is_applied_whole_at_one_index_or_not_at_all() {
    let mut world = World::with_nodes();
    let before = world.tables.index();
    world.refuse(Write::Batch(vec![register(service("a")), register(Service { node: "n9".into(), ..service("b") })]));
    let failing = Write::PutEntry { entry: service_defaults("a", Protocol::Http), cas: Some(Index(9)) };
    assert_eq!(world.idle(Write::Batch(vec![register(service("a")), failing])), Outcome::CasFailed);
    assert_eq!(world.idle(Write::Batch(vec![])), Outcome::Unchanged);
    assert_eq!(query::services(&world.tables).len(), 0);

    world.write(Write::Batch(vec![register(service("a")), register(service("b"))]));
    assert_eq!(world.tables.index(), before.next());
    let index_of = |name: &str| world.tables.index_of(&Place::Service(name.into()));
    assert_eq!((index_of("a"), index_of("b")), (before.next(), before.next()));
}

#[test]
fn a_root_that_stays_keeps_its_indexes_when_another_joins_it() {
    let mut world = World::new();
    let root = |id: &str| Root {
        id: id.to_owned(),
        name: String::new(),
        serial_number: 1,
        signing_key_id: String::new(),
        not_before: UnixTime(0),
        not_after: UnixTime(1),
        pem: String::new(),
        key: crate::model::KeyKind::default(),
        active: false,
        create_index: Index(0),
        modify_index: Index(0),
    };
    let set = |roots| {
        let roots = Roots { trust_domain: "t.consul".into(), roots };
        Write::SetAuthority(AuthorityState::new(roots, Secret::default()))
    };
    let applied = world.write(set(vec![root("a")]));
    assert_eq!(applied.places, BTreeSet::from([Place::Roots]));
    world.idle(set(vec![root("a")]));
    world.write(set(vec![root("a"), root("b")]));
    let roots = &world.tables.roots().expect("set").roots;
    let indexes: Vec<_> = roots.iter().map(|root| (root.create_index, root.modify_index)).collect();
    assert_eq!(indexes, [(Index(1), Index(1)), (Index(2), Index(2))]);
}

#[test]
fn an_index_stays_with_its_place_and_never_falls_when_the_place_goes() {
    let mut world = World::with_nodes();
    let web = Place::Service("web".into());
    assert_eq!(world.tables.index_of(&web), Index(1));
    world.write(register(service("web")));
    world.write(register(service("db")));
    assert_eq!((world.tables.index_of(&web), world.tables.index()), (Index(3), Index(4)));
    world.write(deregister("web"));
    assert_eq!(world.tables.index_of(&web), Index(5));
    assert_eq!(world.tables.index_of(&Place::Service("db".into())), Index(4));
    assert!(!world.tables.places_kept().any(|place| *place == web));
    assert_eq!(world.tables.index_of(&Place::Roots), Index(1));
    assert_eq!(world.reloaded().index_of(&web), Index(5));
}

#[test]
fn a_proxy_follows_the_port_of_the_instance_it_stands_beside() {
    let mut world = World::with_nodes();
    world.write(register_with_sidecar("web"));
    let proxy = Place::Proxy(on_n1("web-sidecar-proxy"));
    assert!(world.write(register(Service { port: 9, ..service("web") })).places.contains(&proxy));
    let retagged = Service { port: 9, tags: vec!["v2".to_owned()], ..service("web") };
    assert!(!world.write(register(retagged)).places.contains(&proxy));
}

#[test]
fn an_upstream_in_another_datacenter_is_refused() {
    let mut world = World::with_nodes();
    let mut sidecar = sidecar("web");
    let upstream =
        crate::model::Upstream { destination_name: "db".into(), datacenter: "far".to_owned(), ..Default::default() };
    sidecar.proxy.get_or_insert_default().upstreams.push(upstream);
    let refusal = apply(&world.tables, &register(sidecar), world.tables.index().next()).unwrap_err();
    assert!(matches!(refusal, Refusal::OtherDatacenter { .. }), "{refusal}");
    world.write(register(service("web")));
}
