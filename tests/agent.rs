//! The program as an operator has it in hand: how it starts, what it says when it cannot, how it reads its files again, and
//! how it ends.

use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use chancery::authority;
use chancery::model::{KeyKind, Lifetimes, TrustDomain, UnixTime};
use chancery_tests::agent::Agent;
use chancery_tests::setup;
use chancery_tests::wait::eventually;
use serde_json::{Value, json};

fn agent(arguments: &[&str]) -> Output {
    Command::new(setup::chancery()).arg("agent").args(arguments).output().expect("the program runs")
}

/// It must not start: what it says instead.
fn refused(arguments: &[&str]) -> String {
    let output = agent(arguments);
    assert_eq!(output.status.code(), Some(1), "agent {arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn services(agent: &Agent) -> Vec<String> {
    let services = agent.http.json("/v1/catalog/services").await;
    services.as_object().expect("an object").keys().cloned().collect()
}

#[test]
fn what_it_cannot_take_is_named_with_file_line_and_key() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("agent.hcl");
    std::fs::write(&file, "datacenter = \"dc7\"\n\nprots { http = 1 }\n").expect("it can be written");
    let file = file.to_string_lossy().into_owned();
    let said = refused(&["-dev", "-config-file", &file]);
    assert!(said.contains(&format!("{file}:3:")) && said.contains("did you mean \"ports\""), "{said}");
    assert!(refused(&["-dev", "-config-file", "nowhere.hcl"]).contains("nowhere.hcl: cannot be read"));
    assert!(refused(&["-dev", "-no-such-flag"]).contains("no-such-flag"));
    assert!(refused(&[]).contains("data_dir is required"));
}

#[tokio::test]
async fn a_second_agent_on_the_same_directory_is_refused() {
    let first = Agent::durable().await;
    let directory = first.folder().join("data").to_string_lossy().into_owned();
    let said = refused(&["-data-dir", &directory, "-http-port", "0", "-grpc-port", "0"]);
    assert!(said.contains("already in use by another chancery") && said.contains(&directory), "{said}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_the_flag_that_chooses_another() {
    let first = Agent::dev().await;
    let said = refused(&["-dev", "-http-port", &first.http_port.to_string()]);
    assert!(said.contains(&first.http_port.to_string()) && said.contains("-http-port"), "{said}");
}

#[tokio::test]
async fn it_is_a_node_of_its_own_catalog_and_ends_by_either_signal() {
    let mut agent = Agent::dev().await;
    let nodes = agent.http.json("/v1/catalog/nodes").await;
    assert_eq!(nodes[0]["Node"], "n1");
    let health = agent.http.json("/v1/health/service/consul").await;
    assert_eq!(health[0]["Checks"][0]["CheckID"], "serfHealth");
    assert_eq!(health[0]["Checks"][0]["Status"], "passing");
    assert!(agent.interrupt().success());
    assert!(Agent::dev().await.terminate().success());
}

#[tokio::test]
async fn its_files_are_read_again_at_a_hang_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("services.hcl");
    let write = |text: &str| std::fs::write(&file, text).expect("it can be written");
    write("service { name = \"one\" port = 1 }");
    let path = file.to_string_lossy().into_owned();
    let agent = Agent::start(&["-dev", "-config-file", &path]).await;
    assert_eq!(services(&agent).await, ["consul", "one"]);

    write("service { name = \"two\" port = 2 }");
    agent.hang_up();
    eventually("the new services", Duration::from_secs(10), async || {
        (services(&agent).await == ["consul", "two"]).then_some(())
    })
    .await;

    // what cannot be read changes nothing
    write("service { name = ");
    agent.hang_up();
    eventually("a complaint", Duration::from_secs(10), async || {
        agent.log().contains("the configuration stays as it was").then_some(())
    })
    .await;
    assert_eq!(services(&agent).await, ["consul", "two"]);
}

#[tokio::test]
async fn keys_are_never_logged() {
    let mut agent = Agent::start(&["-data-dir", "{folder}/data", "-log-level", "trace"]).await;
    let sidecar = json!({ "Name": "web", "Port": 80, "Connect": { "SidecarService": {} } });
    agent.put("/v1/agent/service/register", sidecar).await;
    let leaf: Value = agent.http.json("/v1/agent/connect/ca/leaf/web").await;
    let key = leaf["PrivateKeyPEM"].as_str().expect("the owner gets its key");
    agent.restart().await;
    agent.terminate();
    let (log, line) = (agent.log(), key.lines().nth(1).expect("a key has lines"));
    assert!(!log.contains("PRIVATE KEY") && !log.contains(line), "a key is in the log");
}

#[test]
fn clients_of_consul_can_read_its_version() {
    let output = Command::new(setup::chancery()).args(["version", "-format=json"]).output().expect("the program runs");
    let version: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let parts: Vec<u64> =
        version["Version"].as_str().expect("text").split('.').map(|part| part.parse().expect("a number")).collect();
    assert!(parts.len() == 3 && (parts[0], parts[1]) >= (1, 14), "{version}");
}

#[test]
fn under_the_name_consul_it_answers_as_consul() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let consul = folder.path().join("consul");
    std::os::unix::fs::symlink(setup::chancery(), &consul).expect("a link can be made");
    let said = |arguments: &[&str]| {
        let output = Command::new(&consul).args(arguments).output().expect("the program runs");
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
    };
    assert!(said(&["version"]).starts_with("Consul v1."));
    assert!(said(&["--version"]).starts_with("Consul v1."));
    assert!(said(&["catalog", "-help"]).contains("Usage: consul catalog"));
    assert!(said(&["agent", "-help"]).contains("$ consul agent"), "{}", said(&["agent", "-help"]));
    assert!(said(&["acl", "bootstrap"]).contains("there are no tokens"));
}

#[tokio::test]
async fn the_first_root_may_be_one_that_somebody_has_already() {
    const CLUSTER: &str = "11111111-2222-3333-4444-555555555555";
    let now = UnixTime(i64::try_from(SystemTime::UNIX_EPOCH.elapsed().expect("now").as_secs()).expect("now"));
    let root = |domain: &str| {
        authority::new_root(&TrustDomain::from(domain), KeyKind::Ec(384), Lifetimes::DEFAULT.root, now).expect("a root")
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |state: &chancery::catalog::AuthorityState| {
        let root = state.roots.active().expect("it is active");
        let text = format!(
            "connect {{ ca_config {{\n  cluster_id = \"{CLUSTER}\"\n  root_cert = <<EOF\n{}\nEOF\n  private_key = <<EOF\n{}\nEOF\n}} }}",
            root.pem.trim_end(),
            state.key.reveal().trim_end()
        );
        let path = folder.path().join("root.hcl");
        std::fs::write(&path, text).expect("it can be written");
        path.to_string_lossy().into_owned()
    };
    let own = root(&format!("{CLUSTER}.consul"));
    let agent = Agent::start(&["-dev", "-config-file", &file(&own)]).await;
    let roots = agent.http.json("/v1/connect/ca/roots").await;
    let id = &own.roots.active().expect("it is active").id;
    assert_eq!(
        (roots["ActiveRootID"].as_str(), &roots["Roots"][0]["PrivateKeyBits"]),
        (Some(id.as_str()), &json!(384))
    );

    let output = agent.command(&["agent", "-dev", "-config-file", &file(&root("elsewhere.consul"))]).output();
    let said = String::from_utf8_lossy(&output.expect("it runs").stderr).into_owned();
    assert!(said.contains("connect.ca_config") && said.contains("another trust domain"), "{said}");
}

#[tokio::test]
async fn requests_beyond_their_rate_are_refused_where_that_is_set_and_counted_where_it_is_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("agent.hcl");
    let write = |mode: &str| {
        let text = format!("limits {{ request_limits {{ mode = \"{mode}\"\n read_rate = -1\n write_rate = 0.1 }} }}");
        std::fs::write(&file, text).expect("it can be written");
    };
    write("enforcing");
    let agent = Agent::start(&["-dev", "-config-file", &file.to_string_lossy()]).await;
    let put = async || agent.http.put("/v1/kv/a", &json!("b")).await.expect("an answer");
    let refused = eventually("a write to be one too many", Duration::from_secs(5), async || {
        Some(put().await).filter(|answer| answer.status == 429)
    })
    .await;
    assert!(refused.text().contains("limits.request_limits"), "{}", refused.text());
    assert!(refused.headers.contains_key("retry-after"));
    // reads have a rate of their own, and what is not of the API has none
    for path in ["/v1/kv/?keys", "/admin/actors", "/metrics"] {
        assert_eq!(agent.http.get(path).await.expect("an answer").status, 200, "{path}");
    }
    write("permissive");
    assert!(agent.run(&["reload"]).is_err(), "a reload is a write, and one too many");
    agent.hang_up();
    eventually("writes to be answered again", Duration::from_secs(5), async || {
        (put().await.status == 200).then_some(())
    })
    .await;
    assert_eq!(put().await.status, 200, "it is one too many, and counted");
    let counted = agent.http.text("/metrics").await;
    for mode in ["enforcing", "permissive"] {
        let line = format!("chancery_http_requests_over_limit_total{{kind=\"write\",mode=\"{mode}\"}}");
        assert!(counted.contains(&line), "{line}");
    }
}
