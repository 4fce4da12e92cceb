use std::time::Duration;

use serde_json::json;

use super::*;
use crate::catalog::SidecarRegistration;
use crate::model::Probe;

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
    let Probe::Http(probe) = &http.probe else { panic!("an HTTP check") };
    assert_eq!((probe.method.as_str(), probe.header["A"][0].as_str()), ("POST", "b"));
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
    assert_eq!(message(json!({ "State": "passing" })), "Status: is required: passing, warning or critical");
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
fn a_registration_that_breaks_a_rule_is_refused() {
    let not_yet = "is not supported by this version of chancery";
    let many: serde_json::Map<_, _> = (0..65).map(|at| (format!("k{at}"), json!(""))).collect();
    for (body, expected) in [
        (json!([]), "expected an object, got an empty list".to_owned()),
        (json!({}), "Name: is required".to_owned()),
        (json!({ "Name": "*" }), "Name: must not be a wildcard".to_owned()),
        (json!({ "Name": 1 }), "Name: expected text, got the number 1".to_owned()),
        (json!({ "Name": "a", "Prt": 1 }), "unknown field \"Prt\" in a service; did you mean \"Port\"?".to_owned()),
        (json!({ "Name": "a", "Port": 65536 }), "Port: expected a whole number from 0 to 65535, got 65536".to_owned()),
        (json!({ "Name": "a", "Port": "80" }), "Port: expected a whole number, got the text \"80\"".to_owned()),
        (
            json!({ "Name": "a", "Port": 1, "SocketPath": "/s" }),
            "SocketPath: cannot be combined with a Port".to_owned(),
        ),
        (
            json!({ "Name": "a", "Kind": "proxy" }),
            "Kind: \"proxy\" is no kind of service; expected connect-proxy or nothing".to_owned(),
        ),
        (json!({ "Name": "a", "Kind": "mesh-gateway" }), format!("Kind: mesh-gateway {not_yet}")),
        (json!({ "Name": "a", "Token": "t" }), format!("Token: the text \"t\" {not_yet}")),
        (json!({ "Name": "a", "Namespace": "x" }), format!("Namespace: the text \"x\" {not_yet}")),
        (
            json!({ "Name": "a", "Address": "0.0.0.0" }),
            "Address: must be an address that others can call, not the one for all interfaces".to_owned(),
        ),
        (
            json!({ "Name": "a", "TaggedAddresses": { "lan": { "Address": "::" } } }),
            "TaggedAddresses.lan.Address: must be an address that others can call, not the one for all interfaces"
                .to_owned(),
        ),
        (json!({ "Name": "a", "Weights": { "Warning": 1 } }), "Weights.Passing: must be at least 1".to_owned()),
        (
            json!({ "Name": "a", "Weights": { "Passing": 65536 } }),
            "Weights.Passing: expected a whole number from 0 to 65535, got 65536".to_owned(),
        ),
        (json!({ "Name": "a", "Locality": { "Zone": "z" } }), "Locality.Zone: needs a Region".to_owned()),
        (json!({ "Name": "a", "Meta": { "a": 1 } }), "Meta.a: expected text, got the number 1".to_owned()),
        (
            json!({ "Name": "a", "Meta": { "a.b": "" } }),
            "Meta: the key \"a.b\" may only have letters, digits, - and _".to_owned(),
        ),
        (
            json!({ "Name": "a", "Meta": { "consul-x": "" } }),
            "Meta: the key \"consul-x\" begins with consul-, which is reserved".to_owned(),
        ),
        (json!({ "Name": "a", "Meta": many }), "Meta: has 65 pairs, more than the 64 allowed".to_owned()),
        (
            json!({ "Name": "a", "Meta": { "k": "x".repeat(513) } }),
            "Meta: the value of \"k\" is longer than 512 bytes".to_owned(),
        ),
        (
            json!({ "Name": "a", "Proxy": { "DestinationServiceName": "b" } }),
            "Proxy: is only for services of Kind connect-proxy".to_owned(),
        ),
        (
            json!({ "Name": "a", "Connect": { "SidecarService": { "ID": "x" } } }),
            "Connect.SidecarService.ID: is always \"a-sidecar-proxy\", the id of its service and -sidecar-proxy: \
             leave it out"
                .to_owned(),
        ),
        (
            json!({ "Name": "a", "Connect": { "SidecarService": { "Connect": { "SidecarService": {} } } } }),
            "Connect.SidecarService.Connect.SidecarService: a sidecar cannot have a sidecar of its own".to_owned(),
        ),
        (
            json!({ "Name": "a", "Connect": { "SidecarService": { "Connect": { "Native": true } } } }),
            "Connect.SidecarService.Connect.Native: a proxy cannot be native".to_owned(),
        ),
        (json!({ "Name": "a", "Connect": { "Proxy": { "A": 1 } } }), format!("Connect.Proxy: an object {not_yet}")),
    ] {
        assert_eq!(refused(&body), expected, "{body}");
    }
}

#[test]
fn a_proxy_that_breaks_a_rule_is_refused() {
    let not_yet = "is not supported by this version of chancery";
    let upstream = |upstream: Value| json!({ "DestinationServiceName": "b", "Upstreams": [upstream] });
    let two = |one: Value, other: Value| json!({ "DestinationServiceName": "b", "Upstreams": [one, other] });
    for (proxy, expected) in [
        (json!({}), "Proxy.DestinationServiceName: is required for a proxy".to_owned()),
        (
            json!({ "DestinationServiceName": "*" }),
            "Proxy.DestinationServiceName: must be one service, not a wildcard".to_owned(),
        ),
        (
            json!({ "DestinationServiceName": "b", "LocalServiceSocketPath": "/s", "LocalServicePort": 1 }),
            "Proxy.LocalServiceSocketPath: cannot be combined with a LocalServiceAddress or LocalServicePort"
                .to_owned(),
        ),
        (json!({ "Mode": "transparent" }), format!("Proxy.Mode: the text \"transparent\" {not_yet}")),
        (json!({ "MutualTLSMode": "permissive" }), format!("Proxy.MutualTLSMode: the text \"permissive\" {not_yet}")),
        (json!({ "MeshGateway": { "Mode": "local" } }), format!("Proxy.MeshGateway: an object {not_yet}")),
        (json!({ "Expose": { "Checks": true } }), format!("Proxy.Expose: an object {not_yet}")),
        (json!({ "EnvoyExtensions": [{ "Name": "x" }] }), format!("Proxy.EnvoyExtensions: a list {not_yet}")),
        (json!({ "Config": 1 }), "Proxy.Config: expected an object, got the number 1".to_owned()),
        (
            json!({ "Config": { "envoy_public_listener_json": "{}" } }),
            format!("Proxy.Config.envoy_public_listener_json: this key {not_yet}"),
        ),
        (
            upstream(json!({ "DestinationName": "c", "Config": { "limits": { "max_connections": 1 } } })),
            format!("Proxy.Upstreams[0].Config.limits: this key {not_yet}"),
        ),
        (upstream(json!({})), "Proxy.Upstreams[0].DestinationName: is required".to_owned()),
        (
            upstream(json!({ "DestinationName": "*", "LocalBindPort": 1 })),
            "Proxy.Upstreams[0].DestinationName: must be one service, not a wildcard".to_owned(),
        ),
        (
            upstream(json!({ "DestinationName": "c", "DestinationPeer": "p" })),
            format!("Proxy.Upstreams[0].DestinationPeer: the text \"p\" {not_yet}"),
        ),
        (
            upstream(json!({ "DestinationName": "c", "DestinationType": "prepared_query" })),
            format!("Proxy.Upstreams[0].DestinationType: the text \"prepared_query\" {not_yet}"),
        ),
        (
            upstream(json!({ "DestinationName": "c" })),
            "Proxy.Upstreams[0].LocalBindPort: an upstream needs a LocalBindPort or a LocalBindSocketPath".to_owned(),
        ),
        (
            upstream(json!({ "DestinationName": "c", "LocalBindPort": "x" })),
            "Proxy.Upstreams[0].LocalBindPort: expected a whole number, got the text \"x\"".to_owned(),
        ),
        (
            upstream(json!({ "DestinationName": "c", "LocalBindPort": 1, "LocalBindSocketPath": "/s" })),
            "Proxy.Upstreams[0].LocalBindSocketPath: cannot be combined with a LocalBindAddress or LocalBindPort"
                .to_owned(),
        ),
        (
            upstream(json!({ "DestinationName": "c", "LocalBindSocketPath": "/s", "LocalBindSocketMode": "rw" })),
            "Proxy.Upstreams[0].LocalBindSocketMode: expected permission bits in octal text such as \"0644\""
                .to_owned(),
        ),
        (
            upstream(json!({ "DestinationName": "c", "LocalBindPort": 1, "LocalBindSocketMode": "0644" })),
            "Proxy.Upstreams[0].LocalBindSocketMode: needs a LocalBindSocketPath".to_owned(),
        ),
        (
            two(
                json!({ "DestinationName": "c", "LocalBindPort": 1 }),
                json!({ "DestinationName": "c", "LocalBindPort": 2 }),
            ),
            "Proxy.Upstreams[1].DestinationName: another upstream has the same destination \"c\"".to_owned(),
        ),
        (
            two(
                json!({ "DestinationName": "c", "LocalBindPort": 1 }),
                json!({ "DestinationName": "d", "LocalBindPort": 1, "LocalBindAddress": "127.0.0.1" }),
            ),
            "Proxy.Upstreams[1].LocalBindPort: another upstream listens on 127.0.0.1:1 already".to_owned(),
        ),
        (
            two(
                json!({ "DestinationName": "c", "LocalBindSocketPath": "/s" }),
                json!({ "DestinationName": "d", "LocalBindSocketPath": "/s" }),
            ),
            "Proxy.Upstreams[1].LocalBindSocketPath: another upstream listens on /s already".to_owned(),
        ),
    ] {
        let body = json!({ "Name": "a", "Kind": "connect-proxy", "Port": 1, "Proxy": proxy });
        assert_eq!(refused(&body), expected, "{body}");
    }
    let proxy = json!({ "DestinationServiceName": "b" });
    let portless = json!({ "Name": "a", "Kind": "connect-proxy", "Proxy": proxy });
    assert_eq!(refused(&portless), "Port: a proxy needs a port or a SocketPath");
    let native =
        json!({ "Name": "a", "Kind": "connect-proxy", "Port": 1, "Proxy": proxy, "Connect": { "Native": true } });
    assert_eq!(refused(&native), "Connect.Native: a proxy cannot be native");
}

#[test]
fn a_check_that_breaks_a_rule_is_refused() {
    let not_yet = "is not supported by this version of chancery";
    for (check, expected) in [
        (json!({}), "Check: a check needs one of TTL, HTTP, TCP, AliasNode, AliasService".to_owned()),
        (
            json!({ "TTL": "1s", "TCP": "a:1" }),
            "Check: a check does one thing, this one asks for TTL and TCP".to_owned(),
        ),
        (json!({ "TTL": "soon" }), "Check.TTL: expected a duration such as \"10s\", got the text \"soon\"".to_owned()),
        (json!({ "TTL": "-1s" }), "Check.TTL: expected a duration such as \"10s\", got the text \"-1s\"".to_owned()),
        (json!({ "TTL": "1s", "Interval": "1s" }), "Check.Interval: is not for a check of type ttl".to_owned()),
        (json!({ "AliasNode": "n", "Interval": "1s" }), "Check.Interval: is not for a check of type alias".to_owned()),
        (json!({ "HTTP": "http://a" }), "Check.Interval: is required for a check of type http".to_owned()),
        (json!({ "TCP": "a:1" }), "Check.Interval: is required for a check of type tcp".to_owned()),
        (json!({ "TCP": "a", "Interval": "1s" }), "Check.TCP: expected host:port, got \"a\"".to_owned()),
        (
            json!({ "HTTP": "a:1/x", "Interval": "1s" }),
            "Check.HTTP: expected a URL with http:// or https://, got \"a:1/x\"".to_owned(),
        ),
        (
            json!({ "TTL": "1s", "Status": "up" }),
            "Check.Status: \"up\" is no status; expected passing, warning or critical".to_owned(),
        ),
        (
            json!({ "TTL": "1s", "FailuresBeforeWarning": 3, "FailuresBeforeCritical": 2 }),
            "Check.FailuresBeforeWarning: must not be more than FailuresBeforeCritical".to_owned(),
        ),
        (json!({ "Args": ["sh"], "Interval": "1s" }), format!("Check.Args: a list {not_yet}")),
        (json!({ "Script": "x" }), format!("Check.Script: the text \"x\" {not_yet}")),
        (json!({ "GRPC": "a:1", "Interval": "1s" }), format!("Check.GRPC: the text \"a:1\" {not_yet}")),
        (json!({ "UDP": "a:1" }), format!("Check.UDP: the text \"a:1\" {not_yet}")),
        (json!({ "H2PING": "a:1" }), format!("Check.H2PING: the text \"a:1\" {not_yet}")),
        (json!({ "OSService": "a" }), format!("Check.OSService: the text \"a\" {not_yet}")),
        (json!({ "DockerContainerID": "a" }), format!("Check.DockerContainerID: the text \"a\" {not_yet}")),
        (json!({ "TCP": "a:1", "TCPUseTLS": true }), format!("Check.TCPUseTLS: true {not_yet}")),
        (
            json!({ "TTL": "1s", "Intervall": "1s" }),
            "Check: unknown field \"Intervall\" in a check; did you mean \"Interval\"?".to_owned(),
        ),
    ] {
        assert_eq!(refused(&json!({ "Name": "a", "Check": check })), expected, "{check}");
    }
    let twice = json!({ "Name": "a", "Checks": [{ "ID": "x", "TTL": "1s" }, { "ID": "x", "TTL": "1s" }] });
    assert_eq!(refused(&twice), "Checks[1].CheckID: another check has the id \"x\" already");
    let nameless = check(&json!({ "TTL": "1s" }), Typing::Strict, &"n1".into()).unwrap_err();
    assert_eq!(nameless.to_string(), "Name: is required");
}
