//! Values to be asked about.

use std::collections::BTreeMap;
use std::sync::Arc;

use chancery::model::intention::JwtRequirement;
use chancery::model::{
    Action, Check, Datacenter, Index, Instance, Intention, Node, Proxy, Service, ServiceKind, Status,
};
use chancery::model::{TaggedAddress, Upstream, Weights};
use chancery::wire::{answer, intention};
use chancery_tests::chance::Chance;
use serde_json::{Value, json};

/// What texts are made of; the expressions ask for the same ones.
pub const TEXTS: [&str; 16] = [
    "",
    "web",
    "db",
    "v1",
    "v2",
    "blue",
    "10.0.0.1",
    "critical",
    "passing",
    "consul",
    "a b",
    "ünïcode",
    "true",
    "80",
    "x.y",
    "web-1",
];
/// Keys of maps.
pub const KEYS: [&str; 6] = ["version", "canary", "lan", "wan", "a b", ""];
const PORTS: [u16; 5] = [0, 1, 80, 443, 8080];

pub struct Values {
    pub nodes: Vec<Node>,
    pub services: Vec<Service>,
    pub checks: Vec<Check>,
    pub instances: Vec<Instance>,
    pub intentions: Vec<Intention>,
}

impl Values {
    pub fn new(chance: &mut Chance) -> Self {
        let mut of = |make: fn(&mut Chance) -> Instance| (0..12).map(|_| make(chance)).collect::<Vec<_>>();
        let instances = of(instance);
        Self {
            nodes: instances.iter().map(|instance| Node::clone(&instance.node)).collect(),
            services: instances.iter().map(|instance| Service::clone(&instance.service)).collect(),
            checks: instances.iter().flat_map(|instance| &instance.checks).map(|check| Check::clone(check)).collect(),
            instances,
            intentions: (0..12).map(|_| intention(chance)).collect(),
        }
    }

    /// As the API shows them.
    pub fn shown(&self, datacenter: &Datacenter) -> Value {
        let services = self.services.iter().map(|service| answer::agent_service(service, datacenter));
        json!({
            "Nodes": self.nodes.iter().map(|node| answer::node(node, datacenter)).map(|node| json!(node)).collect::<Vec<_>>(),
            "Services": services.map(|service| json!(service)).collect::<Vec<_>>(),
            "Checks": self.checks.iter().map(|check| json!(answer::check(check))).collect::<Vec<_>>(),
            "Instances": self.instances.iter().map(|one| json!(answer::instance(one, datacenter))).collect::<Vec<_>>(),
            "CatalogServices": self.instances.iter().map(|one| json!(answer::catalog_service(one, datacenter))).collect::<Vec<_>>(),
            "Intentions": self.intentions.iter().map(|one| json!(intention::encode(one))).collect::<Vec<_>>(),
        })
    }
}

fn text(chance: &mut Chance) -> String {
    (*chance.pick(&TEXTS)).to_owned()
}

fn texts(chance: &mut Chance) -> Vec<String> {
    (0..chance.below(4)).map(|_| text(chance)).collect()
}

fn map(chance: &mut Chance) -> BTreeMap<String, String> {
    (0..chance.below(4)).map(|_| ((*chance.pick(&KEYS)).to_owned(), text(chance))).collect()
}

fn instance(chance: &mut Chance) -> Instance {
    let node = Node {
        id: text(chance),
        name: text(chance).into(),
        address: text(chance),
        tagged_addresses: map(chance),
        meta: map(chance),
        ..Node::default()
    };
    let checks = (0..chance.below(3)).map(|_| Arc::new(check(chance))).collect();
    Instance { node: Arc::new(node), service: Arc::new(service(chance)), checks }
}

fn service(chance: &mut Chance) -> Service {
    let tagged = |chance: &mut Chance| TaggedAddress { address: text(chance), port: *chance.pick(&PORTS) };
    let proxy = chance.once_in(2).then(|| proxy(chance));
    Service {
        id: text(chance).into(),
        name: text(chance).into(),
        kind: if proxy.is_some() { ServiceKind::ConnectProxy } else { ServiceKind::Typical },
        tags: texts(chance),
        address: text(chance),
        tagged_addresses: (0..chance.below(3)).map(|_| ((*chance.pick(&KEYS)).to_owned(), tagged(chance))).collect(),
        port: *chance.pick(&PORTS),
        socket_path: text(chance),
        meta: map(chance),
        weights: Weights { passing: u32::from(*chance.pick(&PORTS)), warning: u32::from(*chance.pick(&PORTS)) },
        enable_tag_override: chance.once_in(2),
        connect_native: chance.once_in(2),
        proxy,
        ..Service::default()
    }
}

fn proxy(chance: &mut Chance) -> Proxy {
    let upstream = |chance: &mut Chance| Upstream {
        destination_name: text(chance).into(),
        datacenter: text(chance),
        local_bind_address: text(chance),
        local_bind_port: *chance.pick(&PORTS),
        ..Upstream::default()
    };
    Proxy {
        destination_name: text(chance).into(),
        destination_id: text(chance).into(),
        local_address: text(chance),
        local_port: *chance.pick(&PORTS),
        upstreams: (0..chance.below(3)).map(|_| upstream(chance)).collect(),
        ..Proxy::default()
    }
}

fn check(chance: &mut Chance) -> Check {
    Check {
        node: text(chance).into(),
        id: text(chance).into(),
        name: text(chance),
        status: *chance.pick(&[Status::Passing, Status::Warning, Status::Critical]),
        notes: text(chance),
        output: text(chance),
        service_id: text(chance).into(),
        service_name: text(chance).into(),
        service_tags: texts(chance),
        exposed: None,
        definition: None,
        create_index: Index(1),
        modify_index: Index(1),
    }
}

fn intention(chance: &mut Chance) -> Intention {
    Intention {
        source: (*chance.pick(&["*", "web", "db"])).into(),
        destination: (*chance.pick(&["*", "web", "db"])).into(),
        action: *chance.pick(&[Action::Allow, Action::Deny]),
        permissions: Vec::new(),
        jwt: JwtRequirement::default(),
        description: text(chance),
        create_index: Index(1),
        modify_index: Index(1),
    }
}
