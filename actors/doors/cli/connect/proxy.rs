//! Which proxy to run, as the agent knows it.

use chancery::model::Opaque;
use serde_json::Value;

use crate::doors::cli::api::{AgentApi, percent_encoded};
use crate::doors::cli::error::CliError;

/// What the bootstrap needs of a proxy's registration.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Proxy {
    pub id: String,
    /// The service it stands for.
    pub destination: String,
    /// `Proxy.Config`, merged with the central configuration.
    pub config: Opaque,
}

/// What the bootstrap needs of the agent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Agent {
    pub node: String,
    pub datacenter: String,
    /// Ports of the xDS server; absent where it does not listen.
    pub plaintext: Option<u16>,
    pub tls: Option<u16>,
}

/// The id of the one proxy that stands for the instance `service`.
pub(super) fn sidecar_of(api: &AgentApi, service: &str) -> Result<String, CliError> {
    one_sidecar(&api.get("/v1/agent/services", &[])?, service)
}

fn one_sidecar(services: &Value, service: &str) -> Result<String, CliError> {
    let mut ids: Vec<&str> = services
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, found)| found["Kind"] == "connect-proxy" && found["Proxy"]["DestinationServiceID"] == service)
        .map(|(id, _)| id.as_str())
        .collect();
    ids.sort_unstable();
    match ids.as_slice() {
        [] => Err(CliError::usage(format!(
            "No sidecar proxy is registered for the service ID {service:?}: register the service with \
             `connect {{ sidecar_service {{}} }}`, on this agent, and note that -sidecar-for takes its ID, not its name"
        ))),
        [one] => Ok((*one).to_owned()),
        several => Err(CliError::usage(format!(
            "{} proxies are registered for the service ID {service:?}: choose one with -proxy-id: {}",
            several.len(),
            several.join(", ")
        ))),
    }
}

/// The registration, merged with the central configuration by the agent.
pub(super) fn registered(api: &AgentApi, id: &str) -> Result<Proxy, CliError> {
    of_registration(id, &found(api, id)?)
}

/// The same, as the agent answers it.
pub(super) fn found(api: &AgentApi, id: &str) -> Result<Value, CliError> {
    let found = api.find(&format!("/v1/agent/service/{}", percent_encoded(id)), &[])?;
    found.ok_or_else(|| {
        CliError::usage(format!(
            "No proxy is registered with the ID {id:?} on this agent: `chancery services register` it first, or name \
             its service with -sidecar-for"
        ))
    })
}

pub(super) fn of_registration(id: &str, found: &Value) -> Result<Proxy, CliError> {
    match found["Kind"].as_str().unwrap_or_default() {
        "connect-proxy" => {}
        "" => return Err(CliError::usage(format!("{id:?} is a service, not a proxy: use -sidecar-for {id}"))),
        kind => return Err(CliError::usage(format!("{id:?} is a {kind}: gateways are not supported yet"))),
    }
    let proxy = &found["Proxy"];
    let destination = proxy["DestinationServiceName"].as_str().unwrap_or_default().to_owned();
    let config = proxy["Config"].as_object().cloned().unwrap_or_default();
    Ok(Proxy { id: id.to_owned(), destination, config })
}

/// Proxies are told by the agent of their own node.
pub(super) fn on_own_node(agent: &Agent, name: &str) -> Result<(), CliError> {
    if *name == agent.node {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "-node-name {name}: the agent's node is {:?}; proxies of other nodes are not supported yet",
        agent.node
    )))
}

/// The agent's own description.
pub(super) fn agent(api: &AgentApi) -> Result<Agent, CliError> {
    Ok(of_self(&api.get("/v1/agent/self", &[])?))
}

fn of_self(described: &Value) -> Agent {
    let text = |field: &str| described["Config"][field].as_str().unwrap_or_default().to_owned();
    // a port that is off is -1 or 0
    let port = |value: &Value| value.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    let xds = &described["xDS"];
    Agent {
        node: text("NodeName"),
        datacenter: text("Datacenter"),
        plaintext: port(&xds["Ports"]["Plaintext"]).or_else(|| port(&xds["Port"])),
        tls: port(&xds["Ports"]["TLS"]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Agent, of_registration, of_self, one_sidecar};

    fn sidecar(destination: &str) -> Value {
        json!({ "Kind": "connect-proxy", "Proxy": { "DestinationServiceID": destination } })
    }

    #[test]
    fn the_only_sidecar_of_a_service_is_found() {
        let services = json!({ "web": { "Kind": "" }, "web-proxy": sidecar("web"), "db-proxy": sidecar("db") });
        assert_eq!(one_sidecar(&services, "web").expect("there is one"), "web-proxy");
    }

    #[test]
    fn none_and_several_say_what_to_do() {
        let services = json!({ "b": sidecar("web"), "a": sidecar("web") });
        let told = one_sidecar(&services, "web").expect_err("there are two").to_string();
        assert!(told.ends_with("choose one with -proxy-id: a, b"), "{told}");
        let told = one_sidecar(&services, "db").expect_err("there is none").to_string();
        assert!(told.contains("sidecar_service"), "{told}");
    }

    #[test]
    fn only_sidecars_can_be_run() {
        for (kind, wanted) in [("", "use -sidecar-for x"), ("mesh-gateway", "gateways are not supported yet")] {
            let told = of_registration("x", &json!({ "Kind": kind })).expect_err("it is no sidecar").to_string();
            assert!(told.ends_with(wanted), "{told}");
        }
    }

    #[test]
    fn a_port_that_is_off_counts_as_absent() {
        let described = json!({
            "Config": { "NodeName": "n1", "Datacenter": "dc1" },
            "xDS": { "Port": 8502, "Ports": { "Plaintext": 8502, "TLS": -1 } },
        });
        let wanted = Agent { node: "n1".to_owned(), datacenter: "dc1".to_owned(), plaintext: Some(8502), tls: None };
        assert_eq!(of_self(&described), wanted);
    }
}
