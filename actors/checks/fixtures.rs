//! What tests of this room register.

use std::time::Duration;

use chancery::model::{Check, CheckDefinition, CheckId, Index, NodeName, Probe, ServiceId, ServiceName, Status};

pub fn definition(probe: Probe) -> CheckDefinition {
    CheckDefinition {
        probe,
        interval: Duration::ZERO,
        timeout: Duration::ZERO,
        success_before_passing: 0,
        failures_before_warning: 0,
        failures_before_critical: 0,
        deregister_critical_service_after: Duration::ZERO,
        output_max_size: 0,
    }
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
        definition,
        create_index: Index(0),
        modify_index: Index(0),
    }
}
