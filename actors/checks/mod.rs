//! Health checks that run: what keeps the status of this node's checks true.
//!
//! [`registry::CheckRegistry`] runs one child for each check of the node that has a definition: [`active::ActiveCheck`]
//! asks the instance every interval, [`ttl::TtlCheck`] waits for the instance to report, [`alias::AliasCheck`] mirrors
//! another one's health. What they find goes to the catalog, and from there the same way as any other change.

pub mod active;
pub mod alias;
pub mod output;
pub mod prober;
pub mod probes;
pub mod registry;
pub mod settings;
pub mod steady;
pub mod thresholds;
pub mod ttl;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::oneshot;
use tokio::time::Instant;

use chancery::catalog::{Refusal, Write, query};
use chancery::model::{Check, CheckDefinition, CheckId, NodeName, Place, Probe, Status};

use crate::catalog::{CatalogHandle, Commit, CommitError, Committed};
use crate::kit::{Bell, Board, Cells, Desk, Post, Seat};
use crate::metrics;

use self::prober::Prober;
use self::probes::Probes;
pub use self::probes::{AgentTls, CurrentTrust, Trust};
use self::registry::CheckRegistry;
use self::settings::CheckSettings;
use self::steady::{News, Steady};
use self::ttl::{Reported, TtlCheck};

pub struct ChecksParts {
    pub catalog: CatalogHandle,
    pub places: Arc<Bell<Place>>,
    /// The node whose checks are run here.
    pub node: NodeName,
    pub settings: CheckSettings,
    pub trust: CurrentTrust,
    pub desk: Arc<Desk>,
    pub cells: Cells,
}

/// What each child needs.
pub struct CheckParts {
    pub catalog: CatalogHandle,
    pub places: Arc<Bell<Place>>,
    pub node: NodeName,
    pub desk: Arc<Desk>,
    pub cells: Cells,
    pub prober: Arc<dyn Prober>,
    pub settings: ArcSwap<CheckSettings>,
    /// What checks say now, where the catalog has not been told yet.
    pub newest: Board<CheckId, String>,
    /// Where the TTL checks that run can be reached.
    pub ttls: Board<CheckId, Post<TtlCheck>>,
}

/// The running checks, as doors and tests reach them.
#[derive(Clone)]
pub struct Checks {
    parts: Arc<CheckParts>,
    /// Of checks over TLS.
    pub trust: CurrentTrust,
    /// Keeps the registry.
    _seat: Seat<CheckRegistry>,
}

pub type ChecksHandle = Checks;

/// Why a report was not taken. Nothing has changed, except as [`CommitError`] says.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("Unknown check ID {0:?}. Ensure that the check ID is passed, not the check name.")]
    Unknown(CheckId),
    #[error("check ID {0:?} has no TTL: its status is found by the agent and cannot be reported")]
    NotTtl(CheckId),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl ReportError {
    /// The status that HTTP has for it.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unknown(_) => 404,
            Self::NotTtl(_) => 400,
            Self::Commit(CommitError::Refused(refusal)) => refusal.status(),
            Self::Commit(CommitError::Store(_)) => 500,
            Self::Commit(CommitError::Stopping) => 503,
        }
    }
}

impl Checks {
    /// Starts the registry, and with it a child for each check the node has already.
    pub fn start(parts: ChecksParts) -> Self {
        let prober = Arc::new(Probes::trusting(parts.trust.clone()));
        Self::start_with(parts, prober)
    }

    /// The same, with somebody else to do the asking.
    pub fn start_with(parts: ChecksParts, prober: Arc<dyn Prober>) -> Self {
        let ChecksParts { catalog, places, node, settings, trust, desk, cells } = parts;
        let (settings, newest, ttls) = (ArcSwap::from_pointee(settings), Board::default(), Board::default());
        let parts = Arc::new(CheckParts { catalog, places, node, desk, cells, prober, settings, newest, ttls });
        let seat = Seat::default();
        CheckRegistry::start(Arc::clone(&parts), &seat, 0);
        Self { parts, trust, _seat: seat }
    }

    pub fn settings(&self) -> Arc<CheckSettings> {
        self.parts.settings.load_full()
    }

    /// From now on.
    pub fn go_by(&self, settings: CheckSettings) {
        self.parts.settings.store(Arc::new(settings));
    }

    /// With what it says now, which the catalog may be told later.
    pub fn newest(&self, check: Arc<Check>) -> Arc<Check> {
        match self.parts.newest.read(&check.id) {
            Some(output) if output != check.output => Arc::new(Check { output, ..Check::clone(&check) }),
            _ => check,
        }
    }

    /// What the application says of a TTL check; its clock starts anew. Answers when the status is durable.
    pub async fn report(&self, id: CheckId, status: Status, output: String) -> Result<(), ReportError> {
        let tables = self.parts.catalog.tables();
        let check = query::check(&tables, &self.parts.node, &id).ok_or_else(|| ReportError::Unknown(id.clone()))?;
        let Some(definition @ CheckDefinition { probe: Probe::Ttl(_), .. }) = &check.definition else {
            return Err(ReportError::NotTtl(id));
        };
        let limit = output::limit(definition.output_max_size, self.parts.settings.load().output_max_bytes);
        let output = output::bounded(output, limit);
        metrics::check_run("ttl", status.as_str());
        let (commit, answer) = self.parts.update(&id, status, output);
        match self.parts.ttls.read(&id) {
            Some(child) => child.tell(Reported(commit)),
            // just registered: its clock is about to start
            None => self.parts.catalog.seat.tell(commit),
        }
        answer.await.unwrap_or(Err(CommitError::Stopping))?;
        Ok(())
    }
}

impl CheckParts {
    /// What is known of the check now.
    fn known(&self, id: &CheckId) -> Option<Arc<Check>> {
        query::check(&self.catalog.tables(), &self.node, id)
    }

    /// Whether the catalog is to be told. What it is told later is shown by the agent meanwhile.
    fn weigh(&self, steady: &mut Steady, id: &CheckId, status: Status, output: &str) -> News {
        let Some(known) = self.known(id) else { return News::None };
        let settings = self.settings.load();
        let output = if settings.discard_output { "" } else { output };
        let news = steady.weigh(&known, status, output, settings.output_every);
        if news == News::Later {
            self.newest.post(id.clone(), output.to_owned());
        } else {
            self.newest.clear(id);
        }
        news
    }

    fn update(&self, id: &CheckId, status: Status, output: String) -> (Commit, Answer) {
        let output = if self.settings.load().discard_output { String::new() } else { output };
        let write = Write::UpdateCheck { node: self.node.clone(), id: id.clone(), status, output };
        let (reply, answer) = oneshot::channel();
        (Commit { write, received: Instant::now(), reply }, answer)
    }

    /// Has the catalog keep what was found; answers whether it did. It is sent before this returns, so that what one
    /// check finds is kept in the order it was found.
    fn keep(&self, id: &CheckId, status: Status, output: String) -> impl Future<Output = bool> + 'static {
        let (commit, answer) = self.update(id, status, output);
        self.catalog.seat.tell(commit);
        let id = id.clone();
        async move {
            match answer.await.unwrap_or(Err(CommitError::Stopping)) {
                Ok(_) => true,
                // deregistered while its answer was on the way
                Err(CommitError::Refused(Refusal::UnknownCheck { .. })) => {
                    tracing::debug!(check = %id, "a health check is gone; what it found is dropped");
                    false
                }
                Err(error) => {
                    tracing::warn!(check = %id, %error, "could not keep what a health check found");
                    false
                }
            }
        }
    }
}

type Answer = oneshot::Receiver<Result<Committed, CommitError>>;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
