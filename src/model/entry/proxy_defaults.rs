//! `proxy-defaults`, always named `global`: merged under every proxy's own configuration.

use serde::{Deserialize, Serialize};

use crate::model::access_logs::AccessLogs;
use crate::model::expose::Expose;
use crate::model::extension::Extension;
use crate::model::locality::{FailoverPolicy, Prioritize};
use crate::model::proxy::{MutualTls, Opaque, Protocol};
use crate::model::transparent::TransparentProxy;

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProxyDefaults {
    /// `Config.protocol` is the default protocol of all services.
    pub config: Opaque,
    /// `None`: strict.
    pub mutual_tls: Option<MutualTls>,
    pub expose: Expose,
    pub transparent: TransparentProxy,
    pub access_logs: AccessLogs,
    /// Of resolvers that say nothing. `None`: none.
    pub prioritize_by_locality: Option<Prioritize>,
    /// Of failovers that say nothing. `None`: sequential.
    pub failover_policy: Option<FailoverPolicy>,
    /// Applied in this order, before those of the service.
    pub extensions: Vec<Extension>,
}

impl ProxyDefaults {
    /// Of the one entry there is.
    pub const NAME: &'static str = "global";

    /// What services speak that do not say it themselves.
    pub fn protocol(&self) -> Option<Protocol> {
        let word = self.config.get("protocol")?.as_str().filter(|word| !word.is_empty())?;
        Some(Protocol::parse(word).unwrap_or_default())
    }
}
