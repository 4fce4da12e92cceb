//! `LoadBalancer` of a `service-resolver`.

use crate::model::entry::service_resolver::{
    HashField, HashPolicy, HashSource, LoadBalancer, LoadBalancerPolicy, RingHash, SlowStart,
};
use crate::model::entry::service_splitter::Weight;
use crate::wire::fields::{Fields, Result};
use crate::wire::http::token_problem;
use crate::wire::members::Members;
use crate::wire::weight;

/// Envoy's own limit.
const LARGEST_RING: i64 = 8_388_608;

/// Envoy's defaults, and beyond the last of these nothing changes any longer.
const EVEN: u32 = 100;
const LEAST_WEIGHT: Weight = Weight(1_000);
const MOST_AGGRESSION: u32 = 10_000;

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<LoadBalancer> {
    let Some(mut fields) = fields.object("LoadBalancer", "a load balancer")? else {
        return Ok(LoadBalancer::default());
    };
    let policy: Option<LoadBalancerPolicy> = fields.word("Policy", "load balancer policy")?;
    let ring_hash = ring_hash(&mut fields)?;
    if ring_hash != RingHash::default() && policy != Some(LoadBalancerPolicy::RingHash) {
        return Err(fields.error("RingHashConfig", "needs the Policy ring_hash"));
    }
    let choice_count = choice_count(&mut fields)?;
    if choice_count != 0 && policy != Some(LoadBalancerPolicy::LeastRequest) {
        return Err(fields.error("LeastRequestConfig", "needs the Policy least_request"));
    }
    let hash_policies = fields.objects("HashPolicies", "a hash policy")?.unwrap_or_default();
    let hash_policies: Vec<_> = hash_policies.into_iter().map(hash_policy).collect::<Result<_>>()?;
    let slow_start = slow_start(&mut fields)?;
    if slow_start.is_some() && !policy.is_none_or(LoadBalancerPolicy::has_slow_start) {
        return Err(fields.error("SlowStartConfig", "needs the Policy round_robin or least_request"));
    }
    let balancer = LoadBalancer { policy, ring_hash, choice_count, hash_policies, slow_start };
    if !balancer.hash_policies.is_empty() && !balancer.is_hash_based() {
        return Err(fields.error("HashPolicies", "need the Policy ring_hash or maglev"));
    }
    fields.finish()?;
    Ok(balancer)
}

fn ring_hash(fields: &mut Fields<'_>) -> Result<RingHash> {
    let Some(mut fields) = fields.object("RingHashConfig", "a ring")? else { return Ok(RingHash::default()) };
    let size = |fields: &mut Fields<'_>, field| -> Result<u64> {
        Ok(fields.whole(field, 0..=LARGEST_RING)?.and_then(|size| u64::try_from(size).ok()).unwrap_or(0))
    };
    let (minimum_ring_size, maximum_ring_size) =
        (size(&mut fields, "MinimumRingSize")?, size(&mut fields, "MaximumRingSize")?);
    if maximum_ring_size != 0 && minimum_ring_size > maximum_ring_size {
        return Err(fields.error("MinimumRingSize", "is above the MaximumRingSize"));
    }
    fields.finish()?;
    Ok(RingHash { minimum_ring_size, maximum_ring_size })
}

fn choice_count(fields: &mut Fields<'_>) -> Result<u32> {
    let Some(mut fields) = fields.object("LeastRequestConfig", "a least request")? else { return Ok(0) };
    let count = fields.count("ChoiceCount")?;
    if count == 1 {
        return Err(fields.error("ChoiceCount", "must be at least 2: a choice of one is none"));
    }
    fields.finish()?;
    Ok(count)
}

/// Not a spelling of Consul's.
fn slow_start(fields: &mut Fields<'_>) -> Result<Option<SlowStart>> {
    let Some(mut fields) = fields.object("SlowStartConfig", "a slow start")? else { return Ok(None) };
    let window = fields.optional_duration("Window")?;
    let window = window.ok_or_else(|| fields.error("Window", "is required, such as \"30s\""))?;
    let slow_start = SlowStart {
        window,
        aggression: fields.hundredths("Aggression", 1..=MOST_AGGRESSION)?.unwrap_or(EVEN),
        least: fields.optional_weight("MinWeightPercent")?.unwrap_or(LEAST_WEIGHT),
    };
    fields.finish()?;
    Ok(Some(slow_start))
}

fn hash_policy(mut fields: Fields<'_>) -> Result<HashPolicy> {
    let field = fields.word("Field", "field that can be hashed")?;
    let value = fields.text("FieldValue")?;
    let source_ip = fields.flag("SourceIP")?;
    let terminal = fields.flag("Terminal")?;
    let cookie = fields.object("CookieConfig", "a cookie")?;
    let source = match field {
        _ if source_ip => {
            if field.is_some() || !value.is_empty() || cookie.is_some() {
                return Err(fields.error("SourceIP", "cannot be combined with Field, FieldValue or CookieConfig"));
            }
            HashSource::SourceIp
        }
        None => return Err(fields.error("Field", "is required without SourceIP")),
        Some(_) if value.is_empty() => return Err(fields.error("FieldValue", "is required with a Field")),
        Some(HashField::Header) if token_problem(&value).is_some_and(|_| !value.starts_with(':')) => {
            return Err(fields.error("FieldValue", format!("{value:?} can be the name of no header")));
        }
        Some(HashField::Cookie) if cookie.is_some() => generated_cookie(value, cookie)?,
        Some(_) if cookie.is_some() => return Err(fields.error("CookieConfig", "needs the Field cookie")),
        Some(field) => HashSource::Field(field, value),
    };
    fields.finish()?;
    Ok(HashPolicy { source, terminal })
}

fn generated_cookie(name: String, config: Option<Fields<'_>>) -> Result<HashSource> {
    let Some(mut fields) = config else { return Ok(HashSource::Field(HashField::Cookie, name)) };
    let session = fields.flag("Session")?;
    let ttl = fields.optional_duration("TTL")?;
    let path = fields.text("Path")?;
    if session && ttl.is_some() {
        return Err(fields.error("TTL", "cannot be combined with Session"));
    }
    if !session && ttl.is_none() && !path.is_empty() {
        return Err(fields.error("Path", "is of a cookie that is set, which needs a TTL or Session"));
    }
    fields.finish()?;
    let set = session || ttl.is_some();
    Ok(if set { HashSource::GeneratedCookie { name, ttl, path } } else { HashSource::Field(HashField::Cookie, name) })
}

pub(in crate::wire) fn show(balancer: &LoadBalancer) -> Members {
    let RingHash { minimum_ring_size, maximum_ring_size } = balancer.ring_hash;
    let ring =
        Members::default().number("MinimumRingSize", minimum_ring_size).number("MaximumRingSize", maximum_ring_size);
    Members::default()
        .text("Policy", balancer.policy.map_or("", LoadBalancerPolicy::as_str))
        .object("RingHashConfig", ring)
        .object("LeastRequestConfig", Members::default().number("ChoiceCount", balancer.choice_count))
        .objects("HashPolicies", balancer.hash_policies.iter().map(show_hash_policy))
        .object("SlowStartConfig", balancer.slow_start.map(show_slow_start).unwrap_or_default())
}

fn show_slow_start(slow_start: SlowStart) -> Members {
    Members::default()
        .duration("Window", Some(slow_start.window))
        .always("Aggression", weight::show_hundredths(slow_start.aggression))
        .always("MinWeightPercent", weight::shown(slow_start.least))
}

fn show_hash_policy(policy: &HashPolicy) -> Members {
    let field =
        |field: HashField, value: &str| Members::default().text("Field", field.as_str()).text("FieldValue", value);
    let members = match &policy.source {
        HashSource::SourceIp => Members::default().flag("SourceIP", true),
        HashSource::Field(of, value) => field(*of, value),
        HashSource::GeneratedCookie { name, ttl, path } => {
            let config = Members::default().flag("Session", ttl.is_none()).duration("TTL", *ttl).text("Path", path);
            field(HashField::Cookie, name).object("CookieConfig", config)
        }
    };
    members.flag("Terminal", policy.terminal)
}
