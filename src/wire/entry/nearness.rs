//! What is made of where instances are: `PrioritizeByLocality`, and the policy of a failover.

use std::collections::BTreeSet;

use crate::model::locality::{FailoverMode, FailoverPolicy, Prioritize, PrioritizeMode, Shares};
use crate::wire::fields::{Fields, Result, unsupported};
use crate::wire::members::Members;

/// As Envoy calls spreading load over zones by the share of callers and instances that each has.
const ZONE_AWARE: &str = "zone-aware";

/// `None` when absent or empty.
pub(super) fn prioritize(fields: &mut Fields<'_>) -> Result<Option<Prioritize>> {
    let Some(mut fields) = fields.object("PrioritizeByLocality", "a priority by locality")? else { return Ok(None) };
    if fields.text("Mode")? == ZONE_AWARE {
        let why = "it needs each Envoy to know all instances of its own service, from its start; weighted sends the shares \
                   that you say to the zone, the region and elsewhere";
        return Err(fields.error("Mode", format!("{}; {why}", unsupported(ZONE_AWARE))));
    }
    let mode = fields.word("Mode", "mode of priority by locality")?;
    let weights = shares(&mut fields)?;
    let prioritize = match (mode, weights) {
        (Some(PrioritizeMode::Weighted), Some(shares)) => Some(Prioritize::Weighted(shares)),
        (Some(PrioritizeMode::Weighted), None) => {
            return Err(fields.error("Weights", "are required for the Mode weighted"));
        }
        (_, Some(_)) => return Err(fields.error("Weights", "need the Mode weighted")),
        (Some(PrioritizeMode::None), None) => Some(Prioritize::None),
        (Some(PrioritizeMode::Failover), None) => Some(Prioritize::Failover),
        (None, None) => None,
    };
    fields.finish()?;
    Ok(prioritize)
}

fn shares(fields: &mut Fields<'_>) -> Result<Option<Shares>> {
    let Some(mut weights) = fields.object("Weights", "weights by locality")? else { return Ok(None) };
    let mut share = |field| match weights.count(field)? {
        0 => Err(weights.error(field, "is required, and more than 0: somebody may have nobody else to call")),
        share => Ok(share),
    };
    let shares =
        Shares { same_zone: share("SameZone")?, same_region: share("SameRegion")?, elsewhere: share("Elsewhere")? };
    let sum = [shares.same_zone, shares.same_region, shares.elsewhere].into_iter().map(u64::from).sum::<u64>();
    if sum != 100 {
        return Err(fields.error("Weights", format!("must come to 100 percent together, and come to {sum}")));
    }
    weights.finish()?;
    Ok(Some(shares))
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
    let weights = match prioritize {
        Some(Prioritize::Weighted(shares)) => Members::default()
            .always("SameZone", shares.same_zone)
            .always("SameRegion", shares.same_region)
            .always("Elsewhere", shares.elsewhere),
        _ => Members::default(),
    };
    let mode = prioritize.map_or("", |prioritize| prioritize.mode().as_str());
    Members::default().text("Mode", mode).object("Weights", weights)
}

pub(in crate::wire) fn show_policy(policy: Option<&FailoverPolicy>) -> Members {
    policy.map_or_else(Members::default, |policy| {
        Members::default().text("Mode", policy.mode.as_str()).texts("Regions", &policy.regions)
    })
}
