//! Facts of sidecars, as many upstreams as wanted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use chancery::chain::{self, Chain};
use chancery::model::entry::Mesh;
use chancery::model::intention::Intentions;
use chancery::model::topic::{ChainKey, EndpointsKey};
use chancery::model::{
    Action, Bind, Datacenter, Endpoint, Endpoints, Index, Leaf, LocalApp, Protocol, UpstreamSettings,
};
use chancery::model::{ProxyConfig, ProxyId, Root, Roots, Secret, ServiceName, TrustDomain, UnixTime, UpstreamConfig};
use chancery::resource::{Resource, Shared, View};
use chancery::snapshot::Facts;

const DATACENTER: &str = "dc1";
const TRUST_DOMAIN: &str = "11111111-2222-3333-4444-555555555555.consul";

/// The default chain of a service.
pub fn chain(key: &ChainKey) -> Chain {
    let (datacenter, trust_domain) = (Datacenter::from(DATACENTER), TrustDomain::from(TRUST_DOMAIN));
    let inputs = chain::Inputs { datacenter: &datacenter, trust_domain: &trust_domain, entries: &BTreeMap::new() };
    chain::compile(key, &inputs).chain.expect("without entries there is nothing to go wrong")
}

/// Three healthy instances of a service; the port is that of the first.
pub fn endpoints(port: u16) -> Arc<Shared<Endpoints>> {
    let endpoint = |number: u16, port| Endpoint {
        address: format!("10.0.0.{number}"),
        port,
        socket_path: String::new(),
        healthy: true,
        weight: 1,
        locality: None,
    };
    Arc::new(Shared::new(Endpoints { endpoints: vec![endpoint(1, port), endpoint(2, 20000), endpoint(3, 20000)] }))
}

pub fn service(number: u16) -> ServiceName {
    ServiceName::from(format!("service-{number}"))
}

/// A sidecar of `web` that calls the services of these numbers. Nothing in it is shared with another.
pub fn sidecar(upstreams: Range<u16>) -> Facts {
    let keys: Vec<ChainKey> = upstreams.clone().map(|number| ChainKey::plain(service(number))).collect();
    let config = |(key, number): (&ChainKey, u16)| UpstreamConfig {
        name: key.service.to_string(),
        bind: Bind::Address { address: "127.0.0.1".to_owned(), port: 1024 + number },
        chain: key.clone(),
        settings: UpstreamSettings::default(),
    };
    let proxy = proxy(keys.iter().zip(upstreams).map(config).collect());
    let mut facts = Facts::new(proxy.id.clone());
    facts.proxy = Some(Arc::new(proxy));
    facts.roots = Some(Arc::new(Shared::new(roots())));
    facts.leaf = Some(Arc::new(Shared::new(leaf())));
    facts.intentions = Some(Arc::new(Shared::new(Intentions::new(vec![], Action::Allow))));
    facts.mesh = Some(Arc::new(Mesh::default()));
    let chains = keys.iter().map(|key| (key.clone(), Ok(Arc::new(Shared::new(chain(key))))));
    facts.chains = BTreeMap::from_iter(chains);
    facts.endpoints = keys.iter().map(|key| (EndpointsKey::all(key.service.clone()), endpoints(20000))).collect();
    facts
}

/// What sidecars hold that call `upstreams` services, put together as if it were one: three resources for each of the
/// services, and four.
pub fn resources(upstreams: u16) -> Vec<Arc<Resource>> {
    let starts = (0..upstreams).step_by(100);
    let views = starts.map(|start| view(&sidecar(start..upstreams.min(start + 100))));
    View::new(views.flat_map(|view| view.all().cloned().collect::<Vec<_>>())).all().cloned().collect()
}

/// # Panics
/// Never with facts of this module: they are complete.
pub fn view(facts: &Facts) -> View {
    chancery::generate::sidecar(&facts.complete().expect("all facts are there")).view
}

fn proxy(upstreams: Vec<UpstreamConfig>) -> ProxyConfig {
    ProxyConfig {
        id: ProxyId { node: "n1".into(), service: "web-sidecar-proxy".into() },
        datacenter: DATACENTER.into(),
        locality: None,
        destination: "web".into(),
        bind_address: "0.0.0.0".to_owned(),
        bind_port: 21000,
        local_app: LocalApp {
            address: Bind::Address { address: "127.0.0.1".to_owned(), port: 8080 },
            connect_timeout: Duration::from_secs(5),
            request_timeout: None,
            idle_timeout: None,
        },
        protocol: Protocol::Tcp,
        max_inbound_connections: 0,
        balance_inbound_connections: false,
        inbound: chancery::model::Inbound::default(),
        telemetry: chancery::model::Telemetry::default(),
        xds_fetch_timeout: None,
        outbound_port: None,
        upstream_defaults: Default::default(),
        extensions: vec![],
        upstreams,
    }
}

fn roots() -> Roots {
    let root = Root {
        id: "aa:bb".to_owned(),
        name: "root".to_owned(),
        serial_number: 1,
        signing_key_id: "cc:dd".to_owned(),
        not_before: UnixTime(0),
        not_after: UnixTime(1),
        pem: pem(700),
        key: chancery::model::KeyKind::default(),
        active: true,
        create_index: Index(1),
        modify_index: Index(1),
    };
    Roots { trust_domain: TRUST_DOMAIN.into(), roots: vec![root] }
}

fn leaf() -> Leaf {
    Leaf {
        service: "web".into(),
        uri: format!("spiffe://{TRUST_DOMAIN}/ns/default/dc/{DATACENTER}/svc/web"),
        serial_number: "01".to_owned(),
        cert_pem: pem(800).into(),
        key_pem: Secret::new(pem(240)),
        valid_after: UnixTime(0),
        valid_before: UnixTime(1),
        create_index: Index(1),
        modify_index: Index(1),
    }
}

/// As long as the real thing.
fn pem(len: usize) -> String {
    "A".repeat(len)
}
