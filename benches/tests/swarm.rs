//! The load tool against the floor: every scenario ends, and every change is found where it arrives.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use chancery_actors::swarm::{SwarmError, SwarmFlags};
use clap::Parser;
use serde_json::Value;

const PROXIES: usize = 20;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    flags: SwarmFlags,
}

/// Ended when dropped.
struct Floor {
    process: Child,
    xds: SocketAddr,
    trigger: SocketAddr,
}

impl Drop for Floor {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

impl Floor {
    fn start() -> Self {
        let [xds, trigger] = [free_address(), free_address()];
        let addresses = [xds.to_string(), trigger.to_string()];
        let process = Command::new(env!("CARGO_BIN_EXE_floor")).args(addresses).spawn().expect("it was built");
        let floor = Self { process, xds, trigger };
        let begin = Instant::now();
        while [xds, trigger].iter().any(|address| TcpStream::connect(address).is_err()) {
            assert!(begin.elapsed() < Duration::from_secs(10), "the floor does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        floor
    }

    fn swarm(&self, options: &[&str]) -> (Value, Result<(), SwarmError>) {
        let (xds, trigger) = (self.xds.to_string(), format!("http://{}", self.trigger));
        let own = ["swarm", "--json", "--setup=none", "--xds-addr", &xds, "--trigger", &trigger, "--proxies", "20"];
        let line = Line::parse_from(own.iter().chain(options));
        let mut out = Vec::new();
        let outcome = line.flags.run(&mut out);
        (serde_json::from_slice(&out).expect("it is JSON"), outcome)
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

#[test]
fn every_scenario_ends_with_every_change_at_every_envoy() {
    let scenarios = "--scenarios=connect,endpoint,burst,churn,mesh-wide,slow,reconnect,endpoint,idle";
    let bounds = ["--rounds=2", "--changes=100", "--rate=100", "--seconds=1", "--timeout=20"];
    let (report, outcome) = Floor::start().swarm(&[&[scenarios], bounds.as_slice()].concat());
    outcome.expect("everything arrives");
    let rows = report["rows"].as_array().expect("rows");
    let names: Vec<&str> = rows.iter().map(|row| row["scenario"].as_str().expect("a name")).collect();
    let expected = [
        "connect",
        "endpoint 1",
        "endpoint 2",
        "burst",
        "churn",
        "mesh-wide 1",
        "mesh-wide 2",
        "slow: others",
        "slow: catch up",
        "reconnect",
        "endpoint 1",
        "endpoint 2",
        "idle",
    ];
    assert_eq!(names, expected);
    for row in rows {
        assert_eq!((&row["reached"], &row["failures"]), (&row["streams"], &0.into()), "{row:#}");
        assert!(row["server_cpu_seconds"].is_number(), "the server was not found by its port: {row:#}");
    }
    let of = |name: &str| rows.iter().find(|row| row["scenario"] == name).expect("it is there");
    assert_eq!(of("connect")["resources"], 7 * PROXIES);
    assert_eq!(of("endpoint 1")["resources"], PROXIES);
    assert_eq!((&of("reconnect")["resources"], &of("reconnect")["resource_bytes"]), (&0.into(), &0.into()));
    assert_eq!((&of("slow: others")["streams"], &of("slow: catch up")["streams"]), (&18.into(), &2.into()));
}

#[test]
fn what_does_not_arrive_is_told() {
    // the floor knows no state of the world: nobody gets in sync
    let (report, outcome) = Floor::start().swarm(&["--scenarios=connect", "--dialect=sotw", "--timeout=2"]);
    assert!(matches!(outcome, Err(SwarmError::Incomplete { seconds: 2 })), "{outcome:?}");
    assert_eq!(report["rows"][0]["reached"], 0);
}
