//! The command line as scripts use it: real commands against a real agent; what they print, and how they end.

mod connect;
mod misuse;
mod snapshot;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use chancery_tests::agent::Agent;
use chancery_tests::wait::eventually;
use serde_json::{Value, json};

/// What a command said, on both outputs, and its exit code.
fn run(agent: &Agent, line: &str) -> (i32, String) {
    let words: Vec<&str> = line.split_whitespace().collect();
    said(&agent.command(&words).output().expect("the program runs"))
}

fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    (output.status.code().unwrap_or(-1), text)
}

fn done(agent: &Agent, line: &str) -> String {
    let (code, text) = run(agent, line);
    assert_eq!(code, 0, "{line}: {text}");
    text
}

fn refused(agent: &Agent, line: &str) -> String {
    let (code, text) = run(agent, line);
    assert_eq!(code, 1, "{line}: {text}");
    text
}

fn service(agent: &Agent, name: &str) {
    let file = agent.write_file("service.hcl", &format!("service {{ name = \"{name}\" port = 8080 tags = [\"v1\"] }}"));
    done(agent, &format!("services register {}", file.display()));
}

#[tokio::test]
async fn services_come_are_seen_and_go() {
    let agent = Agent::dev().await;
    service(&agent, "web");
    assert_eq!(done(&agent, "catalog services -tags"), "consul\nweb     v1\n");
    let (code, text) = run(&agent, "health service -format json web");
    let told: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((code, &told[0]["Service"]["Port"]), (0, &json!(8080)));
    let text = done(&agent, "health service web");
    assert!(text.contains("web  127.0.0.1:8080  passing"), "{text}");
    done(&agent, "services deregister -id=web");
    assert_eq!(done(&agent, "health service web"), "There are no such instances.\n");
}

#[tokio::test]
async fn entries_that_lean_on_each_other_are_written_by_one_command() {
    let agent = Agent::dev().await;
    let file = |name: &str, text: &str| agent.write_file(name, text).display().to_string();
    let router = file(
        "router.hcl",
        "Kind = \"service-router\" Name = \"web\" Routes = [{ Destination { ServiceSubset = \"v2\" } }]",
    );
    let rest = "config_entries { bootstrap { kind = \"service-resolver\" name = \"web\" subsets { v2 {} } } \
                bootstrap { kind = \"service-defaults\" name = \"web\" protocol = \"http\" } }";
    let rest = file("rest.hcl", rest);
    assert!(refused(&agent, &format!("config write {router}")).contains("discovery chain \"web\""));
    let written = done(&agent, &format!("config write {router} {rest}"));
    let lines = ["service-router/web", "service-resolver/web", "service-defaults/web"];
    assert_eq!(written, lines.map(|of| format!("Config entry written: {of}\n")).concat());

    let tcp = file("tcp.hcl", "Kind = \"service-defaults\" Name = \"web\" Protocol = \"tcp\"");
    let mesh = file("mesh.json", r#"{"Kind": "mesh"}"#);
    let told = refused(&agent, &format!("config write {mesh} {tcp}"));
    assert!(told.contains("none of the entries was written"), "{told}");
    assert!(told.contains("tcp.hcl: service-defaults/web: discovery chain \"web\""), "{told}");
    assert_eq!(done(&agent, "config list -kind mesh"), "");
    assert_eq!(done(&agent, "config list -kind service-defaults -filter Protocol==http"), "web\n");
    assert_eq!(done(&agent, "config list -kind service-defaults -filter Protocol==tcp"), "");
    let odd = file("odd.json", r#"{"Kind": "mesh", "Tls": 3}"#);
    let told = refused(&agent, &format!("config write {odd} {tcp}"));
    assert!(told.contains("odd.json: mesh/mesh: TLS"), "{told}");
    assert!(refused(&agent, &format!("config write -cas -modify-index 1 {mesh} {tcp}")).contains("compares one entry"));
}

#[tokio::test]
async fn the_environment_says_which_agent_and_flags_come_first() {
    let agent = Agent::dev().await;
    let address = format!("127.0.0.1:{}", agent.http_port);
    let ask = |flags: &[&str], consul: &str, own: Option<&str>| {
        let mut command = agent.command(&["catalog", "nodes"]);
        command.args(flags).env("CONSUL_HTTP_ADDR", consul);
        if let Some(own) = own {
            command.env("CHANCERY_HTTP_ADDR", own);
        }
        said(&command.output().expect("the program runs"))
    };
    assert_eq!(ask(&[], &address, None).0, 0);
    assert_eq!(ask(&[], "127.0.0.1:1", Some(&address)).0, 0);
    assert_eq!(ask(&["-http-addr", &address], "127.0.0.1:1", None).0, 0);
    assert_eq!(ask(&[&format!("--http-addr={address}")], "127.0.0.1:1", None).0, 0);
    let (code, text) = ask(&[], "127.0.0.1:1", None);
    assert!(code == 1 && text.contains("http://127.0.0.1:1") && text.contains("is it running?"), "{text}");
}

#[tokio::test]
async fn intentions_are_created_checked_matched_and_deleted() {
    let agent = Agent::dev().await;
    done(&agent, "intention create -deny web db");
    assert!(refused(&agent, "intention create web db").contains("-replace"));
    assert_eq!(run(&agent, "intention check web db"), (1, "Denied\n".to_owned()));
    assert_eq!(run(&agent, "intention check other db"), (0, "Allowed\n".to_owned()));
    assert!(done(&agent, "intention list").contains("deny"));
    assert!(done(&agent, "intention get web db").contains("Action:"));
    done(&agent, "intention delete web db");
    assert!(refused(&agent, "intention delete web db").contains("no intention"));
    assert_eq!(run(&agent, "intention check").0, 2);
}

#[tokio::test]
async fn why_calls_go_where_they_go_is_explained_by_the_entries_behind_it() {
    let agent = Agent::dev().await;
    assert!(done(&agent, "explain web").contains("(no entry)"));
    for entry in [
        json!({ "Kind": "service-defaults", "Name": "web", "Protocol": "http" }),
        json!({ "Kind": "service-resolver", "Name": "web", "Subsets": { "v2": { "Filter": "Service.Meta.v == 2" } } }),
        json!({ "Kind": "service-splitter", "Name": "web",
            "Splits": [{ "Weight": 95 }, { "Weight": 5, "ServiceSubset": "v2" }] }),
    ] {
        agent.put("/v1/config", entry).await;
    }
    let text = done(&agent, "explain web");
    let split = text.lines().find(|line| line.contains(" 5.00 % of")).unwrap_or_else(|| panic!("{text}"));
    assert!(split.contains("v2.web") && split.ends_with("service-resolver/web, service-splitter/web"), "{text}");
    let causes: Value = serde_json::from_str(&done(&agent, "explain -format=json web")).expect("JSON");
    assert!(causes.as_array().is_some_and(|causes| causes.iter().any(|cause| cause["Piece"] == "cluster")), "{causes}");
}

#[tokio::test]
async fn keys_are_put_read_copied_and_deleted() {
    let agent = Agent::dev().await;
    assert_eq!(done(&agent, "kv put -flags=42 app/limit 5"), "Success! Data written to: app/limit\n");
    let file = agent.write_file("config", "a\nb\n");
    done(&agent, &format!("kv put /app/config @{}", file.display()));
    assert_eq!(done(&agent, "kv get app/limit"), "5\n");
    assert_eq!(done(&agent, "kv get -recurse app/"), "app/config:a\nb\n\napp/limit:5\n");
    assert!(done(&agent, "kv get -detailed app/limit").contains("Flags        42\n"));
    assert!(refused(&agent, "kv put -cas app/limit 6").contains("CAS failed"));
    assert!(refused(&agent, "kv get app/nothing").contains("No key exists at: app/nothing"));
    let exported = agent.write_file("app.json", &done(&agent, "kv export app/"));
    done(&agent, &format!("kv import -prefix=copy/ @{}", exported.display()));
    assert_eq!(done(&agent, "kv get -keys -separator= copy/"), "copy/app/config\ncopy/app/limit\n");
    done(&agent, "kv delete -recurse app/");
    assert_eq!(done(&agent, "kv get -keys -separator= "), "copy/app/config\ncopy/app/limit\n");
    assert!(refused(&agent, "kv put -acquire -session=x a b").contains("sessions and locks are not supported"));
    let key: Value = serde_json::from_str(&done(&agent, "watch -type=key -key=copy/app/limit")).expect("JSON");
    assert_eq!(key["Flags"], 42);
}

#[tokio::test]
async fn a_watch_prints_once_or_runs_a_program_for_each_change() {
    let agent = Agent::dev().await;
    let nodes: Value = serde_json::from_str(&done(&agent, "watch -type=nodes")).expect("JSON");
    assert_eq!(nodes[0]["Node"], "n1");
    assert!(refused(&agent, "watch -type=event -name=x").contains("events are not supported"));
    assert!(refused(&agent, "watch -type=service").contains("needs -service"));

    let mut command = agent.command(&["watch", "-type=services", "cat; echo"]);
    let mut watch = command.stdout(Stdio::piped()).spawn().expect("the program runs");
    let mut lines = BufReader::new(watch.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    let mut next = || lines.find(|line| !line.is_empty()).expect("it goes on");
    assert_eq!(next(), r#"{"consul":[]}"#);
    service(&agent, "web");
    assert_eq!(next(), r#"{"consul":[],"web":["v1"]}"#);
    watch.kill().expect("it still waits");
    watch.wait().expect("it ends");

    let (code, text) = run(&agent, "watch -type=nodes exit 3");
    assert!(code == 1 && text.contains("exit status: 3"), "{text}");
}

#[tokio::test]
async fn what_the_agent_is_and_does_is_shown() {
    let agent = Agent::dev().await;
    let members = done(&agent, "members");
    assert!(members.starts_with("Node") && members.contains("n1") && members.contains("alive"), "{members}");
    assert_eq!(run(&agent, "members -status=failed").0, 2, "nobody has failed");
    assert!(done(&agent, "info").contains("agent:\n"));
    assert_eq!(done(&agent, "catalog datacenters"), "dc1\n");
    assert_eq!(done(&agent, "catalog services -node n1"), "consul\n");
    assert!(done(&agent, "health node n1").contains("serfHealth"));
    done(&agent, "maint -enable -reason=kernel");
    assert_eq!(done(&agent, "maint"), "Node:\n  Name:   n1\n  Reason: kernel\n\n");
    done(&agent, "maint -disable");
    assert_eq!(done(&agent, "maint"), "");
}

#[tokio::test]
async fn an_agent_reads_its_files_again_when_it_is_told_to() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("services.hcl");
    let write = |text: &str| std::fs::write(&file, text).expect("it can be written");
    write("service { name = \"one\" port = 1 }");
    let agent = Agent::start(&["-dev", "-config-file", &file.to_string_lossy()]).await;
    write("service { name = \"two\" port = 2 }");
    assert_eq!(done(&agent, "reload"), "Configuration reload triggered\n");
    assert_eq!(done(&agent, "catalog services"), "consul\ntwo\n");
    write("service { nam = \"three\" }");
    assert!(refused(&agent, "reload").contains("did you mean \"Name\""), "what is wrong is told to who asked");
    assert!(refused(&agent, "monitor -log-level=loud").contains("expected trace, debug"));
    assert_eq!(done(&agent, "leave"), "Graceful leave complete\n");
}

#[tokio::test]
async fn validate_names_every_problem_of_a_directory() {
    let agent = Agent::dev().await;
    agent.write_file("a.hcl", "node_nam = \"x\"\nservice { name = \"web\" port = 8080 }\n");
    agent.write_file("b.json", "{ \"ports\": { \"http\": 99999 } }");
    let text = refused(&agent, &format!("validate {}", agent.folder().display()));
    assert!(text.contains("a.hcl:1: ") && text.contains("did you mean \"node_name\""), "{text}");
    assert!(text.contains("b.json:1: ") && text.contains("ports.http"), "{text}");
    let good = agent.write_file("a.hcl", "service { name = \"web\" port = 8080 }\n");
    assert_eq!(done(&agent, &format!("validate {}", good.display())), "Configuration is valid!\n");
    assert_eq!(done(&agent, &format!("validate -quiet {}", good.display())), "");
}

#[tokio::test]
async fn debug_packs_what_it_saw_and_says_what_it_did_not_see() {
    let agent = Agent::dev().await;
    let output = agent.folder().join("bundle");
    let line = format!("debug -duration=1s -interval=1s -capture=agent,metrics,actors -output={}", output.display());
    assert!(done(&agent, &line).contains("bundle.tar.gz"));
    let unpack = |file: &str| {
        let mut tar = Command::new("tar");
        tar.args(["-xzOf", &format!("{}.tar.gz", output.display()), file]);
        said(&tar.output().expect("there is a tar")).1
    };
    let index: Value = serde_json::from_str(&unpack("bundle/index.json")).expect("JSON");
    assert_eq!(index["Captured"]["000/metrics.prom"], "captured", "{index}");
    assert!(unpack("bundle/000/metrics.prom").contains("chancery_"));
    assert!(refused(&agent, &line).contains("exists already"));
    assert!(refused(&agent, "debug -capture=pprof").contains("capture actors"));
    let told = refused(&agent, &format!("debug -since=1h -output={}-past", output.display()));
    assert!(told.contains("journalctl") && told.contains("-duration"), "{told}");
    assert!(!agent.folder().join("bundle-past").exists(), "nothing was begun");
}

#[tokio::test]
async fn nobody_can_be_made_to_leave_but_the_agent_itself_in_the_wide_area_too() {
    let agent = Agent::dev().await;
    for line in ["force-leave gone", "force-leave -wan gone.dc1", "force-leave -wan -prune gone"] {
        let told = refused(&agent, line);
        let name = line.split(' ').next_back().unwrap_or_default();
        assert!(told.contains(&format!("No node found with name \"{name}\"")), "{told}");
    }
    let help = done(&agent, "force-leave -h");
    assert!(help.contains("--wan") && help.contains("the only member, of the wide area (-wan) too"), "{help}");
}

#[tokio::test]
async fn certificates_are_made_in_this_directory() {
    let agent = Agent::dev().await;
    for line in ["tls ca create", "tls cert create -server -dc=dc7"] {
        let words: Vec<&str> = line.split(' ').collect();
        let (code, text) = said(&agent.command(&words).current_dir(agent.folder()).output().expect("the program runs"));
        assert_eq!(code, 0, "{line}: {text}");
    }
    assert!(agent.folder().join("dc7-server-consul-0-key.pem").exists());
    assert_eq!(done(&agent, "keygen").trim_end().len(), 44);
}

#[tokio::test]
async fn what_does_not_exist_is_refused_with_a_way_out() {
    let agent = Agent::dev().await;
    for (line, way_out) in [
        ("acl token list", "keep the ports to yourself"),
        ("event -name=x", "watch"),
        ("lock a b", "sessions and locks are not supported"),
        ("connect proxy -service web", "connect envoy"),
        ("services export -name web", "peering is not supported"),
        ("servces register", "'services'"),
        ("catalog servces", "'services'"),
        ("catalog services -tgas", "'--tags'"),
    ] {
        let text = refused(&agent, line);
        assert!(text.contains(way_out), "{line}: {text}");
    }
}

#[tokio::test]
async fn programs_of_checks_are_run_and_those_from_elsewhere_are_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("checks.hcl");
    let check = |name: &str, script: &str| {
        format!("check {{ name = \"{name}\" args = [\"sh\", \"-c\", \"{script}\"] interval = \"1s\" }}\n")
    };
    let text = check("fine", "echo all is well") + &check("full", "echo nearly full; exit 1") + &check("bad", "exit 7");
    std::fs::write(&file, format!("enable_local_script_checks = true\n{text}")).expect("it can be written");
    let agent = Agent::start(&["-dev", "-config-file", &file.to_string_lossy()]).await;
    let shown = eventually("all have run", Duration::from_secs(10), async || {
        let shown: Value = serde_json::from_str(&done(&agent, "health node -format=json n1")).expect("JSON");
        let of = |id: &str| shown.as_array()?.iter().find(|check| check["CheckID"] == id).cloned();
        let found = [of("fine")?, of("full")?, of("bad")?];
        (found[0]["Status"] == "passing" && found[1]["Status"] == "warning").then_some(found)
    })
    .await;
    assert_eq!(shown[0]["Output"], "all is well\n");
    assert_eq!(shown[0]["Type"], "script");
    assert_eq!(shown[0]["Definition"]["ScriptArgs"], json!(["sh", "-c", "echo all is well"]));
    assert_eq!(shown[1]["Output"], "nearly full\n");
    assert_eq!(shown[2]["Status"], "critical");
    let elsewhere = agent.write_file("s.hcl", &format!("service {{ name = \"s\" {} }}", check("x", "touch /tmp/x")));
    let told = refused(&agent, &format!("services register {}", elsewhere.display()));
    assert!(told.contains("enable_script_checks"), "{told}");
}

#[tokio::test]
async fn intentions_are_read_from_files_and_a_snapshot_says_what_it_holds() {
    let agent = Agent::dev().await;
    let file = |name: &str, text: &str| agent.write_file(name, text).display().to_string();
    let json =
        file("a.json", r#"{"SourceName": "web", "DestinationName": "db", "Action": "deny", "Description": "no"}"#);
    let hcl = file("b.hcl", "source_name = \"shop\" destination_name = \"db\" action = \"allow\"");
    let told = done(&agent, &format!("intention create -file {json} {hcl}"));
    assert_eq!(told, "Created: web => db (deny)\nCreated: shop => db (allow)\n");
    assert!(refused(&agent, &format!("intention create -file {json}")).contains("-replace"));
    done(&agent, &format!("intention create -file -replace {json}"));
    let nameless = file("c.hcl", "destination_name = \"db\" action = \"allow\"");
    assert!(refused(&agent, &format!("intention create -file {nameless}")).contains("needs a SourceName"));
    assert!(refused(&agent, "intention create web").contains("name two services"));

    let snapshot = file("s.snap", "");
    done(&agent, &format!("snapshot save {snapshot}"));
    done(&agent, &format!("snapshot save -append-filename=status,dc {snapshot}"));
    assert!(std::fs::exists(snapshot.replace("s.snap", "s-dc1-leader.snap")).unwrap());
    assert!(refused(&agent, &format!("snapshot save -append-filename=term {snapshot}")).contains("version, dc"));
    let told = done(&agent, &format!("snapshot inspect {snapshot}"));
    assert!(told.contains("Config entries") && told.contains("Index"), "{told}");
    let told: Value =
        serde_json::from_str(&done(&agent, &format!("snapshot inspect -format=json {snapshot}"))).unwrap();
    let kinds = told["Stats"].as_array().expect("a list");
    assert!(kinds.iter().any(|kind| kind["Name"] == "Config entries" && kind["Count"] == 1), "{told}");
    assert!(refused(&agent, &format!("snapshot inspect {json}")).contains("is not a snapshot of chancery"));
    assert!(done(&agent, "operator raft list-peers").contains("leader"));
    let told = done(&agent, "operator autopilot state");
    assert!(told.contains("Healthy:") && told.contains("      Status:") && told.contains("leader"), "{told}");
    let told: Value = serde_json::from_str(&done(&agent, "operator autopilot state -format=json")).unwrap();
    assert_eq!(told["Servers"].as_object().map(serde_json::Map::len), Some(1), "{told}");
}
