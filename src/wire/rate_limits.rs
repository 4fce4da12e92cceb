//! `RateLimits` of `service-defaults`.

use std::collections::BTreeSet;

use super::fields::{DecodeError, Fields, Result};
use super::http;
use super::members::Members;
use crate::model::RateLimits;
use crate::model::rate_limits::{Rate, RouteLimit};

const PER_SECOND: &str = "RequestsPerSecond";
const BURST: &str = "RequestsMaxBurst";

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<RateLimits> {
    let Some(mut outer) = fields.object("RateLimits", "RateLimits")? else { return Ok(RateLimits::default()) };
    let limits = match outer.object("InstanceLevel", "limits of an instance")? {
        None => RateLimits::default(),
        Some(mut fields) => {
            let all = rate(&mut fields)?;
            let mut paths = BTreeSet::new();
            let mut routes = Vec::new();
            for mut fields in fields.objects("Routes", "a limit of a route")?.unwrap_or_default() {
                let route = route(&mut fields)?;
                if !paths.insert(route.path.clone()) {
                    return Err(DecodeError::new(fields.path(), "another route has that path already"));
                }
                fields.finish()?;
                routes.push(route);
            }
            if all.is_none() && routes.is_empty() {
                return Err(fields.error(PER_SECOND, "must be at least 1, or Routes say what is limited"));
            }
            fields.finish()?;
            RateLimits { all, routes }
        }
    };
    outer.finish()?;
    Ok(limits)
}

fn rate(fields: &mut Fields<'_>) -> Result<Option<Rate>> {
    let (per_second, burst) = (fields.count(PER_SECOND)?, fields.count(BURST)?);
    match (per_second, burst) {
        (0, 0) => Ok(None),
        (0, _) => Err(fields.error(BURST, "needs RequestsPerSecond, at which it fills again")),
        (_, 0) => Ok(Some(Rate { per_second, burst: per_second })),
        _ => Ok(Some(Rate { per_second, burst })),
    }
}

fn route(fields: &mut Fields<'_>) -> Result<RouteLimit> {
    let path = http::path(fields)?;
    let Some(path) = path else {
        return Err(fields.error("PathExact", "is required, or one of PathPrefix and PathRegex"));
    };
    let Some(rate) = rate(fields)? else { return Err(fields.error(PER_SECOND, "must be at least 1")) };
    Ok(RouteLimit { path, rate })
}

pub(super) fn show(limits: &RateLimits) -> Members {
    let show_rate = |members: Members, rate: Option<Rate>| match rate {
        None => members,
        Some(rate) => members.number(PER_SECOND, rate.per_second).number(BURST, rate.burst),
    };
    let route =
        |route: &RouteLimit| show_rate(http::show_path(Members::default(), Some(&route.path)), Some(route.rate));
    let instance = show_rate(Members::default(), limits.all).objects("Routes", limits.routes.iter().map(route));
    Members::default().object("InstanceLevel", instance)
}
