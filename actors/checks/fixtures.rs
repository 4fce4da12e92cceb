//! What tests of this room register.

use chancery::model::check::SocketProbe;
use chancery::model::{
    Check, CheckDefinition, CheckId, Index, NodeName, Probe, ServiceId, ServiceName, Status, Target,
};

pub fn definition(probe: Probe) -> CheckDefinition {
    CheckDefinition::new(probe)
}

/// Asks a TCP port.
pub fn tcp(address: &str) -> CheckDefinition {
    definition(Probe::Periodic(Target::Tcp(SocketProbe { address: address.to_owned(), tls: None })))
}

/// Critical, of the instance (of the node itself if empty) on node `n1`.
pub fn check(id: &str, service: &str, definition: Option<CheckDefinition>) -> Check {
    Check {
        node: NodeName::from("n1"),
        id: CheckId::from(id),
        name: id.to_owned(),
        status: Status::Critical,
        notes: String::new(),
        output: String::new(),
        service_id: ServiceId::from(service),
        service_name: ServiceName::from(service),
        service_tags: Vec::new(),
        exposed: None,
        definition,
        create_index: Index(0),
        modify_index: Index(0),
    }
}
