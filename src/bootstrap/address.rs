//! Envoy's addresses and the clusters that are nothing but one address.

use std::net::SocketAddr;

use serde_json::{Value, json};

pub(super) fn tcp(socket: SocketAddr) -> Value {
    json!({ "socket_address": { "address": socket.ip().to_string(), "port_value": socket.port() } })
}

pub(super) fn udp(socket: SocketAddr) -> Value {
    let mut address = tcp(socket);
    address["socket_address"]["protocol"] = json!("UDP");
    address
}

pub(super) fn pipe(path: &str) -> Value {
    json!({ "pipe": { "path": path } })
}

/// A cluster of one endpoint at a fixed address.
pub(super) fn static_cluster(name: &str, address: &Value) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address } }] }],
        },
    })
}
