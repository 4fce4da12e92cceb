//! The load tool against an agent: every scenario ends with everything everywhere, and who writes and reads meanwhile is
//! answered.

use chancery_tests::agent::Agent;
use serde_json::Value;

#[tokio::test]
async fn the_swarm_goes_through_every_scenario_and_leaves_nothing() {
    let agent = Agent::dev().await;
    let (http, xds) = (format!("127.0.0.1:{}", agent.http_port), format!("127.0.0.1:{}", agent.grpc_port));
    let scenarios = "connect,endpoint,burst,churn,mesh-wide,slow,beside,reconnect,idle";
    let bounds = ["--proxies=20", "--rounds=2", "--changes=50", "--rate=50", "--seconds=1", "--timeout=30"];
    let mut command = agent.command(&["swarm", "--json", "--http-addr", &http, "--xds-addr", &xds]);
    let output = command.args(["--scenarios", scenarios]).args(bounds).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let rows = report["rows"].as_array().expect("rows");
    for row in rows {
        assert_eq!((&row["reached"], &row["failures"]), (&row["streams"], &0.into()), "{row:#}");
    }
    let of = |name: &str| rows.iter().find(|row| row["scenario"] == name).unwrap_or_else(|| panic!("{name}: {rows:?}"));
    assert_eq!(of("reconnect")["resource_bytes"], 0);
    for name in ["beside: write", "beside: blocking read"] {
        assert!(of(name)["received"]["p99_ms"].as_f64().is_some_and(|time| time > 0.0), "{:#}", of(name));
    }
    let services = agent.http.get("/v1/catalog/services").await.expect("services").json();
    assert_eq!(services, serde_json::json!({ "consul": [] }));
}
