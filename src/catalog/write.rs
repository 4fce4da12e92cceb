//! What can be asked of the catalog.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::record::{Record, RecordKey};
use crate::model::intention::Permission;
use crate::model::{Action, Check, CheckId, Entry, EntryKey, Index, KvKey, KvPair, Leaf, Lifetimes, Node, NodeName};
use crate::model::{Roots, Secret, Service, ServiceId, ServiceName, Status, UnixTime};

/// One change. It is applied whole or refused whole.
#[derive(Clone, PartialEq, Debug)]
pub enum Write {
    /// Creates or replaces a node's record.
    RegisterNode(Node),
    /// Removes a node and everything on it.
    DeregisterNode(NodeName),
    /// Creates or replaces an instance. Its node must exist.
    RegisterService(Box<Registration>),
    /// Removes an instance, its checks, and the sidecar that was registered inside it.
    DeregisterService {
        node: NodeName,
        id: ServiceId,
    },
    /// Creates or replaces a check; its node and service must exist.
    /// What the agent found about an older one stays known.
    RegisterCheck(Check),
    /// The same for a check that somebody else keeps: its status and output are as given.
    SetCheck(Check),
    DeregisterCheck {
        node: NodeName,
        id: CheckId,
    },
    /// What a probe found. Touches nothing when it is what is known already.
    UpdateCheck {
        node: NodeName,
        id: CheckId,
        status: Status,
        output: String,
    },
    /// Creates or replaces a config entry. With `cas`, only if its modify index is that (0: only if absent).
    PutEntry {
        entry: Entry,
        cas: Option<Index>,
    },
    DeleteEntry {
        key: EntryKey,
        cas: Option<Index>,
    },
    /// Creates or replaces one source of a destination's `service-intentions`.
    PutIntention {
        source: ServiceName,
        destination: ServiceName,
        action: Action,
        permissions: Vec<Permission>,
        description: String,
    },
    /// Removes one source; the entry goes with its last.
    DeleteIntention {
        source: ServiceName,
        destination: ServiceName,
    },
    /// Creates or replaces a value. With `cas`, only if its modify index is that (0: only if absent).
    PutKv {
        pair: KvPair,
        cas: Option<Index>,
    },
    /// With `cas`, only if its modify index is that. What is not there counts as deleted.
    DeleteKv {
        key: KvKey,
        cas: Option<Index>,
    },
    /// Removes every key that begins with this.
    DeleteKvTree(KvKey),
    SetAuthority(AuthorityState),
    /// Creates or replaces the leaf of a service.
    SetLeaf(Leaf),
    RemoveLeaf(ServiceName),
    /// Replaces the virtual addresses that the user chose for a service of the mesh.
    SetManualVirtualIps {
        service: ServiceName,
        addresses: BTreeSet<IpAddr>,
    },
    /// Replaces everything by these records. What the node `keep` says of itself stays if they know nothing of it.
    Restore {
        records: Vec<Record>,
        keep: NodeName,
    },
    /// All or nothing, at one index.
    Batch(Vec<Write>),
    /// The same, with conditions and answers.
    Transaction(Vec<Operation>),
}

/// One step of a transaction. It sees what the steps before it did; when one of them fails, none was done.
#[derive(Clone, PartialEq, Debug)]
pub struct Operation {
    pub condition: Option<Condition>,
    pub act: Act,
}

/// What must hold for a step.
#[derive(Clone, PartialEq, Debug)]
pub enum Condition {
    /// The record has this modify index; 0: it is not there.
    Index(RecordKey, Index),
    /// The same, or it is not there whatever the index.
    IndexOrAbsent(RecordKey, Index),
}

/// What a step does, and gives as its answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Act {
    /// Only the condition counts. Gives nothing.
    Nothing,
    /// Gives the record that was written.
    Write(Box<Write>),
    /// Removes the record and what hangs on it, if it is there. Gives nothing.
    Delete(RecordKey),
    /// Gives the record; fails without one.
    Read(RecordKey),
    /// Gives the value, or an empty one without indexes.
    ReadOrEmpty(KvKey),
    /// Gives everything that begins with this.
    ReadTree(KvKey),
}

impl Act {
    /// Whether it leaves the tables as they are.
    pub fn reads(&self) -> bool {
        !matches!(self, Self::Write(_) | Self::Delete(_))
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Registration {
    pub service: Service,
    pub checks: Vec<Check>,
    pub sidecar: Option<SidecarRegistration>,
    /// Checks of the instance that are not named here go.
    pub replace_existing_checks: bool,
}

/// A sidecar registered inside its service (`Connect.SidecarService`).
#[derive(Clone, PartialEq, Debug)]
pub struct SidecarRegistration {
    /// Port 0: the lowest free one of its range (21000 to 21255 by default) on the node, or the one it has already.
    pub service: Service,
    /// `None`: the default two, a TCP check of its port every 10 s and an alias of its service.
    pub checks: Option<Vec<Check>>,
}

/// The certificate authority as the store keeps it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct AuthorityState {
    pub roots: Roots,
    /// PEM (PKCS#8) of the active root's key.
    pub key: Secret,
    /// The active root's key signed by the root before it, and so on backwards, as long as older roots are trusted. PEM;
    /// leaves bring them along.
    #[serde(default)]
    pub bridges: Vec<String>,
    /// Until when a leaf of a root that is no longer active may live, by the root's id.
    #[serde(default)]
    pub trusted_until: BTreeMap<String, UnixTime>,
    /// How long leaves live; `None`: as the agent is configured.
    #[serde(default)]
    pub leaf_ttl: Option<Duration>,
    /// How long the next root lives that is made; `None`: as the agent is configured.
    #[serde(default)]
    pub root_ttl: Option<Duration>,
    /// Until when a leaf that was made with an earlier setting may live.
    #[serde(default)]
    pub leaves_until: UnixTime,
    #[serde(default)]
    pub create_index: Index,
    #[serde(default)]
    pub modify_index: Index,
}

impl AuthorityState {
    /// Of certificates that are made now.
    pub fn lifetimes(&self, configured: Lifetimes) -> Lifetimes {
        Lifetimes { leaf: self.leaf_ttl.unwrap_or(configured.leaf), root: self.root_ttl.unwrap_or(configured.root) }
    }

    pub fn new(roots: Roots, key: Secret) -> Self {
        Self {
            roots,
            key,
            bridges: Vec::new(),
            trusted_until: BTreeMap::new(),
            leaf_ttl: None,
            root_ttl: None,
            leaves_until: UnixTime::default(),
            create_index: Index::default(),
            modify_index: Index::default(),
        }
    }
}

/// What a write that was not refused did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Applied,
    /// Everything was so already: no index was taken, nobody is told.
    Unchanged,
    /// The compare of a compare-and-set failed.
    CasFailed,
}
