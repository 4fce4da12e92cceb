//! Where requests for a service may go.

use crate::catalog::tables::Tables;
use crate::chain::{self, Compiled};
use crate::model::TrustDomain;
use crate::model::topic::ChainKey;

/// What the entries make of the key; the names in it are those of the trust domain.
pub fn chain(tables: &Tables, key: &ChainKey, trust_domain: &TrustDomain) -> Compiled {
    let inputs = chain::Inputs { datacenter: tables.datacenter(), trust_domain, entries: tables };
    chain::compile(key, &inputs)
}
