//! All simulated Envoys and the threads they run on.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::SwarmError;
use super::board::Board;
use super::content::Contents;
use super::envoy::Envoy;
use super::mark::Marks;
use super::node::NodeTemplate;
use super::stream::{Memory, Speaker, Target};

/// How long an Envoy whose stream ended waits before it connects again.
const BACK_OFF: Duration = Duration::from_millis(500);

pub struct Fleet {
    pub board: Arc<Board>,
    target: Arc<Target>,
    nodes: Arc<NodeTemplate>,
    members: Vec<Arc<Member>>,
    threads: Vec<Thread>,
    streams: Vec<JoinHandle<()>>,
}

struct Member {
    at: usize,
    /// The service; its proxy's name is made from it.
    service: String,
    memory: Mutex<Memory>,
}

struct Thread {
    runtime: Handle,
    contents: Arc<Mutex<Contents>>,
    /// Dropped when it shall end.
    _running: oneshot::Sender<()>,
}

impl Fleet {
    /// # Errors
    /// When the system gives no thread.
    pub fn new(
        services: impl Iterator<Item = String>,
        target: Target,
        nodes: NodeTemplate,
        threads: usize,
    ) -> Result<Self, SwarmError> {
        let member = |(at, service)| {
            let memory = Mutex::new(Memory { envoy: Envoy::new(target.dialect), marks: Marks::default() });
            Arc::new(Member { at, service, memory })
        };
        let members: Vec<Arc<Member>> = services.enumerate().map(member).collect();
        Ok(Self {
            board: Arc::new(Board::new(members.len())),
            target: Arc::new(target),
            nodes: Arc::new(nodes),
            members,
            threads: (0..threads).map(|_| Thread::start()).collect::<Result<_, _>>()?,
            streams: Vec::new(),
        })
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// All connect, those that were connected before with what they hold.
    pub fn connect(&mut self) {
        let threads = self.threads.iter().cycle();
        let streams = self.members.iter().zip(threads).map(|(member, thread)| {
            let (member, board) = (Arc::clone(member), Arc::clone(&self.board));
            let (target, nodes) = (Arc::clone(&self.target), Arc::clone(&self.nodes));
            let contents = Arc::clone(&thread.contents);
            thread.runtime.spawn(async move {
                let speaker = Speaker {
                    at: member.at,
                    target: &target,
                    board: &board,
                    memory: &member.memory,
                    contents: &contents,
                };
                loop {
                    let node = nodes.node(&format!("{}-sidecar-proxy", member.service), &member.service);
                    let end = speaker.talk(node).await;
                    board.failed(format!("{}: {end}", member.service));
                    tokio::time::sleep(BACK_OFF).await;
                }
            })
        });
        self.streams = streams.collect();
    }

    /// All connections are closed.
    pub async fn disconnect(&mut self) {
        for stream in &self.streams {
            stream.abort();
        }
        for stream in self.streams.drain(..) {
            // it was aborted: that is no news
            _ = stream.await;
        }
    }

    /// Waits until the server has been silent for `silence`, at most `patience`.
    pub async fn settle(&self, silence: Duration, patience: Duration) {
        let end = tokio::time::Instant::now() + patience;
        let mut seen = self.board.totals.responses.load(Relaxed);
        let mut since = tokio::time::Instant::now();
        while since.elapsed() < silence && tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let now = self.board.totals.responses.load(Relaxed);
            if now != seen {
                (seen, since) = (now, tokio::time::Instant::now());
            }
        }
    }
}

impl Thread {
    fn start() -> Result<Self, SwarmError> {
        let system = |error| SwarmError::System { what: "a thread for the Envoys", error };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        let run = move || {
            _ = runtime.block_on(ended);
        };
        std::thread::Builder::new().name("envoys".to_owned()).spawn(run).map_err(system)?;
        Ok(Self { runtime: handle, contents: Arc::default(), _running: running })
    }
}
