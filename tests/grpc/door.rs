//! The real gRPC door in this process, showing every gRPC program a view that a test writes by hand.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chancery::model::{GrpcSubscriber, NodeName};
use chancery::resource::{Resource, ResourceType, View};
use chancery_actors::doors::grpc::{GrpcParts, serve};
use chancery_actors::kit::{Bell, Board, Cells, Clock, Desk, Ripples};
use chancery_actors::loads::Loads;
use chancery_actors::proxy_registry::Proxies;
use chancery_actors::proxy_state::Published;
use chancery_actors::views::Publications;
use chancery_actors::xds_settings::XdsSettings;
use chancery_actors::xds_stream::Streams;
use chancery_tests::ads::connection;
use chancery_tests::ports::free_port;
use chancery_tests::wait::eventually;
use envoy_types::pb::envoy::service::status::v3::ClientStatusRequest;
use envoy_types::pb::envoy::service::status::v3::client_config::GenericXdsConfig;
use envoy_types::pb::envoy::service::status::v3::client_status_discovery_service_client::ClientStatusDiscoveryServiceClient;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub struct Door {
    pub port: u16,
    shown: Shown,
    cells: Cells,
    open: Option<Open>,
}

/// One life of the server: the next knows nothing of it.
struct Open {
    streams: Streams,
    close: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
}

/// Runs a story with an open door of its own.
pub fn behind_a_door(story: impl AsyncFnOnce(Door)) {
    let system = actix::System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    });
    system.block_on(async {
        let arbiter = actix::Arbiter::new();
        let cells = Cells::on(std::slice::from_ref(&arbiter));
        let mut door = Door { port: free_port(), shown: Shown::new(), cells, open: None };
        door.open().await;
        story(door).await;
        arbiter.stop();
        _ = arbiter.join();
    });
}

impl Door {
    /// A server that has just started, on the same port as the one before.
    pub async fn open(&mut self) {
        assert!(self.open.is_none(), "it is open");
        let none = Proxies { snapshots: Bell::new(), board: Arc::default() };
        let publications = Publications { sidecars: none, programs: self.shown.programs.clone() };
        let settings = XdsSettings::default();
        let streams = Streams::new(publications, &Desk::new(), &self.cells, Clock::system(), settings);
        // a program that another test just starts holds every open socket of this process until it is another program
        let bound = async || TcpListener::bind(("127.0.0.1", self.port)).await.ok();
        let listener = eventually("the port is free", Duration::from_secs(5), bound).await;
        let parts = GrpcParts { streams: streams.clone(), loads: Loads::default(), own_node: NodeName::from("n1") };
        let (close, closed) = oneshot::channel();
        let serving = tokio::spawn(serve(parts, listener, None, async { _ = closed.await }));
        self.open = Some(Open { streams, close, serving });
    }

    /// Stops the server as the agent does. Nobody listens on the port afterwards.
    pub async fn close(&mut self) {
        let Open { streams, close, serving } = self.open.take().expect("it is open");
        _ = close.send(());
        streams.drain(Duration::ZERO).await;
        let ended = timeout(Duration::from_secs(5), serving).await.expect("it ends soon");
        ended.expect("no panic").expect("it has served");
    }

    /// What every program shall hold from now on.
    pub fn show(&self, resources: impl IntoIterator<Item = Arc<Resource>>) {
        self.shown.show(View::new(resources));
    }

    fn streams(&self) -> &Streams {
        &self.open.as_ref().expect("it is open").streams
    }

    /// Responses of a type, over all open streams.
    pub fn responses(&self, kind: ResourceType) -> u64 {
        self.streams().sheets().iter().map(|sheet| sheet.sent[kind as usize].responses.load(Ordering::Relaxed)).sum()
    }

    /// Responses that the clients have refused, of every type.
    pub fn rejections(&self) -> u64 {
        let sheets = self.streams().sheets();
        sheets.iter().flat_map(|sheet| sheet.protocol().status()).map(|of| of.rejections).sum()
    }

    /// What the client status discovery service tells of one resource of the only client, if it is subscribed to.
    pub async fn status(&self, kind: ResourceType, name: &str) -> Option<GenericXdsConfig> {
        let mut service = ClientStatusDiscoveryServiceClient::new(connection(&format!("127.0.0.1:{}", self.port)));
        let request = ClientStatusRequest::default();
        let clients = service.fetch_client_status(request).await.expect("it is served").into_inner().config;
        assert!(clients.len() < 2, "there is one client: {clients:?}");
        let mut resources = clients.into_iter().flat_map(|client| client.generic_xds_configs);
        resources.find(|resource| resource.type_url == kind.type_url() && resource.name == name)
    }
}

/// Takes the place of the actors that make views: the newest is on the board for whoever listens.
#[derive(Clone)]
struct Shown {
    newest: Arc<Mutex<Arc<View>>>,
    programs: Proxies<GrpcSubscriber>,
}

impl Shown {
    fn new() -> Self {
        let newest = Arc::new(Mutex::new(Arc::new(View::new([]))));
        let board: Arc<Board<GrpcSubscriber, Published>> = Arc::default();
        let (posts, view) = (Arc::clone(&board), Arc::clone(&newest));
        let snapshots = Bell::with_edges(move |subscriber: &GrpcSubscriber| {
            _ = posts.post(subscriber.clone(), published(&locked(&view)));
        });
        Self { newest, programs: Proxies { snapshots, board } }
    }

    fn show(&self, view: View) {
        let subscribers = {
            let mut newest = locked(&self.newest);
            *newest = Arc::new(view.reusing(&newest));
            let subscribers = self.programs.snapshots.keys();
            for subscriber in &subscribers {
                _ = self.programs.board.post(subscriber.clone(), published(&newest));
            }
            subscribers
        };
        for subscriber in subscribers {
            self.programs.snapshots.ring(&subscriber, &Ripples::default());
        }
    }
}

fn locked(view: &Mutex<Arc<View>>) -> MutexGuard<'_, Arc<View>> {
    view.lock().unwrap_or_else(PoisonError::into_inner)
}

fn published(view: &Arc<View>) -> Published {
    Published { version: 1, view: Some(Arc::clone(view)), refusals: Arc::new([]), missing: Arc::new([]) }
}
