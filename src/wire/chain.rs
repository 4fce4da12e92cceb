//! Discovery chains: what a client asks of one, and one as `/v1/discovery-chain` shows it.

use serde_json::Value;

use super::entry::{
    show_destination, show_load_balancer, show_match, show_policy, show_prioritize, show_split, show_subset,
};
use super::fields::{Fields, Result, Typing};
use super::members::Members;
use super::{mesh_gateway, upstream_settings, weight};
use crate::chain::{self, Cause, Chain, Node, Resolver, Route, Split, Step, Target};
use crate::model::ServiceName;
use crate::model::entry::service_resolver::LoadBalancer;
use crate::model::entry::service_splitter::ServiceSplit;
use crate::model::topic::ChainKey;

/// The body of `POST /v1/discovery-chain/:service`: what a downstream overrides.
///
/// # Errors
/// Naming the field that is wrong.
pub fn key(service: ServiceName, body: &Value) -> Result<ChainKey> {
    let mut fields = Fields::new(body, "overrides of a discovery chain", Typing::Weak)?;
    let key = ChainKey {
        service,
        protocol: upstream_settings::protocol(&mut fields, "OverrideProtocol")?,
        connect_timeout: fields.optional_duration("OverrideConnectTimeout")?,
    };
    mesh_gateway::none(&mut fields, "OverrideMeshGateway")?;
    fields.finish()?;
    Ok(key)
}

pub fn show(chain: &Chain) -> Value {
    let nodes = chain
        .nodes
        .iter()
        .fold(Members::default(), |members, (id, node)| members.always(id, show_node(chain, id, node)));
    let targets = chain
        .targets
        .iter()
        .fold(Members::default(), |members, (id, target)| members.always(id, show_target(chain, target)));
    let chain = Members::default()
        .text("ServiceName", chain.service.as_str())
        .text("Namespace", "default")
        .text("Partition", "default")
        .text("Datacenter", chain.datacenter.as_str())
        .text("CustomizationHash", &chain.customization_hash)
        .flag("Default", chain.default)
        .text("Protocol", chain.protocol.as_str())
        .text_map("ServiceMeta", &chain.meta)
        .text("StartNode", &chain.start)
        .object("Nodes", nodes)
        .object("Targets", targets);
    Members::default().always("Chain", chain).into()
}

fn show_node(chain: &Chain, id: &str, node: &Node) -> Members {
    let (kind, name) = id.split_once(':').unwrap_or(("", id));
    let members = Members::default().text("Type", kind).text("Name", name);
    let (members, balancer) = match &node.step {
        Step::Router(routes) => (members.objects("Routes", routes.iter().map(show_route)), None),
        Step::Splitter(splits) => {
            let hashing = splits.iter().find_map(|split| balancer(chain, &split.next).filter(|of| of.is_hash_based()));
            (members.objects("Splits", splits.iter().map(|split| show_share(chain, split))), hashing)
        }
        Step::Resolver(resolver) => (members.object("Resolver", show_resolver(resolver)), balancer(chain, id)),
    };
    members.object("LoadBalancer", balancer.map(show_load_balancer).unwrap_or_default())
}

fn balancer<'a>(chain: &'a Chain, id: &str) -> Option<&'a LoadBalancer> {
    match chain.step(id) {
        Step::Resolver(resolver) => Some(&resolver.load_balancer),
        Step::Router(_) | Step::Splitter(_) => None,
    }
}

fn show_route(route: &Route) -> Members {
    let definition = Members::default()
        .object("Match", Members::default().object("HTTP", show_match(&route.matches)))
        .object("Destination", show_destination(&route.destination));
    Members::default()
        .always("Definition", definition)
        .text("NextNode", &route.next)
        .text("MirrorNode", route.mirror.as_deref().unwrap_or_default())
}

/// Of splitters behind splitters, what they come to.
fn show_share(chain: &Chain, split: &Split) -> Members {
    let target = match chain.step(&split.next) {
        Step::Resolver(resolver) => chain.targets.get(&resolver.target),
        Step::Router(_) | Step::Splitter(_) => None,
    };
    let definition = ServiceSplit {
        weight: split.weight,
        service: target.map(|target| target.service.clone()),
        subset: target.map(|target| target.subset_name.clone()).unwrap_or_default(),
        request_headers: split.request_headers.clone(),
        response_headers: split.response_headers.clone(),
    };
    Members::default()
        .always("Definition", show_split(&definition))
        .always("Weight", weight::shown(split.weight))
        .text("NextNode", &split.next)
}

fn show_resolver(resolver: &Resolver) -> Members {
    let policy = show_policy(resolver.failover_policy.as_ref());
    let failover = Members::default().texts("Targets", &resolver.failover).object("Policy", policy);
    Members::default()
        .flag("Default", resolver.default)
        .duration("ConnectTimeout", Some(resolver.connect_timeout))
        .duration("RequestTimeout", resolver.request_timeout)
        .text("Target", &resolver.target)
        .object("Failover", failover)
}

fn show_target(chain: &Chain, target: &Target) -> Members {
    Members::default()
        .text("ID", &target.id)
        .text("Service", target.service.as_str())
        .text("ServiceSubset", &target.subset_name)
        .text("Namespace", "default")
        .text("Partition", "default")
        .text("Datacenter", chain.datacenter.as_str())
        .always("MeshGateway", Members::default())
        .always("Subset", show_subset(&target.subset))
        .duration("ConnectTimeout", Some(target.connect_timeout))
        .flag("External", target.external)
        .text("SNI", &target.sni)
        .text("Name", &target.name)
        .object("PrioritizeByLocality", show_prioritize(target.prioritize_by_locality))
}

/// What [`crate::chain::explain`] finds; not a spelling of Consul's.
pub fn explain(chain: &Chain) -> Value {
    let cause = |cause: &Cause| {
        let entries: Vec<String> = cause.entries.iter().map(ToString::to_string).collect();
        let services: Vec<&str> = cause.services.iter().map(ServiceName::as_str).collect();
        Value::from(
            Members::default()
                .text("Piece", cause.piece)
                .text("Name", &cause.name)
                .texts("LeadsTo", &cause.leads_to)
                .always("Entries", entries)
                .always("Services", services),
        )
    };
    chain::explain(chain).iter().map(cause).collect()
}
