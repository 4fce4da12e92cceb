//! Writes of health checks.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::not_empty;
use super::refusal::Refusal;
use crate::catalog::tables::Tables;
use crate::model::{Check, CheckId, NodeName, Probe, Service, ServiceId, ServiceName, Status};

impl Draft {
    pub(super) fn register_check(&mut self, mut check: Check) -> Result<bool, Refusal> {
        // What a probe found stays known until the next probe: registering again must not make a service fail.
        if let Some(known) = self.tables.checks.get(&(check.node.clone(), check.id.clone()))
            && known.definition.is_some()
            && check.definition.is_some()
        {
            check.status = known.status;
            check.output.clone_from(&known.output);
        }
        self.place_check(check)
    }

    pub(super) fn set_check(&mut self, mut check: Check) -> Result<bool, Refusal> {
        // who runs it goes on
        if let Some(known) = self.tables.checks.get(&(check.node.clone(), check.id.clone()))
            && check.definition.is_none()
        {
            check.definition.clone_from(&known.definition);
        }
        self.place_check(check)
    }

    fn place_check(&mut self, mut check: Check) -> Result<bool, Refusal> {
        if let Some(known) = self.tables.checks.get(&(check.node.clone(), check.id.clone()))
            && known.service_id == check.service_id
        {
            check.exposed.clone_from(&known.exposed);
        }
        self.to_expose.insert((check.node.clone(), check.service_id.clone()));
        if !self.tables.nodes.contains_key(&check.node) {
            return Err(Refusal::UnknownNode(check.node));
        }
        if check.service_id.is_empty() {
            return self.accept_check(Check {
                service_name: ServiceName::default(),
                service_tags: Vec::new(),
                ..check
            });
        }
        match self.tables.services.get(&(check.node.clone(), check.service_id.clone())).cloned() {
            Some(service) => self.accept_check(of_service(check, &service)),
            None => Err(Refusal::UnknownService { node: check.node, id: check.service_id }),
        }
    }

    fn accept_check(&mut self, check: Check) -> Result<bool, Refusal> {
        not_empty(check.id.as_str(), "check id")?;
        if mirrors_itself(&self.tables, &check) {
            return Err(Refusal::AliasCycle { id: check.id });
        }
        Ok(self.put_check(check))
    }

    pub(super) fn deregister_check(&mut self, node: &NodeName, id: &CheckId) -> Result<bool, Refusal> {
        if self.remove_check(node, id) {
            Ok(true)
        } else {
            Err(Refusal::UnknownCheck { node: node.clone(), id: id.clone() })
        }
    }

    pub(super) fn update_check(
        &mut self,
        node: &NodeName,
        id: &CheckId,
        status: Status,
        output: &str,
    ) -> Result<bool, Refusal> {
        match self.tables.checks.get(&(node.clone(), id.clone())) {
            Some(known) if known.status == status && known.output == output => Ok(false),
            Some(known) => {
                let check = Check { status, output: output.to_owned(), ..(**known).clone() };
                Ok(self.put_check(check))
            }
            None => Err(Refusal::UnknownCheck { node: node.clone(), id: id.clone() }),
        }
    }
}

/// The check as one of this instance.
pub(super) fn of_service(check: Check, service: &Service) -> Check {
    Check {
        node: service.node.clone(),
        service_id: service.id.clone(),
        service_name: service.name.clone(),
        service_tags: service.tags.clone(),
        ..check
    }
}

/// Whether an alias leads back to what it is a check of. The health of an instance depends on its own checks and on
/// those of its node, and a check that is an alias depends on its target.
fn mirrors_itself(tables: &Tables, check: &Check) -> bool {
    let Some(target) = alias_target(check) else { return false };
    let origin = (check.node.clone(), check.service_id.clone());
    let mut seen = BTreeSet::new();
    let mut ahead = vec![target];
    while let Some(found) = ahead.pop() {
        if found == origin {
            return true;
        }
        if !seen.insert(found.clone()) {
            continue;
        }
        let (node, service) = found;
        let others =
            tables.checks_of(&node, &service).filter(|other| (&other.node, &other.id) != (&check.node, &check.id));
        ahead.extend(others.filter_map(|other| alias_target(other)));
        ahead.push((node, ServiceId::default()));
    }
    false
}

fn alias_target(check: &Check) -> Option<(NodeName, ServiceId)> {
    match &check.definition.as_ref()?.probe {
        Probe::Alias { node, service } => {
            let node = if node.is_empty() { &check.node } else { node };
            Some((node.clone(), service.clone()))
        }
        Probe::Ttl(_) | Probe::Periodic(_) => None,
    }
}
