//! What is given: `given.hcl`, nodes with their services, and config entries, in the spelling of Consul's files.
//!
//! ```hcl
//! proxy = "web-sidecar-proxy"         // whose resources are expected; on the first node
//! grpc {                              // instead: a gRPC program without a proxy, as its node and its stream describe it
//!   id        = "web"
//!   asks      = true                  // by metadata
//!   listeners = ["db", "db:80"]
//!   certificate_providers { identity = "leaf", roots = "roots" }
//! }
//! default_intention_policy = "allow"  // deny when absent
//! node {
//!   name    = "n1"
//!   address = "10.0.0.1"
//!   service { … }                     // as in an agent's configuration
//!   health { "service:db" = "critical" } // checks that are not passing, by id
//! }
//! config_entries { bootstrap = [{ … }] }
//! ```

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chancery::catalog::{AuthorityState, Outcome, Settings, Tables, Write, apply, query};
use chancery::model::{Action, CertificateProviders, EnvoyVersion, GrpcNode, GrpcSubscriber, Index, Leaf};
use chancery::model::{Locality, Root, Roots, Secret, Status, UnixTime};
use chancery::model::{Node, NodeName, ProxyId, SidecarNode};
use chancery::wire::{Document, Fields, Format, Typing, entry, registration};
use serde_json::Value;

pub const TRUST_DOMAIN: &str = "11111111-2222-3333-4444-555555555555.consul";

/// A catalog, and whom to look at.
pub struct Given {
    pub tables: Tables,
    pub who: Who,
}

pub enum Who {
    Sidecar(SidecarNode),
    Grpc(GrpcSubscriber),
}

impl Given {
    /// # Panics
    /// When the file cannot be read, or something in it is refused.
    pub fn read(folder: &Path) -> Self {
        let file = folder.join("given.hcl");
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let document = Document::read(&text, Format::Hcl).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Self::of(&document.value, &file)
    }

    fn of(document: &Value, file: &Path) -> Self {
        let refuse = |what: &str, error: &dyn std::fmt::Display| -> ! { panic!("{}: {what}: {error}", file.display()) };
        let allow = document["default_intention_policy"] == "allow";
        let settings = Settings {
            datacenter: "dc1".into(),
            default_intention: if allow { Action::Allow } else { Action::Deny },
            sidecar_ports: chancery::catalog::SIDECAR_PORTS,
            exposed_ports: chancery::catalog::EXPOSED_PORTS,
            mesh: true,
        };
        let mut tables = Tables::new(settings);
        let mut write = |write: &Write| {
            let applied =
                apply(&tables, write, tables.index().next()).unwrap_or_else(|error| refuse("refused", &error));
            assert_ne!(applied.outcome, Outcome::CasFailed);
            tables = applied.tables;
        };
        write(&Write::SetAuthority(authority()));
        let nodes = list(&document["node"]);
        for node in &nodes {
            let name = NodeName::from(text(&node["name"]));
            let address = text(&node["address"]).to_owned();
            let locality = locality(node);
            write(&Write::RegisterNode(Node { name: name.clone(), address, locality, ..Node::default() }));
            for service in list(&node["service"]) {
                let registration = registration::service(service, Typing::Weak, &name);
                let registration = registration.unwrap_or_else(|error| refuse("service", &error));
                write(&Write::RegisterService(Box::new(registration)));
            }
        }
        let put = |body| {
            let entry = entry::decode(body).unwrap_or_else(|error| refuse("config entry", &error));
            Write::PutEntry { entry, cas: None }
        };
        // together, so that they may lean on one another in any order
        write(&Write::Batch(list(&document["config_entries"]["bootstrap"]).into_iter().map(put).collect()));
        for node in &nodes {
            tables = with_health(tables, node);
        }
        let first = nodes.first().unwrap_or_else(|| refuse("node", &"there is none"));
        let node = NodeName::from(text(&first["name"]));
        if let Value::Object(grpc) = &document["grpc"] {
            return Self { tables, who: Who::Grpc(subscriber(&Value::Object(grpc.clone()), node)) };
        }
        let proxy = ProxyId { node, service: text(&document["proxy"]).into() };
        let config = query::proxy(&tables, &proxy).unwrap_or_else(|| refuse("proxy", &"there is none of that name"));
        let leaf = Write::SetLeaf(leaf(config.destination.as_str()));
        let tables = apply(&tables, &leaf, tables.index().next()).unwrap_or_else(|error| refuse("leaf", &error)).tables;
        // of the release that the whole suite is held against
        let envoy = Some(EnvoyVersion { major: 1, minor: 40, patch: 0 });
        Self { tables, who: Who::Sidecar(SidecarNode { id: proxy, envoy }) }
    }
}

fn subscriber(grpc: &Value, node: NodeName) -> GrpcSubscriber {
    let provider = |key: &str| grpc["certificate_providers"][key].as_str().map(Into::into);
    let certificates =
        provider("identity").zip(provider("roots")).map(|(identity, roots)| CertificateProviders { identity, roots });
    let id = ProxyId { node, service: text(&grpc["id"]).into() };
    let locality = locality(grpc);
    let node = GrpcNode { id, asks: grpc["asks"] == true, misses_returns: false, locality, certificates };
    let listeners = list(&grpc["listeners"]).into_iter().map(|name| text(name).to_owned()).collect();
    GrpcSubscriber { node: Arc::new(node), listeners: Arc::new(listeners) }
}

fn locality(of: &Value) -> Option<Locality> {
    let given = of.get("locality").map(|given| serde_json::json!({ "locality": given }))?;
    let mut fields = Fields::new(&given, "a node", Typing::Weak).unwrap_or_else(|error| panic!("{error}"));
    chancery::wire::locality::decode(&mut fields).unwrap_or_else(|error| panic!("{error}"))
}

/// Every check passes that `health` does not name.
fn with_health(mut tables: Tables, node: &Value) -> Tables {
    let name = NodeName::from(text(&node["name"]));
    let health = list(&node["health"]).first().and_then(|health| health.as_object()).cloned().unwrap_or_default();
    let (_, checks) = query::on_node(&tables, &name);
    for id in health.keys() {
        assert!(checks.iter().any(|check| check.id == id.as_str()), "{name} has no check {id:?}: {checks:#?}");
    }
    for check in checks {
        let status = health.get(check.id.as_str()).map_or("passing", text);
        let status = Status::parse(status).unwrap_or_else(|| panic!("{status:?} is no status"));
        let update = Write::UpdateCheck { node: name.clone(), id: check.id.clone(), status, output: String::new() };
        tables = apply(&tables, &update, tables.index().next()).expect("the check is there").tables;
    }
    tables
}

/// One value, several, or none: in HCL they look alike.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => vec![],
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("expected text, found {value}"))
}

/// Always the same, so that it can stand in a golden file. Nothing here is a certificate.
fn authority() -> AuthorityState {
    let root = Root {
        id: "01:02".to_owned(),
        name: "root".to_owned(),
        serial_number: 1,
        signing_key_id: "03:04".to_owned(),
        not_before: UnixTime(1_800_000_000),
        not_after: UnixTime(2_100_000_000),
        pem: "(the root's certificate)\n".to_owned(),
        key: chancery::model::KeyKind::default(),
        active: true,
        create_index: Index(1),
        modify_index: Index(1),
    };
    let roots = Roots { trust_domain: TRUST_DOMAIN.into(), roots: vec![root] };
    AuthorityState::new(roots, Secret::new("(the root's key)\n".to_owned()))
}

fn leaf(service: &str) -> Leaf {
    Leaf {
        service: service.into(),
        uri: format!("spiffe://{TRUST_DOMAIN}/ns/default/dc/dc1/svc/{service}"),
        serial_number: "05".to_owned(),
        cert_pem: format!("(the certificate of {service})\n").into(),
        key_pem: Secret::new(format!("(the key of {service})\n")),
        valid_after: UnixTime(1_800_000_000),
        valid_before: UnixTime(1_800_259_200),
        create_index: Index(1),
        modify_index: Index(1),
    }
}
