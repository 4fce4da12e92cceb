//! `/v1/catalog/register`, `/v1/catalog/deregister`: nodes that have no agent, and what runs on them. Whoever registers
//! them keeps them true.

use axum::extract::State;
use axum::response::Response;

use chancery::catalog::{Act, Operation, RecordKey, Registration, Write, query};
use chancery::model::Node;
use chancery::wire::registration::{External, Gone, deregister, register};

use super::HttpDoor;
use super::agent_checks::OWN_CHECK;
use super::agent_services::OWN_SERVICE;
use super::body::Body;
use super::params::Params;
use super::reply::{self, Failure};
use crate::doors::endpoints::Endpoints;
use crate::doors::endpoints::common::{PRETTY, SCOPE};

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("catalog-register", "catalog", "Nodes that have no agent; whoever registers them keeps them true.")
        .put("/v1/catalog/register", add, "Registers a node, an instance on it, and checks: together, or nothing.", &[SCOPE, PRETTY])
        .takes("as JSON: `Node`, `Address`, `NodeMeta`, `TaggedAddresses`, `Service`, `Check` or `Checks`, `SkipNodeUpdate`")
        .put("/v1/catalog/deregister", remove, "Removes a node with all on it, or an instance, or a check.", &[SCOPE, PRETTY])
        .takes("as JSON: `Node`, with `ServiceID` or `CheckID`")
}

/// Node, service and checks together, or nothing.
async fn add(State(door): State<HttpDoor>, params: Params, Body(body): Body) -> Result<Response, Failure> {
    let external = register(&body, door.datacenter()).map_err(Failure::decode)?;
    let known = query::node(&door.tables(), &external.node.name);
    let own = external.node.name == *door.node();
    if own {
        spare_own(&external, known.as_deref())?;
    }
    let External { node, skip_node_update, service, checks } = external;
    let stays = own || (skip_node_update && known.is_some());
    let mut writes = Vec::new();
    if !stays {
        writes.push(Write::RegisterNode(node));
    }
    writes.extend(service.map(|service| {
        let registration = Registration { service, checks: Vec::new(), sidecar: None, replace_existing_checks: false };
        Write::RegisterService(Box::new(registration))
    }));
    writes.extend(checks.into_iter().map(Write::SetCheck));
    door.commit(Write::Batch(writes)).await?;
    Ok(reply::json(&params, &true))
}

/// The agent's own node is what its configuration says, and the server is there as long as it answers.
fn spare_own(external: &External, known: Option<&Node>) -> Result<(), Failure> {
    let External { node, service, checks, .. } = external;
    let as_known = known.is_some_and(|known| {
        (node.id.is_empty() || node.id == known.id)
            && (node.address.is_empty() || node.address == known.address)
            && (node.tagged_addresses.is_empty() || node.tagged_addresses == known.tagged_addresses)
            && (node.meta.is_empty() || node.meta == known.meta)
            && (node.locality.is_none() || node.locality == known.locality)
    });
    if !as_known {
        return Err(Failure::bad_request(format!(
            "node {:?} is this agent, which says itself what it is: give its own address or SkipNodeUpdate, and leave out \
             ID, TaggedAddresses, NodeMeta and Locality",
            node.name.as_str()
        )));
    }
    if service.as_ref().is_some_and(|service| service.id == *OWN_SERVICE) {
        return Err(Failure::bad_request(format!("service ID {OWN_SERVICE:?} is the server's own: choose another")));
    }
    if checks.iter().any(|check| check.id == *OWN_CHECK) {
        return Err(Failure::bad_request(format!("check ID {OWN_CHECK:?} is the server's own: choose another")));
    }
    Ok(())
}

/// What is not there counts as removed.
async fn remove(State(door): State<HttpDoor>, params: Params, Body(body): Body) -> Result<Response, Failure> {
    let gone = deregister(&body, door.datacenter()).map_err(Failure::decode)?;
    let own = match &gone {
        Gone::Node(node) => node == door.node(),
        Gone::Service(node, id) => node == door.node() && *id == *OWN_SERVICE,
        Gone::Check(node, id) => node == door.node() && *id == *OWN_CHECK,
    };
    if own {
        return Err(Failure::bad_request("that is this agent itself: end it with PUT /v1/agent/leave"));
    }
    let key = match gone {
        Gone::Node(node) => RecordKey::Node(node),
        Gone::Service(node, id) => RecordKey::Service(node, id),
        Gone::Check(node, id) => RecordKey::Check(node, id),
    };
    let operation = Operation { condition: None, act: Act::Delete(key) };
    door.commit(Write::Transaction(vec![operation])).await?;
    Ok(reply::json(&params, &true))
}
