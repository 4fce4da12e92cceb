//! Do Consul's own client libraries work against us? Each script in `clients/` registers, lists, and watches by blocking
//! queries, with a library as its users install it. `clients/go` is tests in Go, whose harness starts the program itself,
//! under the name `consul`. And the programs that live on a catalog: Prometheus, consul-template.

use std::env;
use std::iter;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::Duration;

use chancery_tests::agent::Agent;
use chancery_tests::process::Program;
use chancery_tests::setup::{chancery, on_path, root, skip, skip_unless_ci};
use chancery_tests::wait::eventually;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);

/// Once for all tests, which run at the same time.
static INSTALLED: LazyLock<Output> =
    LazyLock::new(|| Command::new(root().join("tests/clients/setup")).output().expect("a shell"));

fn install() {
    let said = String::from_utf8_lossy(&INSTALLED.stderr);
    assert!(INSTALLED.status.success(), "the libraries could not be installed: {said}");
}

async fn run(program: &Path, script: &str) {
    let agent = Agent::dev().await;
    let mut command = Command::new(program);
    command.arg(root().join("tests/clients").join(script)).arg(agent.http_port.to_string());
    command.env("NODE_PATH", root().join("target/tools/node/node_modules"));
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("it starts");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{script} failed:\n{said}\nthe agent's log:\n{}", agent.log());
    println!("{said}");
}

#[tokio::test]
async fn py_consul_registers_lists_and_watches() {
    if on_path("python3").is_none() {
        return skip("py_consul_registers_lists_and_watches", "python3");
    }
    install();
    run(&root().join("target/tools/clients-venv/bin/python"), "watch.py").await;
}

#[tokio::test]
async fn consul_of_npm_registers_lists_and_watches() {
    let (Some(node), Some(_)) = (on_path("node"), on_path("npm")) else {
        return skip("consul_of_npm_registers_lists_and_watches", "node with npm");
    };
    install();
    run(&node, "watch.mjs").await;
}

/// Go's test harness for Consul starts whatever `consul` the PATH has, with a configuration that it writes.
#[tokio::test]
async fn consul_of_go_starts_it_as_consul_and_uses_all_of_it() {
    let Some(go) = on_path("go") else {
        return skip_unless_ci("consul_of_go_starts_it_as_consul_and_uses_all_of_it", "Go");
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::os::unix::fs::symlink(chancery(), folder.path().join("consul")).expect("a link can be made");
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(iter::once(folder.path().to_owned()).chain(env::split_paths(&path))).expect("a path");
    let mut command = Command::new(go);
    command.args(["test", "-count=1", "./..."]).current_dir(root().join("tests/clients/go"));
    command.env("PATH", path).env_remove("CONSUL_HTTP_ADDR");
    passes(command).await;
}

async fn passes(mut command: Command) {
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("it starts");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{said}");
}

async fn register(agent: &Agent, id: &str, port: u16, tags: &[&str]) {
    let service = json!({ "ID": id, "Name": "web", "Port": port, "Tags": tags, "Meta": { "team": "a" } });
    agent.put("/v1/agent/service/register", service).await;
}

/// The part of Prometheus behind `consul_sd_configs`: Debian's Prometheus comes without it.
#[tokio::test]
async fn prometheus_finds_its_targets_in_the_catalog() {
    let Some(go) = on_path("go") else {
        return skip("prometheus_finds_its_targets_in_the_catalog", "Go");
    };
    let agent = Agent::dev().await;
    let mut command = Command::new(go);
    command.args(["test", "-count=1", "./..."]).current_dir(root().join("tests/clients/prometheus"));
    command.env("CONSUL_HTTP_ADDR", format!("127.0.0.1:{}", agent.http_port));
    passes(command).await;
}

/// The crate rs-consul, built beside the workspace, so that what it needs is no part of it.
#[tokio::test]
async fn rs_consul_reads_and_writes() {
    let agent = Agent::dev().await;
    register(&agent, "web-1", 8081, &["v1"]).await;
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--locked", "--"]).arg(agent.http_port.to_string());
    command.current_dir(root().join("tests/clients/rust"));
    command.env("CARGO_TARGET_DIR", root().join("target/tools/rust-client"));
    passes(command).await;
}

/// consul-template renders a file anew for each change.
#[tokio::test]
async fn consul_template_renders_what_changes() {
    if on_path("go").is_none() {
        return skip("consul_template_renders_what_changes", "Go");
    }
    install();
    let agent = Agent::dev().await;
    register(&agent, "web-1", 8081, &["v1"]).await;
    let template =
        "{{ range service \"web\" }}{{ .Address }}:{{ .Port }} {{ end }}{{ range nodes }}{{ .Node }}{{ end }}";
    let (source, target) = (agent.write_file("in.tpl", template), agent.folder().join("out.txt"));
    let mut command = Command::new(root().join("target/tools/go-bin/consul-template"));
    command.arg(format!("-consul-addr=127.0.0.1:{}", agent.http_port));
    command.arg(format!("-template={}:{}", source.display(), target.display()));
    let program = Program::start("consul-template", &mut command, &agent.folder().join("template.log"));
    let rendered = async |wanted: &str| {
        eventually(&format!("{wanted:?} to be rendered"), PATIENCE, async || {
            (std::fs::read_to_string(&target).ok()? == wanted).then_some(())
        })
        .await;
    };
    rendered("127.0.0.1:8081 n1").await;
    register(&agent, "web-2", 8082, &[]).await;
    rendered("127.0.0.1:8081 127.0.0.1:8082 n1").await;
    agent.put("/v1/agent/service/deregister/web-1", json!(null)).await;
    rendered("127.0.0.1:8082 n1").await;
    drop(program);
}
