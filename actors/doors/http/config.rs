//! `/v1/config`: the rules of the mesh.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};

use chancery::catalog::{Outcome, Write};
use chancery::fact::Fact;
use chancery::filter::selectors::ENTRY;
use chancery::model::{EntryKey, EntryKind, Index, Topic};
use chancery::wire;

use super::body::Body;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::Endpoints;
use crate::doors::endpoints::common::{BLOCKING, CAS, CAS_DELETE, FILTER, PRETTY, SCOPE, STATE};

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("config", "config", "Config entries: the rules of the mesh.")
        .put("/v1/config", write, "Writes an entry; `false` when `cas` did not hold.", &[SCOPE, PRETTY, CAS])
        .takes("the entry, as JSON: `Kind`, `Name` and what belongs to the kind")
        .get("/v1/config/{kind}", list, "All entries of a kind.", &[SCOPE, PRETTY, STATE, BLOCKING, FILTER])
        .get("/v1/config/{kind}/{*name}", read, "One entry.", &[SCOPE, PRETTY, STATE, BLOCKING])
        .delete(
            "/v1/config/{kind}/{*name}",
            delete,
            "Deletes an entry; what is not there counts as deleted.",
            &[SCOPE, PRETTY, CAS_DELETE],
        )
}

/// `false` when the compare of `?cas` failed.
async fn write(State(door): State<HttpDoor>, params: Params, Body(body): Body) -> Result<Response, Failure> {
    let cas = params.cas()?;
    let entry = wire::entry::decode(&body).map_err(Failure::decode)?;
    let committed = door.commit(Write::PutEntry { entry, cas }).await?;
    Ok(reply::json(&params, &(committed.outcome != Outcome::CasFailed)))
}

async fn list(State(door): State<HttpDoor>, params: Params, Path(kind): Path<String>) -> Result<Response, Failure> {
    let selected = params.filter(&ENTRY, door.datacenter())?;
    let found = door.read(&params, Topic::Entries(kind_of(&kind)?)).await?;
    let Fact::Entries(entries) = found.fact else { return Err(Failure::misread()) };
    let body: Vec<_> = entries.iter().filter(|entry| selected(entry)).map(|entry| wire::entry::encode(entry)).collect();
    Ok(reply::read(&params, found.index, &body))
}

async fn read(
    State(door): State<HttpDoor>,
    params: Params,
    Path((kind, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let key = EntryKey::new(kind_of(&kind)?, &name);
    let found = door.read(&params, Topic::Entry(key)).await?;
    match found.fact {
        Fact::Entry(Some(entry)) => Ok(reply::read(&params, found.index, &wire::entry::encode(&entry))),
        Fact::Entry(None) => {
            let failure = Failure::not_found(format!("Config entry not found for {kind:?} / {name:?}"));
            Ok(reply::as_of(&params, found.index, failure.into_response()))
        }
        _ => Err(Failure::misread()),
    }
}

/// An entry that is not there counts as deleted. Answers `{}`; with `?cas`, whether the compare held.
async fn delete(
    State(door): State<HttpDoor>,
    params: Params,
    Path((kind, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let cas = params.cas()?;
    if cas == Some(Index(0)) {
        return Err(Failure::bad_request("?cas=0 deletes nothing: give the ModifyIndex that the entry has"));
    }
    let key = EntryKey::new(kind_of(&kind)?, &name);
    let committed = door.commit(Write::DeleteEntry { key, cas }).await?;
    Ok(match cas {
        Some(_) => reply::json(&params, &(committed.outcome != Outcome::CasFailed)),
        None => reply::json(&params, &serde_json::Map::new()),
    })
}

fn kind_of(word: &str) -> Result<EntryKind, Failure> {
    wire::entry::kind(word).map_err(|error| Failure::bad_request(error.to_string()))
}
