//! How everything is, in numbers.

use std::collections::BTreeMap;

use crate::catalog::tables::Tables;
use crate::model::{ServiceId, ServiceName, Status};

/// How many of each status.
pub type Tally = BTreeMap<Status, usize>;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Overview<'a> {
    /// Each by the worst of its own checks.
    pub nodes: Tally,
    /// The instances of each service, each by the worst of its checks and its node's.
    pub services: BTreeMap<&'a ServiceName, Tally>,
    /// By the names of the checks.
    pub checks: BTreeMap<&'a str, Tally>,
}

pub fn overview(tables: &Tables) -> Overview<'_> {
    let mut overview = Overview::default();
    let worst = |node, id| tables.checks_of(node, id).map(|check| check.status).max().unwrap_or(Status::Passing);
    let of_node = ServiceId::default();
    for node in tables.nodes.keys() {
        *overview.nodes.entry(worst(node, &of_node)).or_insert(0) += 1;
    }
    for service in tables.services.values() {
        let status = worst(&service.node, &service.id).max(worst(&service.node, &of_node));
        *overview.services.entry(&service.name).or_default().entry(status).or_insert(0) += 1;
    }
    for check in tables.checks.values() {
        *overview.checks.entry(&check.name).or_default().entry(check.status).or_insert(0) += 1;
    }
    overview
}
