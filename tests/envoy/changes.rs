//! Random changes around a service that must stay reachable, from a seed.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

use chancery_tests::chance::Chance;
use chancery_tests::mesh::{Mesh, Upstream};
use chancery_tests::ports::free_port;

/// Further registrations of `backend`, each with an address of its own that leads to the first instance.
const EXTRAS: u16 = 12;
/// Further services, whose instances nobody calls.
const OTHERS: usize = 6;

/// A write; one without a body is a bare PUT.
pub(crate) struct Change {
    pub path: String,
    pub body: Option<Value>,
    pub delete: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.delete { "DELETE" } else { "PUT" };
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        write!(out, "{verb} {} {body}", self.path)
    }
}

fn put(path: &str, body: Value) -> Change {
    Change { path: path.to_owned(), body: Some(body), delete: false }
}

fn poke(path: String) -> Change {
    Change { path, body: None, delete: false }
}

/// Where a registered service is: its port and its sidecar's.
#[derive(Clone, Copy)]
struct Place {
    port: u64,
    sidecar: u64,
}

impl Place {
    async fn of(mesh: &Mesh, id: &str) -> Self {
        let port = async |id: &str| mesh.agent.http.json(&format!("/v1/agent/service/{id}")).await["Port"].as_u64();
        let sidecar = port(&format!("{id}-sidecar-proxy")).await;
        Self { port: port(id).await.expect("a port"), sidecar: sidecar.expect("a port") }
    }
}

/// What is registered now, and what could be.
pub(crate) struct Landscape {
    frontend: Place,
    first: Place,
    second: Place,
    upstream: u16,
    /// Of the frontend's upstreams to others.
    ports: Vec<u16>,
    extras: BTreeSet<u16>,
    has_second: bool,
}

impl Landscape {
    /// # Panics
    /// When `mesh` has no `backend-1` and `backend-2`, or its upstream is no port.
    pub async fn of(mesh: &Mesh) -> Self {
        let Upstream::Port(upstream) = mesh.upstream else { panic!("HTTP is spoken over ports here") };
        Self {
            frontend: Place::of(mesh, "frontend").await,
            first: Place::of(mesh, "backend-1").await,
            second: Place::of(mesh, "backend-2").await,
            upstream,
            ports: (0..OTHERS).map(|_| free_port()).collect(),
            extras: BTreeSet::new(),
            has_second: true,
        }
    }

    /// Instances of `backend`.
    pub fn instances(&self) -> u64 {
        1 + u64::from(self.has_second) + self.extras.len() as u64
    }

    /// `backend-2` is registered now.
    pub fn has_second(&self) -> bool {
        self.has_second
    }

    pub fn next(&mut self, chance: &mut Chance) -> Change {
        match chance.below(100) {
            0..42 => self.flip_extra(chance),
            42..46 => self.flip_second(),
            46..60 => self.frontend(chance),
            60..70 => intention(chance),
            70..76 => poke(format!("/admin/leaf/{}/renew", chance.pick(&["frontend", "backend"]))),
            76..84 => proxy_defaults(chance),
            84..88 => mesh_tls(chance),
            88..94 => other_protocol(chance),
            _ => other_instance(chance),
        }
    }

    fn flip_extra(&mut self, chance: &mut Chance) -> Change {
        let extra = u16::try_from(chance.below(EXTRAS.into())).expect("a small number");
        if self.extras.remove(&extra) {
            return poke(format!("/v1/agent/service/deregister/extra-{extra}"));
        }
        self.extras.insert(extra);
        instance("backend", &format!("extra-{extra}"), Some(format!("127.0.0.{}", 10 + extra)), self.first)
    }

    /// Its application and its Envoy stay, as those of a careful operator would until nobody calls them.
    pub fn flip_second(&mut self) -> Change {
        self.has_second = !self.has_second;
        if self.has_second {
            instance("backend", "backend-2", None, self.second)
        } else {
            poke("/v1/agent/service/deregister/backend-2".to_owned())
        }
    }

    /// Another connect timeout is another cluster under another name, and a listener that leads to it.
    fn frontend(&self, chance: &mut Chance) -> Change {
        let mut upstreams = vec![to_backend(self.upstream, chance)];
        for other in 0..OTHERS {
            if chance.once_in(2) {
                let name = format!("other-{other}");
                upstreams.push(json!({ "DestinationName": name, "LocalBindPort": self.ports[other] }));
            }
        }
        let sidecar = json!({ "Port": self.frontend.sidecar, "Proxy": { "Upstreams": upstreams } });
        let body = json!({ "Name": "frontend", "Port": self.frontend.port, "Connect": { "SidecarService": sidecar } });
        put("/v1/agent/service/register", body)
    }
}

fn to_backend(port: u16, chance: &mut Chance) -> Value {
    let mut upstream = json!({ "DestinationName": "backend", "LocalBindPort": port });
    if chance.once_in(2) {
        upstream["Config"] = json!({ "connect_timeout_ms": chance.pick(&[3000, 4000, 6000]) });
    }
    upstream
}

fn instance(name: &str, id: &str, address: Option<String>, place: Place) -> Change {
    let sidecar = json!({ "Port": place.sidecar, "Checks": [{ "Name": "its service", "AliasService": id }] });
    let mut body = json!({ "ID": id, "Name": name, "Port": place.port, "Connect": { "SidecarService": sidecar } });
    if let Some(address) = address {
        body["Address"] = json!(address);
        body["Connect"]["SidecarService"]["Address"] = json!(address);
    }
    put("/v1/agent/service/register", body)
}

/// About other callers of `backend`: its public listener changes.
fn intention(chance: &mut Chance) -> Change {
    let path = format!("/v1/connect/intentions/exact?source=other-{}&destination=backend", chance.below(8));
    match *chance.pick(&["allow", "deny", ""]) {
        "" => Change { path, body: None, delete: true },
        action => put(&path, json!({ "Action": action })),
    }
}

/// `local_app` of every proxy.
fn proxy_defaults(chance: &mut Chance) -> Change {
    let config = json!({ "local_connect_timeout_ms": chance.pick(&[2000, 3000, 4000, 5000]) });
    put("/v1/config", json!({ "Kind": "proxy-defaults", "Name": "global", "Config": config }))
}

/// Every upstream's cluster and every public listener. Each pair has a version in common.
fn mesh_tls(chance: &mut Chance) -> Change {
    let incoming = chance.pick(&["", "TLSv1_1", "TLSv1_2"]);
    let outgoing = chance.pick(&["", "TLSv1_2", "TLSv1_3"]);
    let tls = json!({ "Incoming": { "TLSMinVersion": incoming }, "Outgoing": { "TLSMaxVersion": outgoing } });
    put("/v1/config", json!({ "Kind": "mesh", "TLS": tls }))
}

fn other(chance: &mut Chance) -> String {
    format!("other-{}", chance.below(OTHERS as u64))
}

fn other_protocol(chance: &mut Chance) -> Change {
    let name = other(chance);
    let protocol = chance.pick(&["tcp", "http", "http2", "grpc"]);
    put("/v1/config", json!({ "Kind": "service-defaults", "Name": name, "Protocol": protocol }))
}

fn other_instance(chance: &mut Chance) -> Change {
    let (name, id) = (other(chance), chance.below(3));
    let place = Place { port: 9, sidecar: 10 + chance.below(5) };
    instance(&name, &format!("{name}-{id}"), None, place)
}
