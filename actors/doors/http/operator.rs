//! `/v1/operator`: how much there is. There is one server, so what is about several of them is short, or refused.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::json;

use chancery::catalog::query;
use chancery::model::{Datacenter, ServiceKind};

use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply, status};
use crate::doors::endpoints::common::{PRETTY, SCOPE, STATE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const GLOBAL: Parameters = &[Parameter::new("global", Kind::Flag, "Of all datacenters, of which there is one.")];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("operator", "operator", "How much there is, and where.")
        .get("/v1/operator/usage", usage, "How many services and instances there are.", &[SCOPE, PRETTY, STATE, GLOBAL])
        .get("/v1/operator/raft/configuration", raft_configuration, "The servers: one.", &[SCOPE, PRETTY, STATE])
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Usage {
    services: usize,
    service_instances: usize,
    connect_service_instances: BTreeMap<&'static str, usize>,
    billable_service_instances: usize,
}

async fn usage(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    params.flag("global")?;
    let tables = door.tables();
    let mut usage = Usage::default();
    for kind in
        ["api-gateway", "connect-native", "connect-proxy", "ingress-gateway", "mesh-gateway", "terminating-gateway"]
    {
        usage.connect_service_instances.insert(kind, 0);
    }
    let mut names = BTreeSet::new();
    for node in query::nodes(&tables) {
        for service in query::on_node(&tables, &node.name).0 {
            names.insert(service.name.clone());
            usage.service_instances += 1;
            let kind = match service.kind {
                ServiceKind::ConnectProxy => Some("connect-proxy"),
                ServiceKind::Typical if service.connect_native => Some("connect-native"),
                ServiceKind::Typical => None,
            };
            if let Some(kind) = kind {
                *usage.connect_service_instances.entry(kind).or_default() += 1;
            }
            // what a server says of itself is nobody's application
            let application = service.kind == ServiceKind::Typical && service.name.as_str() != "consul";
            usage.billable_service_instances += usize::from(application);
        }
    }
    usage.services = names.len();
    let all: BTreeMap<&Datacenter, Usage> = BTreeMap::from([(door.datacenter(), usage)]);
    let index = tables.index();
    let body = json!({ "Usage": all, "Index": index, "LastContact": 0, "KnownLeader": true });
    Ok(reply::read(&params, index, &body))
}

/// The one server, which leads and is as far as it is.
async fn raft_configuration(State(door): State<HttpDoor>, params: Params) -> Response {
    let tables = door.tables();
    let (node, index) = (query::node(&tables, door.node()).unwrap_or_default(), tables.index());
    let server = json!({
        "ID": node.id, "Node": node.name, "Address": status::server_address(&node.address), "Leader": true,
        "ProtocolVersion": "3", "Voter": true, "LastIndex": index,
    });
    reply::read(&params, index, &json!({ "Servers": [server], "Index": index }))
}
