//! Resolvers: from the service and the subset that somebody wants to the target that they get.

use std::collections::BTreeSet;
use std::time::Duration;

use super::compile::Compiler;
use super::error::Fault;
use super::{DEFAULT_CONNECT_TIMEOUT, Target, TargetId};
use crate::model::entry::service_resolver::{EVERY_SUBSET, Redirect, Subset};
use crate::model::entry::{ProxyDefaults, ServiceDefaults, ServiceResolver};
use crate::model::extension::AwsLambda;
use crate::model::locality::{FailoverPolicy, Prioritize};
use crate::model::{EntryKey, EntryKind, Protocol, ServiceName, SpiffeId};

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    service: ServiceName,
    /// Empty: the default one.
    subset: String,
}

/// What is had in the end.
pub(super) struct Resolved<'a> {
    pub target: TargetId,
    pub connect_timeout: Duration,
    /// Of the service that is had.
    pub body: Option<&'a ServiceResolver>,
    /// Those that led there.
    pub entries: BTreeSet<EntryKey>,
    wanted: Wanted,
}

impl Wanted {
    pub fn all(service: &ServiceName) -> Self {
        Self::subset(service, "")
    }

    pub fn subset(service: &ServiceName, subset: &str) -> Self {
        Self { service: service.clone(), subset: subset.to_owned() }
    }

    /// A subset belongs to its service: with another service it is forgotten, unless another is given.
    fn instead(&self, service: Option<&ServiceName>, subset: &str) -> Self {
        let service = service.unwrap_or(&self.service);
        let kept = if *service == self.service { &self.subset } else { "" };
        Self::subset(service, if subset.is_empty() { kept } else { subset })
    }

    fn name(&self) -> String {
        let Self { service, subset } = self;
        if subset.is_empty() { service.to_string() } else { format!("{subset}.{service}") }
    }
}

impl<'a> Compiler<'a> {
    pub(super) fn resolve(&mut self, mut wanted: Wanted) -> Result<Resolved<'a>, Fault> {
        let mut entries = BTreeSet::new();
        let mut way: Vec<Wanted> = Vec::new();
        loop {
            self.speaks(&wanted.service)?;
            if way.contains(&wanted) {
                let names = way.iter().chain([&wanted]).map(Wanted::name);
                return Err(Fault::CircularRedirect(names.collect()));
            }
            way.push(wanted.clone());
            let body = self.body::<ServiceResolver>(&wanted.service);
            let key = EntryKey::new(EntryKind::ServiceResolver, wanted.service.as_str());
            let external = self.external(&wanted.service, body)?;
            if let Some(body) = body {
                entries.insert(key.clone());
                let redirected = body.redirect.as_ref().map(|redirect| self.redirected(&wanted, redirect, &key));
                if let Some(next) = redirected.transpose()?.filter(|next| *next != wanted) {
                    wanted = next;
                    continue;
                }
                if wanted.subset.is_empty() && !body.default_subset.is_empty() {
                    wanted.subset.clone_from(&body.default_subset);
                    continue;
                }
            }
            let subset = subset(&wanted, body)?;
            let connect_timeout = self.connect_timeout(body);
            let prioritize = self.prioritize(body, &mut entries);
            let function = self.function(&wanted, &mut entries)?;
            let target = self.target(&wanted, subset, connect_timeout, external, prioritize, function);
            return Ok(Resolved { target, connect_timeout, body, entries, wanted });
        }
    }

    /// The targets that stand in for what was resolved. Those have no failover of their own.
    pub(super) fn failover(
        &mut self,
        resolved: &Resolved<'a>,
        entries: &mut BTreeSet<EntryKey>,
    ) -> Result<(Vec<TargetId>, Option<FailoverPolicy>), Fault> {
        let Some(body) = resolved.body else { return Ok(Default::default()) };
        let wanted = &resolved.wanted;
        let failover = body.failover.get(&wanted.subset).or_else(|| body.failover.get(EVERY_SUBSET));
        let Some(failover) = failover else { return Ok(Default::default()) };
        let key = EntryKey::new(EntryKind::ServiceResolver, wanted.service.as_str());
        let elsewhere = || Redirect {
            service: failover.service.clone(),
            subset: failover.subset.clone(),
            datacenter: String::new(),
        };
        let targets: Vec<Redirect> = if !failover.targets.is_empty() {
            failover.targets.clone()
        } else if failover.datacenters.is_empty() {
            vec![elsewhere()]
        } else {
            let there = |datacenter: &String| Redirect { datacenter: datacenter.clone(), ..elsewhere() };
            failover.datacenters.iter().map(there).collect()
        };
        let mut found = Vec::new();
        for target in &targets {
            let wanted = self.redirected(wanted, target, &key)?;
            let other = self.resolve(wanted)?;
            if other.target != resolved.target && !found.contains(&other.target) {
                entries.extend(other.entries);
                found.push(other.target);
            }
        }
        if failover.policy.is_some() {
            return Ok((found, failover.policy.clone()));
        }
        let of_all = self.of_all().and_then(|defaults| defaults.failover_policy.clone());
        if of_all.is_some() {
            entries.insert(of_all_key());
        }
        Ok((found, of_all))
    }

    /// What the resolver says, else what holds for all.
    fn prioritize(&mut self, body: Option<&ServiceResolver>, entries: &mut BTreeSet<EntryKey>) -> Option<Prioritize> {
        let own = body.and_then(|body| body.prioritize_by_locality);
        if own.is_some() {
            return own;
        }
        let of_all = self.of_all()?.prioritize_by_locality?;
        entries.insert(of_all_key());
        Some(of_all)
    }

    fn of_all(&mut self) -> Option<&'a ProxyDefaults> {
        self.body::<ProxyDefaults>(&ProxyDefaults::NAME.into())
    }

    fn redirected(&self, wanted: &Wanted, redirect: &Redirect, entry: &EntryKey) -> Result<Wanted, Fault> {
        let own = self.inputs.datacenter;
        if !redirect.datacenter.is_empty() && *own != *redirect.datacenter {
            let datacenter = redirect.datacenter.clone();
            return Err(Fault::OtherDatacenter { entry: entry.clone(), datacenter, own: own.clone() });
        }
        Ok(wanted.instead(redirect.service.as_ref(), &redirect.subset))
    }

    fn connect_timeout(&mut self, body: Option<&ServiceResolver>) -> Duration {
        let own = body.and_then(|body| body.connect_timeout).unwrap_or(DEFAULT_CONNECT_TIMEOUT);
        match self.key.connect_timeout {
            Some(wanted) => {
                self.timeout_overridden |= wanted != own;
                wanted
            }
            None => own,
        }
    }

    fn target(
        &mut self,
        wanted: &Wanted,
        subset: Subset,
        connect_timeout: Duration,
        external: Option<&str>,
        prioritize: Option<Prioritize>,
        function: Option<AwsLambda>,
    ) -> TargetId {
        let (datacenter, trust_domain) = (self.inputs.datacenter, self.inputs.trust_domain);
        let service = &wanted.service;
        let named = wanted.name();
        let name = format!("{named}.default.{datacenter}.internal.{trust_domain}");
        let id = format!("{named}.default.default.{datacenter}");
        let spiffe_id =
            SpiffeId { trust_domain: trust_domain.clone(), datacenter: datacenter.clone(), service: service.clone() };
        let target = Target {
            id: id.clone(),
            service: service.clone(),
            subset_name: wanted.subset.clone(),
            subset,
            connect_timeout,
            sni: external.map_or_else(|| name.clone(), str::to_owned),
            external: external.is_some(),
            name,
            spiffe_id: spiffe_id.to_string(),
            prioritize_by_locality: prioritize,
            function,
        };
        self.targets.insert(id.clone(), target);
        id
    }

    /// The function that is called instead of instances; there are none of which some could be a subset.
    fn function(&mut self, wanted: &Wanted, entries: &mut BTreeSet<EntryKey>) -> Result<Option<AwsLambda>, Fault> {
        let service = &wanted.service;
        let Some(function) = self.body::<ServiceDefaults>(service).and_then(ServiceDefaults::function) else {
            return Ok(None);
        };
        let own = self.speaks(service)?;
        let protocol = self.key.protocol.unwrap_or(own);
        if !matches!(protocol, Protocol::Http | Protocol::Http2) {
            return Err(Fault::FunctionProtocol { service: service.clone(), protocol });
        }
        if !wanted.subset.is_empty() {
            return Err(Fault::FunctionSubset { service: service.clone(), subset: wanted.subset.clone() });
        }
        entries.insert(EntryKey::new(EntryKind::ServiceDefaults, service.as_str()));
        Ok(Some(function.clone()))
    }

    /// The server name of a service outside the mesh, which has no instances to choose from.
    fn external(&mut self, service: &ServiceName, body: Option<&ServiceResolver>) -> Result<Option<&'a str>, Fault> {
        let sni = self.body::<ServiceDefaults>(service).map(|defaults| defaults.external_sni.as_str());
        let Some(sni) = sni.filter(|sni| !sni.is_empty()) else { return Ok(None) };
        let has = body.map(|body| (body.redirect.is_some(), !body.subsets.is_empty(), !body.failover.is_empty()));
        let what = match has {
            Some((true, ..)) => "a Redirect",
            Some((_, true, _)) => "Subsets",
            Some((.., true)) => "a Failover",
            _ => return Ok(Some(sni)),
        };
        Err(Fault::External { service: service.clone(), what })
    }
}

fn of_all_key() -> EntryKey {
    EntryKey::new(EntryKind::ProxyDefaults, ProxyDefaults::NAME)
}

fn subset(wanted: &Wanted, body: Option<&ServiceResolver>) -> Result<Subset, Fault> {
    if wanted.subset.is_empty() {
        return Ok(Subset::default());
    }
    let found = body.and_then(|body| body.subsets.get(&wanted.subset));
    let missing = || Fault::NoSubset { service: wanted.service.clone(), subset: wanted.subset.clone() };
    found.cloned().ok_or_else(missing)
}
