//! A catalog with as many services as wanted, each with a sidecar, a hundred to a node; and beside them `db`.

use chancery::catalog::{Registration, Settings, SidecarRegistration, Tables, Write, apply};
use chancery::fact::{self, Fact};
use chancery::model::topic::EndpointsKey;
use chancery::model::{Action, Node, NodeName, Proxy, Service, ServiceKind, Topic};

const PER_NODE: u32 = 100;

/// # Panics
/// Never: the writes are good.
pub fn tables(services: u32) -> Tables {
    let settings = Settings {
        datacenter: "dc1".into(),
        default_intention: Action::Allow,
        sidecar_ports: chancery::catalog::SIDECAR_PORTS,
        exposed_ports: chancery::catalog::EXPOSED_PORTS,
        mesh: true,
    };
    let mut tables = written(&Tables::new(settings), &Write::RegisterNode(node("n-db")));
    tables = written(&tables, &Write::RegisterNode(node("n-new")));
    tables = written(&tables, &register("n-db", "db", 0));
    unrelated(services).fold(tables, |tables, write| written(&tables, &write))
}

/// Services with sidecars, a hundred to a node and to a write.
pub fn unrelated(services: u32) -> impl Iterator<Item = Write> {
    (0..services).step_by(PER_NODE as usize).map(move |start| {
        let on = format!("n-{start}");
        let numbers = start..services.min(start + PER_NODE);
        let services = numbers.map(|number| register(&on, &format!("service-{number}"), 0));
        Write::Batch(std::iter::once(Write::RegisterNode(node(&on))).chain(services).collect())
    })
}

/// A service that is not there yet, with a sidecar, on a node with no other.
pub fn new_service() -> Write {
    register("n-new", "new", 0)
}

/// `db`, with its sidecar on this port.
pub fn moved(port: u16) -> Write {
    register("n-db", "db", port)
}

/// # Panics
/// When the write is refused.
pub fn written(tables: &Tables, write: &Write) -> Tables {
    apply(tables, write, tables.index().next()).expect("a good write").tables
}

/// What a change of an endpoint costs the catalog: the write, and the answer to the topic that it touches.
pub fn change_endpoint(tables: &Tables, write: &Write) -> (Tables, Fact) {
    let tables = written(tables, write);
    let fact = fact::look(&tables, &Topic::Endpoints(EndpointsKey::all("db".into()))).fact;
    (tables, fact)
}

fn node(name: &str) -> Node {
    Node { name: name.into(), address: "10.0.0.1".to_owned(), ..Node::default() }
}

fn register(node: &str, name: &str, sidecar_port: u16) -> Write {
    let node = NodeName::from(node);
    let service = Service { node: node.clone(), id: name.into(), name: name.into(), port: 8080, ..Service::default() };
    let proxy_name = format!("{name}-sidecar-proxy");
    let proxy = Proxy { destination_name: name.into(), destination_id: name.into(), ..Proxy::default() };
    let sidecar = Service {
        node,
        id: proxy_name.as_str().into(),
        name: proxy_name.into(),
        kind: ServiceKind::ConnectProxy,
        port: sidecar_port,
        proxy: Some(proxy),
        ..Service::default()
    };
    let sidecar = Some(SidecarRegistration { service: sidecar, checks: None });
    Write::RegisterService(Box::new(Registration { service, checks: vec![], sidecar, replace_existing_checks: false }))
}
