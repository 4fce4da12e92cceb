//! Checks that show the agent's certificate (`enable_agent_tls_for_checks`), of a service that sends away who has none.

use std::time::Duration;

use chancery_tests::agent::Agent;
use chancery_tests::certificates::Certificates;
use chancery_tests::ports::free_port;
use chancery_tests::wait::eventually;
use serde_json::json;
use tokio::time::sleep;

const PATIENCE: Duration = Duration::from_secs(20);

async fn until(agent: &Agent, status: &str) {
    eventually(&format!("the check to be {status}"), PATIENCE, async || {
        let checks = agent.http.json("/v1/health/checks/guarded").await;
        (checks[0]["Status"] == status).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_service_that_asks_for_certificates_is_checked_with_the_agents() {
    let certificates = Certificates::new();
    let port = free_port();
    let settings = certificates.settings("verify_incoming = true");
    let _guarded = Agent::start(&["-dev", "-https-port", &port.to_string(), "-hcl", &settings]).await;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("agent.hcl");
    let [certificate, key] = certificates.client().map(|file| file.display().to_string());
    let https = free_port();
    let authority = certificates.authority().display().to_string();
    let write_all = |flag: &str, key: &str, https_key: &str| {
        let text = format!(
            "ports {{ https = {https} }}\n tls {{ {flag}\n https {{ key_file = \"{https_key}\" }}\n defaults {{ ca_file = \"{authority}\" cert_file = \"{certificate}\" key_file = \"{key}\" }} }}"
        );
        std::fs::write(&file, text).expect("it can be written");
    };
    let write = |flag: &str, to: &str| write_all(flag, to, &key);
    write("", &key);
    let agent = Agent::start(&["-dev", "-config-file", &file.to_string_lossy()]).await;
    let url = format!("https://127.0.0.1:{port}/v1/status/leader");
    let check = json!({ "HTTP": url, "Interval": "100ms", "Status": "passing", "TLSServerName": "server.dc1.consul" });
    agent.put("/v1/agent/service/register", json!({ "Name": "guarded", "Port": port, "Check": check })).await;
    until(&agent, "critical").await;
    // another door's key that is wrong changes nothing, for checks neither
    write_all("enable_agent_tls_for_checks = true", &key, &certificates.file("none.pem").display().to_string());
    agent.run(&["reload"]).expect_err("it is not taken");
    // a check is asked once a second at most
    sleep(Duration::from_millis(2500)).await;
    let checks = agent.http.json("/v1/health/checks/guarded").await;
    assert_eq!(checks[0]["Status"], "critical", "{checks}");
    write("enable_agent_tls_for_checks = true", &key);
    agent.run(&["reload"]).expect("it is read again");
    until(&agent, "passing").await;

    // a key that is not the certificate's changes nothing
    write("enable_agent_tls_for_checks = true", &certificates.file("consul-agent-ca-key.pem").display().to_string());
    let said = agent.run(&["reload"]).expect_err("it is not taken").to_string();
    assert!(said.contains("it is not the key of the certificate"), "{said}");
    until(&agent, "passing").await;
    write("enable_agent_tls_for_checks = false", &key);
    agent.run(&["reload"]).expect("it is read again");
    until(&agent, "critical").await;
}
