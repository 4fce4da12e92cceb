//! Why a chain is as it is: for each piece of it, the entries and services that put it there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Chain, NodeId, Step};
use crate::model::entry::service_splitter::Weight;
use crate::model::fault::{AbortStatus, Fault};
use crate::model::http::PathMatch;
use crate::model::{EntryKey, ServiceName};

/// A piece of a chain, or of what is made of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cause {
    /// `route`, `mirror`, `fault`, `split`, `cluster` or `target`.
    pub piece: &'static str,
    /// Which one: a route's number and match, with what is done to a share of its requests; a split's number and share; a
    /// cluster's name; a target's id.
    pub name: String,
    /// Where it leads.
    pub leads_to: Vec<String>,
    /// Without these it would not be there or would lead elsewhere. None: that is how it is without entries.
    pub entries: Vec<EntryKey>,
    /// Whose instances it reaches.
    pub services: Vec<ServiceName>,
}

/// In the order of a request's way.
pub fn explain(chain: &Chain) -> Vec<Cause> {
    let because = because(chain);
    let mut causes = Vec::new();
    let of = |id: &NodeId| because.get(id).map(|entries| entries.iter().cloned().collect()).unwrap_or_default();
    let (mut clusters, mut targets) = (Vec::new(), BTreeMap::new());
    for (id, node) in in_order(chain) {
        let mut cause = |piece, name, next: Option<&NodeId>| {
            let services = next.map(|next| services(chain, next).into_iter().collect()).unwrap_or_default();
            let behind = next.map(|next| behind(chain, next)).unwrap_or_default();
            let entries = because[id].union(&behind).cloned().collect();
            causes.push(Cause { piece, name, leads_to: next.into_iter().cloned().collect(), entries, services });
        };
        match node {
            Step::Router(routes) => {
                for (at, route) in routes.iter().enumerate() {
                    let name = format!("{at} {}", path(route.matches.path.as_ref()));
                    cause("route", name.clone(), Some(&route.next));
                    if let Some((to, mirror)) = route.mirror.as_ref().zip(route.destination.mirror.as_ref()) {
                        cause("mirror", format!("{name}: {} of its requests", percent(mirror.share)), Some(to));
                    }
                    for fault in faults(&route.destination.fault) {
                        cause("fault", format!("{name}: {fault}"), None);
                    }
                }
            }
            Step::Splitter(splits) => {
                for (at, split) in splits.iter().enumerate() {
                    cause("split", format!("{at} {} of {id}", percent(split.weight)), Some(&split.next));
                }
            }
            Step::Resolver(resolver) => {
                clusters.push(Cause {
                    piece: "cluster",
                    name: chain.cluster_name(resolver),
                    leads_to: resolver.targets().cloned().collect(),
                    entries: of(id),
                    services: services(chain, id).into_iter().collect(),
                });
                for target in resolver.targets() {
                    let found: &mut BTreeSet<EntryKey> = targets.entry(target).or_default();
                    found.extend(of(id));
                }
            }
        }
    }
    causes.extend(clusters);
    causes.extend(targets.into_iter().map(|(id, entries)| Cause {
        piece: "target",
        name: id.clone(),
        leads_to: vec![],
        entries: entries.into_iter().collect(),
        services: vec![chain.targets[id].service.clone()],
    }));
    causes
}

/// For each node, the entries on all the ways that lead there, and its own.
fn because(chain: &Chain) -> BTreeMap<&NodeId, BTreeSet<EntryKey>> {
    let mut because: BTreeMap<&NodeId, BTreeSet<EntryKey>> = BTreeMap::new();
    for (id, step) in in_order(chain) {
        let own = chain.nodes[id].entries.iter().cloned();
        because.entry(id).or_default().extend(own);
        let passed = because[id].clone();
        for next in step.nexts() {
            because.entry(next).or_default().extend(passed.iter().cloned());
        }
    }
    because
}

/// Each node before those that it leads to: a router, then splitters, then resolvers.
fn in_order(chain: &Chain) -> impl Iterator<Item = (&NodeId, &Step)> {
    let of = |wanted: fn(&Step) -> bool| {
        chain.nodes.iter().map(|(id, node)| (id, &node.step)).filter(move |(_, step)| wanted(step))
    };
    of(|step| matches!(step, Step::Router(_)))
        .chain(of(|step| matches!(step, Step::Splitter(_))))
        .chain(of(|step| matches!(step, Step::Resolver(_))))
}

/// The entries of a node and of all behind it.
fn behind(chain: &Chain, id: &NodeId) -> BTreeSet<EntryKey> {
    let mut entries = chain.nodes[id].entries.clone();
    entries.extend(chain.step(id).nexts().into_iter().flat_map(|next| behind(chain, next)));
    entries
}

fn services(chain: &Chain, id: &NodeId) -> BTreeSet<ServiceName> {
    match chain.step(id) {
        Step::Resolver(resolver) => resolver.targets().map(|id| chain.targets[id].service.clone()).collect(),
        step => step.nexts().into_iter().flat_map(|next| services(chain, next)).collect(),
    }
}

fn percent(Weight(hundredths): Weight) -> String {
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

fn faults(fault: &Fault) -> Vec<String> {
    let delay = fault.delay.map(|of| format!("{} wait {:?}", percent(of.share), of.duration));
    let abort = fault.abort.map(|of| match of.status {
        AbortStatus::Http(status) => format!("{} are answered with status {status}", percent(of.share)),
        AbortStatus::Grpc(status) => format!("{} are answered with gRPC status {status}", percent(of.share)),
    });
    delay.into_iter().chain(abort).collect()
}

fn path(path: Option<&PathMatch>) -> String {
    match path {
        None => "any path".to_owned(),
        Some(PathMatch::Exact(path)) => format!("path {path}"),
        Some(PathMatch::Prefix(path)) => format!("prefix {path}"),
        Some(PathMatch::Regex(path)) => format!("regex {path}"),
    }
}
