//! What is wrong with the entries as they would be after a write, and which of its steps is to be told.

use super::refusal::{Failed, Refusal};
use super::transaction::written_entry;
use crate::catalog::write::Write;
use crate::model::EntryKey;

/// An entry that does not go with the others.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) refusal: Refusal,
    /// The entry that cannot stand.
    pub(super) of: EntryKey,
    /// The entry of the write that it was found by: the same, or one that takes away what it stands on.
    pub(super) by: EntryKey,
}

/// Of one write the first; of a transaction all, each under the step that wrote the entry. `None` when there is none.
pub(super) fn refusal(write: &Write, faults: Vec<Fault>) -> Option<Refusal> {
    let Write::Transaction(operations) = write else {
        return faults.into_iter().next().map(|fault| fault.refusal);
    };
    let step = |key: &EntryKey| operations.iter().rposition(|operation| written_entry(operation).as_ref() == Some(key));
    let mut failures: Vec<Failed> = Vec::new();
    for fault in faults {
        let position = step(&fault.of).or_else(|| step(&fault.by)).unwrap_or_default();
        // two entries may be found to have broken the same
        if !failures.iter().any(|known| known.refusal == fault.refusal) {
            failures.push(Failed { position, refusal: fault.refusal });
        }
    }
    failures.sort_by_key(|failed| failed.position);
    (!failures.is_empty()).then_some(Refusal::Transaction(failures))
}
