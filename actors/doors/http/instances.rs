//! What the lists of instances under `/v1/catalog` and `/v1/health` have in common: whom they select, in which order.

use std::sync::Arc;

use chancery::catalog::query;
use chancery::fact::Fact;
use chancery::model::{EntryKey, EntryKind, Index, Instance, Topic};

use super::HttpDoor;
use super::params::Params;
use super::reply::Failure;

/// Instances, as of an index.
pub(super) struct Listed {
    pub index: Index,
    pub instances: Vec<Instance>,
}

impl HttpDoor {
    /// Those that `node-meta`, `tag` and `only` select, ordered by `near`, with `merge-central-config` if it is asked for.
    pub(super) async fn instances(
        &self,
        params: &Params,
        topic: Topic,
        only: impl Fn(&Instance) -> bool,
    ) -> Result<Listed, Failure> {
        let merge = params.flag("merge-central-config")?;
        let found =
            if merge { self.read_with(params, topic, &central()).await? } else { self.read(params, topic).await? };
        let Fact::Instances(instances) = found.fact else { return Err(Failure::misread()) };
        let selected =
            |instance: &&Instance| params.selects_node(&instance.node) && params.selects_tags(&instance.service.tags);
        let mut instances: Vec<Instance> =
            instances.iter().filter(selected).filter(|instance| only(instance)).cloned().collect();
        if merge {
            let tables = self.tables();
            for instance in &mut instances {
                instance.service = Arc::new(query::with_central_config(&tables, &instance.service));
            }
        }
        params.nearest_first(self.node(), &mut instances, |instance| &instance.node.name);
        Ok(Listed { index: found.index, instances })
    }
}

/// What central configuration is read from.
pub(super) fn central() -> [Topic; 2] {
    [Topic::Entry(EntryKey::new(EntryKind::ProxyDefaults, "global")), Topic::Entries(EntryKind::ServiceDefaults)]
}
