use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::LbPolicy;
use envoy_types::pb::envoy::config::core::v3::address;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::listener::v3::{Listener, filter};
use envoy_types::pb::envoy::config::rbac::v3::{Rbac as Rules, rbac};
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use envoy_types::pb::envoy::extensions::filters::http::rbac::v3::Rbac;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType;
use prost::Message;

use super::*;
use crate::chain;
use crate::model::grpc::SERVER_LISTENER;
use crate::model::intention::{Action, Intention, Intentions};
use crate::model::topic::ChainKey;
use crate::model::{CertificateProviders, Endpoint, Endpoints, GrpcNode, GrpcSubscriber, Index, ProxyId, Roots};
use crate::resource::Shared;
use crate::snapshot::grpc::{Server, Target};

const CLUSTER: &str = "echo.default.dc1.internal.1111.consul";

fn subscriber(certificates: bool, listeners: &[&str]) -> GrpcSubscriber {
    let certificates = certificates.then(|| CertificateProviders { identity: "leaf".into(), roots: "roots".into() });
    let id = ProxyId { node: "n1".into(), service: "web".into() };
    GrpcSubscriber {
        node: Arc::new(GrpcNode { id, asks: true, misses_returns: false, locality: None, certificates }),
        listeners: Arc::new(listeners.iter().map(|&name| name.to_owned()).collect()),
    }
}

fn endpoint(address: &str, port: u16, healthy: bool) -> Endpoint {
    Endpoint { address: address.to_owned(), port, socket_path: String::new(), healthy, weight: 1, locality: None }
}

fn target(service: &str, endpoints: Vec<Endpoint>) -> Target {
    let entries = BTreeMap::new();
    let inputs = chain::Inputs { datacenter: &"dc1".into(), trust_domain: &"1111.consul".into(), entries: &entries };
    let chain = chain::compile(&ChainKey::plain(service.into()), &inputs).chain;
    let endpoints = Arc::new(Shared::new(Endpoints { endpoints }));
    Target {
        chain: chain.map(|chain| Arc::new(Shared::new(chain))),
        endpoints: BTreeMap::from([(EndpointsKey::all(service.into()), endpoints)]),
    }
}

fn client(listeners: &[&str], endpoints: Vec<Endpoint>) -> Snapshot {
    Snapshot {
        subscriber: subscriber(false, listeners),
        targets: [("echo".into(), target("echo", endpoints))].into(),
        server: None,
    }
}

fn server(certificates: bool, default_action: Action, named: &[(&str, Action)]) -> (String, Snapshot) {
    let name = format!("{SERVER_LISTENER}0.0.0.0:50051");
    let matching = named.iter().map(|(source, action)| Intention {
        source: (*source).into(),
        destination: "web".into(),
        action: *action,
        permissions: vec![],
        jwt: Default::default(),
        description: String::new(),
        create_index: Index(1),
        modify_index: Index(1),
    });
    let server = Server {
        roots: Arc::new(Shared::new(Roots { trust_domain: "1111.consul".into(), roots: vec![] })),
        intentions: Arc::new(Shared::new(Intentions::new(matching.collect(), default_action))),
    };
    let subscriber = subscriber(certificates, &[&name]);
    (name, Snapshot { subscriber, targets: [].into(), server: Some(server) })
}

fn names(generated: &Generated) -> Vec<String> {
    generated.view.all().map(|resource| format!("{} {}", resource.kind, resource.name)).collect()
}

fn message<M: Message + Default>(generated: &Generated, kind: ResourceType, name: &str) -> M {
    let resource = generated.view.get(kind, name).unwrap_or_else(|| panic!("no {kind} {name}"));
    M::decode(&*resource.any().unwrap().value).unwrap()
}

fn of_assignment(generated: &Generated) -> Vec<String> {
    let assignment: ClusterLoadAssignment = message(generated, ResourceType::Endpoint, CLUSTER);
    let [locality] = &assignment.endpoints[..] else { panic!("one locality") };
    assert!(locality.locality.is_some() && locality.priority == 0);
    assert_eq!(locality.load_balancing_weight.unwrap().value, 1);
    let shown = locality.lb_endpoints.iter().map(|of| {
        let Some(HostIdentifier::Endpoint(at)) = &of.host_identifier else { panic!("no endpoint") };
        let Some(address::Address::SocketAddress(at)) = at.address.clone().unwrap().address else {
            panic!("no socket")
        };
        let Some(address_port) = at.port_specifier else { panic!("no port") };
        format!("{} {address_port:?} {:?}", at.address, of.health_status())
    });
    shown.collect()
}

/// The connection manager of the listener's one chain.
fn manager(listener: &Listener) -> HttpConnectionManager {
    let [chain] = &listener.filter_chains[..] else { panic!("one chain") };
    let [filter] = &chain.filters[..] else { panic!("one filter") };
    let Some(filter::ConfigType::TypedConfig(any)) = &filter.config_type else { panic!("not typed") };
    HttpConnectionManager::decode(&*any.value).unwrap()
}

fn rules(listener: &Listener) -> Option<Rules> {
    let manager = manager(listener);
    assert_eq!(manager.http_filters.last().unwrap().name, "envoy.filters.http.router");
    let filter = manager.http_filters.into_iter().find(|filter| filter.name == "envoy.filters.http.rbac")?;
    let Some(ConfigType::TypedConfig(any)) = filter.config_type else { panic!("not typed") };
    Some(Rbac::decode(&*any.value).unwrap().rules.unwrap())
}

// row 142
#[test]
fn a_name_leads_to_a_listener_a_route_a_cluster_and_endpoints() {
    let generated = grpc(&client(&["echo"], vec![endpoint("10.0.0.1", 80, true)]));
    assert_eq!(generated.refusals, []);
    let expected = [
        format!("cluster {CLUSTER}"),
        format!("endpoint {CLUSTER}"),
        "listener echo".to_owned(),
        "route echo".to_owned(),
    ];
    assert_eq!(names(&generated), expected);
    let listener: Listener = message(&generated, ResourceType::Listener, "echo");
    let manager = HttpConnectionManager::decode(&*listener.api_listener.unwrap().api_listener.unwrap().value).unwrap();
    let Some(RouteSpecifier::Rds(rds)) = manager.route_specifier else { panic!("no route discovery") };
    assert_eq!(rds.route_config_name, "echo");
    assert_eq!(manager.http_filters.len(), 1);
    let route: RouteConfiguration = message(&generated, ResourceType::Route, "echo");
    assert_eq!(route.virtual_hosts[0].domains, ["*"]);
    let cluster: Cluster = message(&generated, ResourceType::Cluster, CLUSTER);
    assert_eq!((cluster.lb_policy(), cluster.transport_socket), (LbPolicy::RoundRobin, None));
}

#[test]
fn names_with_and_without_a_port_share_everything_but_the_listener() {
    let generated = grpc(&client(&["echo", "echo:443"], vec![endpoint("10.0.0.1", 80, true)]));
    let listeners = generated.view.list(ResourceType::Listener);
    assert_eq!(listeners.iter().map(|listener| &*listener.name).collect::<Vec<_>>(), ["echo", "echo:443"]);
    assert_eq!(generated.view.all().count(), 5);
}

#[test]
fn a_name_that_is_no_services_has_nothing_and_is_no_refusal() {
    for listeners in [&["echo"][..], &["nobody"], &["a/b"], &[]] {
        let generated = grpc(&client(listeners, vec![]));
        assert_eq!((names(&generated), generated.refusals), (vec![], vec![]), "{listeners:?}");
    }
}

#[test]
fn for_a_library_that_misses_returns_a_service_stays_without_instances() {
    let mut snapshot = client(&["echo"], vec![]);
    Arc::make_mut(&mut snapshot.subscriber.node).misses_returns = true;
    let generated = grpc(&snapshot);
    assert_eq!(generated.view.all().count(), 4);
    assert_eq!(of_assignment(&generated), [""; 0]);
}

// row 143
#[test]
fn each_place_is_named_once_and_counts_as_healthy_if_any_registration_is() {
    let endpoints = vec![
        endpoint("10.0.0.1", 80, false),
        endpoint("10.0.0.1", 80, true),
        endpoint("10.0.0.1", 81, false),
        endpoint("::1", 80, true),
    ];
    let generated = grpc(&client(&["echo"], endpoints));
    assert_eq!(
        of_assignment(&generated),
        ["10.0.0.1 PortValue(80) Healthy", "10.0.0.1 PortValue(81) Unhealthy", "::1 PortValue(80) Healthy"]
    );
}

#[test]
fn instances_that_grpc_cannot_connect_to_are_left_out_and_named() {
    let socket = Endpoint { socket_path: "/run/echo".to_owned(), ..endpoint("", 0, true) };
    let endpoints = vec![socket, endpoint("echo.example", 80, true), endpoint("10.0.0.1", 0, true)];
    let generated = grpc(&client(&["echo"], endpoints));
    assert_eq!(of_assignment(&generated), [""; 0]);
    let reasons: Vec<String> = generated.refusals.iter().map(|refusal| refusal.reason.to_string()).collect();
    assert_eq!(reasons.len(), 3);
    for (reason, what) in reasons.iter().zip(["/run/echo", "echo.example", "10.0.0.1:0"]) {
        assert!(reason.starts_with(&format!("{what:?}")), "{reason}");
    }
}

#[test]
fn programs_share_what_they_are_sent() {
    let mine = client(&["echo"], vec![endpoint("10.0.0.1", 80, true)]);
    let mut theirs = mine.clone();
    theirs.subscriber = subscriber(false, &["echo", "other"]);
    let (mine, theirs) = (grpc(&mine), grpc(&theirs));
    assert!(mine.view.all().zip(theirs.view.all()).all(|(mine, theirs)| Arc::ptr_eq(mine, theirs)));
}

#[test]
fn with_certificates_a_cluster_demands_the_targets_identity() {
    let mut snapshot = client(&["echo"], vec![endpoint("10.0.0.1", 80, true)]);
    let plain = grpc(&snapshot);
    snapshot.subscriber = subscriber(true, &["echo"]);
    let generated = grpc(&snapshot);
    assert_ne!(plain.view.version, generated.view.version);
    let cluster = generated.view.get(ResourceType::Cluster, CLUSTER).unwrap();
    let shown = crate::canonical::json(&cluster.any().unwrap()).unwrap().to_string();
    for part in ["spiffe://1111.consul/ns/default/dc/dc1/svc/echo", "\"leaf\"", "\"roots\"", "UpstreamTlsContext"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

// row 147
#[test]
fn a_server_gets_the_listener_it_names_at_the_address_it_named() {
    let (name, snapshot) = server(false, Action::Allow, &[]);
    let generated = grpc(&snapshot);
    assert_eq!(generated.refusals, []);
    let listener: Listener = message(&generated, ResourceType::Listener, &name);
    assert_eq!(listener.address, Some(crate::generate::address::socket("0.0.0.0", 50051)));
    assert!(listener.listener_filters.is_empty() && listener.filter_chains[0].transport_socket.is_none());
    let Some(RouteSpecifier::RouteConfig(routes)) = manager(&listener).route_specifier else { panic!("not inline") };
    let action = routes.virtual_hosts[0].routes[0].action.clone().unwrap();
    assert!(matches!(action, envoy_types::pb::envoy::config::route::v3::route::Action::NonForwardingAction(_)));
    assert_eq!(rules(&listener), None);
}

#[test]
fn a_server_with_certificates_tells_its_callers_apart() {
    let (name, snapshot) = server(true, Action::Allow, &[("bad", Action::Deny)]);
    let generated = grpc(&snapshot);
    assert_eq!(generated.refusals, []);
    let listener: Listener = message(&generated, ResourceType::Listener, &name);
    assert!(listener.filter_chains[0].transport_socket.is_some());
    let rules = rules(&listener).unwrap();
    assert_eq!((rules.action(), rules.policies.len()), (rbac::Action::Deny, 1));
}

#[test]
fn a_server_without_certificates_lets_nobody_in_when_somebody_is_denied() {
    for (default, named) in [
        (Action::Allow, &[("bad", Action::Deny)][..]),
        (Action::Deny, &[]),
        (Action::Deny, &[("good", Action::Allow)]),
        (Action::Allow, &[("*", Action::Deny)]),
    ] {
        let (name, snapshot) = server(false, default, named);
        let generated = grpc(&snapshot);
        assert_eq!(generated.refusals[0].reason, Reason::CallersUnknown);
        let rules = rules(&message(&generated, ResourceType::Listener, &name)).unwrap();
        assert_eq!((rules.action(), rules.policies.len()), (rbac::Action::Allow, 0));
    }
    let (name, snapshot) = server(false, Action::Deny, &[("*", Action::Allow)]);
    assert_eq!(rules(&message(&grpc(&snapshot), ResourceType::Listener, &name)), None);
}

#[test]
fn a_server_that_stands_for_no_service_gets_no_listener() {
    let (name, mut snapshot) = server(true, Action::Allow, &[]);
    snapshot.server = None;
    let generated = grpc(&snapshot);
    assert_eq!(names(&generated), [""; 0]);
    assert_eq!((generated.refusals[0].name.as_str(), &generated.refusals[0].reason), (&*name, &Reason::NoIdentity));
}
