//! `service-defaults`: what holds for every instance of one service.

use serde::{Deserialize, Serialize};

use crate::model::proxy::Protocol;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServiceDefaults {
    /// `None`: proxy-defaults' protocol, else tcp.
    pub protocol: Option<Protocol>,
}
