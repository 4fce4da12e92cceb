//! The scenarios: what happens, what is waited for, what is noted.

mod round;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, sleep_until};

use self::round::{Begin, since};
use super::SwarmError;
use super::api::{Api, ApiConnection};
use super::board::{Expected, Moment};
use super::bystander::{Bystander, Waits};
use super::flags::{Scenario, SwarmFlags};
use super::fleet::Fleet;
use super::mark::{Mark, Marks, SLOTS};
use super::mesh::{Mesh, Setup};
use super::messages::Kind;
use super::node::NodeTemplate;
use super::process::Process;
use super::progress::Progress;
use super::report::{Report, Row};
use super::spread::Spread;
use super::stream::Target;

/// Connections at once that the server has not taken yet: a listener's queue is often no longer than 1024.
const CONNECTING: usize = 512;
/// How often it is looked whether a round is over. The times themselves are taken by the Envoys.
const LOOK: Duration = Duration::from_millis(2);
/// A server that says nothing for so long has said everything.
const SILENCE: Duration = Duration::from_millis(500);
const REPOSE: Duration = Duration::from_secs(20);
/// Of the Envoys that do not read in [`Scenario::Slow`].
const SLOW_SHARE: usize = 10;
/// What the mesh-wide changes set, and one more with each round.
const FIRST_CONNECT_TIMEOUT_MS: u32 = 6001;

pub struct Run<'a> {
    flags: &'a SwarmFlags,
    mesh: Mesh,
    /// Nothing when nothing is ever written.
    api: Option<Api>,
    fleet: Fleet,
    server: Option<Process>,
    /// Of the server before anything was there.
    resident_at_first: Option<u64>,
    progress: Progress,
    /// Changes that were made.
    changes: usize,
    mesh_wide_changes: u32,
    connected: bool,
    report: Report,
}

impl<'a> Run<'a> {
    /// Registers what the Envoys stand beside.
    pub async fn begin(flags: &'a SwarmFlags) -> Result<Self, SwarmError> {
        let mesh = Mesh { setup: flags.setup, prefix: flags.prefix.clone() };
        let address = match flags.setup {
            Setup::Consul => Some(&flags.http_addr),
            Setup::None => flags.trigger.as_ref(),
        };
        let api = address.map(|address| Api::new(address, flags.token.clone())).transpose()?;
        let proxies = flags.proxies as usize;
        let target = Target {
            address: flags.xds_addr,
            dialect: flags.dialect,
            token: flags.token.clone(),
            connecting: tokio::sync::Semaphore::new(CONNECTING),
        };
        let nodes = NodeTemplate::new(flags.node_bytes as usize);
        let fleet = {
            let mesh = mesh.clone();
            Fleet::new((0..proxies).map(move |at| mesh.service(at)), target, nodes, flags.client_threads as usize)?
        };
        let server = match flags.server_pid {
            Some(pid) => Some(Process { pid }),
            None => Process::listening_on(flags.xds_addr.port()),
        };
        let report = Report {
            proxies,
            dialect: format!("{:?}", flags.dialect).to_lowercase(),
            xds_addr: flags.xds_addr.to_string(),
            node_bytes: flags.node_bytes,
            ..Report::default()
        };
        let mut run = Self {
            flags,
            mesh,
            api,
            fleet,
            server,
            resident_at_first: server.and_then(Process::resident_bytes),
            progress: Progress::new(),
            changes: 0,
            mesh_wide_changes: 0,
            connected: false,
            report,
        };
        if flags.setup == Setup::Consul {
            run.register().await?;
        }
        Ok(run)
    }

    /// All scenarios, then the end of what was registered.
    pub async fn through(mut self) -> Result<Report, SwarmError> {
        for scenario in &self.flags.scenarios {
            if !self.connected && *scenario != Scenario::Connect {
                self.connect("connect").await;
            }
            match scenario {
                Scenario::Connect | Scenario::Reconnect => self.connect(scenario.name()).await,
                Scenario::Endpoint => self.endpoint().await?,
                Scenario::Burst => self.burst("burst").await?,
                Scenario::Churn => self.churn().await?,
                Scenario::MeshWide => self.mesh_wide().await?,
                Scenario::Slow => self.slow().await?,
                Scenario::Beside => self.beside().await?,
                Scenario::Idle => self.idle().await,
            }
            self.fleet.settle(SILENCE, REPOSE).await;
        }
        self.fleet.disconnect().await;
        self.deregister().await?;
        self.progress.clear();
        self.report.failure = self.fleet.board.failure();
        Ok(self.report)
    }

    async fn register(&mut self) -> Result<(), SwarmError> {
        let Some(api) = &self.api else { return Ok(()) };
        api.connect().await?.call(&self.mesh.first_call()).await?;
        let (mesh, proxies) = (self.mesh.clone(), self.fleet.len());
        let (begin, started) = (self.begin_round(), Instant::now());
        self.call_all("register", proxies, (0..proxies).map(move |at| mesh.service_call(at))).await?;
        let writes_per_second = Some(per_second(proxies, started.elapsed()));
        let row = Row { reached: proxies, writes_per_second, ..Row::default() };
        self.end_round("register".to_owned(), &begin, row).await;
        Ok(())
    }

    async fn deregister(&self) -> Result<(), SwarmError> {
        let Some(api) = self.api.as_ref().filter(|_| self.flags.setup == Setup::Consul && !self.flags.keep) else {
            return Ok(());
        };
        if self.mesh_wide_changes > 0 {
            api.connect().await?.call(&self.mesh.mesh_wide_end()).await?;
        }
        let slots = (1..=self.changes).map(|number| number % SLOTS).take(SLOTS).collect();
        let proxies = self.fleet.len();
        self.call_all("deregister", proxies, self.mesh.end_calls(proxies, slots)).await
    }

    async fn call_all(
        &self,
        what: &str,
        number: usize,
        calls: impl Iterator<Item = super::api::Call> + Send + 'static,
    ) -> Result<(), SwarmError> {
        let Some(api) = &self.api else { return Ok(()) };
        let done = Arc::new(AtomicU64::new(0));
        let counted = {
            let done = Arc::clone(&done);
            move || _ = done.fetch_add(1, Relaxed)
        };
        let all = api.call_all(calls, self.flags.api_connections as usize, counted);
        let mut all = std::pin::pin!(all);
        loop {
            tokio::select! {
                result = &mut all => return result,
                () = sleep(LOOK * 50) => self.progress.show(what, done.load(Relaxed), number),
            }
        }
    }

    /// All connect; those that were connected before say what they hold.
    async fn connect(&mut self, name: &str) {
        if self.connected {
            self.fleet.disconnect().await;
            // the server shall have noticed
            sleep(SILENCE * 2).await;
        }
        self.connected = true;
        self.fleet.board.expect_sync();
        let begin = self.begin_round();
        self.fleet.connect();
        let board = Arc::clone(&self.fleet.board);
        self.wait_for(name, || board.totals.in_sync.load(Relaxed), self.fleet.len(), true).await;
        // a server that has nothing to say to a client says nothing, unless it answers the sentinel
        let silent_is_fine = name == Scenario::Reconnect.name();
        let moments = board.places.iter().filter_map(|place| {
            place.moment(Moment::InSync).or_else(|| place.moment(Moment::LastWord).filter(|_| silent_is_fine))
        });
        let times = since(&begin, moments);
        let row = Row { reached: times.len(), received: Spread::of(times), ..Row::default() };
        self.end_round(name.to_owned(), &begin, row).await;
    }

    async fn endpoint(&mut self) -> Result<(), SwarmError> {
        let mut connection = self.connection().await?;
        for round in 1..=self.flags.rounds {
            let mark = self.next_mark();
            let mut expected = Marks::default();
            expected.add(mark);
            self.fleet.board.expect(Expected::Changes(expected));
            let begin = self.begin_round();
            let call = self.mesh.change_call(mark);
            self.one_change(format!("endpoint {round}"), &begin, &mut connection, &call).await?;
        }
        Ok(())
    }

    async fn mesh_wide(&mut self) -> Result<(), SwarmError> {
        let mut connection = self.connection().await?;
        for round in 1..=self.flags.rounds {
            self.fleet.board.expect(Expected::Resource(Kind::Cluster));
            let begin = self.begin_round();
            let call = self.mesh.mesh_wide_call(FIRST_CONNECT_TIMEOUT_MS + self.mesh_wide_changes);
            self.mesh_wide_changes += 1;
            self.one_change(format!("mesh-wide {round}"), &begin, &mut connection, &call).await?;
        }
        Ok(())
    }

    async fn one_change(
        &mut self,
        name: String,
        begin: &Begin,
        connection: &mut ApiConnection,
        call: &super::api::Call,
    ) -> Result<(), SwarmError> {
        let sent = Instant::now();
        connection.call(call).await?;
        let write_ms = Some(sent.elapsed().as_secs_f64() * 1e3);
        self.wait_for_acknowledgements(&name, self.fleet.len()).await;
        let row = Row { write_ms, ..self.arrivals(begin, |_| true) };
        self.end_round(name, begin, row).await;
        Ok(())
    }

    /// Changes as fast as the server takes them. A round ends when each Envoy has the last of them.
    async fn burst(&mut self, name: &str) -> Result<(), SwarmError> {
        let begin = self.expect_burst();
        let changes = self.make_changes(self.flags.changes as usize, None).await?;
        self.wait_for_acknowledgements(name, self.fleet.len()).await;
        let row = Row { writes_per_second: Some(changes), ..self.arrivals(&begin, |_| true) };
        self.end_round(name.to_owned(), &begin, row).await;
        Ok(())
    }

    fn expect_burst(&self) -> Begin {
        let mut expected = Marks::default();
        (1..=self.flags.changes as usize).for_each(|change| expected.add(Mark::new(self.changes + change)));
        self.fleet.board.expect(Expected::Changes(expected));
        self.begin_round()
    }

    /// Changes at a rate; every arrival of every change is counted.
    async fn churn(&mut self) -> Result<(), SwarmError> {
        let board = Arc::clone(&self.fleet.board);
        let begin = self.begin_round();
        board.changes.start();
        let number = self.flags.changes_of(Scenario::Churn);
        let rate = self.make_changes(number, Some(self.flags.rate)).await?;
        self.fleet.settle(SILENCE, self.flags.patience()).await;
        board.changes.stop();
        let expected = number as u64 * self.fleet.len() as u64;
        let streams = self.fleet.len();
        // a stream counts as reached when all are: a change is no stream's own
        let reached = if board.changes.len() >= expected { streams } else { 0 };
        let row = Row { reached, received: board.changes.spread(), writes_per_second: Some(rate), ..Row::default() };
        self.end_round("churn".to_owned(), &begin, row).await;
        Ok(())
    }

    /// Every tenth does not read: how the others fare, and then how it catches up.
    async fn slow(&mut self) -> Result<(), SwarmError> {
        let board = Arc::clone(&self.fleet.board);
        let is_slow = |at: usize| at.is_multiple_of(SLOW_SHARE);
        let slow = (0..self.fleet.len()).filter(|at| is_slow(*at)).count();
        let begin = self.expect_burst();
        (0..self.fleet.len()).filter(|at| is_slow(*at)).for_each(|at| board.places[at].stop());
        let changes = self.make_changes(self.flags.changes as usize, None).await?;
        self.wait_for_acknowledgements("slow", self.fleet.len() - slow).await;
        let others = self.arrivals(&begin, |at| !is_slow(at));
        let row = Row { streams: self.fleet.len() - slow, writes_per_second: Some(changes), ..others };
        self.end_round("slow: others".to_owned(), &begin, row).await;
        let begin = self.begin_round();
        board.places.iter().for_each(super::board::Place::go_on);
        self.wait_for_acknowledgements("slow", self.fleet.len()).await;
        let row = Row { streams: slow, ..self.arrivals(&begin, is_slow) };
        self.end_round("slow: catch up".to_owned(), &begin, row).await;
        Ok(())
    }

    /// A change for all, and while it goes out, writes and reads that have nothing to do with it.
    async fn beside(&mut self) -> Result<(), SwarmError> {
        let api = self.api.as_ref().ok_or_else(nowhere)?;
        let mut bystander = Bystander::begin(api, self.mesh.clone()).await?;
        let mut connection = api.connect().await?;
        let mut begin = self.begin_round();
        for _ in 0..self.flags.rounds {
            let mark = self.next_mark();
            let mut expected = Marks::default();
            expected.add(mark);
            self.fleet.board.expect(Expected::Changes(expected));
            let call = self.mesh.change_call(mark);
            let is_out = Cell::new(false);
            let change = async {
                let answer = connection.call(&call).await;
                self.wait_for_acknowledgements("beside", self.fleet.len()).await;
                is_out.set(true);
                answer
            };
            let (change, work) = tokio::join!(change, bystander.work(|| is_out.get()));
            change.and(work.map(|()| Bytes::new()))?;
        }
        let Waits { written, read } = std::mem::take(&mut bystander.waits);
        for (name, times) in [("beside: write", written), ("beside: blocking read", read)] {
            let row = Row { streams: times.len(), reached: times.len(), received: Spread::of(times), ..Row::default() };
            self.end_round(name.to_owned(), &begin, row).await;
            begin = self.begin_round();
        }
        bystander.end().await
    }

    async fn idle(&mut self) {
        let begin = self.begin_round();
        let end = Instant::now() + self.flags.duration();
        sleep_until(end).await;
        let row = Row { reached: self.fleet.len(), ..Row::default() };
        self.end_round("idle".to_owned(), &begin, row).await;
    }

    /// Registers instances of the upstream over several connections, those of one slot in their order. Gives the rate at
    /// which it was done.
    async fn make_changes(&mut self, number: usize, rate: Option<u32>) -> Result<f64, SwarmError> {
        let lanes = (self.flags.api_connections as usize).min(SLOTS);
        let marks: Vec<Mark> = (0..number).map(|_| self.next_mark()).collect();
        let start = Instant::now();
        let mut workers = tokio::task::JoinSet::new();
        for lane in 0..lanes {
            let mut connection = self.connection().await?;
            let (mesh, board) = (self.mesh.clone(), Arc::clone(&self.fleet.board));
            let own = marks.iter().copied().enumerate().filter(|(_, mark)| mark.slot() % lanes == lane);
            let own: Vec<(usize, Mark)> = own.collect();
            workers.spawn(async move {
                for (at, mark) in own {
                    if let Some(rate) = rate {
                        sleep_until(start + Duration::from_secs(1).mul_f64(ratio(at) / f64::from(rate))).await;
                    }
                    board.begin(mark);
                    connection.call(&mesh.change_call(mark)).await?;
                }
                Ok::<_, SwarmError>(())
            });
        }
        while let Some(worker) = workers.join_next().await {
            worker.map_err(|error| SwarmError::Usage(error.to_string()))??;
        }
        Ok(per_second(number, start.elapsed()))
    }

    async fn connection(&self) -> Result<ApiConnection, SwarmError> {
        self.api.as_ref().ok_or_else(nowhere)?.connect().await
    }

    fn next_mark(&mut self) -> Mark {
        self.changes += 1;
        Mark::new(self.changes)
    }
}

fn nowhere() -> SwarmError {
    SwarmError::Usage("there is nowhere to make changes: give --trigger".to_owned())
}

#[allow(clippy::cast_precision_loss, reason = "counts of one run are far below 53 bits")]
fn ratio(number: usize) -> f64 {
    number as f64
}

fn per_second(number: usize, time: Duration) -> f64 {
    ratio(number) / time.as_secs_f64()
}
