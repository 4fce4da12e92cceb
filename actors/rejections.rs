//! What one client has refused, resource by resource, with its words, the time and where the resource came from.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chancery::delta::{Nonce, Rejection};
use chancery::model::ProxyId;
use chancery::model::grpc::SERVER_LISTENER;
use chancery::resource::{ResourceHash, ResourceType};

/// The newest refusal of one resource.
#[derive(Clone, PartialEq, Debug)]
pub struct Refused {
    pub nonce: Nonce,
    /// Since 1970.
    pub at: Duration,
    pub code: i32,
    /// In the client's words; see [`Rejection::message`].
    pub message: String,
    /// `None`: the refused response removed it.
    pub version: Option<ResourceHash>,
    pub origin: String,
}

#[derive(Default)]
pub struct Rejections {
    newest: BTreeMap<(ResourceType, Arc<str>), Refused>,
}

impl Rejections {
    pub fn get(&self, kind: ResourceType, name: &str) -> Option<&Refused> {
        self.newest.get(&(kind, name.into()))
    }

    /// Takes a rejection in; forgets those of the same type whose resource is not among `known` any longer.
    pub fn take_in(&mut self, proxy: &ProxyId, rejection: &Rejection, at: Duration, known: &[Arc<str>]) {
        self.newest.retain(|(kind, name), _| *kind != rejection.kind || known.binary_search(name).is_ok());
        for (name, version) in &rejection.resources {
            let refused = Refused {
                nonce: rejection.nonce,
                at,
                code: rejection.code,
                message: rejection.message.clone(),
                version: *version,
                origin: origin(proxy, rejection.kind, name),
            };
            self.newest.insert((rejection.kind, Arc::clone(name)), refused);
        }
    }
}

/// Where a resource comes from, by the way resources are named: a cluster, its endpoints and a route of an upstream
/// begin with the service, its listener too; what is only the proxy's own comes from its registration.
pub fn origin(proxy: &ProxyId, kind: ResourceType, name: &str) -> String {
    let own = || format!("the registration of the proxy {proxy}");
    if name.starts_with(SERVER_LISTENER) {
        return own();
    }
    let service = match kind {
        ResourceType::Secret => return format!("the identity of the proxy {proxy}"),
        ResourceType::Listener | ResourceType::Route => name.split([':', '.']).next(),
        ResourceType::Cluster | ResourceType::Endpoint => {
            // `<hash>~` marks an override, and four labels after the service are the rest of a full name
            let target = name.rsplit('~').next().unwrap_or(name);
            match target.split(".default.").next().filter(|head| head.len() < target.len()) {
                // a subset stands before its service
                Some(head) => head.rsplit('.').next(),
                None => return own(),
            }
        }
    };
    match service {
        Some("" | "public_listener" | "inbound_listener" | "outbound_listener") | None => own(),
        Some(service) => format!("the service {service}, an upstream of the proxy {proxy}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy() -> ProxyId {
        ProxyId { node: "n1".into(), service: "web-sidecar-proxy".into() }
    }

    #[test]
    fn names_tell_where_a_resource_comes_from() {
        let upstream = "the service backend, an upstream of the proxy n1/web-sidecar-proxy";
        let own = "the registration of the proxy n1/web-sidecar-proxy";
        for (kind, name, expected) in [
            (ResourceType::Cluster, "backend.default.dc1.internal.1111.consul", upstream),
            (ResourceType::Cluster, "1a47f6e1~v2.backend.default.dc1.internal.1111.consul", upstream),
            (ResourceType::Endpoint, "backend.default.dc1.internal.1111.consul", upstream),
            (ResourceType::Listener, "backend:127.0.0.1:5000", upstream),
            (ResourceType::Route, "backend", upstream),
            (ResourceType::Cluster, "local_app", own),
            (ResourceType::Listener, "public_listener:0.0.0.0:20000", own),
            (ResourceType::Listener, "grpc/server?xds.resource.listening_address=0.0.0.0:80", own),
            (ResourceType::Secret, "leaf", "the identity of the proxy n1/web-sidecar-proxy"),
        ] {
            assert_eq!(origin(&proxy(), kind, name), expected, "{name}");
        }
    }

    // row 61
    #[test]
    fn the_newest_refusal_of_each_resource_is_kept_as_long_as_the_resource() {
        let rejection = |nonce: u64, names: &[&str]| Rejection {
            kind: ResourceType::Cluster,
            nonce: Nonce(nonce),
            version: ResourceHash(1),
            code: 13,
            message: format!("no {nonce}"),
            resources: names.iter().map(|name| (Arc::from(*name), Some(ResourceHash(nonce)))).collect(),
        };
        let known = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Vec<Arc<str>>>();
        let mut rejections = Rejections::default();
        rejections.take_in(&proxy(), &rejection(1, &["a", "b"]), Duration::from_secs(5), &known(&["a", "b"]));
        rejections.take_in(&proxy(), &rejection(2, &["c"]), Duration::from_secs(6), &known(&["b", "c"]));
        assert_eq!(rejections.get(ResourceType::Cluster, "a"), None);
        assert_eq!(rejections.get(ResourceType::Cluster, "b").unwrap().message, "no 1");
        assert_eq!(rejections.get(ResourceType::Cluster, "c").unwrap().at, Duration::from_secs(6));
    }
}
