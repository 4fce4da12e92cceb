//! Service names with the tags of their instances, counted, so that a registration knows at once whether the list of
//! names and tags came out different.

use std::collections::{BTreeMap, BTreeSet};

use imbl::OrdMap;

use crate::model::{Service, ServiceName};

#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Names(OrdMap<ServiceName, Use>);

#[derive(Clone, PartialEq, Default, Debug)]
struct Use {
    instances: u32,
    /// How many instances carry each tag.
    tags: OrdMap<String, u32>,
}

impl Names {
    pub(super) fn contains(&self, name: &ServiceName) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn tags(&self) -> BTreeMap<ServiceName, BTreeSet<String>> {
        self.0.iter().map(|(name, used)| (name.clone(), used.tags.keys().cloned().collect())).collect()
    }

    /// True if the name or one of the tags is new.
    pub(super) fn add(&mut self, service: &Service) -> bool {
        let used = self.0.entry(service.name.clone()).or_default();
        used.instances += 1;
        let mut changed = used.instances == 1;
        for tag in &service.tags {
            let count = used.tags.entry(tag.clone()).or_default();
            *count += 1;
            changed |= *count == 1;
        }
        changed
    }

    /// True if nobody has the name or one of the tags any longer.
    pub(super) fn remove(&mut self, service: &Service) -> bool {
        let Some(used) = self.0.get_mut(&service.name) else { return false };
        used.instances -= 1;
        if used.instances == 0 {
            self.0.remove(&service.name);
            return true;
        }
        let mut changed = false;
        for tag in &service.tags {
            if let Some(count) = used.tags.get_mut(tag) {
                *count -= 1;
                if *count == 0 {
                    used.tags.remove(tag);
                    changed = true;
                }
            }
        }
        changed
    }
}
