//! The HTTP API, spelled as Consul spells it: requests become writes and topics, facts become JSON.
//!
//! One file per family of endpoints, whose table routes and describes them; [`params`] reads the query, [`blocking`] waits, [`reply`] replies. What a request
//! asks for and this server cannot do yet is refused, never ignored.

mod agent_checks;
mod agent_connect;
mod agent_control;
mod agent_health;
mod agent_maintenance;
mod agent_metrics;
mod agent_monitor;
mod agent_self;
mod agent_services;
mod blocking;
mod body;
mod catalog;
mod catalog_register;
mod config;
mod connect_ca;
mod discovery_chain;
mod elsewhere;
mod entrance;
mod gate;
mod health;
mod instances;
mod intentions;
mod internal;
mod kv;
mod measure;
mod metrics;
mod openapi;
mod operator;
mod operator_autopilot;
mod params;
mod rates;
mod reply;
mod settings;
mod snapshot;
mod status;
mod txn;
mod ui;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::sync::watch;

use chancery::catalog::{Tables, Write, query};
use chancery::model::{Datacenter, NodeName, UnixTime};

use super::admin;
use super::endpoints::{Endpoints, Family};
use super::listening::Caller;
use crate::catalog::{CommitError, Committed};
use crate::config::AgentConfig;
use crate::controls::Controls;
use crate::monitor::Monitors;
use crate::scrape::Scrape;
use crate::watch_registry::Watches;
use crate::wiring::House;
use params::Waits;
pub use rates::{LimitMode, RequestLimits, RequestRates};
use reply::Failure;
pub use settings::{HttpSettings, Network};

/// What the door is given.
pub struct HttpState {
    house: House,
    scrape: Scrape,
    controls: Controls,
    monitors: Arc<Monitors>,
    identity: Identity,
    settings: Arc<HttpSettings>,
    rates: RequestRates,
}

/// The process around the house, as far as it can be asked and told.
#[derive(Clone)]
pub struct Process {
    pub scrape: Scrape,
    pub controls: Controls,
    pub monitors: Arc<Monitors>,
}

/// Who this server says it is.
struct Identity {
    datacenter: Datacenter,
    /// The node whose services and checks the agent endpoints are about.
    node: NodeName,
    /// False: there are no certificates and no proxies.
    mesh: bool,
    /// Where Envoys connect, in plaintext.
    grpc_port: Option<u16>,
    /// The same with TLS.
    grpc_tls_port: Option<u16>,
    /// When it began to be there.
    since: UnixTime,
}

impl HttpState {
    pub fn new(house: House, config: &AgentConfig, process: Process, rates: RequestRates) -> Self {
        let identity = Identity {
            datacenter: config.datacenter.clone(),
            node: config.node_name.clone(),
            mesh: config.mesh,
            grpc_port: config.grpc.first().map(SocketAddr::port),
            grpc_tls_port: config.grpc_tls.first().map(SocketAddr::port),
            since: UnixTime(house.clock.unix_seconds()),
        };
        let Process { scrape, controls, monitors } = process;
        let settings = Arc::new(config.http_settings.clone());
        Self { house, scrape, controls, monitors, identity, settings, rates }
    }
}

/// The door as its handlers see it.
#[derive(Clone)]
pub(crate) struct HttpDoor {
    state: Arc<HttpState>,
    /// True when the server drains.
    closing: watch::Receiver<bool>,
}

impl HttpDoor {
    fn tables(&self) -> Arc<Tables> {
        self.state.house.catalog.tables()
    }

    fn watches(&self) -> &Watches {
        &self.state.house.watches
    }

    fn node(&self) -> &NodeName {
        &self.state.identity.node
    }

    fn datacenter(&self) -> &Datacenter {
        &self.state.identity.datacenter
    }

    /// By its name or its id; a name that nobody has yet is taken as it is.
    fn node_meant(&self, name_or_id: String) -> NodeName {
        let known = query::named(&self.tables(), &name_or_id);
        known.map_or_else(|| NodeName::from(name_or_id), |node| node.name.clone())
    }

    /// For what is about the mesh.
    fn needs_mesh(&self) -> Result<(), Failure> {
        if self.state.identity.mesh { Ok(()) } else { Err(Failure::no_mesh()) }
    }

    fn waits(&self) -> Waits {
        Waits { default: self.state.settings.default_wait, max: self.state.settings.max_wait }
    }

    async fn commit(&self, write: Write) -> Result<Committed, CommitError> {
        self.state.house.catalog.commit(write).await
    }

    /// Returns when the server drains.
    async fn closed(&self) {
        let mut closing = self.closing.clone();
        if closing.wait_for(|closing| *closing).await.is_err() {
            // nobody is left who could drain it
            std::future::pending::<()>().await;
        }
    }
}

/// Serves until `shutdown` is done; then answers whoever waits with what stands, and returns when all have their answers.
///
/// # Errors
/// When the listener fails.
pub async fn serve<L: Listener<Addr = Caller>>(
    state: HttpState,
    listener: L,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()>
where
    Caller: for<'a> Connected<IncomingStream<'a, L>>,
{
    let (close, closing) = watch::channel(false);
    let gate = gate::Gate { settings: Arc::clone(&state.settings), rates: state.rates.clone() };
    let router = gate.around(router(HttpDoor { state: Arc::new(state), closing }));
    axum::serve(listener, router.into_make_service_with_connect_info::<Caller>())
        .with_graceful_shutdown(async move {
            shutdown.await;
            _ = close.send(true);
        })
        .await
}

/// The table of what is served, but for the admin door's.
fn endpoints() -> Vec<Endpoints<HttpDoor>> {
    vec![
        agent_self::endpoints(),
        agent_services::endpoints(),
        agent_checks::endpoints(),
        agent_connect::endpoints(),
        agent_health::endpoints(),
        agent_maintenance::endpoints(),
        agent_control::endpoints(),
        agent_monitor::endpoints(),
        catalog::endpoints(),
        catalog_register::endpoints(),
        health::endpoints(),
        config::endpoints(),
        intentions::endpoints(),
        kv::endpoints(),
        txn::endpoints(),
        connect_ca::endpoints(),
        internal::endpoints(),
        discovery_chain::endpoints(),
        ui::endpoints(),
        status::endpoints(),
        operator::endpoints(),
        operator_autopilot::endpoints(),
        snapshot::endpoints(),
        metrics::endpoints(),
        openapi::endpoints(),
        elsewhere::endpoints(),
        entrance::endpoints(),
    ]
}

/// Everything that is served over HTTP, described.
pub fn families() -> Vec<Family> {
    let own = endpoints().into_iter().map(|endpoints| endpoints.into_parts().0);
    own.chain([admin::endpoints().into_parts().0]).collect()
}

fn router(door: HttpDoor) -> Router {
    let unknown = measure::family("unknown", Router::new().fallback(reply::no_such_endpoint));
    let whole = endpoints().into_iter().fold(unknown, |whole, endpoints| whole.merge(measured(endpoints)));
    let admin = measured(admin::endpoints()).with_state(door.state.house.clone());
    whole.with_state(door).merge(admin)
}

fn measured<S: Clone + Send + Sync + 'static>(endpoints: Endpoints<S>) -> Router<S> {
    let (family, routes) = endpoints.into_parts();
    measure::family(family.name, routes.method_not_allowed_fallback(reply::method_not_allowed))
}

#[cfg(test)]
mod tests;
