//! What the swarm writes: the services its Envoys stand beside, the upstream they share, and the changes.

use http::Method;
use serde_json::{Value, json};

use super::api::Call;
use super::mark::{Mark, SLOTS};

/// Who takes the writes, and in which words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Setup {
    /// Services are registered over Consul's HTTP API, which Chancery has too
    Consul,
    /// Nothing is registered; changes are asked of `--trigger`
    None,
}

/// The port of the instance of the shared upstream that is always there: no change has it.
const FIRST_INSTANCE_PORT: u16 = 9000;

#[derive(Clone, Debug)]
pub struct Mesh {
    pub setup: Setup,
    /// In front of every name the swarm makes.
    pub prefix: String,
}

impl Mesh {
    pub fn service(&self, at: usize) -> String {
        format!("{}-{at}", self.prefix)
    }

    fn upstream(&self) -> String {
        format!("{}-upstream", self.prefix)
    }

    /// What must be there before the services: one instance of the upstream.
    pub fn first_call(&self) -> Call {
        self.register(&self.instance("first", "10.200.255.1", FIRST_INSTANCE_PORT))
    }

    /// Registers the service at this place with its sidecar, which has the shared upstream.
    pub fn service_call(&self, at: usize) -> Call {
        let address = format!("10.{}.{}.{}", 100 + at / 62_500, at / 250 % 250, at % 250 + 1);
        self.register(&json!({
            "Name": self.service(at),
            "Address": address,
            "Port": 8080,
            "Connect": { "SidecarService": {
                "Port": 20_000,
                "Checks": [],
                "Proxy": { "Upstreams": [{ "DestinationName": self.upstream(), "LocalBindPort": 9191 }] },
            } },
        }))
    }

    /// Registers the instance of the upstream that stands for this change: a new one, or a new port of the one in its
    /// slot.
    pub fn change_call(&self, mark: Mark) -> Call {
        let (slot, port) = (mark.slot(), mark.port());
        match self.setup {
            Setup::None => get(format!("/endpoint?slot={slot}&port={port}")),
            Setup::Consul => self.register(&self.instance(&slot.to_string(), &format!("10.200.0.{}", slot + 1), port)),
        }
    }

    /// Registers a service that no Envoy has to do with, or gives it another port.
    pub fn bystander_call(&self, port: u16) -> Call {
        self.register(&json!({ "Name": self.bystander(), "Address": "10.200.255.2", "Port": port }))
    }

    /// Reads it, once it is another than at this index.
    pub fn bystander_read(&self, index: u64) -> Call {
        get(format!("/v1/health/service/{}?index={index}&wait=60s", self.bystander()))
    }

    pub fn bystander_end(&self) -> Call {
        let path = format!("/v1/agent/service/deregister/{}", self.bystander());
        Call { method: Method::PUT, path, body: Value::Null }
    }

    fn bystander(&self) -> String {
        format!("{}-bystander", self.prefix)
    }

    /// Changes a cluster of every proxy; nothing else.
    pub fn mesh_wide_call(&self, connect_timeout_ms: u32) -> Call {
        match self.setup {
            Setup::None => get(format!("/mesh-wide?milliseconds={connect_timeout_ms}")),
            Setup::Consul => Call {
                method: Method::PUT,
                path: "/v1/config".to_owned(),
                body: json!({
                    "Kind": "proxy-defaults",
                    "Name": "global",
                    "Config": { "local_connect_timeout_ms": connect_timeout_ms },
                }),
            },
        }
    }

    /// Takes back what [`Self::mesh_wide_call`] wrote.
    pub fn mesh_wide_end(&self) -> Call {
        let path = "/v1/config/proxy-defaults/global".to_owned();
        Call { method: Method::DELETE, path, body: Value::Null }
    }

    /// Takes everything away that `services` services and all changes registered.
    pub fn end_calls(&self, services: usize, changed_slots: Vec<usize>) -> impl Iterator<Item = Call> + Send + 'static {
        debug_assert!(changed_slots.iter().all(|slot| *slot < SLOTS));
        let mesh = self.clone();
        let instances = changed_slots.into_iter().map(|slot| slot.to_string()).chain(["first".to_owned()]);
        let instances = instances.map({
            let upstream = self.upstream();
            move |name| format!("{upstream}-{name}")
        });
        (0..services).map(move |at| mesh.service(at)).chain(instances).map(|id| Call {
            method: Method::PUT,
            path: format!("/v1/agent/service/deregister/{id}"),
            body: Value::Null,
        })
    }

    fn instance(&self, name: &str, address: &str, port: u16) -> Value {
        let upstream = self.upstream();
        json!({
            "Kind": "connect-proxy",
            "ID": format!("{upstream}-{name}"),
            "Name": format!("{upstream}-sidecar-proxy"),
            "Address": address,
            "Port": port,
            "Proxy": { "DestinationServiceName": upstream },
        })
    }

    fn register(&self, service: &Value) -> Call {
        Call { method: Method::PUT, path: "/v1/agent/service/register".to_owned(), body: service.clone() }
    }
}

fn get(path: String) -> Call {
    Call { method: Method::GET, path, body: Value::Null }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_service_has_an_address_of_its_own() {
        let mesh = Mesh { setup: Setup::Consul, prefix: "s".to_owned() };
        let addresses: BTreeSet<String> =
            (0..100_000).map(|at| mesh.service_call(at).body["Address"].as_str().expect("text").to_owned()).collect();
        assert_eq!(addresses.len(), 100_000);
        assert!(addresses.iter().all(|address| address.parse::<std::net::Ipv4Addr>().is_ok()));
    }

    #[test]
    fn a_change_in_the_same_slot_is_the_same_instance_with_another_port() {
        let mesh = Mesh { setup: Setup::Consul, prefix: "s".to_owned() };
        let [one, other] = [Mark::new(3), Mark::new(3 + SLOTS)].map(|mark| mesh.change_call(mark).body);
        assert_eq!(one["ID"], other["ID"]);
        assert_ne!(one["Port"], other["Port"]);
    }
}
