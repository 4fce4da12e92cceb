//! The checks with a real catalog, in virtual time.

mod periodic;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::task::LocalSet;
use tokio::time::sleep;

use chancery::catalog::{Change, Record, Registration, Settings, Tables};
use chancery::model::{Action, CheckDefinition, Datacenter, Index, Node, Service, ServiceId, ServiceName};

use super::fixtures::{check, definition};
use super::prober::{Found, Question};
use super::*;
use crate::catalog::{Catalog, CatalogParts};
use crate::kit::ripple::RippleLog;
use crate::stores::{Memory, Store as _};

/// Answers what it is told to, after as long as it is told to, and notes when it was asked.
struct Scripted {
    answer: Mutex<(Status, Duration)>,
    asked: Mutex<Vec<Instant>>,
    /// Says each time how often it was asked.
    counts: AtomicBool,
}

impl Scripted {
    fn answer(&self, status: Status, after: Duration) {
        *self.answer.lock().unwrap() = (status, after);
    }

    fn count(&self) {
        self.counts.store(true, Ordering::Relaxed);
    }

    fn asked(&self) -> Vec<Instant> {
        self.asked.lock().unwrap().clone()
    }
}

impl Prober for Scripted {
    fn ask(&self, question: Arc<Question>) -> BoxFuture<'static, Found> {
        self.asked.lock().unwrap().push(Instant::now());
        let (status, after) = *self.answer.lock().unwrap();
        let counts = self.counts.load(Ordering::Relaxed);
        let run = if counts { format!(", run {}", self.asked().len()) } else { String::new() };
        async move {
            sleep(after).await;
            Found { status, output: format!("{} says {status}{run}", question.target.kind()) }
        }
        .boxed()
    }
}

struct World {
    catalog: CatalogHandle,
    checks: Checks,
    desk: Arc<Desk>,
    prober: Arc<Scripted>,
}

fn node() -> Node {
    Node { name: NodeName::from("n1"), address: "10.0.0.1".to_owned(), ..Node::default() }
}

fn service(id: &str) -> Service {
    Service {
        node: NodeName::from("n1"),
        id: ServiceId::from(id),
        name: ServiceName::from(id),
        port: 80,
        ..Service::default()
    }
}

fn ttl(after: Duration) -> Option<CheckDefinition> {
    Some(definition(Probe::Ttl(after)))
}

fn alias_of(service: &str) -> Option<CheckDefinition> {
    Some(definition(Probe::Alias { node: NodeName::default(), service: ServiceId::from(service) }))
}

fn tcp(interval: Duration) -> CheckDefinition {
    CheckDefinition { interval, ..fixtures::tcp("10.0.0.1:80") }
}

const SECOND: Duration = Duration::from_secs(1);

impl World {
    /// Runs the story in a world whose store has the records.
    async fn run<F: Future<Output = ()>>(records: Vec<Record>, story: impl FnOnce(World) -> F) {
        LocalSet::new()
            .run_until(async {
                let world = Self::open(records).await;
                story(world).await;
            })
            .await;
    }

    async fn open(records: Vec<Record>) -> Self {
        let store = Memory::new();
        let records = std::iter::once(Record::Node(Arc::new(node()))).chain(records);
        store.commit(Index(1), records.map(Change::Put).collect()).await.unwrap();
        let settings = Settings {
            datacenter: Datacenter::from("dc1"),
            default_intention: Action::Allow,
            sidecar_ports: chancery::catalog::SIDECAR_PORTS,
            exposed_ports: chancery::catalog::EXPOSED_PORTS,
            mesh: true,
        };
        let loaded = store.load().await.unwrap();
        let tables = Tables::load(settings.clone(), loaded.index, loaded.records);
        let catalog = CatalogHandle { seat: Seat::default(), published: Arc::new(ArcSwap::from_pointee(tables)) };
        let (desk, cells, places) = (Desk::new(), Cells::here(), Bell::new());
        Catalog::start(
            &Arc::new(CatalogParts {
                settings,
                store: Arc::new(store),
                published: Arc::clone(&catalog.published),
                bell: Arc::clone(&places),
                seat: catalog.seat.clone(),
                desk: Arc::clone(&desk),
                cells: cells.clone(),
                ripples: RippleLog::new(|_| {}),
            }),
            0,
        );
        let answer = Mutex::new((Status::Passing, Duration::ZERO));
        let prober = Arc::new(Scripted { answer, asked: Mutex::default(), counts: AtomicBool::new(false) });
        let (node, desk_of_world) = (NodeName::from("n1"), Arc::clone(&desk));
        let settings = CheckSettings::default();
        let parts = ChecksParts {
            catalog: catalog.clone(),
            places,
            node,
            settings,
            trust: CurrentTrust::default(),
            desk,
            cells,
        };
        let checks = Checks::start_with(parts, Arc::clone(&prober) as Arc<dyn Prober>);
        Self { catalog, checks, desk: desk_of_world, prober }
    }

    async fn register(&self, service: Service, checks: Vec<Check>) {
        let registration = Registration { service, checks, sidecar: None, replace_existing_checks: false };
        self.catalog.commit(Write::RegisterService(Box::new(registration))).await.unwrap();
        settle().await;
    }

    async fn report(&self, id: &str, status: Status) {
        self.checks.report(CheckId::from(id), status, format!("says {status}")).await.unwrap();
    }

    fn known(&self, id: &str) -> (Status, String) {
        let known = self.checks.parts.known(&CheckId::from(id)).expect("the check is registered");
        (known.status, known.output.clone())
    }

    fn status(&self, id: &str) -> Status {
        self.known(id).0
    }
}

/// Lets everybody finish what can be done now.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn silence_for_longer_than_its_ttl_makes_a_check_critical_and_a_report_brings_it_back() {
    World::run(vec![], async |world| {
        world.register(service("web"), vec![check("alive", "web", ttl(10 * SECOND))]).await;
        for _ in 0..3 {
            world.report("alive", Status::Passing).await;
            sleep(9 * SECOND).await;
            assert_eq!(world.status("alive"), Status::Passing);
        }
        sleep(2 * SECOND).await;
        let output = "TTL expired (last output before timeout follows): says passing".to_owned();
        assert_eq!(world.known("alive"), (Status::Critical, output));
        sleep(100 * SECOND).await;
        world.report("alive", Status::Warning).await;
        assert_eq!(world.known("alive"), (Status::Warning, "says warning".to_owned()));
        sleep(11 * SECOND).await;
        assert_eq!(world.status("alive"), Status::Critical);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_the_stored_status_stays_and_the_full_ttl_begins() {
    let stored = Check { status: Status::Passing, ..check("alive", "web", ttl(10 * SECOND)) };
    World::run(vec![Record::Service(Arc::new(service("web"))), Record::Check(Arc::new(stored))], async |world| {
        sleep(9 * SECOND).await;
        assert_eq!(world.status("alive"), Status::Passing);
        sleep(2 * SECOND).await;
        assert_eq!(world.status("alive"), Status::Critical);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_report_for_what_has_no_ttl_is_refused() {
    World::run(vec![], async |world| {
        world.register(service("web"), vec![check("port", "web", Some(tcp(10 * SECOND)))]).await;
        let report = async |id: &str| {
            let error = world.checks.report(CheckId::from(id), Status::Passing, String::new()).await.unwrap_err();
            (error.status(), error.to_string())
        };
        let unknown = "Unknown check ID \"nope\". Ensure that the check ID is passed, not the check name.";
        assert_eq!(report("nope").await, (404, unknown.to_owned()));
        assert_eq!(report("port").await.0, 400);
        assert_eq!(world.status("port"), Status::Critical);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_long_report_is_kept_to_its_size() {
    World::run(vec![], async |world| {
        let small = CheckDefinition { output_max_size: 4, ..definition(Probe::Ttl(SECOND)) };
        world.register(service("web"), vec![check("alive", "web", Some(small))]).await;
        world.report("alive", Status::Passing).await;
        assert_eq!(world.known("alive").1, "says ... (captured 4 of 12 bytes)");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_alias_follows_at_once() {
    World::run(vec![], async |world| {
        world.register(service("web"), vec![check("alive", "web", ttl(3600 * SECOND))]).await;
        world.register(service("proxy"), vec![check("mirror", "proxy", alias_of("web"))]).await;
        let failing = "Aliased check \"alive\" failing: says warning".to_owned();
        let began = Instant::now();
        for (status, output) in [
            (Status::Passing, "All checks passing.".to_owned()),
            (Status::Warning, failing),
            (Status::Passing, "All checks passing.".to_owned()),
        ] {
            world.report("alive", status).await;
            settle().await;
            assert_eq!(world.known("mirror"), (status, output));
        }
        // back and forth before anybody looks: the last word counts
        world.report("alive", Status::Critical).await;
        world.report("alive", Status::Passing).await;
        settle().await;
        assert_eq!(world.status("mirror"), Status::Passing);
        assert_eq!(began.elapsed(), Duration::ZERO);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_alias_says_no_more_than_it_may() {
    World::run(vec![], async |world| {
        let short = CheckDefinition { output_max_size: 13, ..alias_of("web").unwrap() };
        world.register(service("web"), vec![check("alive", "web", ttl(3600 * SECOND))]).await;
        world.register(service("proxy"), vec![check("mirror", "proxy", Some(short))]).await;
        world.report("alive", Status::Warning).await;
        settle().await;
        assert_eq!(world.known("mirror").1, "Aliased check ... (captured 13 of 43 bytes)");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_alias_waits_for_an_instance_that_comes_later_and_sees_it_go() {
    World::run(vec![], async |world| {
        world.register(service("proxy"), vec![check("mirror", "proxy", alias_of("web"))]).await;
        let missing = (Status::Critical, "Service web could not be found on node n1".to_owned());
        assert_eq!(world.known("mirror"), missing);
        world.register(service("web"), vec![]).await;
        assert_eq!(world.known("mirror"), (Status::Passing, "No checks found.".to_owned()));
        // the node's own checks count too
        let of_node = Check { status: Status::Warning, ..check("disk", "", None) };
        world.catalog.commit(Write::RegisterCheck(of_node)).await.unwrap();
        settle().await;
        assert_eq!(world.status("mirror"), Status::Warning);
        let gone = Write::DeregisterService { node: NodeName::from("n1"), id: ServiceId::from("web") };
        world.catalog.commit(gone).await.unwrap();
        settle().await;
        assert_eq!(world.known("mirror"), missing);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_active_check_runs_first_within_its_interval_and_then_every_interval() {
    World::run(vec![], async |world| {
        let began = Instant::now();
        world.register(service("web"), vec![check("port", "web", Some(tcp(10 * SECOND)))]).await;
        sleep(10 * SECOND).await;
        assert_eq!(world.known("port"), (Status::Passing, "tcp says passing".to_owned()));
        world.prober.answer(Status::Critical, Duration::ZERO);
        sleep(30 * SECOND).await;
        assert_eq!(world.status("port"), Status::Critical);
        let asked = world.prober.asked();
        assert!(asked[0] - began < 10 * SECOND);
        assert_eq!(asked.len(), 4);
        assert!(asked.windows(2).all(|pair| (pair[1] - pair[0]).as_secs() == 10), "{asked:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_run_is_never_joined_by_another() {
    World::run(vec![], async |world| {
        world.prober.answer(Status::Passing, 25 * SECOND);
        world.register(service("web"), vec![check("port", "web", Some(tcp(10 * SECOND)))]).await;
        sleep(100 * SECOND).await;
        let asked = world.prober.asked();
        assert!(asked.len() >= 3);
        assert!(asked.windows(2).all(|pair| (pair[1] - pair[0]).as_secs() == 35), "{asked:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_no_news_is_not_written() {
    World::run(vec![], async |world| {
        world.register(service("web"), vec![check("port", "web", Some(tcp(SECOND)))]).await;
        sleep(5 * SECOND).await;
        let index = world.catalog.tables().index();
        sleep(50 * SECOND).await;
        assert!(world.prober.asked().len() > 50);
        assert_eq!(world.catalog.tables().index(), index);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_stays_critical_for_too_long_is_deregistered() {
    World::run(vec![], async |world| {
        let reaped = CheckDefinition {
            // less than the least: a minute it is
            deregister_critical_service_after: 5 * SECOND,
            ..definition(Probe::Ttl(3600 * SECOND))
        };
        world.register(service("web"), vec![check("alive", "web", Some(reaped))]).await;
        let there = || query::service(&world.catalog.tables(), &"n1".into(), &"web".into()).is_some();
        sleep(50 * SECOND).await;
        world.report("alive", Status::Passing).await;
        sleep(600 * SECOND).await;
        world.report("alive", Status::Critical).await;
        sleep(59 * SECOND).await;
        assert!(there());
        sleep(2 * SECOND).await;
        assert!(!there());
        settle().await;
        assert_eq!(world.desk.count("TtlCheck"), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn there_is_one_child_for_each_check_with_a_definition() {
    World::run(vec![], async |world| {
        let (n1, slow, fast) = (NodeName::from("n1"), 100 * SECOND, SECOND);
        world.register(service("web"), vec![check("port", "web", Some(tcp(slow))), check("theirs", "web", None)]).await;
        assert_eq!(world.desk.count("ActiveCheck"), 1);
        // found by nobody: another way to run it takes effect
        world.register(service("web"), vec![check("port", "web", Some(tcp(fast)))]).await;
        sleep(10 * SECOND).await;
        assert_eq!(world.desk.count("ActiveCheck"), 1);
        assert!(world.prober.asked().len() >= 9);
        world.register(service("web"), vec![check("port", "web", ttl(slow))]).await;
        assert_eq!((world.desk.count("ActiveCheck"), world.desk.count("TtlCheck")), (0, 1));
        world.catalog.commit(Write::DeregisterCheck { node: n1, id: CheckId::from("port") }).await.unwrap();
        settle().await;
        assert_eq!((world.desk.count("ActiveCheck"), world.desk.count("TtlCheck")), (0, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_panics_is_rebuilt() {
    World::run(vec![], async |world| {
        world.register(service("web"), vec![check("port", "web", Some(tcp(SECOND)))]).await;
        for _ in 0..3 {
            world.desk.get("ActiveCheck", "port").expect("it runs").fail_next();
            sleep(3 * SECOND).await;
        }
        assert_eq!(world.desk.get("ActiveCheck", "port").expect("it runs again").read().restarts, 3);
        assert_eq!(world.status("port"), Status::Passing);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_panics_comes_back_with_its_children() {
    World::run(vec![], async |world| {
        world.register(service("web"), vec![check("alive", "web", ttl(10 * SECOND))]).await;
        world.report("alive", Status::Passing).await;
        settle().await;
        world.desk.get("CheckRegistry", "").expect("it runs").fail_next();
        world.register(service("api"), vec![check("port", "api", Some(tcp(SECOND)))]).await;
        sleep(5 * SECOND).await;
        assert_eq!((world.desk.count("ActiveCheck"), world.desk.count("TtlCheck")), (1, 1));
        assert_eq!((world.status("alive"), world.status("port")), (Status::Passing, Status::Passing));
        sleep(10 * SECOND).await;
        assert_eq!(world.status("alive"), Status::Critical);
    })
    .await;
}
