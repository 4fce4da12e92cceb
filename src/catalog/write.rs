//! What can be asked of the catalog.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::intention::Permission;
use crate::model::{Action, Check, CheckId, Entry, EntryKey, Index, Leaf, Node, NodeName, Roots, Secret};
use crate::model::{Service, ServiceId, ServiceName, Status};

/// One change. It is applied whole or refused whole.
#[derive(Clone, PartialEq, Debug)]
pub enum Write {
    /// Creates or replaces a node's record.
    RegisterNode(Node),
    /// Creates or replaces an instance. Its node must exist.
    RegisterService(Box<Registration>),
    /// Removes an instance, its checks, and the sidecar that was registered inside it.
    DeregisterService {
        node: NodeName,
        id: ServiceId,
    },
    /// Creates or replaces a check; its node and service must exist.
    RegisterCheck(Check),
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
    SetAuthority(AuthorityState),
    /// Creates or replaces the leaf of a service.
    SetLeaf(Leaf),
    RemoveLeaf(ServiceName),
    /// Replaces the virtual addresses that the user chose for a service of the mesh.
    SetManualVirtualIps {
        service: ServiceName,
        addresses: BTreeSet<IpAddr>,
    },
    /// All or nothing, at one index.
    Batch(Vec<Write>),
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
