//! `Authority`: sees to it that the mesh has a root, and sweeps out leaves that have expired.
//!
//! | message | what happens |
//! |---|---|
//! | (start) | no root in the store: make one and have the catalog keep it |
//! | `SweepDue` | once an hour: leaves past their end are removed from the catalog, and roots of which no leaf can be alive |

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message};

use chancery::authority;
use chancery::catalog::{Act, AuthorityState, Condition, Operation, RecordKey, Write, query};
use chancery::model::{KeyKind, TrustDomain, UnixTime};

use crate::catalog::CatalogHandle;
use crate::kit::{Cells, Clock, Desk, ExitGuard, Pinned, Post, Seat};

const SWEEP: Duration = Duration::from_secs(3600);

#[derive(Clone)]
pub struct AuthorityParts {
    pub catalog: CatalogHandle,
    pub clock: Clock,
    /// For a root made here: `<cluster id>.consul`.
    pub trust_domain: TrustDomain,
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

/// Replaces the state of the authority, unless somebody else has since it was read.
pub fn configure(state: AuthorityState) -> Write {
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
        if self.parts.catalog.tables().authority().is_some() {
            return;
        }
        let now = UnixTime(self.parts.clock.unix_seconds());
        match authority::new_root(&self.parts.trust_domain, KeyKind::default(), now) {
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
            self.parts.catalog.commit_later("drop a root that is over", configure(left));
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
