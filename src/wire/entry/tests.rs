use serde_json::json;

use super::*;
use crate::model::entry::{Mesh, ServiceDefaults, TlsVersion};
use crate::model::{Action, Protocol};
use crate::wire::refused_bodies;

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
    for (body, expected) in refused_bodies(include_str!("refused.txt")) {
        assert_eq!(refused(&body), expected, "{body}");
    }
}
