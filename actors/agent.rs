//! `chancery agent`: the house with its doors, from a configuration to a clean end.

mod opening;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use chancery::authority::AuthorityError;
use chancery::catalog::{Registration, Settings, Write, query};
use chancery::model::{Check, CheckId, Entry, Node, NodeName, Service, ServiceId, Status, TrustDomain, UnixTime};

use crate::catalog::CommitError;
use crate::checks::{CurrentTrust, Trust};
use crate::config::{AgentConfig, AgentFlags, ConfigError};
use crate::controls::{Controls, Order};
use crate::doors::http::Process;
use crate::doors::listening::ListenAddress;
use crate::kit::{Cells, Clock, RippleLog};
use crate::log::Log;
use crate::metrics;
use crate::pem::CertificateError;
use crate::pid_file::PidFile;
use crate::scrape::{self, Scrape};
use crate::stores::{Embedded, Memory, Store, StoreError};
use crate::version::CONSUL_INTERFACE_VERSION;
use crate::wiring::{House, Plan};
use opening::Doors;

/// How long a stop by SIGTERM takes to send all clients away.
const DRAIN: Duration = Duration::from_secs(2);
/// How often samples of histograms are moved into their buckets.
const UPKEEP: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot listen on {address} for {door}: {error}; is another agent running? Choose another with {flag}")]
    Listen { door: &'static str, address: ListenAddress, flag: &'static str, error: std::io::Error },
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("{what}, from the configuration: {error}")]
    Configured { what: String, error: CommitError },
    #[error("connect.ca_config: {0}")]
    Root(#[from] AuthorityError),
    #[error("metrics cannot be installed: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    #[error("the gRPC door failed: {0}")]
    Grpc(#[from] tonic::transport::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Runs until a signal ends it.
pub async fn run(flags: AgentFlags) -> Result<(), AgentError> {
    let config = AgentConfig::load(&flags)?;
    let log = crate::log::install(&config.log_level, config.log_json);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let _pid_file = config.pid_file.as_deref().map(PidFile::write).transpose()?;
    raise_open_files();
    keep_pages_small();
    let handle = scrape::install()?;

    let threads = || -> Vec<Arbiter> { (0..config.threads.max(1)).map(|_| Arbiter::new()).collect() };
    let (streams, sources) = (threads(), threads());
    let house = open(&config, Cells::on(&streams), Cells::on(&sources)).await?;
    let scrape = Scrape::new(house.clone(), handle);
    let mut from_files = Configured::default();
    register_self(&house, &config).await?;
    from_files.apply(&house, &config).await?;

    let (controls, mut orders) = Controls::new();
    let process = Process { scrape: scrape.clone(), controls, monitors: Arc::clone(&log.monitors) };
    let doors = Doors::open(&house, &config, &process)?;
    tracing::info!(datacenter = %config.datacenter, node = %config.node_name, "Chancery is ready");

    let loading = Loading { flags: &flags, house: &house, log: &log, doors: &doors };
    let graceful = until_told(&loading, &mut orders, &mut from_files, &scrape).await?;
    if graceful {
        tracing::info!("draining: clients are sent away");
        house.streams.drain(DRAIN).await;
    }
    doors.close().await;
    for arbiter in streams.into_iter().chain(sources) {
        arbiter.stop();
        _ = arbiter.join();
    }
    tracing::info!("Chancery has ended");
    Ok(())
}

async fn open(config: &AgentConfig, cells: Cells, sources: Cells) -> Result<House, AgentError> {
    let store: Arc<dyn Store> = match &config.data_dir {
        Some(dir) => Arc::new(Embedded::open(dir)?),
        None => Arc::new(Memory::default()),
    };
    let cluster_id = config.cluster_id.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let trust_domain = TrustDomain::from(format!("{cluster_id}.consul"));
    let clock = Clock::system();
    let now = UnixTime(clock.unix_seconds());
    let first_root = config
        .first_root
        .as_ref()
        .map(|root| root.state(&trust_domain, config.lifetimes.root, now))
        .transpose()?
        .map(Arc::new);
    let check_trust = CurrentTrust::default();
    check_trust.set(config.check_tls.as_ref().map(Trust::of_agent).transpose()?);
    let plan = Plan {
        settings: Settings {
            datacenter: config.datacenter.clone(),
            default_intention: config.default_intention,
            sidecar_ports: config.sidecar_ports.clone(),
            exposed_ports: config.exposed_ports.clone(),
            mesh: config.mesh,
        },
        store,
        cells,
        sources,
        clock,
        trust_domain,
        first_root,
        lifetimes: config.lifetimes,
        node: config.node_name.clone(),
        checks: config.checks_run.clone(),
        check_trust,
        ripples: RippleLog::new(metrics::ripple_ended),
        xds: config.xds,
    };
    Ok(House::open(plan).await?)
}

/// What the configuration is read from, and what it changes.
struct Loading<'a> {
    flags: &'a AgentFlags,
    house: &'a House,
    log: &'a Log,
    doors: &'a Doors,
}

impl Loading<'_> {
    /// Reads the configuration again. What went wrong is logged, and returned.
    async fn again(&self, from_files: &mut Configured) -> Result<(), String> {
        let config = AgentConfig::load(self.flags).map_err(|error| {
            tracing::error!(%error, "the configuration stays as it was");
            error.to_string()
        })?;
        // all files are read before anything of them holds
        let check_tls = config.check_tls.as_ref().map(Trust::of_agent).transpose();
        let reloaded = check_tls.map_err(AgentError::from).and_then(|trust| {
            self.doors.reload(&config)?;
            self.house.checks.trust.set(trust);
            Ok(())
        });
        reloaded.map_err(|error: AgentError| {
            tracing::error!(%error, "the configuration stays as it was");
            error.to_string()
        })?;
        self.log.set(&config.log_level);
        self.house.checks.go_by(config.checks_run.clone());
        from_files.apply(self.house, &config).await.map_err(|error| {
            tracing::error!(%error, "the new configuration was not taken whole");
            error.to_string()
        })?;
        tracing::info!("the configuration was read again");
        Ok(())
    }
}

/// Handles signals and orders until one ends the agent. True: clients are to be sent away first.
async fn until_told(
    loading: &Loading<'_>,
    orders: &mut mpsc::Receiver<Order>,
    from_files: &mut Configured,
    scrape: &Scrape,
) -> Result<bool, AgentError> {
    let [mut hangup, mut terminate, mut interrupt]: [Signal; 3] =
        [signal(SignalKind::hangup())?, signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    let mut upkeep = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(true),
            _ = interrupt.recv() => return Ok(false),
            _ = upkeep.tick() => scrape.upkeep(),
            // why it failed is in the log
            _ = hangup.recv() => { _ = loading.again(from_files).await; }
            Some(order) = orders.recv() => match order {
                Order::Reload(told) => _ = told.send(loading.again(from_files).await),
                Order::Leave => return Ok(true),
            },
        }
    }
}

/// The soft limit of open files becomes the hard one: each proxy takes one.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::warn!(%error, "the limit of open files stays at {:?}", limit.current);
    }
}

/// Memory grows in small pages: huge ones, which the kernel hands out by default, stay mostly empty here and cost a fifth
/// of the memory per proxy and a third of the time of a storm of connects, to be cleared.
fn keep_pages_small() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "transparent huge pages stay on");
    }
}

/// The agent is a node of its own catalog, with the check and the service that clients of Consul look for.
async fn register_self(house: &House, config: &AgentConfig) -> Result<(), AgentError> {
    let tables = house.catalog.tables();
    let known = query::node(&tables, &config.node_name);
    let id = config
        .node_id
        .clone()
        .or_else(|| known.map(|node| node.id.clone()).filter(|id| !id.is_empty()))
        .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let address = config.advertise_addr.to_string();
    let version = if config.advertise_addr.is_ipv4() { "ipv4" } else { "ipv6" };
    let tags = ["lan".to_owned(), format!("lan_{version}"), "wan".to_owned(), format!("wan_{version}")];
    let tagged = tags.map(|tag| (tag, address.clone()));
    let mut meta = config.node_meta.clone();
    meta.insert("consul-network-segment".to_owned(), String::new());
    meta.insert("consul-version".to_owned(), CONSUL_INTERFACE_VERSION.to_owned());
    let node = Node {
        id,
        name: config.node_name.clone(),
        address,
        tagged_addresses: tagged.into(),
        meta,
        locality: config.locality.clone(),
        ..Default::default()
    };
    let service = Service {
        node: config.node_name.clone(),
        id: ServiceId::from("consul"),
        name: "consul".into(),
        port: 8300,
        ..Default::default()
    };
    let registration = Registration { service, checks: Vec::new(), sidecar: None, replace_existing_checks: false };
    let write = Write::Batch(vec![
        Write::RegisterNode(node),
        Write::RegisterService(Box::new(registration)),
        Write::RegisterCheck(serf_health(&config.node_name)),
    ]);
    house
        .catalog
        .commit(write)
        .await
        .map_err(|error| AgentError::Configured { what: "the agent's own node".to_owned(), error })?;
    Ok(())
}

fn serf_health(node: &NodeName) -> Check {
    Check {
        node: node.clone(),
        id: CheckId::from("serfHealth"),
        name: "Serf Health Status".to_owned(),
        status: Status::Passing,
        notes: String::new(),
        output: "Agent alive and reachable".to_owned(),
        service_id: ServiceId::default(),
        service_name: chancery::model::ServiceName::default(),
        service_tags: Vec::new(),
        exposed: None,
        definition: None,
        create_index: chancery::model::Index::default(),
        modify_index: chancery::model::Index::default(),
    }
}

/// What came from configuration files, so that a reload can take away what is no longer there.
#[derive(Default)]
struct Configured {
    services: BTreeSet<ServiceId>,
    checks: BTreeSet<CheckId>,
}

impl Configured {
    async fn apply(&mut self, house: &House, config: &AgentConfig) -> Result<(), AgentError> {
        let commit = async |what: String, write: Write| {
            house.catalog.commit(write).await.map_err(|error| AgentError::Configured { what, error })
        };
        // as in Consul, an entry that exists already is left as it is: somebody may have changed it since
        let tables = house.catalog.tables();
        let new = config.entries.iter().filter(|entry| query::entry(&tables, &entry.key()).is_none());
        let put = |entry: &Entry| Write::PutEntry { entry: entry.clone(), cas: None };
        // together, so that they may lean on one another in any order
        let writes: Vec<Write> = new.map(put).collect();
        if !writes.is_empty() {
            commit("config entries".to_owned(), Write::Batch(writes)).await?;
        }
        let mut services = BTreeSet::new();
        for registration in &config.services {
            let id = registration.service.id.clone();
            services.insert(id.clone());
            commit(format!("service {id}"), Write::RegisterService(Box::new(registration.clone()))).await?;
        }
        let mut checks = BTreeSet::new();
        for check in &config.checks {
            checks.insert(check.id.clone());
            commit(format!("check {}", check.id), Write::RegisterCheck(check.clone())).await?;
        }
        let node = &config.node_name;
        for id in std::mem::replace(&mut self.services, services).difference(&self.services) {
            let write = Write::DeregisterService { node: node.clone(), id: id.clone() };
            commit(format!("service {id}, which is gone"), write).await?;
        }
        for id in std::mem::replace(&mut self.checks, checks).difference(&self.checks) {
            let write = Write::DeregisterCheck { node: node.clone(), id: id.clone() };
            commit(format!("check {id}, which is gone"), write).await?;
        }
        Ok(())
    }
}
