//! `service-intentions`: who may call the service (or `*`) that the entry is named after.

use serde::{Deserialize, Serialize};

use crate::model::intention::{Action, Intention, JwtRequirement, Permission};
use crate::model::names::{Index, ServiceName};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServiceIntentions {
    pub sources: Vec<SourceIntention>,
    /// Of whatever source.
    #[serde(default)]
    pub jwt: JwtRequirement,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SourceIntention {
    /// A service, or `*`.
    pub name: ServiceName,
    /// As in [`Intention`].
    pub action: Action,
    #[serde(default)]
    pub permissions: Vec<Permission>,
    pub description: String,
}

impl ServiceIntentions {
    /// Names of the JWT providers that it refers to.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        let permissions = self.sources.iter().flat_map(|source| &source.permissions);
        let requirements = permissions.map(|permission| &permission.jwt).chain([&self.jwt]);
        requirements.flat_map(|jwt| &jwt.providers).map(|provider| provider.name.as_str())
    }

    /// One intention per source, for the destination that the entry is named after.
    pub fn intentions(&self, destination: &ServiceName, create: Index, modify: Index) -> Vec<Intention> {
        self.sources
            .iter()
            .map(|source| Intention {
                source: source.name.clone(),
                destination: destination.clone(),
                action: source.action,
                permissions: source.permissions.clone(),
                jwt: self.jwt.clone(),
                description: source.description.clone(),
                create_index: create,
                modify_index: modify,
            })
            .collect()
    }
}
