//! `/v1/agent/self`, `version`, `members`: what this server says of itself. Clients look for the version, and where
//! Envoys connect.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use chancery::catalog::{Tables, query};
use chancery::filter::selectors::MEMBER;
use chancery::model::{Member, Node};
use chancery::wire::answer;

use super::params::Params;
use super::reply::Failure;
use super::{HttpDoor, reply};
use crate::doors::endpoints::common::{FILTER, PRETTY, SCOPE, STATE};
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};
use crate::version;

/// The releases of Envoy that the tests run against.
const ENVOYS: [&str; 1] = ["1.40.0"];
/// The gossip port of a server of its kind. Nothing listens there: there is one server.
const GOSSIP_PORT: u16 = 8301;
const SEGMENT: Parameters = &[
    Parameter::new("segment", Kind::Word(&["", "_all"]), "The network segment: there is one."),
    Parameter::new("wan", Kind::Flag, "Members of all datacenters, of which there is one."),
];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("agent", "agent", "What the agent says of itself.")
        .get(
            "/v1/agent/self",
            describe,
            "Configuration, node, figures, and where Envoys connect.",
            &[SCOPE, PRETTY, STATE],
        )
        .get("/v1/agent/version", tell_version, "The version of Consul whose interface is spoken.", &[SCOPE, PRETTY])
        .get("/v1/agent/members", members, "The members of the cluster: this agent.", &[SCOPE, PRETTY, SEGMENT, FILTER])
}

async fn describe(State(door): State<HttpDoor>, params: Params) -> Response {
    let tables = door.tables();
    let (node, identity) = (query::node(&tables, door.node()).unwrap_or_default(), &door.state.identity);
    let body = json!({
        "Config": config(&door, &node),
        "DebugConfig": debug_config(&door, &node),
        "Member": answer::member(&member(&door, &node)),
        "Stats": stats(&door, &tables),
        "Meta": node.meta,
        "xDS": xds(identity.grpc_port, identity.grpc_tls_port),
    });
    reply::read(&params, tables.index(), &body)
}

fn config(door: &HttpDoor, node: &Node) -> Value {
    let identity = &door.state.identity;
    json!({
        "Datacenter": identity.datacenter.as_str(),
        "PrimaryDatacenter": identity.datacenter.as_str(),
        "NodeName": identity.node.as_str(),
        "NodeID": node.id,
        "Server": true,
        "Version": version::VERSION,
        "Revision": version::REVISION,
        "BuildDate": version::BUILD_DATE,
    })
}

/// What older clients look for.
fn debug_config(door: &HttpDoor, node: &Node) -> Value {
    let identity = &door.state.identity;
    json!({
        "Datacenter": identity.datacenter.as_str(),
        "NodeName": identity.node.as_str(),
        "NodeID": node.id,
        "ServerMode": true,
        "ConnectEnabled": identity.mesh,
        "GRPCPort": identity.grpc_port.map_or(-1, i32::from),
        "GRPCTLSPort": identity.grpc_tls_port.map_or(-1, i32::from),
    })
}

/// Figures, as text.
fn stats(door: &HttpDoor, tables: &Tables) -> Value {
    let (services, checks) = query::on_node(tables, door.node());
    let of_kind = |kind: &str| checks.iter().filter(|check| check.kind() == kind).count().to_string();
    let run = checks.iter().filter(|check| !matches!(check.kind(), "" | "ttl" | "maintenance")).count();
    json!({
        "agent": {
            "check_monitors": run.to_string(),
            "check_ttls": of_kind("ttl"),
            "checks": checks.len().to_string(),
            "services": services.len().to_string(),
        },
        "build": { "version": version::VERSION, "revision": version::REVISION, "chancery": version::CHANCERY_VERSION },
        "consul": { "server": "true", "leader": "true", "bootstrap": "true", "known_datacenters": "1" },
        "raft": { "applied_index": tables.index().0.to_string(), "state": "Leader" },
        "runtime": { "arch": std::env::consts::ARCH, "os": std::env::consts::OS },
    })
}

fn member(door: &HttpDoor, node: &Node) -> Member {
    let identity = &door.state.identity;
    let tags = [
        ("build", version::VERSION),
        ("dc", identity.datacenter.as_str()),
        ("id", node.id.as_str()),
        ("role", "consul"),
    ];
    Member {
        name: identity.node.to_string(),
        address: node.address.clone(),
        port: GOSSIP_PORT,
        tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
    }
}

async fn tell_version(params: Params) -> Response {
    let body = json!({
        "SHA": version::REVISION,
        "BuildDate": version::BUILD_DATE,
        "HumanVersion": version::VERSION,
        "FIPS": "",
    });
    reply::json(&params, &body)
}

/// There is one, in every sense of `wan` and `segment`.
async fn members(State(door): State<HttpDoor>, params: Params) -> Result<Response, Failure> {
    params.flag("wan")?;
    if let Some(segment) = params.get("segment").filter(|segment| !matches!(*segment, "" | "_all")) {
        return Err(Failure::bad_request(format!("segment {segment:?}: there are no network segments: leave it out")));
    }
    let selected = params.filter(&MEMBER, door.datacenter())?;
    let tables = door.tables();
    let node = query::node(&tables, door.node()).unwrap_or_default();
    let member = Some(member(&door, &node)).filter(selected);
    let body: Vec<_> = member.iter().map(answer::member).collect();
    Ok(reply::json(&params, &body))
}

/// A port that is off is -1; `Port` is the one in plaintext, which older clients ask for.
fn xds(plaintext: Option<u16>, tls: Option<u16>) -> Value {
    let [plaintext, tls] = [plaintext, tls].map(|port| port.map_or(-1, i32::from));
    json!({
        "SupportedProxies": { "envoy": ENVOYS },
        "Port": plaintext,
        "Ports": { "Plaintext": plaintext, "TLS": tls },
    })
}
