//! Several steps over one draft: each sees what those before it did. If one fails none was done, and the refusal names
//! every step that failed.

use std::sync::Arc;

use super::draft::Draft;
use super::outcome;
use super::refusal::{Failed, Refusal};
use crate::catalog::record::{Record, RecordKey};
use crate::catalog::write::{Act, Condition, Operation, Outcome, Write};
use crate::model::{EntryKey, Index, KvPair};

impl Draft {
    pub(super) fn transaction(&mut self, operations: &[Operation]) -> Result<Outcome, Refusal> {
        let (mut changed, mut results, mut failures) = (false, Vec::with_capacity(operations.len()), Vec::new());
        for (position, operation) in operations.iter().enumerate() {
            match self.step(operation) {
                Ok((step_changed, records)) => {
                    changed |= step_changed;
                    results.push(records);
                }
                Err(refusal) => failures.push(Failed { position, refusal }),
            }
        }
        if !failures.is_empty() {
            return Err(Refusal::Transaction(failures));
        }
        self.results = results;
        Ok(outcome(changed))
    }

    /// Whether it changed anything, and its answer.
    fn step(&mut self, operation: &Operation) -> Result<(bool, Vec<Record>), Refusal> {
        if let Some(condition) = &operation.condition {
            self.require(condition)?;
        }
        match &operation.act {
            Act::Nothing => Ok((false, Vec::new())),
            Act::Write(write) => {
                let changed = match self.write(write)? {
                    Outcome::Applied => true,
                    Outcome::Unchanged => false,
                    Outcome::CasFailed => return Err(self.stale(write)),
                };
                Ok((changed, subject(write).and_then(|key| self.tables.record(&key)).into_iter().collect()))
            }
            Act::Delete(key) => Ok((self.delete(key), Vec::new())),
            Act::Read(key) => {
                let record = self.tables.record(key).ok_or_else(|| Refusal::Missing(key.clone()))?;
                Ok((false, vec![record]))
            }
            Act::ReadOrEmpty(key) => {
                let pair = self.tables.kv.get(key).cloned();
                let pair = pair.unwrap_or_else(|| Arc::new(KvPair { key: key.clone(), ..KvPair::default() }));
                Ok((false, vec![Record::Kv(pair)]))
            }
            Act::ReadTree(prefix) => {
                Ok((false, self.tables.kv.under(prefix).map(|pair| Record::Kv(Arc::clone(pair))).collect()))
            }
        }
    }

    fn require(&self, condition: &Condition) -> Result<(), Refusal> {
        let (key, expected, or_absent) = match condition {
            Condition::Index(key, expected) => (key, *expected, false),
            Condition::IndexOrAbsent(key, expected) => (key, *expected, true),
        };
        match self.modify_index(key) {
            None if or_absent || expected == Index(0) => Ok(()),
            None => Err(Refusal::Missing(key.clone())),
            Some(found) if found == expected => Ok(()),
            Some(found) => Err(Refusal::Stale { key: key.clone(), expected, found }),
        }
    }

    fn modify_index(&self, key: &RecordKey) -> Option<Index> {
        self.tables.record(key).map(|record| record.modify_index())
    }

    /// Why the compare of a write failed.
    fn stale(&self, write: &Write) -> Refusal {
        match write {
            Write::PutEntry { cas: Some(expected), .. }
            | Write::DeleteEntry { cas: Some(expected), .. }
            | Write::PutKv { cas: Some(expected), .. }
            | Write::DeleteKv { cas: Some(expected), .. }
                if let Some(key) = subject(write) =>
            {
                let found = self.modify_index(&key).unwrap_or_default();
                Refusal::Stale { key, expected: *expected, found }
            }
            _ => Refusal::StaleBatch,
        }
    }

    fn delete(&mut self, key: &RecordKey) -> bool {
        match key {
            RecordKey::Node(name) => self.remove_node(name),
            RecordKey::Service(node, id) => {
                let sidecars = self.remove_sidecars(node, id, None);
                self.remove_service(node, id) || sidecars
            }
            RecordKey::Check(node, id) => self.remove_check(node, id),
            RecordKey::Entry(key) => self.remove_entry(key),
            RecordKey::Leaf(service) => self.remove_leaf(service),
            RecordKey::Kv(key) => self.remove_kv(key),
            // these come and go with what they belong to; a mesh without identities is nothing anybody may ask for
            RecordKey::Authority | RecordKey::VirtualIp(_) | RecordKey::LastVirtualIp => false,
        }
    }
}

/// The config entry that a step writes or removes.
pub(super) fn written_entry(operation: &Operation) -> Option<EntryKey> {
    let record = match &operation.act {
        Act::Write(write) => subject(write),
        Act::Delete(key) => Some(key.clone()),
        _ => None,
    };
    if let Some(RecordKey::Entry(key)) = record { Some(key) } else { None }
}

/// The one record that a write is about.
fn subject(write: &Write) -> Option<RecordKey> {
    match write {
        Write::RegisterNode(node) => Some(RecordKey::Node(node.name.clone())),
        Write::RegisterService(registration) => {
            let service = &registration.service;
            Some(RecordKey::Service(service.node.clone(), service.id.clone()))
        }
        Write::RegisterCheck(check) | Write::SetCheck(check) => {
            Some(RecordKey::Check(check.node.clone(), check.id.clone()))
        }
        Write::UpdateCheck { node, id, .. } => Some(RecordKey::Check(node.clone(), id.clone())),
        Write::PutEntry { entry, .. } => Some(RecordKey::Entry(entry.key())),
        Write::DeleteEntry { key, .. } => Some(RecordKey::Entry(key.clone())),
        Write::PutKv { pair, .. } => Some(RecordKey::Kv(pair.key.clone())),
        Write::DeleteKv { key, .. } => Some(RecordKey::Kv(key.clone())),
        Write::SetLeaf(leaf) => Some(RecordKey::Leaf(leaf.service.clone())),
        Write::SetManualVirtualIps { service, .. } => Some(RecordKey::VirtualIp(service.clone())),
        Write::SetAuthority(_) => Some(RecordKey::Authority),
        Write::DeregisterNode(_)
        | Write::DeregisterService { .. }
        | Write::DeregisterCheck { .. }
        | Write::DeleteKvTree(_)
        | Write::PutIntention { .. }
        | Write::DeleteIntention { .. }
        | Write::RemoveLeaf(_)
        | Write::Restore { .. }
        | Write::Batch(_)
        | Write::Transaction(_) => None,
    }
}

#[cfg(test)]
mod tests;
