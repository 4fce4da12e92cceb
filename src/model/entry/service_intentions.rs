//! `service-intentions`: who may call the service (or `*`) that the entry is named after.

use serde::{Deserialize, Serialize};

use crate::model::intention::{Action, Intention};
use crate::model::names::{Index, ServiceName};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServiceIntentions {
    pub sources: Vec<SourceIntention>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SourceIntention {
    /// A service, or `*`.
    pub name: ServiceName,
    pub action: Action,
    pub description: String,
}

impl ServiceIntentions {
    /// One intention per source, for the destination that the entry is named after.
    pub fn intentions(&self, destination: &ServiceName, create: Index, modify: Index) -> Vec<Intention> {
        self.sources
            .iter()
            .map(|source| Intention {
                source: source.name.clone(),
                destination: destination.clone(),
                action: source.action,
                description: source.description.clone(),
                create_index: create,
                modify_index: modify,
            })
            .collect()
    }
}
