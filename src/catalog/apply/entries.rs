//! Writes of config entries, and of intentions, which live in entries.

use std::collections::BTreeMap;

use super::draft::Draft;
use super::refusal::Refusal;
use super::{not_empty, outcome};
use crate::catalog::write::Outcome;
use crate::model::entry::{EntryBody, ServiceIntentions, SourceIntention};
use crate::model::{Entry, EntryKey, EntryKind, Index, ServiceName};

impl Draft {
    pub(super) fn put_entry_if(&mut self, entry: &Entry, cas: Option<Index>) -> Result<Outcome, Refusal> {
        not_empty(&entry.name, "config entry's name")?;
        let kind = entry.kind();
        if let Some(expected) = kind.singleton().filter(|expected| *expected != entry.name) {
            return Err(Refusal::EntryName { kind, expected, name: entry.name.clone() });
        }
        if !self.compare(&entry.key(), cas) {
            return Ok(Outcome::CasFailed);
        }
        Ok(outcome(self.put_entry(entry.clone())))
    }

    pub(super) fn delete_entry_if(&mut self, key: &EntryKey, cas: Option<Index>) -> Outcome {
        if !self.compare(key, cas) {
            return Outcome::CasFailed;
        }
        outcome(self.remove_entry(key))
    }

    /// Whether the entry's modify index (0 of an absent one) is what the caller expects, if the caller cares.
    fn compare(&self, key: &EntryKey, cas: Option<Index>) -> bool {
        let found = self.tables.entries.get(key).map(|entry| entry.modify_index).unwrap_or_default();
        cas.is_none_or(|expected| expected == found)
    }

    pub(super) fn put_intention(
        &mut self,
        destination: &ServiceName,
        wanted: SourceIntention,
    ) -> Result<bool, Refusal> {
        not_empty(wanted.name.as_str(), "intention's source")?;
        not_empty(destination.as_str(), "intention's destination")?;
        let (mut entry, mut body) = self.intentions_entry(destination).unwrap_or_else(|| new_entry(destination));
        match body.sources.iter_mut().find(|known| known.name == wanted.name) {
            Some(known) => *known = wanted,
            None => body.sources.push(wanted),
        }
        entry.body = EntryBody::ServiceIntentions(body);
        Ok(self.put_entry(entry))
    }

    pub(super) fn delete_intention(&mut self, source: &ServiceName, destination: &ServiceName) -> bool {
        let Some((mut entry, mut body)) = self.intentions_entry(destination) else { return false };
        body.sources.retain(|known| known.name != *source);
        if body.sources.is_empty() {
            return self.remove_entry(&entry.key());
        }
        entry.body = EntryBody::ServiceIntentions(body);
        self.put_entry(entry)
    }

    /// The destination's entry and what it says.
    fn intentions_entry(&self, destination: &ServiceName) -> Option<(Entry, ServiceIntentions)> {
        let key = EntryKey::new(EntryKind::ServiceIntentions, destination.as_str());
        let entry = self.tables.entries.get(&key)?;
        Some(((**entry).clone(), entry.body::<ServiceIntentions>()?.clone()))
    }
}

fn new_entry(destination: &ServiceName) -> (Entry, ServiceIntentions) {
    let entry = Entry {
        name: destination.to_string(),
        meta: BTreeMap::new(),
        body: EntryBody::ServiceIntentions(ServiceIntentions::default()),
        create_index: Index::default(),
        modify_index: Index::default(),
    };
    (entry, ServiceIntentions::default())
}
