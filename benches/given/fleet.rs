//! The real actors on one thread, with as many sidecars as wanted: each has a stream, and all call `db`. In place of
//! sockets and Envoys there are clients that read a response's head and accept it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use chancery::catalog::{Registration, Write};
use chancery::delta::{Change, Dialect, Message, Nonce, Request};
use chancery::model::{NodeName, Proxy, ProxyId, Service, ServiceKind, Upstream};
use chancery::resource::ResourceType;
use chancery_actors::xds_stream::OpenStream;
use chancery_tests::world::{NODE, World};
use prost::Message as _;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use crate::registry;

pub struct Fleet {
    // in the order in which they are dropped
    clients: Vec<OpenStream>,
    world: World,
    local: LocalSet,
    runtime: Runtime,
    port: u16,
}

/// What a client must know of a response; the resources are stepped over.
#[derive(Clone, PartialEq, prost::Message)]
struct Head {
    #[prost(string, tag = "4")]
    type_url: String,
    #[prost(string, tag = "5")]
    nonce: String,
}

impl Fleet {
    /// Connected and in sync, in a catalog with so many services that none of them calls.
    ///
    /// # Panics
    /// When there is no runtime to be had.
    pub fn new(proxies: usize, unrelated: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let (runtime, local) = (runtime.expect("a runtime of one thread"), LocalSet::new());
        let (world, clients) = local.block_on(&runtime, connected(proxies, unrelated));
        Self { clients, world, local, runtime, port: 20000 }
    }

    /// The instance of `db` moves to another port. Returns once every stream has sent it, every client accepted it, and
    /// the acknowledgements have been heard.
    pub fn change_endpoint(&mut self) {
        self.port = if self.port == 20000 { 20001 } else { 20000 };
        let (world, clients, port) = (&self.world, &mut self.clients, self.port);
        self.local.block_on(&self.runtime, async {
            commit(world, database(port)).await;
            for client in clients {
                let message = client.messages.recv().await.expect("the stream is open");
                acknowledge(client, &message).await;
            }
            converged(world).await;
        });
    }

    /// Responses that were sent since the start, over all streams.
    pub fn sent(&self) -> BTreeMap<ResourceType, u64> {
        let mut sent = BTreeMap::new();
        for sheet in self.world.house.streams.sheets() {
            for kind in ResourceType::ALL {
                *sent.entry(kind).or_default() += sheet.sent[kind as usize].responses.load(Ordering::Relaxed);
            }
        }
        sent
    }
}

async fn connected(proxies: usize, unrelated: u32) -> (World, Vec<OpenStream>) {
    let world = World::new().await;
    for write in registry::unrelated(unrelated) {
        world.commit(write).await.expect("good registrations");
    }
    commit(&world, database(20000)).await;
    let mut clients = Vec::new();
    for number in 0..proxies {
        let name = format!("web-{number}-sidecar-proxy");
        commit(&world, web(&name, number)).await;
        clients.push(connect(&world, &name).await);
    }
    converged(&world).await;
    (world, clients)
}

async fn connect(world: &World, name: &str) -> OpenStream {
    let proxy = ProxyId { node: NodeName::from(NODE), service: name.into() };
    let opened = world.house.streams.open(proxy.clone(), Dialect::Delta, "bench".to_owned());
    let mut client = opened.expect("the house takes streams");
    subscribe(&client, ResourceType::Cluster, vec![]).await;
    let clusters = client.messages.recv().await.expect("the stream is open");
    // there are clusters, so there is a view
    let view = world.house.streams.publications().view(&proxy.into()).expect("a view");
    for kind in [ResourceType::Endpoint, ResourceType::Secret] {
        let names = view.list(kind).iter().map(|resource| resource.name.to_string()).collect();
        subscribe(&client, kind, names).await;
    }
    acknowledge(&client, &clusters).await;
    subscribe(&client, ResourceType::Listener, vec![]).await;
    for _ in [ResourceType::Endpoint, ResourceType::Secret, ResourceType::Listener] {
        let message = client.messages.recv().await.expect("the stream is open");
        acknowledge(&client, &message).await;
    }
    client
}

async fn subscribe(client: &OpenStream, kind: ResourceType, names: Vec<String>) {
    let change = Change::Incremental { subscribe: names, unsubscribe: vec![], held: vec![] };
    client.requests.send(Request { kind: Ok(kind), change, nonce: None, error: None }).await;
}

async fn acknowledge(client: &OpenStream, message: &Message) {
    // a small response is one piece; the first five bytes are gRPC's
    let head = match &message.pieces[..] {
        [whole] => Head::decode(&whole[5..]),
        pieces => Head::decode(&pieces.concat()[5..]),
    };
    let head = head.expect("a response");
    let kind = ResourceType::from_type_url(&head.type_url).expect("a type of ours");
    let change = Change::Incremental { subscribe: vec![], unsubscribe: vec![], held: vec![] };
    let nonce = Some(Nonce(head.nonce.parse().expect("a number")));
    client.requests.send(Request { kind: Ok(kind), change, nonce, error: None }).await;
}

/// Nobody works on a change any longer: all that came of the commits was accepted.
async fn converged(world: &World) {
    let committed = world.house.catalog.tables().index().0;
    let has_ended = || world.ended.lock().expect("no panic while held").iter().any(|end| end.index >= committed);
    while !has_ended() {
        tokio::task::yield_now().await;
    }
    world.ended.lock().expect("no panic while held").clear();
}

async fn commit(world: &World, service: Service) {
    let registration = Registration { service, checks: vec![], sidecar: None, replace_existing_checks: false };
    world.commit(Write::RegisterService(Box::new(registration))).await.expect("a good registration");
}

fn database(port: u16) -> Service {
    Service { port, ..sidecar("db-sidecar-proxy", Proxy { destination_name: "db".into(), ..Proxy::default() }) }
}

/// All stand for the service `web`, so that there is one certificate to sign.
fn web(name: &str, number: usize) -> Service {
    let upstream = Upstream { destination_name: "db".into(), local_bind_port: 5000, ..Upstream::default() };
    let proxy = Proxy { destination_name: "web".into(), upstreams: vec![upstream], ..Proxy::default() };
    Service { port: u16::try_from(21000 + number).expect("a port for each"), ..sidecar(name, proxy) }
}

fn sidecar(name: &str, proxy: Proxy) -> Service {
    Service {
        node: NodeName::from(NODE),
        id: name.into(),
        name: name.into(),
        kind: ServiceKind::ConnectProxy,
        proxy: Some(proxy),
        ..Service::default()
    }
}
