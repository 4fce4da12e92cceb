//! Envoy extensions: what users add to the resources of a proxy after they were made.
//!
//! A resource that an extension is about is told as JSON, changed, and encoded again, field by field through Envoy's
//! descriptors: so an extension cannot make what Envoy has no field for. One that cannot be applied leaves the resource as
//! it was, or, where it is required, the resource is not served; nothing else is touched, and it is told.

mod callees;
mod filters;
mod place;
mod property;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use self::callees::Clusters;
use super::{Origin, Reason, Refusal};
use crate::canonical;
use crate::generate::cluster::LOCAL_APP;
use crate::model::extension::{Configured, Direction, Extension, ExtensionBody, Fate, Patch, PatchedType, fates};
use crate::model::{EnvoyVersion, ProxyConfig};
use crate::resource::{Resource, ResourceType};

/// What was made of each resource. It is made again only when the resource, the proxy or whom its extensions call is
/// another than before.
#[derive(Default)]
pub(super) struct Extensions {
    made: BTreeMap<(ResourceType, Arc<str>), Kept>,
}

struct Kept {
    resource: Arc<Resource>,
    proxy: Arc<ProxyConfig>,
    clusters: Arc<Clusters>,
    made: Made,
}

#[derive(Clone, Default)]
struct Made {
    /// `None`: a required extension could not be applied.
    resource: Option<Arc<Resource>>,
    refusals: Vec<Refusal>,
    /// Clusters of what extensions call beside the proxy, by their names.
    beside: BTreeSet<Arc<str>>,
}

impl Extensions {
    /// The resources as they are served.
    pub(super) fn apply(
        &mut self,
        proxy: &Arc<ProxyConfig>,
        envoy: Option<EnvoyVersion>,
        resources: Vec<Arc<Resource>>,
        refusals: &mut Vec<Refusal>,
    ) -> Vec<Arc<Resource>> {
        if proxy.extensions.is_empty() {
            self.made.clear();
            return resources;
        }
        let extensions = meant(&proxy.extensions, envoy);
        let clusters = Arc::new(Clusters::find(&extensions, &resources));
        let before = std::mem::take(&mut self.made);
        let (mut served, mut dropped, mut beside) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for resource in resources {
            if !extensions.iter().any(|(configured, _)| is_about(&configured.extension, &resource)) {
                served.push(resource);
                continue;
            }
            let key = (resource.kind, Arc::clone(&resource.name));
            let known = before.get(&key).filter(|kept| kept.is_of(&resource, proxy, &clusters));
            let made = known.map_or_else(|| make(&resource, &extensions, &clusters), |kept| kept.made.clone());
            refusals.extend(made.refusals.iter().cloned());
            beside.extend(made.beside.iter().cloned());
            match &made.resource {
                Some(resource) => served.push(Arc::clone(resource)),
                None => drop(dropped.insert((resource.kind, Arc::clone(&resource.name)))),
            }
            let kept = Kept { resource, proxy: Arc::clone(proxy), clusters: Arc::clone(&clusters), made };
            self.made.insert(key, kept);
        }
        served.extend(beside.iter().filter_map(|name| clusters.resource(name)));
        without(served, &dropped, refusals)
    }
}

/// An extension, and why it cannot be applied though it is required, if so.
type Meant<'a> = (&'a Configured, Option<String>);

/// Those that are skipped are as if nobody had named them.
fn meant(extensions: &[Configured], envoy: Option<EnvoyVersion>) -> Vec<Meant<'_>> {
    let fates = extensions.iter().zip(fates(extensions, envoy));
    let kept = fates.filter_map(|(of, fate)| match fate {
        Fate::Applied => Some((of, None)),
        Fate::Missed(reason) => Some((of, Some(reason))),
        Fate::Skipped(_) => None,
    });
    kept.collect()
}

impl Kept {
    fn is_of(&self, resource: &Arc<Resource>, proxy: &Arc<ProxyConfig>, clusters: &Clusters) -> bool {
        Arc::ptr_eq(&self.resource, resource) && Arc::ptr_eq(&self.proxy, proxy) && *self.clusters == *clusters
    }
}

/// What leads to something that is not served is not served either: it would lead nowhere.
fn without(
    resources: Vec<Arc<Resource>>,
    dropped: &BTreeSet<(ResourceType, Arc<str>)>,
    refusals: &mut Vec<Refusal>,
) -> Vec<Arc<Resource>> {
    let gone = |name: &Arc<str>| dropped.contains(&(ResourceType::Cluster, Arc::clone(name)));
    let mut served = Vec::new();
    for resource in resources {
        let leads = resource.kind != ResourceType::Cluster;
        match resource.needs.iter().find(|name| leads && gone(name)) {
            Some(name) => {
                let origin =
                    refusals.iter().find(|refusal| *refusal.name == **name).map(|refusal| refusal.origin.clone());
                refusals.extend(origin.map(|origin| Refusal {
                    kind: resource.kind,
                    name: resource.name.to_string(),
                    reason: Reason::LeadsNowhere(name.to_string()),
                    origin,
                }));
            }
            None if resource.kind == ResourceType::Endpoint && gone(&resource.name) => {}
            None => served.push(resource),
        }
    }
    served
}

/// Whether the extension may change such a resource at all.
fn is_about(extension: &Extension, resource: &Resource) -> bool {
    let listener = |direction| resource.kind == ResourceType::Listener && direction_of(resource) == Some(direction);
    match &extension.body {
        // the proxies of the service have nothing to do with it
        ExtensionBody::AwsLambda(_) => false,
        ExtensionBody::ExtAuthz(authz) => listener(authz.direction),
        ExtensionBody::LocalRateLimit(_) => listener(Direction::Inbound),
        ExtensionBody::Lua(lua) => listener(lua.direction),
        ExtensionBody::OtelAccessLogging(logging) => listener(logging.direction),
        ExtensionBody::Wasm(wasm) => listener(wasm.direction),
        ExtensionBody::PropertyOverride(body) => body.patches.iter().any(|patch| is_patched(patch, resource)),
    }
}

/// `None` of what is neither: secrets, and what only serves other resources.
fn direction_of(resource: &Resource) -> Option<Direction> {
    let name = &*resource.name;
    match resource.kind {
        ResourceType::Listener if name.starts_with("public_listener:") => Some(Direction::Inbound),
        ResourceType::Listener if name.starts_with("exposed_path_") => None,
        ResourceType::Cluster if name == LOCAL_APP => Some(Direction::Inbound),
        ResourceType::Cluster if name.starts_with("jwks_cluster_") || name.starts_with("exposed_cluster_") => None,
        ResourceType::Secret => None,
        _ => Some(Direction::Outbound),
    }
}

fn is_patched(patch: &Patch, resource: &Resource) -> bool {
    let kind = match patch.resource {
        PatchedType::Cluster => ResourceType::Cluster,
        PatchedType::Endpoints => ResourceType::Endpoint,
        PatchedType::Listener => ResourceType::Listener,
        PatchedType::Route => ResourceType::Route,
    };
    let services = &patch.services;
    kind == resource.kind
        && direction_of(resource) == Some(patch.direction)
        && (services.is_empty() || services.iter().any(|service| callees::leads_to(resource, service)))
}

/// Applies one extension after the other, each to what the ones before it left.
fn make(resource: &Arc<Resource>, extensions: &[Meant<'_>], clusters: &Clusters) -> Made {
    let mut made = Made { resource: Some(Arc::clone(resource)), ..Made::default() };
    for (Configured { entry, extension }, missed) in extensions {
        if !is_about(extension, resource) {
            continue;
        }
        let Some(current) = &made.resource else { break };
        let changed = missed.as_ref().map_or_else(|| one(current, extension, clusters), |why| Err(why.clone()));
        let (reason, required) = match changed {
            Ok(None) => continue,
            Ok(Some((resource, beside))) => {
                made.resource = Some(resource);
                made.beside.extend(beside);
                continue;
            }
            Err(reason) => (reason, extension.required),
        };
        made.refusals.push(Refusal {
            kind: resource.kind,
            name: resource.name.to_string(),
            reason: Reason::Extension { name: extension.name(), reason, required },
            origin: Origin::Entry(entry.clone()),
        });
        if required {
            made.resource = None;
        }
    }
    made
}

type Changed = Option<(Arc<Resource>, Option<Arc<str>>)>;

/// `None`: there is nothing in the resource that the extension is about.
fn one(resource: &Arc<Resource>, extension: &Extension, clusters: &Clusters) -> Result<Changed, String> {
    let any = resource.any().map_err(|error| error.to_string())?;
    let mut json = canonical::json(&any).map_err(|error| error.to_string())?;
    let before = json.clone();
    let called = change(&mut json, resource, extension, clusters)?;
    if json == before {
        return Ok(None);
    }
    let body = canonical::encode(resource.kind.type_url(), &json).map_err(|error| error.to_string())?;
    let mut needs = resource.needs.to_vec();
    needs.extend(called.iter().map(|called| Arc::clone(&called.cluster)));
    let changed = Resource::of_body(resource.kind, Arc::clone(&resource.name), needs, &body);
    if *changed.name != *name_in(resource.kind, &json) {
        return Err("the name of a resource cannot be another: others refer to it".to_owned());
    }
    Ok(Some((Arc::new(changed), called.filter(|called| called.beside).map(|called| called.cluster))))
}

/// Under which Envoy would know it.
fn name_in(kind: ResourceType, json: &Value) -> &str {
    let field = if kind == ResourceType::Endpoint { "cluster_name" } else { "name" };
    json[field].as_str().unwrap_or_default()
}

/// Whom the extension calls, if it is in the resource now and calls anybody.
fn change(
    json: &mut Value,
    resource: &Resource,
    extension: &Extension,
    clusters: &Clusters,
) -> Result<Option<callees::Called>, String> {
    let required = extension.required;
    match &extension.body {
        ExtensionBody::AwsLambda(_) => Ok(None),
        ExtensionBody::LocalRateLimit(limit) => filters::local_rate_limit(json, limit).map(|()| None),
        ExtensionBody::Lua(lua) => filters::lua(json, lua).map(|()| None),
        ExtensionBody::ExtAuthz(authz) => filters::ext_authz(json, authz, required, clusters),
        ExtensionBody::OtelAccessLogging(logging) => filters::otel(json, logging, clusters),
        ExtensionBody::Wasm(wasm) => filters::wasm(json, wasm, required, clusters),
        ExtensionBody::PropertyOverride(body) => {
            let patches = body.patches.iter().filter(|patch| is_patched(patch, resource));
            patches.into_iter().try_for_each(|patch| property::patch(resource.kind, json, patch)).map(|()| None)
        }
    }
}
