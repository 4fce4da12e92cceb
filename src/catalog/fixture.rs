//! A small catalog for tests: writes go in, and what a store would hold is kept beside the tables.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Applied, Change, Outcome, Record, RecordKey, Refusal, Registration, Settings};
use super::{SidecarRegistration, Tables, Write, apply};
use crate::model::entry::{EntryBody, ProxyDefaults, ServiceDefaults, ServiceIntentions, SourceIntention};
use crate::model::{Action, Check, CheckDefinition, Entry, Index, Node, Opaque, Probe, Protocol, Proxy, Service};
use crate::model::{ServiceKind, Status};

pub(super) struct World {
    pub(super) tables: Tables,
    pub(super) records: BTreeMap<RecordKey, Record>,
}

pub(super) fn settings() -> Settings {
    Settings {
        datacenter: "dc1".into(),
        default_intention: Action::Allow,
        sidecar_ports: super::SIDECAR_PORTS,
        exposed_ports: super::EXPOSED_PORTS,
        mesh: true,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a test makes each write in the call that writes it")]
impl World {
    pub(super) fn new() -> Self {
        Self { tables: Tables::new(settings()), records: BTreeMap::new() }
    }

    /// With nodes `n1` and `n2`.
    pub(super) fn with_nodes() -> Self {
        let mut world = Self::new();
        for name in ["n1", "n2"] {
            world.write(Write::RegisterNode(node(name)));
        }
        world
    }

    pub(super) fn try_write(&mut self, write: &Write) -> Result<Applied, Refusal> {
        let applied = apply(&self.tables, write, self.tables.index().next())?;
        self.tables = applied.tables.clone();
        for change in &applied.changes {
            match change {
                Change::Put(record) => drop(self.records.insert(record.key(), record.clone())),
                Change::Delete(key) => assert!(self.records.remove(key).is_some(), "{key:?} was not kept"),
            }
        }
        Ok(applied)
    }

    /// A write that must change something.
    pub(super) fn write(&mut self, write: Write) -> Applied {
        let applied = self.try_write(&write).expect("accepted");
        assert_eq!(applied.outcome, Outcome::Applied, "{write:?}");
        applied
    }

    /// A write that must change nothing.
    pub(super) fn idle(&mut self, write: Write) -> Outcome {
        let before = self.tables.index();
        let applied = self.try_write(&write).expect("accepted");
        assert_ne!(applied.outcome, Outcome::Applied, "{write:?}");
        assert!(applied.places.is_empty() && applied.changes.is_empty());
        assert_eq!(self.tables.index(), before);
        applied.outcome
    }

    pub(super) fn refuse(&mut self, write: Write) -> Refusal {
        self.try_write(&write).expect_err("refused")
    }

    /// The tables as they come back from a store.
    pub(super) fn reloaded(&self) -> Tables {
        Tables::load(settings(), self.tables.index(), self.records.values().cloned().collect())
    }
}

pub(super) fn node(name: &str) -> Node {
    Node { name: name.into(), address: format!("10.0.0.{}", &name[1..]), ..Node::default() }
}

/// An instance on `n1` with its name as id.
pub(super) fn service(name: &str) -> Service {
    Service { node: "n1".into(), id: name.into(), name: name.into(), port: 8080, ..Service::default() }
}

/// Beside that instance.
pub(super) fn sidecar(destination: &str) -> Service {
    let proxy = Proxy { destination_name: destination.into(), destination_id: destination.into(), ..Proxy::default() };
    let name = format!("{destination}-sidecar-proxy");
    Service { kind: ServiceKind::ConnectProxy, port: 0, proxy: Some(proxy), ..service(&name) }
}

pub(super) fn register(service: Service) -> Write {
    Write::RegisterService(Box::new(registration(service)))
}

pub(super) fn registration(service: Service) -> Registration {
    Registration { service, checks: vec![], sidecar: None, replace_existing_checks: false }
}

/// With a sidecar that leaves port and checks to the catalog.
pub(super) fn register_with_sidecar(name: &str) -> Write {
    let sidecar = Some(SidecarRegistration { service: sidecar(name), checks: None });
    Write::RegisterService(Box::new(Registration { sidecar, ..registration(service(name)) }))
}

/// A passing TTL check on `n1`; with an empty service, of the node.
pub(super) fn check(id: &str, service: &str) -> Check {
    Check {
        node: "n1".into(),
        id: id.into(),
        name: id.to_owned(),
        status: Status::Passing,
        notes: String::new(),
        output: String::new(),
        service_id: service.into(),
        service_name: service.into(),
        service_tags: vec![],
        exposed: None,
        definition: Some(CheckDefinition::new(Probe::Ttl(Duration::from_secs(10)))),
        create_index: Index(0),
        modify_index: Index(0),
    }
}

pub(super) fn alias(id: &str, service: &str, of: &str) -> Check {
    let probe = Probe::Alias { node: "".into(), service: of.into() };
    Check { definition: Some(CheckDefinition::new(probe)), ..check(id, service) }
}

pub(super) fn update(id: &str, status: Status, output: &str) -> Write {
    Write::UpdateCheck { node: "n1".into(), id: id.into(), status, output: output.to_owned() }
}

pub(super) fn entry(name: &str, body: EntryBody) -> Entry {
    Entry { name: name.to_owned(), meta: BTreeMap::new(), body, create_index: Index(0), modify_index: Index(0) }
}

pub(super) fn put(entry: Entry) -> Write {
    Write::PutEntry { entry, cas: None }
}

pub(super) fn service_defaults(name: &str, protocol: Protocol) -> Entry {
    entry(name, EntryBody::ServiceDefaults(ServiceDefaults { protocol: Some(protocol), ..Default::default() }))
}

pub(super) fn proxy_defaults(config: &str) -> Entry {
    entry("global", EntryBody::ProxyDefaults(ProxyDefaults { config: opaque(config), ..Default::default() }))
}

pub(super) fn intentions(destination: &str, sources: &[(&str, Action)]) -> Entry {
    let source = |(name, action): &(&str, Action)| SourceIntention {
        name: (*name).into(),
        action: *action,
        permissions: vec![],
        description: String::new(),
    };
    entry(
        destination,
        EntryBody::ServiceIntentions(ServiceIntentions {
            sources: sources.iter().map(source).collect(),
            ..Default::default()
        }),
    )
}

pub(super) fn opaque(json: &str) -> Opaque {
    serde_json::from_str(json).expect("a JSON object")
}
