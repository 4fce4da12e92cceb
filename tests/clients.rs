//! Do Consul's own client libraries work against us? Each script in `clients/` registers, lists, and watches by blocking
//! queries, with a library as its users install it. `clients/go` is tests in Go, whose harness starts the program itself,
//! under the name `consul`.

use std::env;
use std::iter;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

use chancery_tests::agent::Agent;
use chancery_tests::setup::{chancery, on_path, root, skip, skip_unless_ci};

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
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("it starts");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{said}");
}
