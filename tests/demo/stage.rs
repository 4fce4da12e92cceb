//! What the demo plays on: an agent, the applications, and an Envoy beside each.

use std::time::Duration;

use serde_json::{Value, json};

use chancery_tests::agent::Agent;
use chancery_tests::app::App;
use chancery_tests::envoy::Envoy;
use chancery_tests::http::{Answer, Client};
use chancery_tests::mesh::Tally;
use chancery_tests::ports::free_port;
use chancery_tests::wait::try_eventually;

use crate::Outcome;
use crate::narrator::Narrator;

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Stage {
    pub(crate) frontend: Envoy,
    pub(crate) backends: Vec<Instance>,
    mesh: Client,
    _frontend_app: App,
    /// Last, because its folder holds the logs of the others.
    pub(crate) agent: Agent,
}

pub(crate) struct Instance {
    pub(crate) app: App,
    pub(crate) envoy: Envoy,
}

impl Stage {
    pub(crate) async fn open(narrator: &mut Narrator) -> Self {
        narrator.step("The agent: catalog, certificate authority and xDS server in one process");
        let agent = narrator.wait("the agent", Agent::durable()).await;
        narrator.command(&format!(
            "chancery agent -data-dir … -http-port {} -grpc-port {}",
            agent.http_port, agent.grpc_port
        ));
        let roots = agent.http.json("/v1/connect/ca/roots").await;
        narrator
            .say(&format!("it made itself a root certificate; the trust domain is {}", word(&roots["TrustDomain"])));
        narrator.done(&format!("ready; its page is http://127.0.0.1:{}/admin/", agent.http_port));

        narrator.step("Two applications that speak plain HTTP on the loopback, registered over the HTTP API");
        let protocol = json!({ "Kind": "service-defaults", "Name": "backend", "Protocol": "http" });
        narrator.command(&format!("PUT /v1/config  {protocol}"));
        agent.put("/v1/config", protocol).await;
        let app = App::http("backend-1").await;
        register(narrator, &agent, &app, None).await;
        let (frontend_app, upstream) = (App::http("frontend").await, free_port());
        register(narrator, &agent, &frontend_app, Some(upstream)).await;
        narrator.done(&format!("frontend will find backend at 127.0.0.1:{upstream}, wherever backend really is"));

        narrator.step("An Envoy beside each of them, without a line of configuration of its own");
        let mut envoys = Vec::new();
        for service in ["backend-1", "frontend"] {
            narrator.command(&format!("chancery connect envoy -sidecar-for {service}"));
            envoys.push(narrator.wait("Envoy", Envoy::connect(&agent, service)).await);
        }
        let frontend = envoys.pop().expect("two were started");
        let envoy = envoys.pop().expect("two were started");
        narrator
            .say("(with `-- --drain-strategy immediate --drain-time-s 1`: Envoy lets go of old connections at once)");
        narrator.done("both have their listeners, clusters, endpoints and certificates from the agent");
        let mesh = Client::new(format!("127.0.0.1:{upstream}")).with_patience(Duration::from_secs(3));
        Self { agent, frontend, backends: vec![Instance { app, envoy }], mesh, _frontend_app: frontend_app }
    }

    /// One more instance of `backend`, with its Envoy.
    pub(crate) async fn add_backend(&mut self, narrator: &Narrator, name: &str) {
        let app = App::http(name).await;
        register(narrator, &self.agent, &app, None).await;
        let envoy = narrator.wait("Envoy", Envoy::connect(&self.agent, name)).await;
        self.backends.push(Instance { app, envoy });
    }

    /// What `frontend` gets when it calls `backend`.
    pub(crate) async fn call(&self) -> Outcome<Answer> {
        self.mesh.get("/").await.map_err(|error| format!("a call through the mesh failed: {error}"))
    }

    /// Who answered how many of `calls`; those without a good answer under the empty name.
    pub(crate) async fn tally(&self, calls: usize) -> Tally {
        let mut tally = Tally::new();
        for _ in 0..calls {
            let good = self.call().await.ok().filter(|answer| answer.status.is_success());
            let name = good.map(|answer| word(&answer.json()["app"])).unwrap_or_default();
            *tally.entry(name).or_default() += 1;
        }
        tally
    }

    /// Whether several calls in a row get this status; one may still be on a connection of before a change.
    pub(crate) async fn all_get(&self, status: u16) -> bool {
        for _ in 0..10 {
            if !self.call().await.is_ok_and(|answer| answer.status.as_u16() == status) {
                return false;
            }
        }
        true
    }

    /// Looks until it is true.
    pub(crate) async fn until(
        &self,
        narrator: &Narrator,
        what: &str,
        mut condition: impl AsyncFnMut(&Self) -> bool,
    ) -> Outcome {
        let looking = try_eventually(PATIENCE, async || condition(self).await.then_some(()));
        narrator.wait(what, looking).await.ok_or_else(|| format!("waited {PATIENCE:?} in vain for {what}"))
    }

    /// Ends everything that was started, in order, and sees that it ends well.
    pub(crate) async fn close(mut self, narrator: &mut Narrator) -> Outcome {
        narrator.step("The end: Envoys first, then the agent");
        for envoy in std::iter::once(&self.frontend).chain(self.backends.iter().map(|instance| &instance.envoy)) {
            envoy.assert_no_rejections().await;
        }
        narrator.say("no Envoy has refused anything that it was sent");
        self.frontend.terminate();
        for instance in &mut self.backends {
            instance.envoy.terminate();
        }
        let status = self.agent.terminate();
        if !status.success() {
            return Err(format!("the agent ended with {status}"));
        }
        let folder = self.agent.folder().to_owned();
        drop(self);
        if folder.exists() {
            return Err(format!("{} was left behind", folder.display()));
        }
        narrator.done("all have ended, and their files are gone");
        Ok(())
    }
}

/// With an HTTP check each second; a sidecar is as well as its service.
async fn register(narrator: &Narrator, agent: &Agent, app: &App, upstream: Option<u16>) {
    let proxy = match upstream {
        Some(port) => json!({ "Upstreams": [{ "DestinationName": "backend", "LocalBindPort": port }] }),
        None => json!({}),
    };
    let service = json!({
        "ID": app.name,
        "Name": if upstream.is_some() { "frontend" } else { "backend" },
        "Port": app.port,
        "Check": { "HTTP": format!("http://127.0.0.1:{}/health", app.port), "Interval": "1s" },
        "Connect": {
            "SidecarService": {
                "Port": free_port(),
                "Checks": [{ "Name": "its service", "AliasService": app.name }],
                "Proxy": proxy,
            }
        },
    });
    narrator.command(&format!("PUT /v1/agent/service/register  {}, port {}, with a sidecar", app.name, app.port));
    agent.put("/v1/agent/service/register", service).await;
}

/// The text of a JSON string.
pub(crate) fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
