//! xDS with TLS: what is sent to an Envoy holds its service's private key.

use chancery_tests::agent::Agent;
use chancery_tests::certificates::Certificates;
use chancery_tests::envoy::Envoy;
use chancery_tests::mesh::{Mesh, Protocol};
use chancery_tests::ports::free_port;
use chancery_tests::setup;

async fn agent(certificates: &Certificates, more: &str) -> Agent {
    let settings = certificates.settings(more);
    let agent = Agent::start(&["-dev", "-grpc-tls-port", &free_port().to_string(), "-hcl", &settings]).await;
    agent.commands_with("CONSUL_GRPC_CACERT", certificates.authority().display().to_string())
}

async fn handshakes(envoy: &Envoy) -> u64 {
    envoy.stat("cluster.local_agent.ssl.handshake").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envoy_speaks_to_its_agent_with_tls_where_the_agent_can() {
    if !setup::has_envoy("xDS is spoken with TLS") {
        return;
    }
    let certificates = Certificates::new();
    let mesh = Mesh::on(agent(&certificates, "").await, Protocol::Http).await;
    assert!(handshakes(&mesh.frontend).await >= 1 && handshakes(&mesh.backends[0].envoy).await >= 1);
    mesh.agent.run(&["intention", "create", "-deny", "frontend", "backend"]).expect("it is written");
    mesh.until("the call to be forbidden", async |mesh| mesh.call().await.is_err()).await;
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envoy_shows_a_certificate_where_one_is_asked_for_and_looks_for_the_servers_name() {
    if !setup::has_envoy("an Envoy shows a certificate") {
        return;
    }
    let certificates = Certificates::new();
    let [certificate, key] = certificates.client().map(|file| file.display().to_string());
    let agent = agent(&certificates, "verify_incoming = true").await;
    let agent = agent
        .commands_with("CONSUL_CLIENT_CERT", certificate)
        .commands_with("CONSUL_CLIENT_KEY", key)
        .commands_with("CONSUL_TLS_SERVER_NAME", "server.dc1.consul");
    let mesh = Mesh::on(agent, Protocol::Tcp).await;
    assert!(handshakes(&mesh.frontend).await >= 1);
    mesh.finish().await;
}
