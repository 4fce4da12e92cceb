use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::model::{Check, CheckDefinition, Index, Instance, Leaf, Node, Probe, Proxy, Root, Roots, Secret, Service};
use crate::model::{Datacenter, Status, UnixTime, Upstream};

fn text(value: impl Serialize) -> String {
    serde_json::to_string(&value).unwrap()
}

fn dc1() -> Datacenter {
    Datacenter::from("dc1")
}

fn web() -> Service {
    Service {
        node: "n1".into(),
        id: "web1".into(),
        name: "web".into(),
        port: 80,
        create_index: Index(5),
        modify_index: Index(6),
        ..Service::default()
    }
}

fn web_proxy() -> Service {
    let Value::Object(config) = json!({ "protocol": "http" }) else { panic!("an object") };
    let upstream =
        |name: &str, port| Upstream { destination_name: name.into(), local_bind_port: port, ..Upstream::default() };
    Service {
        kind: ServiceKind::ConnectProxy,
        id: "web1-sidecar-proxy".into(),
        name: "web-sidecar-proxy".into(),
        proxy: Some(Proxy {
            destination_name: "web".into(),
            destination_id: "web1".into(),
            local_address: "127.0.0.1".to_owned(),
            local_port: 80,
            config: config.clone(),
            upstreams: vec![upstream("db", 5000), Upstream { config, ..upstream("api", 5001) }],
            ..Proxy::default()
        }),
        ..web()
    }
}

fn ttl_check() -> Check {
    Check {
        node: "n1".into(),
        id: "service:web1".into(),
        name: "Service 'web' check".to_owned(),
        status: Status::Critical,
        notes: String::new(),
        output: String::new(),
        service_id: "web1".into(),
        service_name: "web".into(),
        service_tags: vec![],
        exposed: None,
        definition: Some(CheckDefinition {
            deregister_critical_service_after: Duration::from_secs(90),
            ..CheckDefinition::new(Probe::Ttl(Duration::from_secs(10)))
        }),
        create_index: Index(7),
        modify_index: Index(8),
    }
}

fn web_instance() -> Instance {
    let node = Node {
        id: "id".to_owned(),
        name: "n1".into(),
        address: "10.0.0.1".to_owned(),
        create_index: Index(1),
        modify_index: Index(2),
        ..Node::default()
    };
    Instance { node: Arc::new(node), service: Arc::new(web()), checks: vec![Arc::new(ttl_check())] }
}

#[test]
fn a_service_is_shown_as_the_agent_shows_it() {
    let expected = r#"{"ID":"web1","Service":"web","Tags":[],"Meta":{},"Port":80,"Address":"","Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Datacenter":"dc1"}"#;
    assert_eq!(text(agent_service(&web(), &dc1())), expected);
    let native = Service { connect_native: true, ..web() };
    assert!(text(agent_service(&native, &dc1())).contains(r#""Connect":{"Native":true}"#));
}

#[test]
fn a_proxy_is_shown_as_the_agent_shows_it() {
    let expected = r#"{"Kind":"connect-proxy","ID":"web1-sidecar-proxy","Service":"web-sidecar-proxy","Tags":[],"Meta":{},"Port":80,"Address":"","Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Proxy":{"DestinationServiceName":"web","DestinationServiceID":"web1","LocalServiceAddress":"127.0.0.1","LocalServicePort":80,"Config":{"protocol":"http"},"Upstreams":[{"DestinationType":"service","DestinationName":"db","LocalBindPort":5000,"MeshGateway":{}},{"DestinationType":"service","DestinationName":"api","LocalBindPort":5001,"Config":{"protocol":"http"},"MeshGateway":{}}],"MeshGateway":{},"Expose":{}},"Datacenter":"dc1"}"#;
    assert_eq!(text(agent_service(&web_proxy(), &dc1())), expected);
}

#[test]
fn the_content_hash_changes_with_the_content_and_not_with_the_index() {
    let hash = |service: &Service| agent_service_with_hash(service, &dc1()).1;
    let touched = Service { modify_index: Index(99), ..web() };
    let changed = Service { port: 81, ..web() };
    assert_eq!(hash(&web()), hash(&touched));
    assert_ne!(hash(&web()), hash(&changed));
    assert_eq!(hash(&web()).len(), 16);
    let service = web();
    let (datacenter, hash) = (dc1(), hash(&service));
    assert!(text(agent_service_with_hash(&service, &datacenter).0).contains(&format!(r#""ContentHash":"{hash}""#)));
}

#[test]
fn an_instance_is_shown_as_the_health_paths_show_it() {
    let expected = r#"{"Node":{"ID":"id","Node":"n1","Address":"10.0.0.1","Datacenter":"dc1","TaggedAddresses":{},"Meta":{},"CreateIndex":1,"ModifyIndex":2},"Service":{"ID":"web1","Service":"web","Tags":[],"Address":"","Meta":{},"Port":80,"Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Proxy":{"Mode":"","MeshGateway":{},"Expose":{}},"Connect":{},"PeerName":"","CreateIndex":5,"ModifyIndex":6},"Checks":[{"Node":"n1","CheckID":"service:web1","Name":"Service 'web' check","Status":"critical","Notes":"","Output":"","ServiceID":"web1","ServiceName":"web","ServiceTags":[],"Type":"ttl","Interval":"0s","Timeout":"0s","ExposedPort":0,"Definition":{"DeregisterCriticalServiceAfter":"1m30s","TTL":10000000000},"CreateIndex":7,"ModifyIndex":8}]}"#;
    assert_eq!(text(instance(&web_instance(), &dc1())), expected);
    let bare = Instance { checks: vec![], ..web_instance() };
    assert!(text(instance(&bare, &dc1())).ends_with(r#""Checks":[]}"#));
}

#[test]
fn an_instance_is_shown_as_the_catalog_shows_it() {
    let expected = r#"{"ID":"id","Node":"n1","Address":"10.0.0.1","Datacenter":"dc1","TaggedAddresses":{},"NodeMeta":{},"ServiceKind":"","ServiceID":"web1","ServiceName":"web","ServiceTags":[],"ServiceAddress":"","ServiceWeights":{"Passing":1,"Warning":1},"ServiceMeta":{},"ServicePort":80,"ServiceSocketPath":"","ServiceEnableTagOverride":false,"ServiceProxy":{"Mode":"","MeshGateway":{},"Expose":{}},"ServiceConnect":{},"ServiceLocality":null,"CreateIndex":5,"ModifyIndex":6}"#;
    assert_eq!(text(catalog_service(&web_instance(), &dc1())), expected);
    let proxy = Instance { service: Arc::new(web_proxy()), ..web_instance() };
    let upstream = r#"{"DestinationType":"service","DestinationName":"db","Datacenter":"","LocalBindPort":5000,"Config":null,"MeshGateway":{}}"#;
    assert!(text(catalog_service(&proxy, &dc1())).contains(upstream));
}

#[test]
fn a_check_without_a_definition_has_empty_words() {
    let found = Check { definition: None, ..ttl_check() };
    let shown = text(check(&found));
    assert!(shown.contains(r#""Type":"","Interval":"","Timeout":"","ExposedPort":0,"Definition":{},"#), "{shown}");
}

#[test]
fn services_are_names_with_tags() {
    let mut known = BTreeMap::new();
    known.insert("consul".into(), BTreeSet::new());
    known.insert("web".into(), BTreeSet::from(["b".to_owned(), "a".to_owned()]));
    assert_eq!(text(services(&known)), r#"{"consul":[],"web":["a","b"]}"#);
}

#[test]
fn roots_are_shown_with_the_active_one() {
    let root = Root {
        id: "aa:bb".to_owned(),
        name: "Chancery Root".to_owned(),
        serial_number: 7,
        signing_key_id: "cc:dd".to_owned(),
        not_before: UnixTime(0),
        not_after: UnixTime(86_400),
        pem: "PEM".to_owned(),
        key: crate::model::KeyKind::default(),
        active: true,
        create_index: Index(3),
        modify_index: Index(4),
    };
    let known = Roots { trust_domain: "11-22.consul".into(), roots: vec![root] };
    let expected = r#"{"ActiveRootID":"aa:bb","TrustDomain":"11-22.consul","Roots":[{"ID":"aa:bb","Name":"Chancery Root","SerialNumber":7,"SigningKeyID":"cc:dd","ExternalTrustDomain":"11-22","NotBefore":"1970-01-01T00:00:00Z","NotAfter":"1970-01-02T00:00:00Z","RootCert":"PEM","IntermediateCerts":null,"Active":true,"PrivateKeyType":"ec","PrivateKeyBits":256,"CreateIndex":3,"ModifyIndex":4}]}"#;
    assert_eq!(text(roots(Some(&known))), expected);
    assert_eq!(text(roots(None)), r#"{"ActiveRootID":"","TrustDomain":"","Roots":[]}"#);
}

#[test]
fn a_leaf_is_shown_with_its_key() {
    let known = Leaf {
        service: "web".into(),
        uri: "spiffe://x".to_owned(),
        serial_number: "01:02".to_owned(),
        cert_pem: "CERT".into(),
        key_pem: Secret::new("KEY".to_owned()),
        valid_after: UnixTime(0),
        valid_before: UnixTime(86_400),
        create_index: Index(3),
        modify_index: Index(4),
    };
    let expected = r#"{"SerialNumber":"01:02","CertPEM":"CERT","PrivateKeyPEM":"KEY","Service":"web","ServiceURI":"spiffe://x","ValidAfter":"1970-01-01T00:00:00Z","ValidBefore":"1970-01-02T00:00:00Z","CreateIndex":3,"ModifyIndex":4}"#;
    assert_eq!(text(leaf(&known)), expected);
}
