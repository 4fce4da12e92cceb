//! What is made of where instances are: `PrioritizeByLocality`, and the policy of a failover.

use std::collections::BTreeSet;

use crate::model::locality::{FailoverMode, FailoverPolicy, Prioritize};
use crate::wire::fields::{Fields, Result, unsupported};
use crate::wire::members::Members;

/// As Envoy calls spreading load over zones by the share of callers and instances that each has.
const ZONE_AWARE: &str = "zone-aware";

/// `None` when absent or empty.
pub(super) fn prioritize(fields: &mut Fields<'_>) -> Result<Option<Prioritize>> {
    let Some(mut fields) = fields.object("PrioritizeByLocality", "a priority by locality")? else { return Ok(None) };
    if fields.text("Mode")? == ZONE_AWARE {
        let why = "it needs each Envoy to know all instances of its own service, from its start; failover keeps calls in \
                   the zone while somebody there is healthy";
        return Err(fields.error("Mode", format!("{}; {why}", unsupported(ZONE_AWARE))));
    }
    let mode = fields.word("Mode", "mode of priority by locality")?;
    fields.finish()?;
    Ok(mode)
}

/// `None` when absent or empty.
pub(super) fn policy(fields: &mut Fields<'_>, field: &'static str) -> Result<Option<FailoverPolicy>> {
    let Some(mut fields) = fields.object(field, "a failover policy")? else { return Ok(None) };
    let mode = fields.word("Mode", "mode of failover")?;
    let regions = fields.texts("Regions")?;
    if !regions.is_empty() && mode != Some(FailoverMode::OrderByLocality) {
        return Err(fields.error("Regions", "need the Mode order-by-locality"));
    }
    let mut seen = BTreeSet::new();
    for (at, region) in regions.iter().enumerate() {
        let field = format!("Regions[{at}]");
        if region.is_empty() {
            return Err(fields.error(&field, "must not be empty"));
        }
        if !seen.insert(region) {
            return Err(fields.error(&field, format!("{region:?} is there already")));
        }
    }
    fields.finish()?;
    Ok(mode.map(|mode| FailoverPolicy { mode, regions }))
}

pub(in crate::wire) fn show_prioritize(prioritize: Option<Prioritize>) -> Members {
    Members::default().text("Mode", prioritize.map_or("", Prioritize::as_str))
}

pub(in crate::wire) fn show_policy(policy: Option<&FailoverPolicy>) -> Members {
    policy.map_or_else(Members::default, |policy| {
        Members::default().text("Mode", policy.mode.as_str()).texts("Regions", &policy.regions)
    })
}
