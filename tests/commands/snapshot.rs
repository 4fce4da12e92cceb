//! What can be asked of a file that holds the state.

use chancery_tests::agent::Agent;
use serde_json::Value;

use super::{done, refused};

async fn saved(agent: &Agent) -> String {
    for (key, size) in [("shop/a/1", 3000), ("shop/a/2", 10), ("shop/b", 10), ("plain", 10)] {
        agent.put(&format!("/v1/kv/{key}"), "x".repeat(size).into()).await;
    }
    let file = agent.write_file("s.snap", "").display().to_string();
    done(agent, &format!("snapshot save {file}"));
    file
}

#[tokio::test]
async fn a_snapshot_says_which_keys_take_the_room() {
    let agent = Agent::dev().await;
    let file = saved(&agent).await;
    let told = done(&agent, &format!("snapshot inspect {file}"));
    assert!(told.contains("Total") && !told.contains("Key Name"), "{told}");

    let told = done(&agent, &format!("snapshot inspect -kvdetails {file}"));
    let keys = told.split("Key Name").nth(1).unwrap_or_else(|| panic!("{told}"));
    let rows: Vec<Vec<&str>> = keys.lines().skip(2).map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), ["shop/a", "shop/b", "plain", "----", "Total"]);
    assert!(rows[0][1] == "2" && rows[0][2].ends_with("KB") && rows[1][2].ends_with('B'), "{keys}");

    let json = |flags: &str| -> Value {
        let told = done(&agent, &format!("snapshot inspect -format=json {flags} {file}"));
        serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"))
    };
    assert_eq!(json("")["StatsKV"], Value::Null);
    let told = json("-kvdetails -kvdepth 3 -kvfilter shop/a");
    let names: Vec<&Value> = told["StatsKV"].as_array().expect("a list").iter().map(|row| &row["Name"]).collect();
    assert_eq!(names, ["shop/a/1", "shop/a/2"]);
    let sum = |list: &str| told[list].as_array().into_iter().flatten().filter_map(|row| row["Sum"].as_u64()).sum();
    assert_eq!((told["TotalSizeKV"].as_u64(), told["TotalSize"].as_u64()), (Some(sum("StatsKV")), Some(sum("Stats"))));

    assert!(refused(&agent, &format!("snapshot inspect -kvdepth 3 {file}")).contains("-kvdetails"));
    assert!(refused(&agent, &format!("snapshot inspect -kvdetails -kvdepth 0 {file}")).contains("0 is not in"));
}

#[tokio::test]
async fn every_record_of_a_snapshot_is_printed_but_no_private_key() {
    let agent = Agent::dev().await;
    agent.http.json("/v1/agent/connect/ca/leaf/web").await;
    let file = saved(&agent).await;
    let kept = std::fs::read_to_string(&file).expect("it was saved");
    assert_eq!(kept.matches("BEGIN PRIVATE KEY").count(), 2, "of the authority and of the leaf");

    let told = done(&agent, &format!("snapshot decode {file}"));
    assert!(!told.contains("PRIVATE KEY"), "{told}");
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&lines[0]["Type"], lines.len()), (&"SnapshotHeader".into(), kept.lines().count()));
    let of =
        |kind: &str| lines.iter().filter(|line| line["Type"] == kind).map(|line| &line["Data"]).collect::<Vec<_>>();
    assert_eq!((&of("Authority")[0]["key"], &of("Leaf")[0]["key_pem"]), (&"(secret)".into(), &"(secret)".into()));
    assert_eq!(
        of("Kv").iter().map(|pair| &pair["key"]).collect::<Vec<_>>(),
        ["plain", "shop/a/1", "shop/a/2", "shop/b"]
    );

    let help = done(&agent, "snapshot decode -h");
    assert!(help.contains("Private keys are not printed"), "{help}");
    let foreign = agent.write_file("f.snap", "other").display().to_string();
    assert!(refused(&agent, &format!("snapshot decode {foreign}")).contains("is not a snapshot of chancery"));
}
