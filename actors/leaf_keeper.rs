//! `LeafKeeper`: one per identity that is watched. It sees to it that the service has a certificate that is signed by the
//! active root and has life left, and has the catalog keep it: a renewed leaf takes the same way as any other change.
//!
//! | message | what happens |
//! |---|---|
//! | [`Ring`] | the roots or this leaf changed: look whether a new one is due |
//! | `RenewalDue` | the same, because it is time |
//! | [`Leave`] | nobody watches the identity any more |

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix::{Actor, ActorContext as _, AsyncContext, Context, Handler, Message, SpawnHandle};

use chancery::authority;
use chancery::catalog::{Tables, Write, query};
use chancery::model::{Leaf, Lifetimes, Place, ServiceName, SpiffeId, UnixTime};

use crate::catalog::{CatalogHandle, CommitError};
use crate::kit::registry::Start;
use crate::kit::{Bell, Cells, Clock, Desk, Doorbell, ExitGuard, Hearing, Pinned, Post, Registry, RegistryParts, Seat};
use crate::metrics;

pub type LeafRegistry = Registry<ServiceName>;

#[derive(Clone)]
pub struct LeafParts {
    pub catalog: CatalogHandle,
    pub places: Arc<Bell<Place>>,
    pub clock: Clock,
    /// Where nothing else was said since.
    pub lifetimes: Lifetimes,
}

pub struct LeafKeeper {
    parts: LeafParts,
    card: Pinned,
    service: ServiceName,
    doorbell: Arc<Doorbell<Place>>,
    _hearings: [Hearing<Place>; 2],
    timer: Option<SpawnHandle>,
    post: crate::kit::WeakPost<Self>,
    _exit: ExitGuard,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Ring;

#[derive(Message)]
#[rtype(result = "()")]
struct RenewalDue;

#[derive(Message)]
#[rtype(result = "()")]
struct Leave;

#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    #[error("there is no certificate authority yet; try again in a moment")]
    NoAuthority,
    #[error("the certificate could not be made: {0}")]
    Issue(#[from] authority::AuthorityError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// What to do about a service's leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Due {
    Now,
    At(UnixTime),
    /// There is nobody to sign.
    WhenThereIsARoot,
}

fn due(tables: &Tables, service: &ServiceName, now: UnixTime) -> Due {
    let Some(authority) = tables.authority() else { return Due::WhenThereIsARoot };
    match query::leaf(tables, service) {
        Some(leaf) if authority::is_signed_by_active_root(authority, &leaf) => {
            // the point in its life is drawn from the certificate itself, so a restart draws the same
            let at = authority::renewal_time(&leaf, authority::draw(&leaf));
            if at <= now { Due::Now } else { Due::At(at) }
        }
        _ => Due::Now,
    }
}

/// Issues a leaf for the service now and has the catalog keep it.
pub async fn renew(parts: &LeafParts, service: &ServiceName) -> Result<Leaf, RenewError> {
    let leaf = issue(parts, service)?;
    parts.catalog.commit(Write::SetLeaf(leaf.clone())).await?;
    Ok(leaf)
}

fn issue(parts: &LeafParts, service: &ServiceName) -> Result<Leaf, RenewError> {
    let tables = parts.catalog.tables();
    let authority = tables.authority().ok_or(RenewError::NoAuthority)?;
    let identity = SpiffeId {
        trust_domain: authority.roots.trust_domain.clone(),
        datacenter: tables.datacenter().clone(),
        service: service.clone(),
    };
    let now = UnixTime(parts.clock.unix_seconds());
    let serial = uuid::Uuid::new_v4().into_bytes();
    let ttl = authority.lifetimes(parts.lifetimes).leaf;
    let leaf = authority::issue_leaf(authority, &identity, now, ttl, serial)?;
    metrics::leaf_issued();
    Ok(leaf)
}

impl LeafKeeper {
    /// Starts the parent of all keepers in its seat.
    pub fn start_registry(
        parts: LeafParts,
        identities: &Arc<Bell<ServiceName>>,
        seat: Seat<LeafRegistry>,
        desk: &Arc<Desk>,
        cells: &Cells,
    ) {
        let (desk_of_children, cells_of_children) = (Arc::clone(desk), cells.clone());
        let start: Start<ServiceName> = Arc::new(move |service, restarts, exit| {
            let (parts, desk, service) = (parts.clone(), Arc::clone(&desk_of_children), service.clone());
            let card = desk.pin("LeafKeeper", service.to_string(), restarts);
            let on_card = Arc::clone(card.card());
            let addr = cells_of_children.start(&service.clone(), move |ctx: &mut Context<Self>| {
                let post = Post::new(ctx.address(), card.card());
                let (bell, own) = (post.downgrade(), post.downgrade());
                let doorbell = Doorbell::new(move || bell.tell(Ring));
                let hearings =
                    [Place::Roots, Place::Leaf(service.clone())].map(|place| parts.places.listen(place, &doorbell));
                Self { parts, card, service, doorbell, _hearings: hearings, timer: None, post: own, _exit: exit }
            });
            let post = Post::new(addr, &on_card);
            Box::new(move || post.tell(Leave))
        });
        Registry::start(
            &Arc::new(RegistryParts {
                kind: "LeafRegistry",
                bell: Arc::clone(identities),
                seat,
                start,
                gone: Box::new(|_| {}),
                linger: Duration::ZERO,
                desk: Arc::clone(desk),
                cells: cells.clone(),
                launched: AtomicU64::new(0),
            }),
            0,
        );
    }

    fn tend(&mut self, ctx: &mut Context<Self>) {
        let now = UnixTime(self.parts.clock.unix_seconds());
        let wait = match due(&self.parts.catalog.tables(), &self.service, now) {
            Due::WhenThereIsARoot => return,
            Due::At(at) => now.until(at),
            Due::Now => match issue(&self.parts, &self.service) {
                Ok(leaf) => {
                    self.parts.catalog.commit_later("keep a leaf", Write::SetLeaf(leaf));
                    // the ring of its own commit sets the real time; this is for a commit that failed
                    Duration::from_secs(10)
                }
                Err(error) => {
                    tracing::error!(service = %self.service, %error, "no certificate; trying again in 10 s");
                    Duration::from_secs(10)
                }
            },
        };
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        // one second more, because the clock is read in whole seconds
        self.timer = Some(ctx.run_later(wait + Duration::from_secs(1), |keeper, _| keeper.post.tell(RenewalDue)));
    }
}

impl Actor for LeafKeeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.tend(ctx);
    }
}

impl Handler<Ring> for LeafKeeper {
    type Result = ();

    fn handle(&mut self, _: Ring, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Ring");
        self.doorbell.take();
        self.tend(ctx);
    }
}

impl Handler<RenewalDue> for LeafKeeper {
    type Result = ();

    fn handle(&mut self, _: RenewalDue, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("RenewalDue");
        self.tend(ctx);
    }
}

impl Handler<Leave> for LeafKeeper {
    type Result = ();

    fn handle(&mut self, _: Leave, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Leave");
        ctx.stop();
    }
}
