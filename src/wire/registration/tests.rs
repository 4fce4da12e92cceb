use std::time::Duration;

use serde_json::json;

use super::*;
use crate::catalog::SidecarRegistration;
use crate::model::check::{SocketProbe, TlsProbe};
use crate::model::{Probe, Target};
use crate::wire::bodies;

fn read(body: &Value) -> Registration {
    service(body, Typing::Strict, &"n1".into()).unwrap()
}

fn refused(body: &Value) -> String {
    service(body, Typing::Strict, &"n1".into()).unwrap_err().to_string()
}

fn sidecar(registration: Registration) -> SidecarRegistration {
    registration.sidecar.unwrap()
}

#[test]
fn a_name_is_enough() {
    let registration = read(&json!({ "Name": "web" }));
    assert_eq!(registration.service.id, "web");
    assert_eq!(registration.service.node, "n1");
    assert_eq!(registration.service.weights, Weights { passing: 1, warning: 1 });
    assert_eq!(registration.service.proxy, None);
    assert!(registration.checks.is_empty() && registration.sidecar.is_none());
}

#[test]
fn a_service_is_read_whole() {
    let registration = read(&json!({
        "Kind": "", "ID": "web1", "Name": "web", "Tags": ["a", "b"], "Address": "10.0.0.1", "Port": 80,
        "TaggedAddresses": { "lan": { "Address": "10.0.0.2", "Port": 81 } }, "Meta": { "v": "1" },
        "Weights": { "Passing": 10, "Warning": 0 }, "EnableTagOverride": true,
        "Locality": { "Region": "r", "Zone": "z" }, "Token": "", "Namespace": "default", "Partition": "",
        "Connect": { "Native": true }, "Proxy": null, "Check": null, "Checks": null,
    }));
    let service = registration.service;
    assert_eq!((service.id.as_str(), service.name.as_str(), service.port), ("web1", "web", 80));
    assert_eq!(service.tags, ["a", "b"]);
    assert_eq!(service.meta["v"], "1");
    assert_eq!(service.weights, Weights { passing: 10, warning: 0 });
    assert!(service.enable_tag_override && service.connect_native);
    assert_eq!(service.locality.unwrap().zone, "z");
    let tagged: Vec<_> =
        service.tagged_addresses.iter().map(|(tag, at)| (tag.as_str(), &*at.address, at.port)).collect();
    assert_eq!(tagged, [("lan", "10.0.0.2", 81), ("lan_ipv4", "10.0.0.1", 80), ("wan_ipv4", "10.0.0.1", 80)]);
}

#[test]
fn a_sidecar_takes_over_from_its_service() {
    let registration = read(&json!({
        "ID": "web1", "Name": "web", "Port": 8080, "Tags": ["t"], "Meta": { "m": "1" }, "EnableTagOverride": true,
        "Connect": { "SidecarService": {} },
    }));
    let SidecarRegistration { service, checks } = sidecar(registration);
    assert_eq!((service.id.as_str(), service.name.as_str()), ("web1-sidecar-proxy", "web-sidecar-proxy"));
    assert_eq!((service.kind, service.port), (ServiceKind::ConnectProxy, 0));
    assert_eq!((service.tags, service.meta["m"].as_str()), (vec!["t".to_owned()], "1"));
    assert!(service.enable_tag_override);
    assert_eq!(service.managed_by, Some("web1".into()));
    let proxy = service.proxy.unwrap();
    assert_eq!((proxy.destination_name.as_str(), proxy.destination_id.as_str()), ("web", "web1"));
    assert_eq!((proxy.local_address.as_str(), proxy.local_port), ("127.0.0.1", 8080));
    assert_eq!(checks, None);
}

#[test]
fn a_sidecar_keeps_what_it_says_itself() {
    let registration = read(&json!({
        "Name": "web", "Port": 8080, "Tags": ["t"], "Meta": { "m": "1" },
        "Connect": { "SidecarService": {
            "Name": "web-proxy", "Port": 20000, "Tags": [], "Meta": {}, "Address": "10.0.0.1",
            "Checks": [{ "TTL": "5s" }],
            "Proxy": {
                "LocalServiceAddress": "127.0.0.2", "LocalServicePort": 9090, "Config": { "b": 1, "a": { "d": 1, "c": 2 } },
                "Upstreams": [
                    { "DestinationType": "service", "DestinationName": "db", "LocalBindPort": 5000, "MeshGateway": {} },
                    { "DestinationName": "db", "Datacenter": "dc2", "LocalBindSocketPath": "/s", "LocalBindSocketMode": "0644" },
                ],
                "MeshGateway": {}, "Expose": {}, "TransparentProxy": null, "Mode": "", "AccessLogs": {},
            },
        } },
    }));
    let SidecarRegistration { service, checks } = sidecar(registration);
    assert_eq!((service.name.as_str(), service.port), ("web-proxy", 20000));
    assert!(service.tags.is_empty() && service.meta.is_empty());
    assert_eq!(service.tagged_addresses["lan_ipv4"].port, 20000);
    let proxy = service.proxy.unwrap();
    assert_eq!((proxy.local_address.as_str(), proxy.local_port), ("127.0.0.2", 9090));
    assert_eq!(serde_json::to_string(&proxy.config).unwrap(), r#"{"a":{"c":2,"d":1},"b":1}"#);
    assert_eq!(proxy.upstreams[0].local_bind_port, 5000);
    assert_eq!(proxy.upstreams[1].local_bind_socket_mode, "0644");
    let checks = checks.unwrap();
    assert_eq!(
        (checks[0].id.as_str(), checks[0].service_id.as_str()),
        ("service:web-sidecar-proxy", "web-sidecar-proxy")
    );
}

#[test]
fn a_sidecar_reaches_a_service_on_a_socket() {
    let body = json!({ "Name": "web", "SocketPath": "/run/web", "Connect": { "SidecarService": {} } });
    let proxy = sidecar(read(&body)).service.proxy.unwrap();
    assert_eq!((proxy.local_socket_path.as_str(), proxy.local_address.as_str(), proxy.local_port), ("/run/web", "", 0));
}

#[test]
fn checks_get_their_ids_and_names() {
    let one = read(&json!({ "Name": "web", "Tags": ["t"], "Check": { "TTL": "10s" } })).checks;
    assert_eq!((one[0].id.as_str(), one[0].name.as_str()), ("service:web", "Service 'web' check"));
    assert_eq!((one[0].service_name.as_str(), one[0].service_tags.len()), ("web", 1));
    let body = json!({
        "ID": "web1", "Name": "web", "Check": { "TTL": "10s" },
        "Checks": [
            { "HTTP": "http://127.0.0.1/health", "Interval": 5_000_000_000_i64, "Header": { "A": ["b"] }, "Method": "POST" },
            { "CheckID": "mine", "Name": "Mine", "TCP": "127.0.0.1:80", "Interval": "1m", "Status": "passing" },
            { "AliasService": "db" },
        ],
    });
    let several = read(&body).checks;
    let seen: Vec<_> = several.iter().map(|check| (check.id.as_str(), check.name.as_str(), check.status)).collect();
    let name = "Service 'web' check";
    let expected = [
        ("service:web1:1", name, Status::Critical),
        ("service:web1:2", name, Status::Critical),
        ("mine", "Mine", Status::Passing),
        ("service:web1:4", name, Status::Critical),
    ];
    assert_eq!(seen, expected);
    let http = several[1].definition.as_ref().unwrap();
    assert_eq!(http.interval, Duration::from_secs(5));
    let Probe::Periodic(Target::Http(probe)) = &http.probe else { panic!("an HTTP check") };
    assert_eq!((probe.method.as_str(), probe.header["A"][0].as_str()), ("POST", "b"));
}

#[test]
fn a_check_asks_in_one_of_many_ways() {
    let read = |body: Value| check(&body, Typing::Strict, &"n1".into()).unwrap().definition.unwrap().probe;
    let plain = |address: &str| SocketProbe { address: address.to_owned(), tls: None };
    let secure = |address: &str, tls: TlsProbe| SocketProbe { tls: Some(tls), ..plain(address) };
    let anybody = TlsProbe { server_name: "web".to_owned(), skip_verify: true };
    let grpc = |server, service: &str| Target::Grpc { server, service: service.to_owned() };
    for (body, target) in [
        (json!({ "TCP": "[::1]:80" }), Target::Tcp(plain("[::1]:80"))),
        (
            json!({ "TCP": "web:80", "TCPUseTLS": true, "TLSServerName": "web", "TLSSkipVerify": true }),
            Target::Tcp(secure("web:80", anybody.clone())),
        ),
        (json!({ "UDP": "10.0.0.1:53" }), Target::Udp("10.0.0.1:53".to_owned())),
        (json!({ "GRPC": "web:80" }), grpc(plain("web:80"), "")),
        (json!({ "GRPC": "web:80/a.B/c", "grpc_use_tls": false }), grpc(plain("web:80"), "a.B/c")),
        (
            json!({ "GRPC": "web:80/a", "GRPCUseTLS": true, "TLSSkipVerify": true, "TLSServerName": "web" }),
            grpc(secure("web:80", anybody), "a"),
        ),
        // the one kind that takes TLS for granted
        (json!({ "H2PING": "web:80" }), Target::H2Ping(secure("web:80", TlsProbe::default()))),
        (json!({ "H2PING": "web:80", "H2PingUseTLS": false }), Target::H2Ping(plain("web:80"))),
    ] {
        let mut body = body;
        body["Name"] = json!("c");
        body["Interval"] = json!("10s");
        assert_eq!(read(body), Probe::Periodic(target));
    }
}

#[test]
fn a_check_may_stand_alone() {
    let body = json!({ "id": "disk", "name": "Disk", "ttl": "30s", "service_id": "web", "notes": "n" });
    let alone = check(&body, Typing::Strict, &"n1".into()).unwrap();
    assert_eq!((alone.id.as_str(), alone.service_id.as_str(), alone.notes.as_str()), ("disk", "web", "n"));
    let named = check(&json!({ "Name": "Disk", "TTL": "30s" }), Typing::Strict, &"n1".into()).unwrap();
    assert_eq!((named.id.as_str(), named.service_id.as_str()), ("Disk", ""));
}

#[test]
fn a_check_update_has_a_status() {
    assert_eq!(
        check_update(&json!({ "Status": "warning", "Output": "x" })).unwrap(),
        (Status::Warning, "x".to_owned())
    );
    let message = |body| check_update(&body).unwrap_err().to_string();
    assert_eq!(message(json!({})), "Status: is required: passing, warning or critical");
    assert_eq!(
        message(json!({ "Status": "up" })),
        "Status: \"up\" is no status; expected passing, warning or critical"
    );
    let expected = "unknown field \"Statu\" in a check update; did you mean \"Status\"?";
    assert_eq!(message(json!({ "Statu": "passing" })), expected);
}

#[test]
fn a_file_may_write_it_its_own_way() {
    let text = r#"
        name = "web"
        port = "8080"
        tags = "one"
        checks = { ttl = "5s", check_id = 7 }
        connect { sidecar_service { proxy {
            upstreams { destination_name = "db", local_bind_port = 5000 }
            config { protocol = "http" }
        } } }
    "#;
    let document = crate::wire::Document::read(text, crate::wire::Format::Hcl).unwrap();
    let registration = service(&document.value, Typing::Weak, &"n1".into()).unwrap();
    assert_eq!((registration.service.port, registration.service.tags.len()), (8080, 1));
    assert_eq!(registration.checks[0].id, "7");
    let proxy = sidecar(registration).service.proxy.unwrap();
    assert_eq!(proxy.upstreams[0].destination_name, "db");
    assert_eq!(proxy.config["protocol"], "http");
}

#[test]
fn a_registration_from_a_file_is_sent_as_it_was_understood() {
    let text = r#"
        name = "web"
        port = "8080"
        address = "10.0.0.1"
        weights { passing = 5 }
        locality { region = "r" }
        checks = [{ http = "http://a", interval = "5s", header { A = ["b"] }, tls_skip_verify = true },
                  { ttl = "5s", deregister_critical_service_after = "90m", output_max_size = 7 },
                  { udp = "a:1", interval = "5s", failures_before_critical = 3, failures_before_warning = 2 },
                  { tcp = "[::1]:1", tcp_use_tls = true, interval = "5s", tls_server_name = "b", success_before_passing = 2 },
                  { grpc = "a:1/b.c/d", interval = "5s" }, { grpc = "a:1", grpc_use_tls = true, interval = "5s" },
                  { h2ping = "a:1", interval = "5s" }, { h2ping = "a:1", h2ping_use_tls = false, interval = "5s" }]
        check { alias_service = "db" }
        connect { sidecar_service {
            port = 20000
            check { tcp = "a:1", interval = "1s", timeout = "100ms" }
            proxy { upstreams { destination_name = "db", local_bind_port = 5000, config { a = 1 } } }
        } }
    "#;
    let document = crate::wire::Document::read(text, crate::wire::Format::Hcl).unwrap();
    let understood = service(&document.value, Typing::Weak, &"n1".into()).unwrap();
    assert_eq!(read(&serde_json::to_value(encode(&understood)).unwrap()), understood);
    let plain = read(&json!({ "Name": "web", "Port": 1, "Connect": { "SidecarService": {} } }));
    assert_eq!(read(&serde_json::to_value(encode(&plain)).unwrap()), plain);
}

#[test]
fn a_registration_that_breaks_a_rule_is_refused() {
    for (body, expected) in bodies(include_str!("refused.txt")) {
        assert_eq!(refused(&body), expected, "{body}");
    }
    let alone = |body: Value| check(&body, Typing::Strict, &"n1".into()).unwrap_err().to_string();
    assert_eq!(alone(json!({ "TTL": "1s" })), "Name: is required");
    assert_eq!(
        alone(json!({ "Name": "a", "TTL": "1s", "DeregisterCriticalServiceAfter": "1m" })),
        "DeregisterCriticalServiceAfter: needs a ServiceID: a node is not deregistered"
    );
}

#[test]
fn meta_has_its_limits() {
    let many: serde_json::Map<_, _> = (0..65).map(|at| (format!("k{at}"), json!(""))).collect();
    let of = |meta: Value| refused(&json!({ "Name": "a", "Meta": meta }));
    assert_eq!(of(Value::Object(many)), "Meta: has 65 pairs, more than the 64 allowed");
    assert_eq!(of(json!({ "k": "x".repeat(513) })), "Meta: the value of \"k\" is longer than 512 bytes");
    let long = "k".repeat(129);
    assert_eq!(of(json!({ long.clone(): "" })), format!("Meta: the key {long:?} is longer than 128 bytes"));
}
