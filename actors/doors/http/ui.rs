//! `/v1/internal/ui`: what dashboards read.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::MethodFilter;

use chancery::catalog::query;
use chancery::fact::Fact;
use chancery::filter::selectors::{INSTANCE, NODE};
use chancery::model::{EntryKind, ServiceKind, ServiceName, Topic};
use chancery::wire::answer;

use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::common::{BLOCKING, FILTER, NEAR, NODES, PEERS, PRETTY, SCOPE, STATE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const KIND: Parameters = &[Parameter::new(
    "kind",
    Kind::Word(&["typical"]),
    "The service's kind, which must be said; there are no gateways.",
)];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("ui", "internal", "What dashboards read.")
        .get(
            "/v1/internal/ui/services",
            services,
            "A summary of each service.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, PEERS],
        )
        .get(
            "/v1/internal/ui/nodes",
            nodes,
            "Each node with its instances and checks.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER, NODES, NEAR, PEERS],
        )
        .get(
            "/v1/internal/ui/node/{name}",
            node,
            "One node with its instances and checks.",
            &[SCOPE, PRETTY, STATE, BLOCKING, PEERS],
        )
        .get(
            "/v1/internal/ui/service-topology/{service}",
            service_topology,
            "Whom a service calls and who calls it, and what intentions say of that.",
            &[SCOPE, PRETTY, STATE, BLOCKING, KIND, PEERS],
        )
        .unnamed("/v1/internal/ui/service-topology/", MethodFilter::GET, async || reply::missing("service name"))
        .get(
            "/v1/internal/ui/catalog-overview",
            overview,
            "How many nodes, instances and checks there are, and how they are.",
            &[SCOPE, PRETTY, STATE, BLOCKING, PEERS],
        )
        .get(
            "/v1/internal/ui/gateway-services-nodes/{gateway}",
            of_gateway,
            "What a gateway serves. There are no gateways: an empty list.",
            &[SCOPE, PRETTY, STATE],
        )
        .get(
            "/v1/internal/ui/gateway-intentions/{gateway}",
            of_gateway,
            "The intentions that bear on what a gateway serves. There are no gateways: an empty list.",
            &[SCOPE, PRETTY, STATE],
        )
        .unnamed("/v1/internal/ui/node/", MethodFilter::GET, async || reply::missing("node name"))
}

async fn services(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let selected = params.filter(&INSTANCE, door.datacenter())?;
    let found = door.read(&params, Topic::Instances).await?;
    let Fact::Instances(instances) = found.fact else { return Err(Failure::misread()) };
    let proxies = instances.iter().filter(|instance| instance.service.kind == ServiceKind::ConnectProxy);
    let proxied: BTreeSet<&ServiceName> = proxies.filter_map(|proxy| proxy.service.connect_name()).collect();
    let summaries = query::summaries(instances.iter().filter(|instance| selected(instance)));
    let body: Vec<_> = summaries
        .iter()
        .map(|(name, summary)| answer::service_summary(name, summary, proxied.contains(name), door.datacenter()))
        .collect();
    Ok(reply::read(&params, found.index, &body))
}

async fn nodes(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let selected = params.filter(&NODE, door.datacenter())?;
    let found = door.read_with(&params, Topic::Nodes, &[Topic::Instances]).await?;
    let Fact::Nodes(nodes) = found.fact else { return Err(Failure::misread()) };
    let tables = door.tables();
    let mut listed: Vec<_> = nodes.iter().filter(|node| params.selects_node(node) && selected(node)).collect();
    params.nearest_first(door.node(), &mut listed, |node| &node.name);
    let on: Vec<_> = listed.into_iter().map(|node| (node, query::on_node(&tables, &node.name))).collect();
    let body: Vec<_> = on.iter().map(|(node, (services, checks))| answer::node_info(node, services, checks)).collect();
    Ok(reply::read(&params, found.index, &body))
}

/// `null` for a node that is not there.
async fn node(State(door): State<HttpDoor>, params: Params, Path(name): Path<String>) -> Result<Response, Failure> {
    let found = door.read(&params, Topic::Node(door.node_meant(name))).await?;
    let Fact::Node(node) = found.fact else { return Err(Failure::misread()) };
    let body = node.as_deref().map(|on| answer::node_info(&on.node, &on.services, &on.checks));
    Ok(reply::read(&params, found.index, &body))
}

/// Of a service that nobody knows there are no neighbours.
async fn service_topology(
    State(door): State<HttpDoor>,
    params: Params,
    Path(service): Path<String>,
) -> Result<Response, Failure> {
    match params.get("kind") {
        Some("typical") => {}
        None | Some("") => return Err(Failure::bad_request("Missing service kind: say ?kind=typical")),
        Some(other) => {
            let text = format!("Unsupported service kind {other:?}: there are no gateways, say ?kind=typical");
            return Err(Failure::bad_request(text));
        }
    }
    let entries = [
        EntryKind::ProxyDefaults,
        EntryKind::ServiceDefaults,
        EntryKind::ServiceIntentions,
        EntryKind::ServiceResolver,
        EntryKind::ServiceRouter,
        EntryKind::ServiceSplitter,
    ];
    let found = door.read_with(&params, Topic::Instances, &entries.map(Topic::Entries)).await?;
    let Fact::Instances(instances) = found.fact else { return Err(Failure::misread()) };
    let topology = query::topology(&door.tables(), &ServiceName::from(service));
    let proxies = instances.iter().filter(|instance| instance.service.kind == ServiceKind::ConnectProxy);
    let proxied: BTreeSet<&ServiceName> = proxies.filter_map(|proxy| proxy.service.connect_name()).collect();
    let summaries = query::summaries(instances.iter());
    Ok(reply::read(&params, found.index, &answer::topology(&topology, &summaries, &proxied, door.datacenter())))
}

async fn overview(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let found = door.read_with(&params, Topic::Instances, &[Topic::Nodes]).await?;
    Ok(reply::read(&params, found.index, &answer::overview(&query::overview(&door.tables()))))
}

async fn of_gateway(State(door): State<HttpDoor>, params: Params, Path(_): Path<String>) -> Response {
    let none: [(); 0] = [];
    reply::read(&params, door.tables().index(), &none)
}
