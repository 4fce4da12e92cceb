//! A world in one thread and in virtual time: the real actors, a store in memory, and scripted Envoys in place of sockets.

mod envoy;
mod script;

pub use envoy::ScriptedEnvoy;
pub use script::{run_folder, run_script};

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chancery::catalog::{Settings, Write};
use chancery::model::{Action, Lifetimes, Node, NodeName, TrustDomain};
use chancery::wire::{Typing, registration};
use chancery_actors::catalog::{CommitError, Committed};
use chancery_actors::checks::settings::CheckSettings;
use chancery_actors::kit::ripple::Ended;
use chancery_actors::kit::{Cells, Clock, RippleLog};
use chancery_actors::stores::{Memory, Store};
use chancery_actors::wiring::{House, Plan};
use chancery_actors::xds_settings::XdsSettings;
use serde_json::Value;

/// 2026-01-01T00:00:00Z
const NEW_YEAR: Duration = Duration::from_secs(1_767_225_600);

/// The one node of a world.
pub const NODE: &str = "n1";

pub struct World {
    pub house: House,
    /// Every change that has converged.
    pub ended: Arc<Mutex<Vec<Ended>>>,
}

/// What the tables say a proxy shall hold, by the still rooms alone; `None` when they do not say enough.
pub fn newest_view(world: &World, proxy: &chancery::model::ProxyId) -> Option<chancery::resource::View> {
    let tables = world.house.catalog.tables();
    let mut facts = chancery::snapshot::Facts::new(proxy.clone());
    loop {
        let before = facts.clone();
        for topic in facts.needs() {
            facts.learn(&topic, &chancery::fact::look(&tables, &topic).fact);
        }
        if facts == before {
            let snapshot = facts.complete().ok()?;
            return Some(chancery::generate::sidecar(&snapshot).view);
        }
    }
}

/// Runs a story on one thread with a paused clock. Panics of the story reach the test.
pub fn in_virtual_time<F: Future<Output = ()>>(story: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread");
    tokio::task::LocalSet::new().block_on(&runtime, story());
}

impl World {
    pub async fn new() -> Self {
        Self::on(Arc::new(Memory::default()), Action::Allow).await
    }

    /// On a store that may hold something already.
    pub async fn on(store: Arc<dyn Store>, default_intention: Action) -> Self {
        let ended: Arc<Mutex<Vec<Ended>>> = Arc::default();
        let heard = Arc::clone(&ended);
        let house = House::open(Plan {
            settings: Settings {
                datacenter: "dc1".into(),
                default_intention,
                sidecar_ports: chancery::catalog::SIDECAR_PORTS,
                exposed_ports: chancery::catalog::EXPOSED_PORTS,
                mesh: true,
            },
            store,
            cells: Cells::here(),
            sources: Cells::here(),
            clock: Clock::starting_at(NEW_YEAR),
            trust_domain: TrustDomain::from("11111111-2222-3333-4444-555555555555.consul"),
            first_root: None,
            lifetimes: Lifetimes::DEFAULT,
            check_trust: Default::default(),
            node: NodeName::from(NODE),
            checks: CheckSettings::default(),
            ripples: RippleLog::new(move |end| heard.lock().expect("no panic while held").push(end.clone())),
            // scripted Envoys read when a story tells them to, and days may pass before
            xds: XdsSettings { read_patience: Duration::from_secs(366 * 24 * 3600), ..XdsSettings::default() },
        })
        .await
        .expect("memory can be loaded");
        let world = Self { house, ended };
        let node = Node { name: NodeName::from(NODE), address: "10.0.0.1".to_owned(), ..Node::default() };
        world.commit(Write::RegisterNode(node)).await.expect("a node can be registered");
        world
    }

    pub async fn commit(&self, write: Write) -> Result<Committed, CommitError> {
        self.house.catalog.commit(write).await
    }

    /// Registers a service from the body of a `PUT /v1/agent/service/register`.
    pub async fn register(&self, body: &Value) -> Result<Committed, CommitError> {
        let registration = registration::service(body, Typing::Strict, &NodeName::from(NODE)).expect("a good body");
        self.commit(Write::RegisterService(Box::new(registration))).await
    }

    /// An Envoy of the proxy, connected.
    pub fn envoy(&self, proxy: &str) -> ScriptedEnvoy {
        ScriptedEnvoy::connect(&self.house, proxy)
    }

    /// Lets everything happen that can happen now; no time passes.
    pub async fn settle(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    /// Counts actors of a kind.
    pub fn actors(&self, kind: &str) -> usize {
        self.house.desk.count(kind)
    }
}
