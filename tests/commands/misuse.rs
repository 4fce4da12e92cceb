//! Flags and words as Consul's documentation gives them, and what is said to those that do not exist.

use std::io::Write as _;
use std::process::Stdio;

use chancery_tests::agent::Agent;

use super::{done, refused, run, said};

#[tokio::test]
async fn an_intention_is_named_by_its_services_or_by_its_id() {
    let agent = Agent::dev().await;
    done(&agent, "intention create -deny default/web db");
    let told = done(&agent, "intention get web db");
    let id = told.lines().find_map(|line| line.strip_prefix("ID:")).expect("an ID").trim().to_owned();
    assert_eq!(done(&agent, &format!("intention get {id}")), told);
    assert_eq!(done(&agent, &format!("intention delete {id}")), "Intention deleted.\n");
    for line in ["get", "delete"] {
        assert!(refused(&agent, &format!("intention {line} {id}")).contains("no intention with the ID"), "{line}");
    }
    assert!(refused(&agent, "intention get web").contains("web"));
    assert!(refused(&agent, "intention create other/web db").contains("no namespaces"));
}

#[tokio::test]
async fn a_filter_stands_in_a_file_or_on_standard_input() {
    let agent = Agent::dev().await;
    let file = agent.write_file("filter", "Node == \"nobody\"\n");
    let mut command = agent.command(&["catalog", "nodes", "-filter"]);
    let told = said(&command.arg(format!("@{}", file.display())).output().expect("the program runs"));
    assert_eq!(told, (0, "No nodes match the given query\n".to_owned()));
    let mut command = agent.command(&["catalog", "nodes", "-filter", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program runs");
    child.stdin.take().expect("a pipe").write_all(b"Node != \"nobody\"\n").expect("it reads");
    let (code, text) = said(&child.wait_with_output().expect("it ends"));
    assert!(code == 0 && text.starts_with("Node"), "{text}");
    assert!(refused(&agent, "config list -kind mesh -filter @nowhere").contains("nowhere: No such file"));
}

#[tokio::test]
async fn members_are_chosen_by_a_regular_expression_over_their_state() {
    let agent = Agent::dev().await;
    for status in ["alive", "^al", "left|alive", ".*", "[a-e]live$"] {
        assert!(done(&agent, &format!("members -status {status}")).contains("alive"), "{status}");
    }
    assert_eq!(run(&agent, "members -status ^(left|failed)$"), (2, String::new()));
    assert!(refused(&agent, "members -status [").contains("unclosed"));
}

#[tokio::test]
async fn a_flag_that_does_not_exist_is_neither_a_program_nor_a_key() {
    let agent = Agent::dev().await;
    for line in ["watch -type=nodes -near _agent", "kv put -sesion=x a b", "watch -type=nodes -handler x"] {
        assert!(refused(&agent, line).contains("unexpected argument"), "{line}");
    }
    assert!(refused(&agent, "watch -type=event -name deploy").contains("events are not supported"));
    // a program that fails ends the watch
    let told = refused(&agent, "watch -type=nodes -shell=false ls -d /nowhere");
    assert!(told.contains("/nowhere") && told.contains("ended with"), "the flags of the program are its own: {told}");
    done(&agent, "kv put number -5");
    assert_eq!(done(&agent, "kv get number"), "-5\n");
    done(&agent, "kv put -- -dashed value");
    assert_eq!(done(&agent, "kv get -- -dashed"), "value\n");
}

#[tokio::test]
async fn usage_is_counted_for_what_consul_bills_or_for_the_mesh() {
    let agent = Agent::dev().await;
    let (bill, mesh) = ("application", "connect-proxy");
    let told = |flag: &str| done(&agent, &format!("operator usage instances {flag}"));
    assert!(told("").contains(bill) && told("").contains(mesh));
    assert!(told("-billable").contains(bill) && !told("-billable").contains(mesh));
    assert!(told("-connect").contains(mesh) && !told("-connect").contains(bill));
    assert!(refused(&agent, "operator usage instances -billable -connect").contains("cannot be used with"));
    assert!(refused(&agent, "operator usage instances -billable -format=json").contains("rows of a table"));
}

#[tokio::test]
async fn what_only_the_enterprise_edition_has_is_refused_with_what_to_do_instead() {
    let agent = Agent::dev().await;
    assert!(refused(&agent, "snapshot agent -interval=1h").contains("run `snapshot save` from cron"));
    assert!(refused(&agent, "operator audit hash x").contains("access log in front"));
    assert!(refused(&agent, "keyring -list").contains("no gossip"));
}

#[tokio::test]
async fn the_version_is_told_to_a_flag_too() {
    let agent = Agent::dev().await;
    let told = done(&agent, "version");
    for line in ["-v", "-version", "--version"] {
        assert_eq!(done(&agent, line), told, "{line}");
    }
}
