//! `proxy-defaults`, always named `global`: merged under every proxy's own configuration.

use serde::{Deserialize, Serialize};

use crate::model::proxy::Opaque;

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ProxyDefaults {
    /// `Config.protocol` is the default protocol of all services.
    pub config: Opaque,
}
