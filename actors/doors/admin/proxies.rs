//! `GET /admin/proxies`: for each proxy what it was sent and what it accepted; `…/config`: what it shall hold.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use chancery::canonical;
use chancery::delta::{Rejection, TypeStatus};
use chancery::generate::Refusal;
use chancery::model::extension::{Fate, fates};
use chancery::model::{EnvoyVersion, NodeName, ProxyId, ServiceId, ServiceName, SidecarNode, UnixTime};
use chancery::resource::ResourceType;
use chancery::wire::date;

use crate::leaf_keeper::{RenewError, renew};
use crate::proxy_state::Published;
use crate::wiring::House;
use crate::xds_stream::{DIALECTS, Sheet};

/// Sorted by proxy. `?id=web` narrows to keys that contain it.
pub(super) async fn proxies(
    State(house): State<House>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Value>, (StatusCode, String)> {
    if let Some(unknown) = query.keys().find(|key| *key != "id") {
        return Err((StatusCode::BAD_REQUEST, format!("unknown parameter {unknown:?}: there is id")));
    }
    let known = known(&house);
    let mut streams: BTreeMap<&ProxyId, Vec<Arc<Sheet>>> = known.keys().map(|id| (id, vec![])).collect();
    for sheet in house.streams.sheets() {
        if let Some((id, _)) = known.get_key_value(&sheet.proxy) {
            streams.entry(id).or_default().push(sheet);
        }
    }
    let wanted = query.get("id");
    let list: Vec<Value> = streams
        .into_iter()
        .filter(|(id, _)| wanted.is_none_or(|wanted| id.to_string().contains(wanted)))
        .map(|(id, sheets)| {
            let node = SidecarNode { id: id.clone(), envoy: known[id] };
            let mut row = proxy(id, house.proxies.board.read(&node).as_ref(), &sheets);
            row["extensions"] = extensions(&house, &node);
            row["grpc"] = programs(&house, id);
            row
        })
        .collect();
    Ok(Json(Value::Array(list)))
}

/// Every client that is connected or was a moment ago, of either kind, with the release of its Envoy. While that is
/// replaced by one of another release there are two: the newer is shown.
fn known(house: &House) -> BTreeMap<ProxyId, Option<EnvoyVersion>> {
    let programs = house.streams.publications().programs.snapshots.keys();
    let mut known: BTreeMap<_, _> = programs.iter().map(|program| (program.node.id.clone(), None)).collect();
    for SidecarNode { id, envoy } in house.proxies.snapshots.keys() {
        let newest = known.entry(id).or_default();
        *newest = envoy.max(*newest);
    }
    known
}

/// The extensions that entries name for the proxy, and what becomes of each at its Envoy.
fn extensions(house: &House, node: &SidecarNode) -> Value {
    let tables = house.catalog.tables();
    let Some(proxy) = chancery::catalog::query::proxy(&tables, &node.id) else { return json!([]) };
    let fates = fates(&proxy.extensions, node.envoy);
    let shown = proxy.extensions.iter().zip(fates).map(|(of, fate)| {
        let (fate, why) = match fate {
            Fate::Applied => ("applied", None),
            Fate::Skipped(why) => ("skipped", Some(why)),
            Fate::Missed(why) => ("missed", Some(why)),
        };
        json!({ "name": of.extension.name().as_str(), "entry": of.entry.to_string(), "required": of.extension.required, "fate": fate, "why": why })
    });
    shown.collect()
}

/// What a gRPC program without a proxy asks for and shall hold: an element for each set of listeners that one of its
/// streams names. Empty for a sidecar.
fn programs(house: &House, id: &ProxyId) -> Value {
    let programs = &house.streams.publications().programs;
    let mut subscribers = programs.snapshots.keys();
    subscribers.retain(|subscriber| subscriber.node.id == *id);
    subscribers.sort();
    let shown = subscribers.iter().map(|subscriber| {
        let mut shown = snapshot(programs.board.read(subscriber).as_ref());
        shown["listeners"] = json!(subscriber.listeners);
        shown
    });
    shown.collect()
}

fn proxy(id: &ProxyId, published: Option<&Published>, sheets: &[Arc<Sheet>]) -> Value {
    let mut shown = snapshot(published);
    shown["node"] = json!(id.node);
    shown["id"] = json!(id.service);
    shown["synced"] = json!(sheets.iter().all(|sheet| sheet.protocol().settled()));
    shown["streams"] = sheets.iter().map(|sheet| stream(sheet)).collect();
    shown
}

fn snapshot(published: Option<&Published>) -> Value {
    let view = published.and_then(|published| published.view.as_ref());
    json!({
        "snapshot": published.map_or(0, |published| published.version),
        "version": view.map(|view| view.version.to_string()),
        "missing": published.map(|published| published.missing.iter().map(ToString::to_string).collect::<Vec<_>>()),
        "refusals": published.map(|published| published.refusals.iter().map(refusal).collect::<Vec<_>>()),
    })
}

fn refusal(refusal: &Refusal) -> Value {
    json!({
        "type": refusal.kind.as_str(),
        "name": refusal.name,
        "reason": refusal.reason.to_string(),
        "origin": refusal.origin.to_string(),
    })
}

fn stream(sheet: &Sheet) -> Value {
    let (version, status) = {
        let protocol = sheet.protocol();
        (protocol.view_version(), protocol.status())
    };
    let types: BTreeMap<&str, Value> =
        status.iter().map(|status| (status.kind.as_str(), of_type(status, sheet))).collect();
    json!({
        "stream": sheet.id,
        "dialect": DIALECTS.iter().find(|(dialect, _)| *dialect == sheet.dialect).map(|(_, word)| word),
        "client": sheet.client,
        "open_seconds": sheet.opened.elapsed().as_secs(),
        "version": version.map(|version| version.to_string()),
        "types": types,
    })
}

fn of_type(status: &TypeStatus, sheet: &Sheet) -> Value {
    let sent = &sheet.sent[status.kind as usize];
    let resources: Vec<Value> = status
        .resources
        .iter()
        .map(|resource| {
            json!({
                "name": resource.name,
                "state": resource.state.as_str(),
                "version": resource.wanted.map(|version| version.to_string()),
                "accepted": resource.accepted.map(|version| version.to_string()),
            })
        })
        .collect();
    json!({
        "wildcard": status.wildcard,
        "sent": status.sent.map(|(nonce, version)| json!({"nonce": nonce.0, "version": version.to_string()})),
        "accepted": status.accepted.map(|(nonce, version)| json!({"nonce": nonce.0, "version": version.to_string()})),
        "in_flight": status.in_flight,
        "responses_sent": sent.responses.load(Ordering::Relaxed),
        "resources_sent": sent.resources.load(Ordering::Relaxed),
        "bytes_sent": sent.bytes.load(Ordering::Relaxed),
        "rejections": status.rejections,
        "last_rejection": status.last_rejection.as_ref().map(|last| rejection(last, sheet)),
        "resources": resources,
    })
}

/// `time` in RFC 3339; `origins` are those of `resources`, in the same order.
fn rejection(rejection: &Rejection, sheet: &Sheet) -> Value {
    let names: Vec<&Arc<str>> = rejection.resources.iter().map(|(name, _)| name).collect();
    let refused: Vec<_> = names.iter().filter_map(|name| sheet.refused(rejection.kind, name)).collect();
    let at = refused.first().map(|refused| UnixTime(i64::try_from(refused.at.as_secs()).unwrap_or(i64::MAX)));
    json!({
        "nonce": rejection.nonce.0,
        "code": rejection.code,
        "message": rejection.message,
        "time": at.map(date::show),
        "resources": names,
        "origins": refused.iter().map(|refused| refused.origin.as_str()).collect::<Vec<_>>(),
    })
}

/// What the proxy shall hold, as Envoy's own JSON, by type; private keys redacted. `?node=` names a node that is not
/// the agent's own.
pub(super) async fn config(
    State(house): State<House>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let service = ServiceId::from(id.as_str());
    let known = known(&house);
    let found: Vec<ProxyId> = match query.get("node") {
        Some(node) => vec![ProxyId { node: NodeName::from(node.as_str()), service }],
        None => known.keys().filter(|known| known.service == service).cloned().collect(),
    };
    let [proxy] = &found[..] else {
        let text = if found.is_empty() {
            format!("no proxy {id:?} is connected; /admin/proxies lists those that are")
        } else {
            format!("{} nodes have a proxy {id:?}; add ?node=", found.len())
        };
        return Err((StatusCode::NOT_FOUND, text));
    };
    let node = SidecarNode { id: proxy.clone(), envoy: known.get(proxy).copied().flatten() };
    let published = house.proxies.board.read(&node);
    let Some(view) = house.streams.publications().view(&node) else {
        let missing = published.map(|published| published.missing).unwrap_or_default();
        let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
        return Err((StatusCode::NOT_FOUND, format!("proxy {id:?} has no snapshot yet; it waits for {missing:?}")));
    };
    let mut types = serde_json::Map::new();
    for kind in ResourceType::ALL {
        let mut list = Vec::new();
        for resource in view.list(kind).iter() {
            let any = resource.any().map_err(internal)?;
            let mut value = canonical::json(&any).map_err(internal)?;
            canonical::redact(&mut value);
            list.push(json!({ "name": resource.name, "version": resource.version.to_string(), "resource": value }));
        }
        types.insert(kind.as_str().to_owned(), Value::Array(list));
    }
    Ok(Json(Value::Object(types)))
}

fn internal(error: impl std::fmt::Display) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// `PUT`: a new certificate for a service, now. Answers with the serial numbers of the old and the new one.
pub(super) async fn renew_leaf(
    State(house): State<House>,
    Path(service): Path<String>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let service = ServiceName::from(service);
    let old = chancery::catalog::query::leaf(&house.catalog.tables(), &service);
    let Some(old) = old else {
        return Err((StatusCode::NOT_FOUND, format!("service {service:?} has no certificate: no proxy stands for it")));
    };
    match renew(&house.leaves, &service).await {
        Ok(new) => Ok(Json(json!({ "old": old.serial_number, "new": new.serial_number }))),
        Err(error @ RenewError::NoAuthority) => Err((StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
        Err(error) => Err(internal(error)),
    }
}
