//! The house: every actor that there is one of, and how they know of each other. Addresses are given here and nowhere
//! else; there are no singletons.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use chancery::catalog::{AuthorityState, Settings, Tables};
use chancery::model::{Lifetimes, Place, ServiceName, TrustDomain};

use crate::authority::{Authority, AuthorityParts};
use crate::catalog::{Catalog, CatalogHandle, CatalogParts};
use crate::checks::CurrentTrust;
use crate::checks::settings::CheckSettings;
use crate::checks::{Checks, ChecksParts};
use crate::kit::{Bell, Cells, Clock, Desk, Reconcile, RippleLog, Seat};
use crate::leaf_keeper::{LeafKeeper, LeafParts, LeafRegistry};
use crate::loads::Loads;
use crate::proxy_registry::Proxies;
use crate::source_watch::WatchParts;
use crate::stores::{Store, StoreError};
use crate::subject::{GrpcSubject, SidecarSubject};
use crate::views::Publications;
use crate::watch_registry::Watches;
use crate::xds_settings::XdsSettings;
use crate::xds_stream::Streams;

/// What a house is built from.
pub struct Plan {
    pub settings: Settings,
    pub store: Arc<dyn Store>,
    /// Of proxies and their streams.
    pub cells: Cells,
    /// Of the catalog and of what watches it: while all streams are busy, whoever writes or waits for a change is not kept
    /// waiting by them.
    pub sources: Cells,
    pub clock: Clock,
    /// For a root that is made at the first start.
    pub trust_domain: TrustDomain,
    /// The root of a mesh that has none yet, when it is not to be made.
    pub first_root: Option<Arc<AuthorityState>>,
    pub lifetimes: Lifetimes,
    /// The node whose checks are run here.
    pub node: chancery::model::NodeName,
    pub checks: CheckSettings,
    pub check_trust: CurrentTrust,
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
        let ground = Ground {
            published: Arc::new(ArcSwap::from_pointee(tables)),
            places: Bell::new(),
            desk: Desk::new(),
            cells: plan.cells.clone(),
            sources: plan.sources.clone(),
            clock: plan.clock,
        };
        let catalog = ground.catalog(&plan);
        if plan.settings.mesh {
            ground.authority(&catalog, plan.trust_domain, plan.first_root, plan.lifetimes.root);
        }
        let (leaves, identities) = ground.leaves(&catalog, plan.lifetimes);
        let watches = ground.watches(identities);
        let proxies = Proxies::start::<SidecarSubject>(&watches, &ground.desk, &ground.cells);
        let programs = Proxies::start::<GrpcSubject>(&watches, &ground.desk, &ground.cells);
        let Ground { places, desk, cells, clock, .. } = ground;
        let checks = Checks::start(ChecksParts {
            catalog: catalog.clone(),
            places: Arc::clone(&places),
            node: plan.node,
            settings: plan.checks,
            trust: plan.check_trust,
            desk: Arc::clone(&desk),
            cells: cells.clone(),
        });
        let publications = Publications { sidecars: proxies.clone(), programs };
        let streams = Streams::new(publications, &desk, &cells, clock, plan.xds);
        let (loads, ripples) = (Loads::default(), plan.ripples);
        Ok(Self { catalog, watches, proxies, streams, loads, checks, leaves, desk, cells, clock, places, ripples })
    }
}

/// What every actor stands on.
struct Ground {
    published: Arc<ArcSwap<Tables>>,
    places: Arc<Bell<Place>>,
    desk: Arc<Desk>,
    cells: Cells,
    sources: Cells,
    clock: Clock,
}

impl Ground {
    fn catalog(&self, plan: &Plan) -> CatalogHandle {
        let handle = CatalogHandle { seat: Seat::default(), published: Arc::clone(&self.published) };
        let parts = CatalogParts {
            settings: plan.settings.clone(),
            store: Arc::clone(&plan.store),
            published: Arc::clone(&self.published),
            bell: Arc::clone(&self.places),
            seat: handle.seat.clone(),
            desk: Arc::clone(&self.desk),
            cells: self.sources.clone(),
            ripples: Arc::clone(&plan.ripples),
        };
        Catalog::start(&Arc::new(parts), 0);
        handle
    }

    fn authority(
        &self,
        catalog: &CatalogHandle,
        trust_domain: TrustDomain,
        first_root: Option<Arc<AuthorityState>>,
        root_ttl: Duration,
    ) {
        let parts = AuthorityParts {
            catalog: catalog.clone(),
            clock: self.clock,
            trust_domain,
            first_root,
            root_ttl,
            seat: Seat::default(),
            desk: Arc::clone(&self.desk),
            cells: self.sources.clone(),
        };
        Authority::start(&parts, 0);
    }

    /// The keepers of leaves, and the bell that tells them which identities are wanted.
    fn leaves(&self, catalog: &CatalogHandle, lifetimes: Lifetimes) -> (LeafParts, Arc<Bell<ServiceName>>) {
        let (catalog, places) = (catalog.clone(), Arc::clone(&self.places));
        let parts = LeafParts { catalog, places, clock: self.clock, lifetimes };
        let seat: Seat<LeafRegistry> = Seat::default();
        let wake = seat.clone();
        let identities = Bell::with_edges(move |service: &ServiceName| wake.tell(Reconcile(service.clone())));
        LeafKeeper::start_registry(parts.clone(), &identities, seat, &self.desk, &self.cells);
        (parts, identities)
    }

    fn watches(&self, identities: Arc<Bell<ServiceName>>) -> Watches {
        let seat = Seat::default();
        let watches = Watches::new(&seat, &self.published);
        let parts = WatchParts {
            published: Arc::clone(&self.published),
            places: Arc::clone(&self.places),
            board: Arc::clone(&watches.board),
            topics: Arc::clone(&watches.topics),
            identities,
        };
        Watches::start(Arc::new(parts), seat, &self.desk, &self.sources);
        watches
    }
}
