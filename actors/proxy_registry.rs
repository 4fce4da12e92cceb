//! `ProxyRegistry`: the parent of all `ProxyState`s of a kind, and how streams listen for a proxy's snapshots
//! ([`Proxies`]).
//!
//! It is a [`Registry`] keyed by proxy. A state outlives its last stream by [`LINGER`], so that an Envoy that reconnects
//! finds its snapshot ready.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use chancery::model::SidecarNode;

use crate::kit::registry::{Key, Start};
use crate::kit::{Bell, Board, Cells, Desk, Doorbell, Hearing, Post, Reconcile, Registry, RegistryParts, Seat};
use crate::proxy_state::{Leave, ProxyParts, ProxyState, Published};
use crate::subject::Subject;
use crate::watch_registry::Watches;

pub const LINGER: Duration = Duration::from_secs(30);

/// How streams reach the proxies of one kind.
pub struct Proxies<K: Key = SidecarNode> {
    pub snapshots: Arc<Bell<K>>,
    pub board: Arc<Board<K, Published>>,
}

impl<K: Key> Clone for Proxies<K> {
    fn clone(&self) -> Self {
        Self { snapshots: Arc::clone(&self.snapshots), board: Arc::clone(&self.board) }
    }
}

impl<K: Key> Proxies<K> {
    /// Starts their registry.
    pub fn start<S: Subject<Key = K>>(watches: &Watches, desk: &Arc<Desk>, cells: &Cells) -> Self {
        let seat = Seat::default();
        let proxies = Self::new(&seat);
        proxies.start_registry::<S>(watches, seat, desk, cells);
        proxies
    }

    fn new(seat: &Seat<Registry<K>>) -> Self {
        let seat = seat.clone();
        Self { snapshots: Bell::with_edges(move |id: &K| seat.tell(Reconcile(id.clone()))), board: Arc::default() }
    }

    fn start_registry<S: Subject<Key = K>>(
        &self,
        watches: &Watches,
        seat: Seat<Registry<K>>,
        desk: &Arc<Desk>,
        cells: &Cells,
    ) {
        let (kind, kind_of_registry) = S::KINDS;
        let parts = Arc::new(ProxyParts {
            watches: watches.clone(),
            board: Arc::clone(&self.board),
            snapshots: Arc::clone(&self.snapshots),
        });
        let (desk_of_children, cells_of_children) = (Arc::clone(desk), cells.clone());
        let start: Start<K> = Arc::new(move |id, restarts, exit| {
            let (parts, desk, id) = (Arc::clone(&parts), Arc::clone(&desk_of_children), id.clone());
            let card = desk.pin(kind, id.to_string(), restarts);
            let on_card = Arc::clone(card.card());
            let addr =
                cells_of_children.start(&id.clone(), move |ctx| ProxyState::<S>::new(parts, id, card, exit, ctx));
            let post = Post::new(addr, &on_card);
            Box::new(move || post.tell(Leave))
        });
        let board = Arc::clone(&self.board);
        Registry::start(
            &Arc::new(RegistryParts {
                kind: kind_of_registry,
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
    pub fn listen(&self, id: K, doorbell: &Arc<Doorbell<K>>) -> Hearing<K> {
        self.snapshots.listen(id, doorbell)
    }
}
