//! What is done to requests on purpose, to see how their callers take it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entry::service_splitter::Weight;

/// Both, one after the other, or neither; each is drawn for itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fault {
    pub delay: Option<Delay>,
    pub abort: Option<Abort>,
}

/// A request waits before it is sent on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Delay {
    /// Of the requests; not 0.
    pub share: Weight,
    /// Not zero.
    pub duration: Duration,
}

/// A request is answered in place of the service.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Abort {
    /// Of the requests; not 0.
    pub share: Weight,
    pub status: AbortStatus,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum AbortStatus {
    /// 400 to 599.
    Http(u32),
    /// 1 to 16; of a service that speaks gRPC.
    Grpc(u32),
}

impl Fault {
    pub fn is_none(&self) -> bool {
        self.delay.is_none() && self.abort.is_none()
    }
}
