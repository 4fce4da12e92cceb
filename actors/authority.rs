//! `Authority`: sees to it that the mesh has a root, and sweeps out leaves that have expired.
//!
//! | message | what happens |
//! |---|---|
//! | (start) | no root in the store: make one and have the catalog keep it |
//! | `SweepDue` | once an hour: leaves past their end are removed from the catalog, and roots of which no leaf can be alive |

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message};

use chancery::authority::{self, Wanted};
use chancery::catalog::{Act, AuthorityState, Condition, Operation, RecordKey, Refusal, Write, query};
use chancery::model::{KeyKind, Lifetimes, TrustDomain, UnixTime};
use chancery::wire::authority::Configuration;

use crate::catalog::{CatalogHandle, CommitError};
use crate::kit::{Cells, Clock, Desk, ExitGuard, Pinned, Post, Seat};
use crate::leaf_keeper::LeafParts;

const SWEEP: Duration = Duration::from_secs(3600);

#[derive(Clone)]
pub struct AuthorityParts {
    pub catalog: CatalogHandle,
    pub clock: Clock,
    /// For a root made here: `<cluster id>.consul`.
    pub trust_domain: TrustDomain,
    /// The root of a mesh that has none yet; `None`: one is made.
    pub first_root: Option<Arc<AuthorityState>>,
    /// How long one lives that is made.
    pub root_ttl: Duration,
    pub seat: Seat<Authority>,
    pub desk: Arc<Desk>,
    pub cells: Cells,
}

pub struct Authority {
    parts: AuthorityParts,
    card: Pinned,
    _exit: ExitGuard,
}

#[derive(Message)]
#[rtype(result = "()")]
struct SweepDue;

#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    #[error("there is no certificate authority yet; try again in a moment")]
    NoAuthority,
    #[error(transparent)]
    Impossible(#[from] authority::AuthorityError),
    #[error("the configuration was changed meanwhile: read it and try again")]
    Meanwhile,
    #[error(transparent)]
    Commit(CommitError),
}

/// Does what a new configuration asks for: another root when one is given, when it shall have another kind of key, or with
/// `rotate`.
///
/// # Errors
/// When a given root is not what it must be, or no bridge to it can be made; when somebody else was faster.
pub async fn reconfigure(parts: &LeafParts, asked: &Configuration, rotate: bool) -> Result<(), ConfigureError> {
    let tables = parts.catalog.tables();
    let state = tables.authority().ok_or(ConfigureError::NoAuthority)?;
    let active = state.roots.active().map(|root| root.key).unwrap_or_default();
    let wanted = match (&asked.root, asked.key) {
        (Some((certificate, key)), _) => Wanted::Given { certificate: certificate.clone(), key: key.clone() },
        (None, Some(kind)) if rotate || kind != active => Wanted::Fresh(kind),
        (None, None) if rotate => Wanted::Fresh(active),
        _ => Wanted::Same,
    };
    let now = UnixTime(parts.clock.unix_seconds());
    let until_now = state.lifetimes(parts.lifetimes);
    let lifetimes =
        Lifetimes { leaf: asked.leaf_ttl.unwrap_or(until_now.leaf), root: asked.root_ttl.unwrap_or(until_now.root) };
    let (bridge, serial) = (!asked.without_cross_signing, uuid::Uuid::new_v4().into_bytes());
    let next = authority::configure(state, &wanted, lifetimes, until_now, bridge, now, serial)?;
    match parts.catalog.commit(replace(next)).await {
        Ok(_) => Ok(()),
        Err(CommitError::Refused(Refusal::Transaction(_))) => Err(ConfigureError::Meanwhile),
        Err(error) => Err(ConfigureError::Commit(error)),
    }
}

/// Replaces the state of the authority, unless somebody else has since it was read.
fn replace(state: AuthorityState) -> Write {
    let condition = Condition::Index(RecordKey::Authority, state.modify_index);
    let act = Act::Write(Box::new(Write::SetAuthority(state)));
    Write::Transaction(vec![Operation { condition: Some(condition), act }])
}

impl Authority {
    /// Starts the authority in its seat; rebuilt there if it panics.
    pub fn start(parts: &AuthorityParts, restarts: u32) {
        let card = parts.desk.pin("Authority", "", restarts);
        let (again, own, on_card) = (parts.clone(), parts.clone(), Arc::clone(card.card()));
        let exit = ExitGuard::new(move |panicked| {
            if panicked {
                Self::start(&again, restarts + 1);
            }
        });
        let addr = parts.cells.start(&"Authority", move |_: &mut Context<Self>| Self { parts: own, card, _exit: exit });
        parts.seat.take(Post::new(addr, &on_card));
    }

    fn found(&self) {
        let first = self.parts.first_root.as_deref();
        if let Some(known) = self.parts.catalog.tables().authority() {
            let id = |state: &AuthorityState| state.roots.active().map(|root| root.id.clone());
            if first.is_some_and(|first| id(first) != id(known)) {
                tracing::warn!(
                    "the root of connect.ca_config has no effect: the mesh has another one already, which \
                    `chancery connect ca set-config` replaces"
                );
            }
            return;
        }
        let now = UnixTime(self.parts.clock.unix_seconds());
        let made = || authority::new_root(&self.parts.trust_domain, KeyKind::default(), self.parts.root_ttl, now);
        match first.cloned().map_or_else(made, Ok) {
            Ok(state) => self.parts.catalog.commit_later("keep the root", Write::SetAuthority(state)),
            Err(error) => tracing::error!(%error, "no root certificate could be made; the mesh has no identities"),
        }
    }

    fn sweep(&self, ctx: &mut Context<Self>) {
        let now = UnixTime(self.parts.clock.unix_seconds());
        let expired: Vec<Write> = query::leaves(&self.parts.catalog.tables())
            .into_iter()
            .filter(|leaf| leaf.valid_before < now)
            .map(|leaf| Write::RemoveLeaf(leaf.service.clone()))
            .collect();
        if !expired.is_empty() {
            self.parts.catalog.commit_later("remove expired leaves", Write::Batch(expired));
        }
        if let Some(left) = self.parts.catalog.tables().authority().and_then(|state| authority::retire(state, now)) {
            self.parts.catalog.commit_later("drop a root that is over", replace(left));
        }
        let seat = self.parts.seat.clone();
        ctx.run_later(SWEEP, move |_, _| seat.tell(SweepDue));
    }
}

impl Actor for Authority {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.found();
        self.sweep(ctx);
    }
}

impl Handler<SweepDue> for Authority {
    type Result = ();

    fn handle(&mut self, _: SweepDue, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("SweepDue");
        self.sweep(ctx);
    }
}
