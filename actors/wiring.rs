//! The house: every actor that there is one of, and how they know of each other. Addresses are given here and nowhere
//! else; there are no singletons.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use chancery::catalog::{Settings, Tables};
use chancery::model::{Place, ServiceName, TrustDomain};

use crate::authority::{Authority, AuthorityParts};
use crate::catalog::{Catalog, CatalogHandle, CatalogParts};
use crate::checks::{Checks, ChecksParts};
use crate::kit::{Bell, Cells, Clock, Desk, Reconcile, RippleLog, Seat};
use crate::leaf_keeper::{LeafKeeper, LeafParts, LeafRegistry};
use crate::loads::Loads;
use crate::proxy_registry::Proxies;
use crate::source_watch::WatchParts;
use crate::stores::{Store, StoreError};
use crate::watch_registry::Watches;
use crate::xds_settings::XdsSettings;
use crate::xds_stream::Streams;

/// What a house is built from.
pub struct Plan {
    pub settings: Settings,
    pub store: Arc<dyn Store>,
    pub cells: Cells,
    pub clock: Clock,
    /// For a root that is made at the first start.
    pub trust_domain: TrustDomain,
    pub leaf_ttl: Duration,
    /// The node whose checks are run here.
    pub node: chancery::model::NodeName,
    pub ripples: Arc<RippleLog>,
    pub xds: XdsSettings,
}

/// The running actors, as doors and tests reach them.
#[derive(Clone)]
pub struct House {
    pub catalog: CatalogHandle,
    pub watches: Watches,
    pub proxies: Proxies,
    pub streams: Streams,
    pub loads: Loads,
    pub checks: Checks,
    pub leaves: LeafParts,
    pub desk: Arc<Desk>,
    pub cells: Cells,
    pub clock: Clock,
    pub places: Arc<Bell<Place>>,
    pub ripples: Arc<RippleLog>,
}

impl House {
    /// Loads the store and starts the cast. Must run inside a `LocalSet` when the cells are "here".
    pub async fn open(plan: Plan) -> Result<Self, StoreError> {
        let loaded = plan.store.load().await?;
        let tables = Tables::load(plan.settings.clone(), loaded.index, loaded.records);
        let published = Arc::new(ArcSwap::from_pointee(tables));
        let (desk, cells, clock) = (Desk::new(), plan.cells, plan.clock);
        let places: Arc<Bell<Place>> = Bell::new();

        let catalog = CatalogHandle { seat: Seat::default(), published: Arc::clone(&published) };
        Catalog::start(
            Arc::new(CatalogParts {
                settings: plan.settings,
                store: plan.store,
                published: Arc::clone(&published),
                bell: Arc::clone(&places),
                seat: catalog.seat.clone(),
                desk: Arc::clone(&desk),
                cells: cells.clone(),
                ripples: Arc::clone(&plan.ripples),
            }),
            0,
        );
        Authority::start(
            AuthorityParts {
                catalog: catalog.clone(),
                clock,
                trust_domain: plan.trust_domain,
                seat: Seat::default(),
                desk: Arc::clone(&desk),
                cells: cells.clone(),
            },
            0,
        );

        let leaves =
            LeafParts { catalog: catalog.clone(), places: Arc::clone(&places), clock, leaf_ttl: plan.leaf_ttl };
        let leaf_seat: Seat<LeafRegistry> = Seat::default();
        let wake = leaf_seat.clone();
        let identities: Arc<Bell<ServiceName>> =
            Bell::with_edges(move |service: &ServiceName| wake.tell(Reconcile(service.clone())));
        LeafKeeper::start_registry(leaves.clone(), &identities, leaf_seat, &desk, &cells);

        let watch_seat = Seat::default();
        let watches = Watches::new(&watch_seat, &published);
        let watch_parts = WatchParts {
            published: Arc::clone(&published),
            places: Arc::clone(&places),
            board: Arc::clone(&watches.board),
            topics: Arc::clone(&watches.topics),
            identities,
        };
        Watches::start(Arc::new(watch_parts), watch_seat, &desk, &cells);

        let proxy_seat = Seat::default();
        let proxies = Proxies::new(&proxy_seat);
        proxies.start(&watches, proxy_seat, &desk, &cells);

        let checks = Checks::start(ChecksParts {
            catalog: catalog.clone(),
            places: Arc::clone(&places),
            node: plan.node,
            desk: Arc::clone(&desk),
            cells: cells.clone(),
        });
        let streams = Streams::new(proxies.clone(), &desk, &cells, clock, plan.xds);
        Ok(Self {
            catalog,
            watches,
            proxies,
            streams,
            loads: Loads::default(),
            checks,
            leaves,
            desk,
            cells,
            clock,
            places,
            ripples: plan.ripples,
        })
    }
}
