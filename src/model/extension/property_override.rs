//! Single properties of Envoy's resources, set and cleared by their paths.

use serde::{Deserialize, Serialize};

use super::Direction;
use crate::model::ServiceName;
use crate::model::words::words;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PropertyOverride {
    pub patches: Vec<Patch>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Patch {
    pub resource: PatchedType,
    pub direction: Direction,
    /// Of outbound resources, those that lead to these services. Empty: all.
    pub services: Vec<ServiceName>,
    pub operation: Operation,
    /// Names of fields, from the resource inwards.
    pub path: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Operation {
    /// Whatever was there before is gone.
    Add(serde_json::Value),
    Remove,
}

words! {
    PatchedType {
        Cluster = "cluster",
        Endpoints = "cluster-load-assignment",
        Listener = "listener",
        Route = "route",
    }
}
