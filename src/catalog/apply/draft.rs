//! Tables in the making. Every change of a record goes through here, which is what keeps three things in step: the
//! tables, the places touched, and what the store is told.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::Applied;
use super::refusal::Refusal;
use super::stamp::stamp;
use crate::catalog::record::{Change, Record, RecordKey};
use crate::catalog::tables::{Tables, sources};
use crate::catalog::write::{AuthorityState, Outcome};
use crate::model::entry::SourceIntention;
use crate::model::topic::Place;
use crate::model::{
    Check, CheckId, Entry, EntryKey, Index, KvKey, KvPair, Leaf, Node, NodeName, Service, ServiceId, ServiceKind,
    ServiceName, VirtualIp,
};

pub(super) struct Draft {
    pub(super) tables: Tables,
    index: Index,
    places: BTreeSet<Place>,
    changes: Vec<Change>,
    /// Instances whose checks may have to be exposed, or to be hidden again.
    pub(super) to_expose: BTreeSet<(NodeName, ServiceId)>,
    /// What the steps of a transaction gave.
    pub(super) results: Vec<Vec<Record>>,
}

impl Draft {
    pub(super) fn new(tables: Tables, index: Index) -> Self {
        let (places, to_expose) = (BTreeSet::new(), BTreeSet::new());
        Self { tables, index, places, changes: Vec::new(), to_expose, results: Vec::new() }
    }

    pub(super) fn finish(mut self) -> Applied {
        self.tables.touch(&self.places, self.index);
        if self.changes.len() > 1 && self.touched_entries().next().is_some() {
            self.tables.touch_together();
        }
        let Self { tables, places, changes, results, .. } = self;
        Applied { tables, places, everywhere: false, changes, outcome: Outcome::Applied, results }
    }

    pub(super) fn touched_entries(&self) -> impl Iterator<Item = &EntryKey> {
        self.places.iter().filter_map(|place| if let Place::Entry(key) = place { Some(key) } else { None })
    }

    /// True if it changed anything; so with every `put` and `remove`.
    pub(super) fn put_node(&mut self, mut node: Node) -> bool {
        let old = self.tables.nodes.get(&node.name).cloned();
        if !stamp(&mut node, old.as_deref(), self.index) {
            return false;
        }
        self.places.insert(Place::Nodes);
        self.places.insert(Place::Node(node.name.clone()));
        self.touch_all_on(&node.name);
        if old.as_ref().is_some_and(|old| old.address != node.address) {
            self.touch_exposing(&node.name);
        }
        if old.as_ref().map(|old| &old.locality) != Some(&node.locality) {
            self.touch_proxies_on(&node.name);
        }
        let node = Arc::new(node);
        self.changes.push(Change::Put(Record::Node(Arc::clone(&node))));
        self.tables.insert_node(node);
        true
    }

    /// With everything on it.
    pub(super) fn remove_node(&mut self, name: &NodeName) -> bool {
        if !self.tables.nodes.contains_key(name) {
            return false;
        }
        let services: Vec<_> = self.tables.services_on(name).map(|service| service.id.clone()).collect();
        for id in services {
            self.remove_service(name, &id);
        }
        let checks: Vec<_> = self.tables.checks_on(name).map(|check| check.id.clone()).collect();
        for id in checks {
            self.remove_check(name, &id);
        }
        self.places.insert(Place::Nodes);
        self.places.insert(Place::Node(name.clone()));
        self.changes.push(Change::Delete(RecordKey::Node(name.clone())));
        self.tables.remove_node(name);
        true
    }

    /// Fails when there is no virtual address left.
    pub(super) fn put_service(&mut self, mut service: Service) -> Result<bool, Refusal> {
        self.give_virtual_ip(&mut service)?;
        let old = self.tables.services.get(&(service.node.clone(), service.id.clone())).cloned();
        if !stamp(&mut service, old.as_deref(), self.index) {
            return Ok(false);
        }
        let service = Arc::new(service);
        // a proxy without a local port of its own leads to where the instance listens
        let listens = |service: &Service| (service.port, service.socket_path.clone());
        if old.as_deref().map(listens) != Some(listens(&service)) {
            self.touch_proxies_of(&service.node, &service.id);
        }
        if let Some(old) = &old {
            self.touch_instance(old);
        }
        self.touch_instance(&service);
        self.changes.push(Change::Put(Record::Service(Arc::clone(&service))));
        if self.tables.insert_service(Arc::clone(&service)) {
            self.places.insert(Place::ServiceNames);
        }
        if let Some(name) = old.as_deref().and_then(Service::connect_name) {
            self.take_virtual_ip(name);
        }
        self.rename_checks(&service);
        for changed in old.iter().chain([&service]) {
            self.to_expose.insert((changed.node.clone(), changed.beside().clone()));
        }
        Ok(true)
    }

    pub(super) fn remove_service(&mut self, node: &NodeName, id: &ServiceId) -> bool {
        let Some(old) = self.tables.services.get(&(node.clone(), id.clone())).cloned() else { return false };
        let checks: Vec<_> = self.tables.checks_of(node, id).map(|check| check.id.clone()).collect();
        for check in checks {
            self.remove_check(node, &check);
        }
        self.touch_proxies_of(node, id);
        self.touch_instance(&old);
        self.changes.push(Change::Delete(RecordKey::Service(node.clone(), id.clone())));
        if self.tables.remove_service(node, id) {
            self.places.insert(Place::ServiceNames);
        }
        if let Some(name) = old.connect_name() {
            self.take_virtual_ip(name);
        }
        self.to_expose.insert((old.node.clone(), old.beside().clone()));
        true
    }

    /// A check of a service must carry the service's name and tags: see [`Draft::register_check`].
    pub(super) fn put_check(&mut self, mut check: Check) -> bool {
        let old = self.tables.checks.get(&(check.node.clone(), check.id.clone())).cloned();
        if !stamp(&mut check, old.as_deref(), self.index) {
            return false;
        }
        if let Some(old) = &old {
            self.touch_checked(old);
        }
        self.touch_checked(&check);
        let before = old.as_ref().and_then(|old| old.exposed.as_ref());
        let same = before == check.exposed.as_ref()
            && (before.is_none() || old.as_ref().is_some_and(|old| old.definition == check.definition));
        if !same {
            self.touch_proxies_of(&check.node, &check.service_id);
        }
        let check = Arc::new(check);
        self.changes.push(Change::Put(Record::Check(Arc::clone(&check))));
        self.tables.insert_check(check);
        true
    }

    pub(super) fn remove_check(&mut self, node: &NodeName, id: &CheckId) -> bool {
        let Some(old) = self.tables.checks.get(&(node.clone(), id.clone())).cloned() else { return false };
        self.touch_checked(&old);
        if old.exposed.is_some() {
            self.touch_proxies_of(node, &old.service_id);
        }
        self.changes.push(Change::Delete(RecordKey::Check(node.clone(), id.clone())));
        self.tables.remove_check(node, id);
        true
    }

    pub(super) fn put_entry(&mut self, mut entry: Entry) -> bool {
        let key = entry.key();
        let old = self.tables.entries.get(&key).cloned();
        if !stamp(&mut entry, old.as_deref(), self.index) {
            return false;
        }
        self.touch_entry(key);
        self.touch_sources(old.as_deref(), Some(&entry));
        let entry = Arc::new(entry);
        self.changes.push(Change::Put(Record::Entry(Arc::clone(&entry))));
        self.tables.insert_entry(entry);
        true
    }

    pub(super) fn remove_entry(&mut self, key: &EntryKey) -> bool {
        let Some(old) = self.tables.entries.get(key).cloned() else { return false };
        self.touch_entry(key.clone());
        self.touch_sources(Some(&old), None);
        self.changes.push(Change::Delete(RecordKey::Entry(key.clone())));
        self.tables.remove_entry(key);
        true
    }

    pub(super) fn put_authority(&mut self, mut authority: AuthorityState) -> bool {
        let old = self.tables.authority().cloned();
        for root in &mut authority.roots.roots {
            let known = old.iter().flat_map(|old| &old.roots.roots).find(|known| known.id == root.id);
            stamp(root, known, self.index);
        }
        if !stamp(&mut authority, old.as_deref(), self.index) {
            return false;
        }
        self.places.insert(Place::Roots);
        let authority = Arc::new(authority);
        self.changes.push(Change::Put(Record::Authority(Arc::clone(&authority))));
        self.tables.set_authority(authority);
        true
    }

    pub(super) fn put_leaf(&mut self, mut leaf: Leaf) -> bool {
        let old = self.tables.leaves.get(&leaf.service).cloned();
        if !stamp(&mut leaf, old.as_deref(), self.index) {
            return false;
        }
        self.places.insert(Place::Leaf(leaf.service.clone()));
        let leaf = Arc::new(leaf);
        self.changes.push(Change::Put(Record::Leaf(Arc::clone(&leaf))));
        self.tables.insert_leaf(leaf);
        true
    }

    pub(super) fn remove_leaf(&mut self, service: &ServiceName) -> bool {
        if !self.tables.leaves.contains_key(service) {
            return false;
        }
        self.places.insert(Place::Leaf(service.clone()));
        self.changes.push(Change::Delete(RecordKey::Leaf(service.clone())));
        self.tables.remove_leaf(service);
        true
    }

    pub(super) fn put_virtual_ip(&mut self, mut ip: VirtualIp) -> bool {
        let old = self.tables.virtual_ips.of(&ip.service).cloned();
        if !stamp(&mut ip, old.as_deref(), self.index) {
            return false;
        }
        if old.is_none() {
            self.places.insert(Place::InMesh);
        }
        self.touch_virtual_ip(&ip.service);
        let ip = Arc::new(ip);
        self.changes.push(Change::Put(Record::VirtualIp(Arc::clone(&ip))));
        self.tables.virtual_ips.insert(ip);
        true
    }

    pub(super) fn remove_virtual_ip(&mut self, service: &ServiceName) {
        if self.tables.virtual_ips.of(service).is_some() {
            self.places.insert(Place::InMesh);
            self.touch_virtual_ip(service);
            self.changes.push(Change::Delete(RecordKey::VirtualIp(service.clone())));
            self.tables.virtual_ips.remove(service);
        }
    }

    pub(super) fn put_last_virtual_ip(&mut self, address: Ipv4Addr) {
        self.changes.push(Change::Put(Record::LastVirtualIp(address)));
        self.tables.virtual_ips.set_last(address);
    }

    pub(super) fn put_kv(&mut self, mut pair: KvPair) -> bool {
        let old = self.tables.kv.get(&pair.key).cloned();
        if !stamp(&mut pair, old.as_deref(), self.index) {
            return false;
        }
        self.touch_kv(&pair.key);
        let pair = Arc::new(pair);
        self.changes.push(Change::Put(Record::Kv(Arc::clone(&pair))));
        self.tables.kv.insert(pair);
        true
    }

    pub(super) fn remove_kv(&mut self, key: &KvKey) -> bool {
        if self.tables.kv.get(key).is_none() {
            return false;
        }
        self.touch_kv(key);
        self.changes.push(Change::Delete(RecordKey::Kv(key.clone())));
        self.tables.kv.remove(key);
        true
    }

    /// Its checks say what the instance is called and how it is tagged.
    fn rename_checks(&mut self, service: &Service) {
        let stale: Vec<_> = self
            .tables
            .checks_of(&service.node, &service.id)
            .filter(|check| check.service_name != service.name || check.service_tags != service.tags)
            .map(|check| Check {
                service_name: service.name.clone(),
                service_tags: service.tags.clone(),
                ..(**check).clone()
            })
            .collect();
        for check in stale {
            self.put_check(check);
        }
    }
}

/// Which places a change of a record touches.
impl Draft {
    fn touch_instance(&mut self, service: &Service) {
        self.places.insert(Place::Instances);
        self.places.insert(Place::Node(service.node.clone()));
        self.places.insert(Place::Service(service.name.clone()));
        if let Some(name) = service.connect_name() {
            self.places.insert(Place::Connect(name.clone()));
        }
        // what is native is its own proxy
        if service.kind == ServiceKind::ConnectProxy || service.connect_native {
            self.places.insert(Place::Proxy(service.proxy_id()));
        }
    }

    /// The answers by name that the instance's health is part of.
    fn touch_health(&mut self, service: &Service) {
        self.places.insert(Place::Service(service.name.clone()));
        if let Some(name) = service.connect_name() {
            self.places.insert(Place::Connect(name.clone()));
        }
    }

    fn touch_checked(&mut self, check: &Check) {
        self.places.insert(Place::Checks);
        self.places.insert(Place::Node(check.node.clone()));
        if check.service_id.is_empty() {
            self.touch_all_on(&check.node);
        } else if let Some(service) = self.tables.services.get(&(check.node.clone(), check.service_id.clone())) {
            let service = Arc::clone(service);
            self.touch_health(&service);
        }
    }

    fn touch_all_on(&mut self, node: &NodeName) {
        let services: Vec<_> = self.tables.services_on(node).cloned().collect();
        for service in services {
            self.touch_health(&service);
        }
    }

    /// They are where their node is, unless they say otherwise.
    fn touch_proxies_on(&mut self, node: &NodeName) {
        let proxies = self.tables.services_on(node).filter(|service| service.kind == ServiceKind::ConnectProxy);
        self.places.extend(proxies.map(|service| Place::Proxy(service.proxy_id())));
    }

    fn touch_proxies_of(&mut self, node: &NodeName, id: &ServiceId) {
        let proxies = self.tables.proxies_beside(node, id).map(|proxy| Place::Proxy(proxy.proxy_id()));
        self.places.extend(proxies);
    }

    /// The agent's address is in what they expose for it.
    fn touch_exposing(&mut self, node: &NodeName) {
        let exposed = self.tables.checks_on(node).filter(|check| check.exposed.is_some());
        let services: BTreeSet<ServiceId> = exposed.map(|check| check.service_id.clone()).collect();
        for service in services {
            self.touch_proxies_of(node, &service);
        }
    }

    /// Of whom another rule is known now.
    fn touch_sources(&mut self, old: Option<&Entry>, new: Option<&Entry>) {
        let (old, new) = (old.map_or(&[][..], sources), new.map_or(&[][..], sources));
        let only = |one: &[SourceIntention], other: &[SourceIntention]| {
            let only = one.iter().filter(|rule| !other.contains(rule));
            only.map(|rule| Place::IntentionsFrom(rule.name.clone())).collect::<Vec<_>>()
        };
        self.places.extend(only(old, new).into_iter().chain(only(new, old)));
    }

    fn touch_virtual_ip(&mut self, service: &ServiceName) {
        self.places.insert(Place::VirtualIp(service.clone()));
    }

    fn touch_kv(&mut self, key: &KvKey) {
        self.places.extend(key.folders().map(|folder| Place::KvFolder(folder.into())));
        self.places.insert(Place::Kv(key.clone()));
    }

    fn touch_entry(&mut self, key: EntryKey) {
        self.expose_again_after(&key);
        self.places.insert(Place::Entries(key.kind));
        self.places.insert(Place::Entry(key));
    }
}
