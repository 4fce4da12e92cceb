//! `chancery operator`: how much the agent holds, and which servers there are.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::columns::columns;
use super::error::CliError;
use super::flags::HttpFlags;
use super::format::{Format, items, json, text};

#[derive(Subcommand)]
pub(super) enum Operator {
    /// Count what the agent holds
    #[command(subcommand)]
    Usage(Usage),
    /// Tell which servers keep the state
    #[command(subcommand)]
    Raft(Raft),
    /// Tell how the servers are
    #[command(subcommand)]
    Autopilot(Autopilot),
}

#[derive(Subcommand)]
pub(super) enum Raft {
    /// List the servers: here there is one, which leads
    #[command(after_help = "Example:\n\n    $ chancery operator raft list-peers")]
    ListPeers(ListPeers),
}

#[derive(Args)]
pub(super) struct ListPeers {
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Subcommand)]
pub(super) enum Autopilot {
    /// Tell how each server is: here there is one
    #[command(after_help = "Example:\n\n    $ chancery operator autopilot state")]
    State(State),
}

#[derive(Args)]
pub(super) struct State {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Subcommand)]
pub(super) enum Usage {
    /// Count services and their instances
    #[command(after_help = "Example:\n\n    $ chancery operator usage instances")]
    Instances(Instances),
}

#[derive(Args)]
pub(super) struct Instances {
    /// Count all datacenters: here there is one
    #[arg(long)]
    all_datacenters: bool,
    /// Only services that Consul would bill: those of applications
    #[arg(long, conflicts_with = "connect")]
    billable: bool,
    /// Only what belongs to the mesh: proxies, gateways, native services
    #[arg(long)]
    connect: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    http: HttpFlags,
}

impl Operator {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        let instances = match self {
            Self::Usage(Usage::Instances(instances)) => instances,
            Self::Raft(Raft::ListPeers(list)) => return list.run(out),
            Self::Autopilot(Autopilot::State(state)) => return state.run(out),
        };
        if instances.format == Format::Json && (instances.billable || instances.connect) {
            return Err(CliError::usage(
                "-billable and -connect choose among the rows of a table: -format=json has all of them",
            ));
        }
        let query: &[(&str, &str)] = if instances.all_datacenters { &[("global", "")] } else { &[] };
        let usage = instances.http.connect()?.get("/v1/operator/usage", query)?;
        match instances.format {
            Format::Json => json(out, &usage)?,
            Format::Pretty => out.write_all(instances.lines(&usage).as_bytes())?,
        }
        Ok(())
    }
}

impl ListPeers {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let servers = self.http.connect()?.get("/v1/operator/raft/configuration", &[])?;
        let head = ["Node", "ID", "Address", "State", "Voter", "RaftProtocol", "Commit Index", "Trails Leader By"];
        let mut rows = vec![head.map(str::to_owned)];
        for server in items(&servers["Servers"]) {
            let [node, id, address, protocol] =
                ["Node", "ID", "Address", "ProtocolVersion"].map(|field| text(server, field));
            let state = if server["Leader"] == true { "leader" } else { "follower" }.to_owned();
            let (voter, index) = (server["Voter"].to_string(), server["LastIndex"].to_string());
            rows.push([node, id, address, state, voter, protocol, index, "-".to_owned()]);
        }
        out.write_all(columns(&rows).as_bytes())?;
        Ok(())
    }
}

impl State {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let state = self.http.connect()?.get("/v1/operator/autopilot/state", &[])?;
        match self.format {
            Format::Json => json(out, &state)?,
            Format::Pretty => out.write_all(servers(&state).as_bytes())?,
        }
        Ok(())
    }
}

fn servers(state: &Value) -> String {
    let row = |name: &str, object: &Value, field: &str| [format!("{name}:"), text(object, field)];
    let whole = [
        row("Healthy", state, "Healthy"),
        row("Failure Tolerance", state, "FailureTolerance"),
        row("Optimistic Failure Tolerance", state, "OptimisticFailureTolerance"),
        row("Leader", state, "Leader"),
    ];
    let mut told = columns(&whole);
    told.push_str("Voters:\n");
    for id in items(&state["Voters"]) {
        told.push_str(&format!("   {}\n", id.as_str().unwrap_or_default()));
    }
    told.push_str("Servers:\n");
    for (id, server) in state["Servers"].as_object().into_iter().flatten() {
        told.push_str(&format!("   {id}\n"));
        let fields = [
            ("Name", "Name"),
            ("Address", "Address"),
            ("Version", "Version"),
            ("Status", "Status"),
            ("Node Type", "NodeType"),
            ("Node Status", "NodeStatus"),
            ("Healthy", "Healthy"),
            ("Last Contact", "LastContact"),
            ("Last Term", "LastTerm"),
            ("Last Index", "LastIndex"),
        ];
        for line in columns(&fields.map(|(name, field)| row(name, server, field))).lines() {
            told.push_str(&format!("      {line}\n"));
        }
    }
    told
}

impl Instances {
    fn lines(&self, usage: &Value) -> String {
        let mut told = String::new();
        for (datacenter, counts) in usage["Usage"].as_object().into_iter().flatten() {
            told.push_str(&format!("Datacenter {datacenter}\n"));
            let mut rows = vec![["Kind".to_owned(), "Services".to_owned(), "Instances".to_owned()]];
            if !self.connect {
                let [services, instances] = ["Services", "BillableServiceInstances"].map(|field| text(counts, field));
                rows.push(["application".to_owned(), services, instances]);
            }
            if !self.billable {
                for (kind, instances) in counts["ConnectServiceInstances"].as_object().into_iter().flatten() {
                    rows.push([kind.clone(), String::new(), instances.to_string()]);
                }
            }
            told.push_str(&columns(&rows));
        }
        told
    }
}
