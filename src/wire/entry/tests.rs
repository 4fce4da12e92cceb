use serde_json::json;

use super::*;
use crate::model::entry::{Mesh, ServiceDefaults, TlsVersion};
use crate::model::{Action, Protocol};

fn refused(body: &Value) -> String {
    decode(body).unwrap_err().to_string()
}

fn shown(entry: &Entry) -> String {
    serde_json::to_string(&encode(entry)).unwrap()
}

fn indexed(body: &Value) -> Entry {
    Entry { create_index: Index(3), modify_index: Index(4), ..decode(body).unwrap() }
}

#[test]
fn service_defaults_go_in_and_out() {
    let entry =
        indexed(&json!({ "kind": "service-defaults", "name": " web ", "protocol": "HTTP", "meta": { "a": "b" } }));
    assert_eq!(entry.body, EntryBody::ServiceDefaults(ServiceDefaults { protocol: Some(Protocol::Http) }));
    let expected = r#"{"Kind":"service-defaults","Name":"web","Protocol":"http","TransparentProxy":{},"MeshGateway":{},"Expose":{},"Meta":{"a":"b"},"CreateIndex":3,"ModifyIndex":4}"#;
    assert_eq!(shown(&entry), expected);
}

#[test]
fn proxy_defaults_go_in_and_out() {
    let entry =
        indexed(&json!({ "Kind": "proxy-defaults", "Name": "global", "Config": { "protocol": "grpc", "a": 1 } }));
    let expected = r#"{"Kind":"proxy-defaults","Name":"global","Config":{"a":1,"protocol":"grpc"},"TransparentProxy":{},"MeshGateway":{},"Expose":{},"AccessLogs":{},"CreateIndex":3,"ModifyIndex":4}"#;
    assert_eq!(shown(&entry), expected);
    let empty = indexed(&json!({ "Kind": "proxy-defaults", "Name": "global" }));
    assert!(shown(&empty).contains(r#""Config":null"#));
}

#[test]
fn service_intentions_go_in_and_out() {
    let entry = indexed(&json!({
        "Kind": "service-intentions", "Name": "db",
        "Sources": [
            { "Name": "*", "Action": "deny", "Precedence": 8, "Type": "consul", "LegacyID": "", "LegacyMeta": {} },
            { "Name": "web", "Action": "allow", "Description": "why", "Permissions": null, "Peer": "" },
        ],
    }));
    let EntryBody::ServiceIntentions(body) = &entry.body else { panic!("service-intentions") };
    assert_eq!((body.sources[0].name.as_str(), body.sources[0].action), ("web", Action::Allow));
    let expected = r#"{"Kind":"service-intentions","Name":"db","Sources":[{"Name":"web","Action":"allow","Precedence":9,"Type":"consul","Description":"why"},{"Name":"*","Action":"deny","Precedence":8,"Type":"consul"}],"CreateIndex":3,"ModifyIndex":4}"#;
    assert_eq!(shown(&entry), expected);
}

#[test]
fn a_mesh_goes_in_and_out() {
    let entry = indexed(&json!({
        "Kind": "mesh",
        "TLS": {
            "Incoming": { "TLSMinVersion": "TLSv1_2", "CipherSuites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"] },
            "Outgoing": { "TLSMaxVersion": "TLSv1_3" },
        },
    }));
    assert_eq!(entry.name, "mesh");
    let EntryBody::Mesh(body) = &entry.body else { panic!("mesh") };
    assert_eq!(body.incoming.cipher_suites, ["ECDHE-RSA-AES128-GCM-SHA256"]);
    assert_eq!(body.outgoing.max_version, Some(TlsVersion::V1_3));
    let expected = r#"{"Kind":"mesh","TransparentProxy":{"MeshDestinationsOnly":false},"TLS":{"Incoming":{"TLSMinVersion":"TLSv1_2","CipherSuites":["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]},"Outgoing":{"TLSMaxVersion":"TLSv1_3"}},"CreateIndex":3,"ModifyIndex":4}"#;
    assert_eq!(shown(&entry), expected);
    let named = decode(&json!({ "Kind": "mesh", "Name": "mesh" })).unwrap();
    assert_eq!(named.body, EntryBody::Mesh(Mesh::default()));
}

#[test]
fn what_is_read_can_be_written_back() {
    for body in [
        json!({ "Kind": "service-defaults", "Name": "web", "Protocol": "http" }),
        json!({ "Kind": "proxy-defaults", "Name": "global", "Config": { "protocol": "http" } }),
        json!({ "Kind": "service-intentions", "Name": "*", "Sources": [{ "Name": "a", "Action": "deny" }] }),
        json!({ "Kind": "mesh", "TLS": { "Outgoing": { "TLSMinVersion": "TLS_AUTO" } } }),
    ] {
        let entry = indexed(&body);
        let again = serde_json::to_value(encode(&entry)).unwrap();
        assert_eq!(indexed(&again), entry);
    }
}

#[test]
fn an_entry_that_breaks_a_rule_is_refused() {
    let not_yet = "is not supported by this version of chancery";
    let defaults = |field: &str, value: Value| json!({ "Kind": "service-defaults", "Name": "a", field: value });
    let proxies = |field: &str, value: Value| json!({ "Kind": "proxy-defaults", "Name": "global", field: value });
    let sources = |sources: Value| json!({ "Kind": "service-intentions", "Name": "a", "Sources": sources });
    let mesh = |settings: Value| json!({ "Kind": "mesh", "TLS": { "Incoming": settings } });
    for (body, expected) in [
        (json!({}), "Kind: is required".to_owned()),
        (json!({ "Kind": "x" }), "invalid config entry kind: x".to_owned()),
        (json!({ "Kind": "service-router" }), format!("config entry kind service-router {not_yet}")),
        (json!({ "Kind": "jwt-provider" }), format!("config entry kind jwt-provider {not_yet}")),
        (json!({ "Kind": "service-defaults", "Name": " " }), "Name: is required".to_owned()),
        (json!({ "Kind": "service-defaults", "Name": "*" }), "Name: \"*\" must not have a wildcard".to_owned()),
        (json!({ "Kind": "service-intentions", "Name": "a*" }), "Name: \"a*\" must not have a wildcard".to_owned()),
        (
            json!({ "Kind": "proxy-defaults" }),
            "Name: the only proxy-defaults entry is named \"global\", got \"\"".to_owned(),
        ),
        (json!({ "Kind": "mesh", "Name": "x" }), "Name: the only mesh entry is named \"mesh\", got \"x\"".to_owned()),
        (
            defaults("Protocol", json!("htpp")),
            "Protocol: \"htpp\" is no protocol; expected tcp, http, http2 or grpc".to_owned(),
        ),
        (
            defaults("Protokoll", json!("http")),
            "unknown field \"Protokoll\" in service-defaults; did you mean \"Protocol\"?".to_owned(),
        ),
        (defaults("Prot", json!("http")), "unknown field \"Prot\" in service-defaults".to_owned()),
        (defaults("ExternalSNI", json!("x")), format!("ExternalSNI: the text \"x\" {not_yet}")),
        (defaults("MaxInboundConnections", json!(1)), format!("MaxInboundConnections: the number 1 {not_yet}")),
        (defaults("Partition", json!("x")), format!("Partition: the text \"x\" {not_yet}")),
        (defaults("Meta", json!({ "a": {} })), "Meta.a: expected text, got an object".to_owned()),
        (defaults("Meta", json!({ "k".repeat(129): "" })), {
            format!("Meta: the key {:?} is longer than 128 bytes", "k".repeat(129))
        }),
        (
            proxies("Config", json!({ "protocol": "x" })),
            "Config.protocol: \"x\" is no protocol; expected tcp, http, http2 or grpc".to_owned(),
        ),
        (
            proxies("Config", json!({ "envoy_local_cluster_json": "{}" })),
            format!("Config.envoy_local_cluster_json: this key {not_yet}"),
        ),
        (proxies("AccessLogs", json!({ "Enabled": true })), format!("AccessLogs: an object {not_yet}")),
        (sources(json!([])), "Sources: needs at least one source".to_owned()),
        (sources(json!([{ "Action": "allow" }])), "Sources[0].Name: is required".to_owned()),
        (sources(json!([{ "Name": "a" }])), "Sources[0].Action: expected allow or deny, got \"\"".to_owned()),
        (
            sources(json!([{ "Name": "a*", "Action": "allow" }])),
            "Sources[0].Name: \"a*\" must be one service or \"*\", not a part of names".to_owned(),
        ),
        (
            sources(json!([{ "Name": "a", "Action": "allow" }, { "Name": "a", "Action": "deny" }])),
            "Sources[1].Name: another source has the name \"a\" already".to_owned(),
        ),
        (
            sources(json!([{ "Name": "a", "Permissions": [{ "Action": "allow" }] }])),
            format!("Sources[0].Permissions: a list {not_yet}"),
        ),
        (sources(json!([{ "Name": "a", "Peer": "p" }])), format!("Sources[0].Peer: the text \"p\" {not_yet}")),
        (
            sources(json!([{ "Name": "a", "Action": "allow", "Acton": 1 }])),
            "Sources[0]: unknown field \"Acton\" in a source of service-intentions; did you mean \"Action\"?"
                .to_owned(),
        ),
        (
            mesh(json!({ "TLSMinVersion": "1.2" })),
            "TLS.Incoming.TLSMinVersion: \"1.2\" is no TLS version; expected one of TLS_AUTO, TLSv1_0, TLSv1_1, \
             TLSv1_2, TLSv1_3"
                .to_owned(),
        ),
        (
            mesh(json!({ "TLSMinVersion": "TLSv1_3", "TLSMaxVersion": "TLSv1_2" })),
            "TLS.Incoming.TLSMinVersion: TLSv1_3 is above the maximum TLSv1_2".to_owned(),
        ),
        (
            mesh(json!({ "CipherSuites": ["x"] })),
            "TLS.Incoming.CipherSuites[0]: \"x\" is no cipher suite that Envoy has".to_owned(),
        ),
        (
            mesh(json!({ "TLSMinVersion": "TLSv1_3", "CipherSuites": ["TLS_RSA_WITH_AES_128_CBC_SHA"] })),
            "TLS.Incoming.CipherSuites: can only be chosen when TLSMinVersion is at most TLSv1_2".to_owned(),
        ),
        (json!({ "Kind": "mesh", "ValidateClusters": true }), format!("ValidateClusters: true {not_yet}")),
    ] {
        assert_eq!(refused(&body), expected, "{body}");
    }
}
