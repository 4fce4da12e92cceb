//! `/v1/kv`: keys and values, for the few that scripts keep beside the mesh.

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;

use chancery::catalog::{Outcome, Write};
use chancery::fact::Fact;
use chancery::model::{Index, KvKey, KvPair, Topic};
use chancery::wire;

use super::body::Unread;
use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::common::{BLOCKING, CAS, CAS_DELETE, PRETTY, SCOPE, STATE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const TREE: Parameters = &[
    Parameter::new("recurse", Kind::Flag, "All keys that begin so."),
    Parameter::new("keys", Kind::Flag, "Only the names of all keys that begin so."),
    Parameter::new("separator", Kind::Text, "With `keys`: names end at the first of these after the beginning."),
];
const RAW: Parameters = &[Parameter::new("raw", Kind::Flag, "The value as it is.")];
const FLAGS: Parameters = &[Parameter::new("flags", Kind::Whole, "A number that is kept with the value.")];
const SESSIONS: Parameters = &[
    Parameter::new("acquire", Kind::Text, "There are no sessions: refused."),
    Parameter::new("release", Kind::Text, "There are no sessions: refused."),
];
const RECURSE: Parameters = &[Parameter::new("recurse", Kind::Flag, "All keys that begin so.")];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("kv", "kv", "Keys and values, for the few that scripts keep beside the mesh.")
        .get("/v1/kv/", read_all, "All keys, with `recurse` or `keys`.", &[SCOPE, PRETTY, STATE, BLOCKING, TREE])
        .unnamed("/v1/kv/", MethodFilter::PUT, put_nothing)
        .delete(
            "/v1/kv/",
            delete_all,
            "Deletes all keys, with `recurse`.",
            &[SCOPE, PRETTY, CAS_DELETE, RECURSE, SESSIONS],
        )
        .get(
            "/v1/kv/{*key}",
            read,
            "A key's value, in base64, with its flags; 404 without.",
            &[SCOPE, PRETTY, STATE, BLOCKING, TREE, RAW],
        )
        .put(
            "/v1/kv/{*key}",
            put,
            "Writes a key; `false` when `cas` did not hold.",
            &[SCOPE, PRETTY, CAS, FLAGS, SESSIONS],
        )
        .takes("the value: any bytes, up to 512 KiB (`limits.kv_max_value_size`)")
        .delete(
            "/v1/kv/{*key}",
            delete,
            "Deletes a key; what is not there counts as deleted.",
            &[SCOPE, PRETTY, CAS_DELETE, RECURSE, SESSIONS],
        )
}

async fn read_all(door: State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    read(door, params, Path(String::new())).await
}

async fn read(State(door): State<HttpDoor>, params: Params, Path(key): Path<String>) -> Result<Response, Failure> {
    let key = KvKey::from(key);
    if params.flag("keys")? {
        return keys(&door, &params, key).await;
    }
    if params.flag("recurse")? {
        return tree(&door, &params, key).await;
    }
    if key.is_empty() {
        return Err(missing_key());
    }
    let raw = params.flag("raw")?;
    let found = door.read(&params, Topic::Kv(key)).await?;
    match found.fact {
        Fact::Kv(None) => Ok(nothing(&params, found.index)),
        Fact::Kv(Some(pair)) if raw => Ok(reply::as_of(&params, found.index, as_it_is(&pair))),
        Fact::Kv(Some(pair)) => Ok(reply::read(&params, found.index, &[wire::kv::encode(&pair)])),
        _ => Err(Failure::misread()),
    }
}

async fn tree(door: &HttpDoor, params: &Params, prefix: KvKey) -> Result<Response, Failure> {
    let found = door.read(params, Topic::KvTree(prefix)).await?;
    let Fact::KvTree(pairs) = found.fact else { return Err(Failure::misread()) };
    if pairs.is_empty() {
        return Ok(nothing(params, found.index));
    }
    let body: Vec<_> = pairs.iter().map(|pair| wire::kv::encode(pair)).collect();
    Ok(reply::read(params, found.index, &body))
}

async fn keys(door: &HttpDoor, params: &Params, prefix: KvKey) -> Result<Response, Failure> {
    let found = door.read(params, Topic::KvTree(prefix.clone())).await?;
    let Fact::KvTree(pairs) = found.fact else { return Err(Failure::misread()) };
    let separator = params.get("separator").unwrap_or_default();
    let keys = wire::kv::keys(pairs.iter().map(|pair| &**pair), prefix.as_str(), separator);
    if keys.is_empty() {
        return Ok(nothing(params, found.index));
    }
    Ok(reply::read(params, found.index, &keys))
}

/// A value is anybody's bytes: no browser shall take it for a page of this server.
fn as_it_is(pair: &KvPair) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/plain")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox")),
    ];
    (headers, pair.value.clone()).into_response()
}

fn nothing(params: &Params, index: Index) -> Response {
    reply::as_of(params, index, StatusCode::NOT_FOUND.into_response())
}

async fn put_nothing() -> Failure {
    missing_key()
}

/// `false` when the compare of `?cas` failed.
async fn put(
    State(door): State<HttpDoor>,
    params: Params,
    Path(key): Path<String>,
    body: Unread,
) -> Result<Response, Failure> {
    without_sessions(&params)?;
    let value = body.bytes(door.state.settings.largest_value).await?;
    // a copy, since the body may be a small part of a buffer that would live as long as the value
    let value = value.to_vec().into();
    let flags = params.number("flags")?.unwrap_or(0);
    let pair = KvPair { key: key.into(), flags, value, ..KvPair::default() };
    let committed = door.commit(Write::PutKv { pair, cas: params.cas()? }).await?;
    Ok(reply::json(&params, &(committed.outcome != Outcome::CasFailed)))
}

async fn delete_all(door: State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    if params.flag("recurse")? { delete(door, params, Path(String::new())).await } else { Err(missing_key()) }
}

/// What is not there counts as deleted.
async fn delete(State(door): State<HttpDoor>, params: Params, Path(key): Path<String>) -> Result<Response, Failure> {
    without_sessions(&params)?;
    let (key, cas) = (KvKey::from(key), params.cas()?);
    let write = match (params.flag("recurse")?, cas) {
        (true, Some(_)) => {
            return Err(Failure::bad_request("Conflicting flags: ?cas compares one key, ?recurse deletes many"));
        }
        (true, None) => Write::DeleteKvTree(key),
        (false, Some(Index(0))) => {
            return Err(Failure::bad_request("?cas=0 deletes nothing: give the ModifyIndex that the key has"));
        }
        (false, cas) => Write::DeleteKv { key, cas },
    };
    let committed = door.commit(write).await?;
    Ok(reply::json(&params, &(committed.outcome != Outcome::CasFailed)))
}

fn missing_key() -> Failure {
    Failure::bad_request("Missing key name: it is the rest of the path; /v1/kv/ alone goes with ?keys or ?recurse")
}

fn without_sessions(params: &Params) -> Result<(), Failure> {
    match ["acquire", "release"].into_iter().find(|name| params.get(name).is_some()) {
        None => Ok(()),
        Some(name) => Err(Failure::bad_request(format!(
            "?{name} needs sessions, which this server does not have: use ?cas with the key's ModifyIndex, or a store \
            that is made for locks"
        ))),
    }
}
