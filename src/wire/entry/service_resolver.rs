//! `service-resolver`.

use std::collections::BTreeMap;

use super::{load_balancer, nearness, reference};
use crate::model::ServiceName;
use crate::model::entry::ServiceResolver;
use crate::model::entry::service_resolver::{EVERY_SUBSET, Failover, Redirect, Subset};
use crate::wire::fields::{Fields, Result};
use crate::wire::members::Members;

pub(super) fn decode(fields: &mut Fields<'_>, name: &str) -> Result<ServiceResolver> {
    let resolver = ServiceResolver {
        default_subset: fields.text("DefaultSubset")?,
        subsets: subsets(fields)?,
        redirect: redirect(fields)?,
        failover: failovers(fields)?,
        connect_timeout: fields.optional_duration("ConnectTimeout")?,
        request_timeout: fields.optional_duration("RequestTimeout")?,
        load_balancer: load_balancer::decode(fields)?,
        prioritize_by_locality: nearness::prioritize(fields)?,
    };
    subsets_are_there(&resolver, name, fields)?;
    if resolver.redirect.is_some() && !resolver.failover.is_empty() {
        return Err(fields.error("Failover", "cannot be combined with a Redirect"));
    }
    Ok(resolver)
}

/// Every subset of the service itself that is named must be one.
fn subsets_are_there(resolver: &ServiceResolver, name: &str, fields: &Fields<'_>) -> Result<()> {
    let is_there = |subset: &str| subset.is_empty() || resolver.subsets.contains_key(subset);
    let missing =
        |field: &str, subset: &str| Err(fields.error(field, format!("{subset:?} is none of the Subsets of {name:?}")));
    if !is_there(&resolver.default_subset) {
        return missing("DefaultSubset", &resolver.default_subset);
    }
    let own = |service: &Option<ServiceName>| service.as_ref().is_none_or(|service| *service == name);
    if let Some(redirect) = &resolver.redirect
        && own(&redirect.service)
        && !is_there(&redirect.subset)
    {
        return missing("Redirect.ServiceSubset", &redirect.subset);
    }
    for (subset, failover) in &resolver.failover {
        if subset != EVERY_SUBSET && !is_there(subset) {
            return missing(&format!("Failover.{subset}"), subset);
        }
        if own(&failover.service) && !is_there(&failover.subset) {
            return missing(&format!("Failover.{subset}.ServiceSubset"), &failover.subset);
        }
        for (at, target) in failover.targets.iter().enumerate() {
            if own(&target.service) && !is_there(&target.subset) {
                return missing(&format!("Failover.{subset}.Targets[{at}].ServiceSubset"), &target.subset);
            }
        }
    }
    Ok(())
}

fn subsets(fields: &mut Fields<'_>) -> Result<BTreeMap<String, Subset>> {
    let mut subsets = BTreeMap::new();
    for (name, mut inside) in fields.object_map("Subsets", "a subset")? {
        if let Some(problem) = reference::subset_problem(&name) {
            return Err(fields.error("Subsets", problem));
        }
        let subset = Subset { filter: inside.text("Filter")?, only_passing: inside.flag("OnlyPassing")? };
        inside.finish()?;
        subsets.insert(name, subset);
    }
    Ok(subsets)
}

fn redirect(fields: &mut Fields<'_>) -> Result<Option<Redirect>> {
    let Some(mut fields) = fields.object("Redirect", "a redirect")? else { return Ok(None) };
    let redirect = target(&mut fields)?;
    if redirect == Redirect::default() {
        return Err(fields.error("Service", "a redirect needs one of Service, ServiceSubset, Datacenter"));
    }
    if redirect.service.is_none() && !redirect.subset.is_empty() {
        return Err(fields.error("Service", "is required with a ServiceSubset"));
    }
    fields.finish()?;
    Ok(Some(redirect))
}

fn target(fields: &mut Fields<'_>) -> Result<Redirect> {
    let (service, subset) = reference::decode(fields)?;
    fields.unsupported(&["Peer", "SamenessGroup"])?;
    Ok(Redirect { service, subset, datacenter: fields.text("Datacenter")? })
}

fn failovers(fields: &mut Fields<'_>) -> Result<BTreeMap<String, Failover>> {
    let failovers = fields.object_map("Failover", "a failover")?;
    failovers.into_iter().map(|(subset, fields)| Ok((subset, failover(fields)?))).collect()
}

fn failover(mut fields: Fields<'_>) -> Result<Failover> {
    let (service, subset) = reference::decode(&mut fields)?;
    let datacenters = fields.texts("Datacenters")?;
    if let Some(at) = datacenters.iter().position(String::is_empty) {
        return Err(fields.error(&format!("Datacenters[{at}]"), "must not be empty"));
    }
    let targets = fields.objects("Targets", "a failover target")?;
    let targets = targets.unwrap_or_default().into_iter().map(|mut fields| {
        let target = target(&mut fields)?;
        fields.finish().map(|()| target)
    });
    let targets: Vec<Redirect> = targets.collect::<Result<_>>()?;
    fields.unsupported(&["SamenessGroup"])?;
    let policy = nearness::policy(&mut fields, "Policy")?;
    let elsewhere = service.is_some() || !subset.is_empty() || !datacenters.is_empty();
    if !targets.is_empty() && elsewhere {
        return Err(fields.error("Targets", "cannot be combined with Service, ServiceSubset or Datacenters"));
    }
    if targets.is_empty() && !elsewhere {
        return Err(fields.error("Targets", "a failover needs one of Service, ServiceSubset, Datacenters, Targets"));
    }
    fields.finish()?;
    Ok(Failover { service, subset, datacenters, targets, policy })
}

pub(super) fn show(members: Members, body: &ServiceResolver) -> Members {
    let subsets = body
        .subsets
        .iter()
        .fold(Members::default(), |members, (name, subset)| members.always(name, show_subset(subset)));
    let failovers = body
        .failover
        .iter()
        .fold(Members::default(), |members, (subset, failover)| members.always(subset, show_failover(failover)));
    members
        .text("DefaultSubset", &body.default_subset)
        .object("Subsets", subsets)
        .object("Redirect", body.redirect.as_ref().map(show_target).unwrap_or_default())
        .object("Failover", failovers)
        .duration("ConnectTimeout", body.connect_timeout)
        .duration("RequestTimeout", body.request_timeout)
        .object("LoadBalancer", load_balancer::show(&body.load_balancer))
        .object("PrioritizeByLocality", nearness::show_prioritize(body.prioritize_by_locality))
}

pub(in crate::wire) fn show_subset(subset: &Subset) -> Members {
    Members::default().text("Filter", &subset.filter).flag("OnlyPassing", subset.only_passing)
}

fn show_target(target: &Redirect) -> Members {
    Members::default()
        .text("Service", target.service.as_ref().map_or("", ServiceName::as_str))
        .text("ServiceSubset", &target.subset)
        .text("Datacenter", &target.datacenter)
}

fn show_failover(failover: &Failover) -> Members {
    Members::default()
        .text("Service", failover.service.as_ref().map_or("", ServiceName::as_str))
        .text("ServiceSubset", &failover.subset)
        .texts("Datacenters", &failover.datacenters)
        .objects("Targets", failover.targets.iter().map(show_target))
        .object("Policy", nearness::show_policy(failover.policy.as_ref()))
}
