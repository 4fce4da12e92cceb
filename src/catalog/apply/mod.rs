//! From tables and a write to new tables. Everything about a write that can only be judged by what is registered
//! already is judged here; a write that is refused, and one that changes nothing, leaves no trace.

mod agreement;
mod chains;
mod checks;
mod draft;
mod entries;
mod exposed;
mod fault;
mod kv;
mod refusal;
mod restore;
mod services;
mod sidecar;
mod stamp;
#[cfg(test)]
mod tests;
mod transaction;
mod virtual_ips;

use std::collections::BTreeSet;

pub(in crate::catalog) use exposed::asked;
pub use refusal::{Failed, Refusal};

use self::draft::Draft;
use super::record::{Change, Record};
use super::tables::Tables;
use super::write::{Outcome, Write};
use crate::model::Index;
use crate::model::entry::SourceIntention;
use crate::model::topic::Place;

/// What a write that was not refused came to.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The old ones unless the outcome is [`Outcome::Applied`].
    pub tables: Tables,
    /// Where an answer may be another one now.
    pub places: BTreeSet<Place>,
    /// Anything may have changed: whoever listens anywhere is to be told.
    pub everywhere: bool,
    /// What a store must keep or drop, in this order.
    pub changes: Vec<Change>,
    pub outcome: Outcome,
    /// Of a transaction: what each of its steps gave.
    pub results: Vec<Vec<Record>>,
}

/// Applies the write at `index`, which must be greater than that of the tables.
pub fn apply(tables: &Tables, write: &Write, index: Index) -> Result<Applied, Refusal> {
    debug_assert!(index > tables.index(), "index {index} is not after {}", tables.index());
    if let Write::Restore { records, keep } = write {
        return restore::restore(tables, records, keep, index);
    }
    let mut draft = Draft::new(tables.clone(), index);
    Ok(match draft.write(write)? {
        Outcome::Applied => {
            draft.expose_checks()?;
            let mut faults = draft.disagreements(tables);
            faults.extend(draft.broken_chains());
            if let Some(refusal) = fault::refusal(write, faults) {
                return Err(refusal);
            }
            draft.finish()
        }
        outcome => {
            let (places, changes) = (BTreeSet::new(), Vec::new());
            Applied { tables: tables.clone(), places, everywhere: false, changes, outcome, results: draft.results }
        }
    })
}

impl Draft {
    fn write(&mut self, write: &Write) -> Result<Outcome, Refusal> {
        let changed = match write {
            Write::RegisterNode(node) => self.register_node(node)?,
            Write::DeregisterNode(name) => self.deregister_node(name)?,
            Write::RegisterService(registration) => self.register_service(registration)?,
            Write::DeregisterService { node, id } => self.deregister_service(node, id)?,
            Write::RegisterCheck(check) => self.register_check(check.clone())?,
            Write::SetCheck(check) => self.set_check(check.clone())?,
            Write::DeregisterCheck { node, id } => self.deregister_check(node, id)?,
            Write::UpdateCheck { node, id, status, output } => self.update_check(node, id, *status, output)?,
            Write::PutEntry { entry, cas } => {
                let outcome = self.put_entry_if(entry, *cas)?;
                self.follow_entry(&entry.key())?;
                return Ok(outcome);
            }
            Write::DeleteEntry { key, cas } => {
                let outcome = self.delete_entry_if(key, *cas);
                self.follow_entry(key)?;
                return Ok(outcome);
            }
            Write::PutIntention { source, destination, action, permissions, description } => {
                let name = source.clone();
                let (permissions, description) = (permissions.clone(), description.clone());
                self.put_intention(destination, SourceIntention { name, action: *action, permissions, description })?
            }
            Write::DeleteIntention { source, destination } => self.delete_intention(source, destination),
            Write::PutKv { pair, cas } => return self.put_kv_if(pair, *cas),
            Write::DeleteKv { key, cas } => return Ok(self.delete_kv_if(key, *cas)),
            Write::DeleteKvTree(prefix) => self.delete_kv_tree(prefix),
            Write::SetAuthority(authority) => self.put_authority(authority.clone()),
            Write::SetLeaf(leaf) => {
                not_empty(leaf.service.as_str(), "leaf's service")?;
                self.put_leaf(leaf.clone())
            }
            Write::RemoveLeaf(service) => self.remove_leaf(service),
            Write::SetManualVirtualIps { service, addresses } => self.set_manual_virtual_ips(service, addresses)?,
            Write::Batch(writes) => return self.batch(writes),
            Write::Transaction(operations) => return self.transaction(operations),
            Write::Restore { .. } => return Err(Refusal::RestoreAmongOthers),
        };
        Ok(outcome(changed))
    }

    /// A compare-and-set that fails fails the batch: all or nothing.
    fn batch(&mut self, writes: &[Write]) -> Result<Outcome, Refusal> {
        let mut changed = false;
        for write in writes {
            match self.write(write)? {
                Outcome::Applied => changed = true,
                Outcome::Unchanged => {}
                Outcome::CasFailed => return Ok(Outcome::CasFailed),
            }
        }
        Ok(outcome(changed))
    }
}

fn outcome(changed: bool) -> Outcome {
    if changed { Outcome::Applied } else { Outcome::Unchanged }
}

fn not_empty(text: &str, what: &'static str) -> Result<(), Refusal> {
    if text.is_empty() { Err(Refusal::Empty(what)) } else { Ok(()) }
}
