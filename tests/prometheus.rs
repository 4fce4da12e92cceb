//! Every query of the dashboards and alerts, against a real Prometheus that scrapes a running agent: each must parse, and
//! each must find something. Skipped aloud where there is no Prometheus.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use chancery_tests::agent::Agent;
use chancery_tests::grafana::{self, Expression};
use chancery_tests::http::Client;
use chancery_tests::mesh::{Mesh, Protocol, Watched};
use chancery_tests::ports::free_port;
use chancery_tests::process::Program;
use chancery_tests::setup;
use chancery_tests::wait::eventually;

const START_PATIENCE: Duration = Duration::from_secs(30);
/// Scrapes that a rate needs at the least, and some more.
const SCRAPES: usize = 5;
/// Series that appear only after something went wrong; their queries are parsed, but find nothing on a good day.
const RARE: &[&str] = &["chancery_xds_nacks_total", "chancery_catalog_writes_total{outcome=\"failed\"}"];

/// A query as it can be asked outside Grafana.
fn asked(query: &str) -> String {
    query.replace("$__rate_interval", "20s").replace("$instance", ".*")
}

/// The series that an alert looks at, without what it asks of them: a healthy mesh fulfils no alert.
fn selectors(query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(start) = rest.find("chancery_").or_else(|| rest.find("up{")) {
        rest = &rest[start..];
        let name = rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')).unwrap_or(rest.len());
        let labels = if rest[name..].starts_with('{') { rest[name..].find('}').map_or(0, |end| end + 1) } else { 0 };
        found.push(rest[..name + labels].to_owned());
        rest = &rest[name + labels..];
    }
    found
}

#[test]
fn every_query_parses() {
    let Some(promtool) = setup::on_path("promtool") else { return setup::skip("every_query_parses", "promtool") };
    check_rules(&promtool, &grafana::rules_file());
    let folder = TempDir::new().unwrap();
    for (number, expression) in grafana::expressions().into_iter().enumerate() {
        let file = folder.path().join(format!("{number}.yml"));
        let rule = serde_json::json!({ "record": "parsed", "expr": asked(&expression.query) });
        // JSON is YAML
        let rules = serde_json::json!({ "groups": [{ "name": expression.title, "rules": [rule] }] });
        fs::write(&file, rules.to_string()).unwrap();
        check_rules(&promtool, &file);
    }
}

fn check_rules(promtool: &Path, file: &Path) {
    let output = Command::new(promtool).args(["check", "rules"]).arg(file).output().expect("promtool runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", fs::read_to_string(file).unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_finds_something() {
    let Some(binary) = setup::on_path("prometheus") else {
        return setup::skip("every_query_finds_something", "prometheus");
    };
    if !setup::has_envoy("every_query_finds_something") {
        return;
    }
    let mut mesh = Mesh::on(Agent::durable().await, Protocol::Http).await;
    mesh.add_backend("backend-2", Watched::Http).await;
    let prometheus = Prometheus::start(&binary, mesh.agent.http_port).await;
    for _ in 0..SCRAPES {
        mesh.set_intention("deny").await;
        mesh.set_intention("allow").await;
        sleep(Duration::from_secs(1)).await;
    }
    let mut empty = Vec::new();
    for expression in grafana::expressions() {
        for query in queries(&expression) {
            if !RARE.contains(&query.as_str()) && prometheus.ask(&query).await.is_empty() {
                empty.push(format!("{} ({}): {query}", expression.file, expression.title));
            }
        }
    }
    assert!(empty.is_empty(), "{} queries find nothing:\n{}", empty.len(), empty.join("\n"));
    prometheus.assert_rules_healthy().await;
    mesh.finish().await;
}

fn queries(expression: &Expression) -> Vec<String> {
    if expression.file.ends_with(".yml") { selectors(&expression.query) } else { vec![asked(&expression.query)] }
}

struct Prometheus {
    http: Client,
    program: Program,
    _folder: TempDir,
}

impl Prometheus {
    /// Scrapes the agent each second, with the alert rules loaded.
    async fn start(binary: &Path, agent: u16) -> Self {
        let (folder, port) = (TempDir::new().expect("a temporary folder"), free_port());
        let config = serde_json::json!({
            "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
            "rule_files": [grafana::rules_file()],
            "scrape_configs": [
                { "job_name": "chancery", "static_configs": [{ "targets": [format!("127.0.0.1:{agent}")] }] }
            ],
        });
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config.to_string()).expect("a temporary file can be written");
        let mut command = Command::new(binary);
        command.arg("--config.file").arg(&file);
        command.arg("--storage.tsdb.path").arg(folder.path().join("data"));
        command.arg("--web.listen-address").arg(format!("127.0.0.1:{port}"));
        let program = Program::start("prometheus", &mut command, &folder.path().join("log"));
        let mut prometheus = Self { http: Client::new(format!("127.0.0.1:{port}")), program, _folder: folder };
        prometheus.wait_scraped().await;
        prometheus
    }

    async fn wait_scraped(&mut self) {
        let (http, program) = (&self.http, &mut self.program);
        eventually("prometheus to scrape the agent", START_PATIENCE, async || {
            assert!(program.ended().is_none(), "prometheus ended:\n{}", program.last_words());
            let answer = http.get("/api/v1/query?query=up%3D%3D1").await.ok()?;
            (answer.status.is_success() && !result(&answer.json()).is_empty()).then_some(())
        })
        .await;
    }

    /// The series that a query gives.
    async fn ask(&self, query: &str) -> Vec<Value> {
        let path = format!("/api/v1/query?query={}", escape(query));
        let answer = self.http.get(&path).await.expect("an answer of Prometheus");
        assert!(answer.status.is_success(), "{query}: {}", answer.text());
        result(&answer.json())
    }

    /// Prometheus itself has evaluated each alert by now.
    async fn assert_rules_healthy(&self) {
        let answer = self.http.json("/api/v1/rules").await;
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        let rules: Vec<&Value> =
            groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten()).collect();
        assert!(!rules.is_empty(), "no rules were loaded");
        for rule in rules {
            assert_eq!(rule["health"], "ok", "{rule}");
        }
    }
}

fn result(answer: &Value) -> Vec<Value> {
    answer["data"]["result"].as_array().cloned().unwrap_or_default()
}

fn escape(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    escaped.collect()
}

#[test]
fn an_alert_is_taken_apart_into_what_it_looks_at() {
    assert_eq!(
        selectors("sum by (le) (rate(chancery_a_bucket{stage=\"ack\"}[10m])) > 1 and chancery_b / chancery_c > 0.8"),
        ["chancery_a_bucket{stage=\"ack\"}", "chancery_b", "chancery_c"]
    );
    assert_eq!(selectors("up{job=\"chancery\"} == 0"), ["up{job=\"chancery\"}"]);
}
