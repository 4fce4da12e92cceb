//! `ProxyRegistry`: the parent of all `ProxyState`s, and how streams listen for a proxy's snapshots ([`Proxies`]).
//!
//! It is a [`Registry`] keyed by proxy. A state outlives its last stream by [`LINGER`], so that an Envoy that reconnects
//! finds its snapshot ready.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use chancery::model::ProxyId;

use crate::kit::registry::Start;
use crate::kit::{Bell, Board, Cells, Desk, Doorbell, Hearing, Post, Reconcile, Registry, RegistryParts, Seat};
use crate::proxy_state::{Leave, ProxyParts, ProxyState, Published};
use crate::watch_registry::Watches;

pub type ProxyRegistry = Registry<ProxyId>;

pub const LINGER: Duration = Duration::from_secs(30);

/// How streams reach the proxies.
#[derive(Clone)]
pub struct Proxies {
    pub snapshots: Arc<Bell<ProxyId>>,
    pub board: Arc<Board<ProxyId, Published>>,
}

impl Proxies {
    pub fn new(seat: &Seat<ProxyRegistry>) -> Self {
        let seat = seat.clone();
        Self {
            snapshots: Bell::with_edges(move |id: &ProxyId| seat.tell(Reconcile(id.clone()))),
            board: Arc::default(),
        }
    }

    /// Starts the registry in its seat.
    pub fn start(&self, watches: &Watches, seat: Seat<ProxyRegistry>, desk: &Arc<Desk>, cells: &Cells) {
        let parts = Arc::new(ProxyParts {
            watches: watches.clone(),
            board: Arc::clone(&self.board),
            snapshots: Arc::clone(&self.snapshots),
        });
        let (desk_of_children, cells_of_children) = (Arc::clone(desk), cells.clone());
        let start: Start<ProxyId> = Arc::new(move |id, restarts, exit| {
            let (parts, desk, id) = (Arc::clone(&parts), Arc::clone(&desk_of_children), id.clone());
            let card = desk.pin("ProxyState", id.to_string(), restarts);
            let on_card = Arc::clone(card.card());
            let addr = cells_of_children.start(&id.clone(), move |ctx| ProxyState::new(parts, id, card, exit, ctx));
            let post = Post::new(addr, &on_card);
            Box::new(move || post.tell(Leave))
        });
        let board = Arc::clone(&self.board);
        Registry::start(
            Arc::new(RegistryParts {
                kind: "ProxyRegistry",
                bell: Arc::clone(&self.snapshots),
                seat,
                start,
                gone: Box::new(move |id| board.clear(id)),
                linger: LINGER,
                desk: Arc::clone(desk),
                cells: cells.clone(),
                launched: AtomicU64::new(0),
            }),
            0,
        );
    }

    /// Keeps the proxy's state alive and hears of each snapshot it publishes.
    pub fn listen(&self, id: ProxyId, doorbell: &Arc<Doorbell<ProxyId>>) -> Hearing<ProxyId> {
        self.snapshots.listen(id, doorbell)
    }
}
