//! `/v1/txn`: several reads and writes, all or none.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use chancery::catalog::{Act, Operation, RecordKey, Refusal, Write, apply};
use chancery::model::{Index, NodeName};
use chancery::wire::{self, transaction};

use super::body::Unread;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::catalog::CommitError;
use crate::doors::endpoints::Endpoints;
use crate::doors::endpoints::common::{PRETTY, SCOPE, STATE};

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("txn", "txn", "Several reads and writes, all or none.")
        .put("/v1/txn", txn, "Up to 128 operations; 409 says which could not be done, and nothing was.", &[SCOPE, PRETTY, STATE])
        .takes("a list of operations as JSON: `KV`, `Node`, `Service`, `Check` or `Config`, each with its `Verb`; up to 512 KiB (`limits.txn_max_req_len`)")
}

async fn txn(State(door): State<HttpDoor>, params: Params, body: Unread) -> Result<Response, Failure> {
    let bytes = body.bytes(door.state.settings.largest_transaction).await?;
    let body = wire::json(&bytes).map_err(Failure::decode)?;
    if let Some(given) = body.as_array().map(Vec::len).filter(|given| *given > transaction::MOST) {
        let most = transaction::MOST;
        let text = format!("the transaction has {given} operations, {most} are the most: send several transactions");
        return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let operations = transaction::decode(&body, door.datacenter()).map_err(Failure::decode)?;
    if let Some(position) = operations.iter().position(|operation| removes(operation, door.node())) {
        let what = format!("the node {:?} is this agent, which stays in its catalog", door.node());
        return Ok(not_done(&params, [(position, what)]));
    }
    if operations.iter().all(|operation| operation.act.reads()) {
        return read(&door, &params, operations);
    }
    match door.commit(Write::Transaction(operations.clone())).await {
        Ok(committed) => {
            Ok(reply::json(&params, &transaction::done(&operations, &committed.results, door.datacenter())))
        }
        Err(CommitError::Refused(refusal)) => failed(&params, refusal),
        Err(error) => Err(error.into()),
    }
}

/// What only reads is answered from what stands.
fn read(door: &HttpDoor, params: &Params, operations: Vec<Operation>) -> Result<Response, Failure> {
    let tables = door.tables();
    let write = Write::Transaction(operations);
    let applied = apply(&tables, &write, Index(tables.index().0 + 1));
    let Write::Transaction(operations) = write else { return Err(Failure::misread()) };
    match applied {
        Ok(applied) => {
            let body = transaction::done(&operations, &applied.results, door.datacenter());
            Ok(reply::read(params, tables.index(), &body))
        }
        Err(refusal) => failed(params, refusal),
    }
}

fn failed(params: &Params, refusal: Refusal) -> Result<Response, Failure> {
    match refusal {
        Refusal::Transaction(failed) => {
            Ok(not_done(params, failed.into_iter().map(|failed| (failed.position, failed.refusal.to_string()))))
        }
        other => Err(CommitError::Refused(other).into()),
    }
}

fn not_done(params: &Params, failures: impl IntoIterator<Item = (usize, String)>) -> Response {
    let mut response = reply::json(params, &transaction::not_done(failures));
    *response.status_mut() = StatusCode::CONFLICT;
    response
}

fn removes(operation: &Operation, own: &NodeName) -> bool {
    matches!(&operation.act, Act::Delete(RecordKey::Node(name)) if name == own)
}
