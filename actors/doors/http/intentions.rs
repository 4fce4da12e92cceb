//! `/v1/connect/intentions`: who may call whom, one source and one destination at a time.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use chancery::catalog::{Write, query};
use chancery::fact::Fact;
use chancery::filter::selectors::INTENTION;
use chancery::model::intention::WILDCARD;
use chancery::model::{Action, Intention, ServiceName, Topic, intention_id};
use chancery::wire;

use super::body::Body;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::common::{BLOCKING, FILTER, PRETTY, SCOPE, STATE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const PAIR: Parameters = &[
    Parameter::new("source", Kind::Text, "Who calls; `*` is everybody."),
    Parameter::new("destination", Kind::Text, "Who is called; `*` is everybody."),
];
const SOURCE_TYPE: Parameters = &[Parameter::new("source-type", Kind::Word(&["", "consul"]), "There is one.")];
const MATCH: Parameters = &[
    Parameter::new("by", Kind::Word(&["source", "destination"]), "Which side the names are of."),
    Parameter::new("name", Kind::Texts, "A service."),
];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("intentions", "intentions", "Who may call whom.")
        .get(
            "/v1/connect/intentions",
            list,
            "All intentions, first what takes precedence.",
            &[SCOPE, PRETTY, STATE, BLOCKING, FILTER],
        )
        .post("/v1/connect/intentions", create, "Writes a new one, and answers its id.", &[SCOPE, PRETTY])
        .takes("as JSON: `SourceName`, `DestinationName`, `Action` (allow or deny) or `Permissions`, and `Description`")
        .get("/v1/connect/intentions/{id}", read_by_id, "One, by its id.", &[SCOPE, PRETTY, STATE, BLOCKING])
        .put("/v1/connect/intentions/{id}", write_by_id, "Changes one, by its id.", &[SCOPE, PRETTY])
        .takes("as JSON: `Action` (allow or deny) or `Permissions`, and `Description`")
        .delete("/v1/connect/intentions/{id}", delete_by_id, "Deletes one, by its id.", &[SCOPE, PRETTY])
        .get(
            "/v1/connect/intentions/exact",
            read,
            "The one of a source and a destination.",
            &[SCOPE, PRETTY, STATE, BLOCKING, PAIR],
        )
        .put(
            "/v1/connect/intentions/exact",
            write,
            "Writes the one of a source and a destination.",
            &[SCOPE, PRETTY, PAIR],
        )
        .takes("as JSON: `Action` (allow or deny) or `Permissions`, and `Description`")
        .delete(
            "/v1/connect/intentions/exact",
            delete,
            "Deletes the one of a source and a destination.",
            &[SCOPE, PRETTY, PAIR],
        )
        .get(
            "/v1/connect/intentions/check",
            check,
            "Whether a call would be allowed; rules over requests count as no.",
            &[SCOPE, PRETTY, STATE, BLOCKING, PAIR, SOURCE_TYPE],
        )
        .get(
            "/v1/connect/intentions/match",
            matching,
            "For each name the intentions that bear on it.",
            &[SCOPE, PRETTY, STATE, BLOCKING, MATCH],
        )
}

/// Whom a request is about.
struct Pair {
    source: ServiceName,
    destination: ServiceName,
}

impl Pair {
    fn of(params: &Params) -> Result<Self, Failure> {
        Ok(Self { source: name(params, "source")?, destination: name(params, "destination")? })
    }
}

/// `web`, `default/web` or `default/default/web`.
fn name(params: &Params, parameter: &str) -> Result<ServiceName, Failure> {
    service(parameter, params.require(parameter)?)
}

fn service(parameter: &str, text: &str) -> Result<ServiceName, Failure> {
    let (scope, name) = text.rsplit_once('/').unwrap_or(("", text));
    if name.is_empty() {
        return Err(Failure::bad_request(format!("{parameter} {text:?} names no service")));
    }
    match scope {
        "" | "default" | "default/default" => Ok(name.into()),
        _ => Err(Failure::bad_request(format!(
            "{parameter} {text:?}: there are no namespaces and partitions but \"default\""
        ))),
    }
}

async fn list(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let selected = params.filter(&INTENTION, door.datacenter())?;
    let found = door.read(&params, Topic::IntentionList).await?;
    let Fact::IntentionList(intentions) = found.fact else { return Err(Failure::misread()) };
    let body: Vec<_> = intentions.iter().filter(|intention| selected(intention)).map(wire::intention::encode).collect();
    Ok(reply::read(&params, found.index, &body))
}

async fn read(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let pair = Pair::of(&params)?;
    let found = door.read(&params, Topic::IntentionList).await?;
    let Fact::IntentionList(intentions) = found.fact else { return Err(Failure::misread()) };
    let exact = intentions
        .iter()
        .find(|intention| intention.source == pair.source && intention.destination == pair.destination);
    Ok(match exact {
        Some(intention) => reply::read(&params, found.index, &wire::intention::encode(intention)),
        None => reply::as_of(&params, found.index, not_found().into_response()),
    })
}

async fn write(State(door): State<HttpDoor>, params: Params, Body(body): Body) -> Result<Response, Failure> {
    let Pair { source, destination } = Pair::of(&params)?;
    let write = wire::intention::decode(&body, source.as_str(), destination.as_str()).map_err(Failure::decode)?;
    door.commit(write).await?;
    Ok(reply::json(&params, &true))
}

async fn delete(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let Pair { source, destination } = Pair::of(&params)?;
    door.commit(Write::DeleteIntention { source, destination }).await?;
    Ok(reply::json(&params, &true))
}

/// For each `name` the intentions that bear on it as source or as destination, first what takes precedence.
async fn matching(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let side: fn(&Intention) -> &ServiceName = match params.require("by")? {
        "source" => |intention| &intention.source,
        "destination" => |intention| &intention.destination,
        other => return Err(Failure::bad_request(format!("by {other:?}: expected source or destination"))),
    };
    // one at least
    name(&params, "name")?;
    let names: Vec<(&str, ServiceName)> =
        params.all("name").map(|text| Ok((text, service("name", text)?))).collect::<Result<_, Failure>>()?;
    let found = door.read(&params, Topic::IntentionList).await?;
    let Fact::IntentionList(intentions) = found.fact else { return Err(Failure::misread()) };
    let of = |name: &ServiceName| -> Vec<_> {
        let bears = |intention: &&Intention| *side(intention) == *name || *side(intention) == WILDCARD;
        intentions.iter().filter(bears).map(wire::intention::encode).collect()
    };
    let body: BTreeMap<&str, Vec<_>> = names.iter().map(|(text, name)| (*text, of(name))).collect();
    Ok(reply::read(&params, found.index, &body))
}

async fn check(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    let pair = Pair::of(&params)?;
    if let Some(other) = params.get("source-type").filter(|kind| !matches!(*kind, "" | "consul")) {
        return Err(Failure::bad_request(format!("source-type {other:?}: the only type of source is \"consul\"")));
    }
    let found = door.read(&params, Topic::Intentions(pair.destination)).await?;
    let Fact::Intentions(intentions) = found.fact else { return Err(Failure::misread()) };
    let allowed = intentions.decide(pair.source.as_str()) == Action::Allow;
    Ok(reply::read(&params, found.index, &json!({ "Allowed": allowed })))
}

/// The legacy form: it names no pair, so it can only be new.
async fn create(State(door): State<HttpDoor>, params: Params, Body(body): Body) -> Result<Response, Failure> {
    let write = wire::intention::decode_new(&body).map_err(Failure::decode)?;
    let Write::PutIntention { source, destination, .. } = &write else { return Err(Failure::misread()) };
    let id = intention_id(source, destination);
    if door.intention(&id).is_some() {
        let text = format!(
            "duplicate intention found: there is one from {source:?} to {destination:?}; change it at \
             /v1/connect/intentions/{id}"
        );
        return Err(Failure::new(StatusCode::CONFLICT, text));
    }
    door.commit(write).await?;
    Ok(reply::json(&params, &json!({ "ID": id })))
}

async fn read_by_id(State(door): State<HttpDoor>, params: Params, Path(id): Path<String>) -> Result<Response, Failure> {
    let id = uuid(&id)?;
    let found = door.read(&params, Topic::IntentionList).await?;
    let Fact::IntentionList(intentions) = found.fact else { return Err(Failure::misread()) };
    Ok(match intentions.iter().find(|intention| has_id(intention, &id)) {
        Some(intention) => reply::read(&params, found.index, &wire::intention::encode(intention)),
        None => reply::as_of(&params, found.index, not_found().into_response()),
    })
}

async fn write_by_id(
    State(door): State<HttpDoor>,
    params: Params,
    Path(id): Path<String>,
    Body(body): Body,
) -> Result<Response, Failure> {
    let id = uuid(&id)?;
    let known = door.intention(&id).ok_or_else(not_found)?;
    let (source, destination) = (known.source.as_str(), known.destination.as_str());
    let write = wire::intention::decode(&body, source, destination).map_err(Failure::decode)?;
    door.commit(write).await?;
    Ok(reply::json(&params, &json!({ "ID": id })))
}

async fn delete_by_id(
    State(door): State<HttpDoor>,
    params: Params,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let Intention { source, destination, .. } = door.intention(&uuid(&id)?).ok_or_else(not_found)?;
    door.commit(Write::DeleteIntention { source, destination }).await?;
    Ok(reply::json(&params, &true))
}

fn uuid(id: &str) -> Result<String, Failure> {
    let uuid = uuid::Uuid::try_parse(id).map_err(|_| {
        Failure::bad_request(format!(
            "{id:?} is no id of an intention, which is a UUID; by names it is \
             /v1/connect/intentions/exact?source=…&destination=…"
        ))
    })?;
    Ok(uuid.hyphenated().to_string())
}

fn has_id(intention: &Intention, id: &str) -> bool {
    intention.id() == id
}

fn not_found() -> Failure {
    Failure::not_found("Intention not found")
}

impl HttpDoor {
    fn intention(&self, id: &str) -> Option<Intention> {
        query::intention_list(&self.tables()).into_iter().find(|intention| has_id(intention, id))
    }
}
