//! The tables: records under their keys, the secondary indexes that queries by name need, and when each place was last
//! touched. Cloning costs a few counters; a clone that is edited shares all that stayed the same.

use std::ops::RangeInclusive;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::kv::Kv;
use super::names::Names;
use super::record::{Record, RecordKey};
use super::virtual_ips::VirtualIps;
use super::write::AuthorityState;
use crate::chain::Entries;
use crate::model::entry::{Body, ServiceIntentions, SourceIntention};
use crate::model::topic::Place;
use crate::model::{
    Action, Check, CheckId, Datacenter, Entry, EntryKey, EntryKind, Index, Leaf, Node, NodeName, Roots,
};
use crate::model::{Service, ServiceId, ServiceKind, ServiceName};

/// What the whole catalog goes by, from the process's configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    pub datacenter: Datacenter,
    /// For callers that no intention names.
    pub default_intention: Action,
    /// Where a sidecar that names no port gets one.
    pub sidecar_ports: RangeInclusive<u16>,
    /// Where proxies expose checks.
    pub exposed_ports: RangeInclusive<u16>,
    /// False: there is no mesh, and so no proxies.
    pub mesh: bool,
}

/// Consul's own.
pub const SIDECAR_PORTS: RangeInclusive<u16> = 21000..=21255;
pub const EXPOSED_PORTS: RangeInclusive<u16> = 21500..=21755;

#[derive(Clone, Debug)]
pub struct Tables {
    settings: Arc<Settings>,
    index: Index,
    together: Index,
    pub(super) nodes: OrdMap<NodeName, Arc<Node>>,
    pub(super) services: OrdMap<(NodeName, ServiceId), Arc<Service>>,
    pub(super) checks: OrdMap<(NodeName, CheckId), Arc<Check>>,
    pub(super) entries: OrdMap<EntryKey, Arc<Entry>>,
    authority: Option<Arc<AuthorityState>>,
    roots: Option<Arc<Roots>>,
    pub(super) leaves: OrdMap<ServiceName, Arc<Leaf>>,
    pub(super) virtual_ips: VirtualIps,
    pub(super) kv: Kv,
    /// Sources of intentions, and whom they are about.
    by_source: OrdSet<(ServiceName, ServiceName)>,

    pub(super) names: Names,
    pub(super) by_name: ByName,
    pub(super) by_connect_name: ByName,
    /// Node, instance, and the proxy that stands beside it or was registered inside it.
    pub(super) beside: OrdSet<(NodeName, ServiceId, ServiceId)>,
    pub(super) ports: OrdSet<(NodeName, u16, ServiceId)>,
    /// Checks of an instance; of the node itself under the empty id.
    pub(super) check_ids: OrdSet<(NodeName, ServiceId, CheckId)>,

    /// Services, those whose entries lead there, and the kind of entry.
    leads: OrdSet<(ServiceName, ServiceName, EntryKind)>,

    touched: OrdMap<Place, Index>,
    /// For places that are not in `touched`, by family: never less than when one of the family was dropped.
    extinct: [Index; FAMILIES],
}

const FAMILIES: usize = 9;

fn family(place: &Place) -> usize {
    match place {
        Place::Node(_) => 0,
        Place::Service(_) => 1,
        Place::Connect(_) => 2,
        Place::Proxy(_) => 3,
        Place::Entry(_) => 4,
        Place::Leaf(_) => 5,
        Place::VirtualIp(_) => 6,
        Place::IntentionsFrom(_) => 7,
        // these never go
        Place::Nodes
        | Place::ServiceNames
        | Place::InMesh
        | Place::Entries(_)
        | Place::Roots
        | Place::Kv(_)
        | Place::KvFolder(_)
        | Place::Checks
        | Place::Instances => 8,
    }
}

impl Tables {
    /// Empty tables, at index 0.
    pub fn new(settings: Settings) -> Self {
        Self::load(settings, Index(0), Vec::new())
    }

    /// The tables that a store kept. Records do not tell when something was removed, and a client that waits at an
    /// index from before must not miss it: so every place counts as touched at the store's own index.
    pub fn load(settings: Settings, index: Index, records: Vec<Record>) -> Self {
        let mut tables = Self {
            settings: Arc::new(settings),
            index,
            together: index,
            nodes: OrdMap::new(),
            services: OrdMap::new(),
            checks: OrdMap::new(),
            entries: OrdMap::new(),
            authority: None,
            roots: None,
            leaves: OrdMap::new(),
            virtual_ips: VirtualIps::default(),
            kv: Kv::new(index.max(Index(1))),
            by_source: OrdSet::new(),
            names: Names::default(),
            by_name: OrdSet::new(),
            by_connect_name: OrdSet::new(),
            beside: OrdSet::new(),
            ports: OrdSet::new(),
            check_ids: OrdSet::new(),
            leads: OrdSet::new(),
            touched: OrdMap::new(),
            extinct: [index.max(Index(1)); FAMILIES],
        };
        for record in records {
            match record {
                Record::Node(node) => tables.insert_node(node),
                Record::Service(service) => drop(tables.insert_service(service)),
                Record::Check(check) => tables.insert_check(check),
                Record::Entry(entry) => tables.insert_entry(entry),
                Record::Authority(authority) => tables.set_authority(authority),
                Record::Leaf(leaf) => tables.insert_leaf(leaf),
                Record::VirtualIp(ip) => tables.virtual_ips.insert(ip),
                Record::LastVirtualIp(address) => tables.virtual_ips.set_last(address),
                Record::Kv(pair) => tables.kv.insert(pair),
            }
        }
        tables
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All that a store holds of it, in a fixed order.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let nodes = self.nodes.values().cloned().map(Record::Node);
        let services = self.services.values().cloned().map(Record::Service);
        let checks = self.checks.values().cloned().map(Record::Check);
        let entries = self.entries.values().cloned().map(Record::Entry);
        let authority = self.authority.iter().cloned().map(Record::Authority);
        let leaves = self.leaves.values().cloned().map(Record::Leaf);
        let ips = self.virtual_ips.all().cloned().map(Record::VirtualIp);
        let last = self.virtual_ips.last().into_iter().map(Record::LastVirtualIp);
        let kv = self.kv.all().cloned().map(Record::Kv);
        nodes
            .chain(services)
            .chain(checks)
            .chain(entries)
            .chain(authority)
            .chain(leaves)
            .chain(ips)
            .chain(last)
            .chain(kv)
    }

    /// Of the newest write in these tables; 0 before the first.
    pub fn index(&self) -> Index {
        self.index
    }

    /// Of the newest write by which a config entry came with something else: whoever reads one place of it at this index
    /// reads all of it.
    pub fn together(&self) -> Index {
        self.together
    }

    pub fn datacenter(&self) -> &Datacenter {
        &self.settings.datacenter
    }

    pub fn default_intention(&self) -> Action {
        self.settings.default_intention
    }

    pub(super) fn mesh(&self) -> bool {
        self.settings.mesh
    }

    pub(super) fn sidecar_ports(&self) -> RangeInclusive<u16> {
        self.settings.sidecar_ports.clone()
    }

    pub(super) fn exposed_ports(&self) -> RangeInclusive<u16> {
        self.settings.exposed_ports.clone()
    }

    /// `None` until there is a certificate authority.
    pub fn roots(&self) -> Option<&Arc<Roots>> {
        self.roots.as_ref()
    }

    pub fn authority(&self) -> Option<&Arc<AuthorityState>> {
        self.authority.as_ref()
    }

    /// When the place was last touched; at least 1, and never less than it was in older tables. Of a place that is not
    /// there (any longer) it may rise when another of its family goes.
    pub fn index_of(&self, place: &Place) -> Index {
        match place {
            Place::Kv(key) => self.kv.index_of(key),
            Place::KvFolder(folder) => self.kv.index_under(folder),
            _ => self.touched.get(place).copied().unwrap_or(self.extinct[family(place)]),
        }
    }

    /// Marks the places as touched at `index`, which becomes the index of the tables.
    pub(super) fn touch<'a>(&mut self, places: impl IntoIterator<Item = &'a Place>, index: Index) {
        self.index = index;
        for place in places {
            match place {
                Place::Kv(key) => self.kv.touch(key, index),
                // read off what lies in it
                Place::KvFolder(_) => {}
                _ if self.is_there(place) => _ = self.touched.insert(place.clone(), index),
                _ => {
                    self.touched.remove(place);
                    self.extinct[family(place)] = index;
                }
            }
        }
    }

    /// What was touched last belongs together.
    pub(super) fn touch_together(&mut self) {
        self.together = self.index;
    }

    /// The places whose own index is kept.
    #[cfg(test)]
    pub(super) fn places_kept(&self) -> impl Iterator<Item = &Place> {
        self.touched.keys()
    }

    fn is_there(&self, place: &Place) -> bool {
        match place {
            Place::Node(name) => self.nodes.contains_key(name),
            Place::Service(name) => self.names.contains(name),
            Place::Connect(name) => self.instances_for_connect(name).next().is_some(),
            Place::Proxy(id) => self
                .services
                .get(&(id.node.clone(), id.service.clone()))
                .is_some_and(|service| service.kind == ServiceKind::ConnectProxy),
            Place::Entry(key) => self.entries.contains_key(key),
            Place::Leaf(service) => self.leaves.contains_key(service),
            Place::VirtualIp(service) => self.virtual_ips.of(service).is_some(),
            Place::IntentionsFrom(source) => self.destinations(source).next().is_some(),
            Place::Nodes
            | Place::ServiceNames
            | Place::InMesh
            | Place::Entries(_)
            | Place::Roots
            | Place::Kv(_)
            | Place::KvFolder(_)
            | Place::Checks
            | Place::Instances => true,
        }
    }
}

impl Entries for Tables {
    fn entry(&self, key: &EntryKey) -> Option<&Entry> {
        self.entries.get(key).map(|entry| &**entry)
    }
}

/// Reading through the secondary indexes.
impl Tables {
    /// What the entry of that kind and name says.
    pub(super) fn body<B: Body>(&self, name: &str) -> Option<&B> {
        self.entries.get(&EntryKey::new(B::KIND, name))?.body()
    }

    /// What a store holds under the key.
    pub(super) fn record(&self, key: &RecordKey) -> Option<Record> {
        Some(match key {
            RecordKey::Node(name) => Record::Node(Arc::clone(self.nodes.get(name)?)),
            RecordKey::Service(node, id) => {
                Record::Service(Arc::clone(self.services.get(&(node.clone(), id.clone()))?))
            }
            RecordKey::Check(node, id) => Record::Check(Arc::clone(self.checks.get(&(node.clone(), id.clone()))?)),
            RecordKey::Entry(key) => Record::Entry(Arc::clone(self.entries.get(key)?)),
            RecordKey::Authority => Record::Authority(Arc::clone(self.authority()?)),
            RecordKey::Leaf(service) => Record::Leaf(Arc::clone(self.leaves.get(service)?)),
            RecordKey::VirtualIp(service) => Record::VirtualIp(Arc::clone(self.virtual_ips.of(service)?)),
            RecordKey::LastVirtualIp => Record::LastVirtualIp(self.virtual_ips.last()?),
            RecordKey::Kv(key) => Record::Kv(Arc::clone(self.kv.get(key)?)),
        })
    }

    /// The names of the kind's entries, sorted.
    pub(super) fn entry_names(&self, kind: EntryKind) -> impl Iterator<Item = &str> {
        let entries = self.entries.range(EntryKey::new(kind, "")..);
        entries.take_while(move |(key, _)| key.kind == kind).map(|(key, _)| key.name.as_str())
    }

    /// The services with an entry that names this one as a place for requests; some of them twice.
    pub(super) fn leading_to<'a>(&'a self, service: &'a ServiceName) -> impl Iterator<Item = &'a ServiceName> {
        self.leads
            .range((service.clone(), ServiceName::default(), EntryKind::ExportedServices)..)
            .take_while(move |(to, ..)| to == service)
            .map(|(_, from, _)| from)
    }

    /// Whom the intentions that name the source are about, sorted.
    pub(super) fn destinations<'a>(&'a self, source: &'a ServiceName) -> impl Iterator<Item = &'a ServiceName> {
        let from = self.by_source.range((source.clone(), ServiceName::default())..);
        from.take_while(move |(named, _)| named == source).map(|(_, destination)| destination)
    }

    pub(super) fn instances_named<'a>(&'a self, name: &'a ServiceName) -> impl Iterator<Item = &'a Arc<Service>> {
        self.rows(&self.by_name, name)
    }

    pub(super) fn instances_for_connect<'a>(&'a self, name: &'a ServiceName) -> impl Iterator<Item = &'a Arc<Service>> {
        self.rows(&self.by_connect_name, name)
    }

    fn rows<'a>(&'a self, set: &'a ByName, name: &'a ServiceName) -> impl Iterator<Item = &'a Arc<Service>> {
        set.range((name.clone(), NodeName::default(), ServiceId::default())..)
            .take_while(move |(found, _, _)| found == name)
            .filter_map(|(_, node, id)| self.services.get(&(node.clone(), id.clone())))
    }

    pub(super) fn services_on<'a>(&'a self, node: &'a NodeName) -> impl Iterator<Item = &'a Arc<Service>> {
        self.services
            .range((node.clone(), ServiceId::default())..)
            .take_while(move |((on, _), _)| on == node)
            .map(|(_, service)| service)
    }

    pub(super) fn checks_on<'a>(&'a self, node: &'a NodeName) -> impl Iterator<Item = &'a Arc<Check>> {
        self.checks
            .range((node.clone(), CheckId::default())..)
            .take_while(move |((on, _), _)| on == node)
            .map(|(_, check)| check)
    }

    /// Sorted by id; with an empty service id, the node's own.
    pub(super) fn checks_of<'a>(
        &'a self,
        node: &'a NodeName,
        service: &'a ServiceId,
    ) -> impl Iterator<Item = &'a Arc<Check>> {
        self.check_ids
            .range((node.clone(), service.clone(), CheckId::default())..)
            .take_while(move |(on, of, _)| on == node && of == service)
            .filter_map(|(on, _, id)| self.checks.get(&(on.clone(), id.clone())))
    }

    /// The proxies that stand beside the instance or were registered inside it.
    pub(super) fn proxies_beside<'a>(
        &'a self,
        node: &'a NodeName,
        service: &'a ServiceId,
    ) -> impl Iterator<Item = &'a Arc<Service>> {
        self.beside
            .range((node.clone(), service.clone(), ServiceId::default())..)
            .take_while(move |(on, of, _)| on == node && of == service)
            .filter_map(|(on, _, id)| self.services.get(&(on.clone(), id.clone())))
    }
}

/// Editing: each keeps the secondary indexes true, none touches a place.
impl Tables {
    pub(super) fn insert_node(&mut self, node: Arc<Node>) {
        self.nodes.insert(node.name.clone(), node);
    }

    pub(super) fn remove_node(&mut self, name: &NodeName) {
        self.nodes.remove(name);
    }

    /// True if the list of names and tags is another now.
    pub(super) fn insert_service(&mut self, service: Arc<Service>) -> bool {
        // the new one first: names and tags that stay are never seen to go
        let added = self.names.add(&service);
        let removed = self.remove_service(&service.node, &service.id);
        self.by_name.insert(row(&service.name, &service));
        if let Some(name) = service.connect_name() {
            self.by_connect_name.insert(row(name, &service));
        }
        for other in stands_beside(&service) {
            self.beside.insert((service.node.clone(), other.clone(), service.id.clone()));
        }
        self.ports.insert((service.node.clone(), service.port, service.id.clone()));
        self.services.insert((service.node.clone(), service.id.clone()), service);
        added || removed
    }

    /// True if the list of names and tags is another now.
    pub(super) fn remove_service(&mut self, node: &NodeName, id: &ServiceId) -> bool {
        let Some(old) = self.services.remove(&(node.clone(), id.clone())) else { return false };
        self.by_name.remove(&row(&old.name, &old));
        if let Some(name) = old.connect_name() {
            self.by_connect_name.remove(&row(name, &old));
        }
        for other in stands_beside(&old) {
            self.beside.remove(&(old.node.clone(), other.clone(), old.id.clone()));
        }
        self.ports.remove(&(old.node.clone(), old.port, old.id.clone()));
        self.names.remove(&old)
    }

    pub(super) fn insert_check(&mut self, check: Arc<Check>) {
        self.remove_check(&check.node, &check.id);
        self.check_ids.insert((check.node.clone(), check.service_id.clone(), check.id.clone()));
        self.checks.insert((check.node.clone(), check.id.clone()), check);
    }

    pub(super) fn remove_check(&mut self, node: &NodeName, id: &CheckId) {
        if let Some(old) = self.checks.remove(&(node.clone(), id.clone())) {
            self.check_ids.remove(&(old.node.clone(), old.service_id.clone(), old.id.clone()));
        }
    }

    pub(super) fn insert_entry(&mut self, entry: Arc<Entry>) {
        self.remove_entry(&entry.key());
        for service in entry.leads_to() {
            self.leads.insert((service.clone(), entry.name.as_str().into(), entry.kind()));
        }
        for source in sources(&entry) {
            self.by_source.insert((source.name.clone(), entry.name.as_str().into()));
        }
        self.entries.insert(entry.key(), entry);
    }

    pub(super) fn remove_entry(&mut self, key: &EntryKey) {
        let Some(old) = self.entries.remove(key) else { return };
        for service in old.leads_to() {
            self.leads.remove(&(service.clone(), old.name.as_str().into(), key.kind));
        }
        for source in sources(&old) {
            self.by_source.remove(&(source.name.clone(), old.name.as_str().into()));
        }
    }

    pub(super) fn insert_leaf(&mut self, leaf: Arc<Leaf>) {
        self.leaves.insert(leaf.service.clone(), leaf);
    }

    pub(super) fn remove_leaf(&mut self, service: &ServiceName) {
        self.leaves.remove(service);
    }

    pub(super) fn set_authority(&mut self, authority: Arc<AuthorityState>) {
        self.roots = Some(Arc::new(authority.roots.clone()));
        self.authority = Some(authority);
    }
}

type ByName = OrdSet<(ServiceName, NodeName, ServiceId)>;

/// Of an entry of another kind none.
pub(super) fn sources(entry: &Entry) -> &[SourceIntention] {
    entry.body::<ServiceIntentions>().map_or(&[], |body| &body.sources)
}

fn row(name: &ServiceName, service: &Service) -> (ServiceName, NodeName, ServiceId) {
    (name.clone(), service.node.clone(), service.id.clone())
}

/// The instances on its node that an instance belongs to.
fn stands_beside(service: &Service) -> impl Iterator<Item = &ServiceId> {
    let destination = service.proxy.as_ref().map(|proxy| &proxy.destination_id).filter(|id| !id.is_empty());
    destination.into_iter().chain(&service.managed_by)
}
