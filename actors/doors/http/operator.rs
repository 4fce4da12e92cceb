//! `/v1/operator`: how much there is. There is one server, so what is about several of them is short, or refused.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::json;

use chancery::catalog::query;
use chancery::fact::Fact;
use chancery::model::{Datacenter, ServiceKind, Topic};

use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply, status};
use crate::doors::endpoints::common::{BLOCKING, PRETTY, SCOPE, STATE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const GLOBAL: Parameters = &[Parameter::new("global", Kind::Flag, "Of all datacenters, of which there is one.")];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("operator", "operator", "How much there is, and where.")
        .get(
            "/v1/operator/usage",
            usage,
            "How many services and instances there are.",
            &[SCOPE, PRETTY, STATE, BLOCKING, GLOBAL],
        )
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
    let found = door.read(&params, Topic::Instances).await?;
    let Fact::Instances(instances) = found.fact else { return Err(Failure::misread()) };
    let mut usage = Usage::default();
    for kind in
        ["api-gateway", "connect-native", "connect-proxy", "ingress-gateway", "mesh-gateway", "terminating-gateway"]
    {
        usage.connect_service_instances.insert(kind, 0);
    }
    let mut names = BTreeSet::new();
    for instance in instances.iter() {
        let service = &instance.service;
        names.insert(&service.name);
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
    usage.services = names.len();
    let all: BTreeMap<&Datacenter, Usage> = BTreeMap::from([(door.datacenter(), usage)]);
    let body = json!({
        "Usage": all, "Index": found.index, "LastContact": 0, "KnownLeader": true, "ConsistencyLevel": params.consistency(),
        "NotModified": false, "Backend": 0, "ResultsFilteredByACLs": false,
    });
    Ok(reply::read(&params, found.index, &body))
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
