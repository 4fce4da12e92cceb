//! The command line of `chancery swarm`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::SwarmError;
use super::envoy::Dialect;
use super::mark::MOST_CHANGES;
use super::mesh::Setup;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Scenario {
    /// All Envoys connect at once, until each has everything it needs
    Connect,
    /// All connect again and say which versions they hold
    Reconnect,
    /// One instance of the upstream that all share is registered
    Endpoint,
    /// As many different changes as --changes says, as fast as the server takes them
    Burst,
    /// Changes at --rate for --seconds
    Churn,
    /// A change that concerns a cluster of every proxy (proxy-defaults)
    MeshWide,
    /// A burst while every tenth Envoy does not read
    Slow,
    /// An instance of the upstream that all share is registered, and while it goes out, others write and read
    Beside,
    /// Nothing, for --seconds
    Idle,
}

impl Scenario {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Reconnect => "reconnect",
            Self::Endpoint => "endpoint",
            Self::Burst => "burst",
            Self::Churn => "churn",
            Self::MeshWide => "mesh-wide",
            Self::Slow => "slow",
            Self::Beside => "beside",
            Self::Idle => "idle",
        }
    }
}

const EXAMPLES: &str = "\
Examples:

    A thousand sidecars of the agent on this machine, the usual scenarios:
    $ chancery swarm --proxies 1000

    A thousand changes per second for ten seconds, as JSON:
    $ chancery swarm --proxies 1000 --scenarios churn --rate 1000 --seconds 10 --json

    Any other server of ADS. GET <trigger>/endpoint?slot=S&port=P must add to an assignment an endpoint with that port
    (in place of the one that the slot had), GET <trigger>/mesh-wide?milliseconds=M must change a cluster:
    $ chancery swarm --xds-addr 127.0.0.1:18000 --setup none --trigger http://127.0.0.1:18001

How to read the table: times are milliseconds. For connect and reconnect they count from the start of the storm to the
moment when an Envoy has everything it needs; for changes from just before the HTTP request to the moment when the
change is read from its stream (received) and its acknowledgement written. CPU and memory are the server's. Client and
server share the machine: compare figures of one run, not of two machines.

The services it registers begin with --prefix, and are deregistered at the end. Do not run it against a mesh in use.";

#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SwarmFlags {
    /// How many Envoys, each on a connection of its own
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=25_000))]
    pub proxies: u32,
    /// What to do, in this order; all connect first in any case
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "NAMES",
        default_value = "connect,endpoint,mesh-wide,reconnect,idle"
    )]
    pub scenarios: Vec<Scenario>,
    /// How often each change is made: endpoint, mesh-wide, beside
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Changes per second: churn
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub rate: u32,
    /// How long: churn, idle
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
    /// How many changes: burst, slow
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub changes: u32,
    /// The server's xDS address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8502")]
    pub xds_addr: SocketAddr,
    /// The server's HTTP API: host:port or http://host:port
    #[arg(long, value_name = "ADDRESS", env = "CHANCERY_HTTP_ADDR", default_value = "127.0.0.1:8500")]
    pub http_addr: String,
    /// The token to send
    #[arg(long, value_name = "TOKEN", env = "CONSUL_HTTP_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// How the Envoys talk
    #[arg(long, value_enum, default_value_t = Dialect::Delta)]
    pub dialect: Dialect,
    /// How services and changes come to the server
    #[arg(long, value_enum, default_value_t = Setup::Consul)]
    pub setup: Setup,
    /// Where changes are asked for with --setup none
    #[arg(long, value_name = "URL")]
    pub trigger: Option<String>,
    /// What the names of everything registered begin with
    #[arg(long, value_name = "TEXT", default_value = "swarm")]
    pub prefix: String,
    /// Leave the services registered at the end
    #[arg(long)]
    pub keep: bool,
    /// Bytes of extensions in each Envoy's node: a real one sends some 61,000, which go over the wire once per stream
    #[arg(long, value_name = "BYTES", default_value_t = 61_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub node_bytes: u32,
    /// Threads that the Envoys run on
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub client_threads: u32,
    /// Connections for writes
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub api_connections: u32,
    /// The server's process, when it cannot be found by its port
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,
    /// How long a round may take at most
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub timeout: u32,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}

impl SwarmFlags {
    /// # Errors
    /// When flags do not go together.
    pub fn check(&self) -> Result<(), SwarmError> {
        if self.scenarios.iter().any(|scenario| scenario.makes_changes())
            && self.setup == Setup::None
            && self.trigger.is_none()
        {
            return Err(SwarmError::Usage(
                "with --setup none, scenarios that change something need --trigger".to_owned(),
            ));
        }
        if self.setup == Setup::None && self.scenarios.contains(&Scenario::Beside) {
            return Err(SwarmError::Usage(
                "the scenario beside reads and writes services: not with --setup none".to_owned(),
            ));
        }
        let changes: usize = self.scenarios.iter().map(|scenario| self.changes_of(*scenario)).sum();
        if changes > MOST_CHANGES {
            let told =
                format!("{changes} changes are more than the {MOST_CHANGES} of one run: lower --rate or --seconds");
            return Err(SwarmError::Usage(told));
        }
        Ok(())
    }

    /// How many instances of the upstream the scenario registers.
    pub fn changes_of(&self, scenario: Scenario) -> usize {
        let changes = match scenario {
            Scenario::Endpoint | Scenario::Beside => self.rounds,
            Scenario::Burst | Scenario::Slow => self.changes,
            Scenario::Churn => self.rate.saturating_mul(self.seconds),
            Scenario::Connect | Scenario::Reconnect | Scenario::MeshWide | Scenario::Idle => 0,
        };
        changes as usize
    }

    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

impl Scenario {
    const fn makes_changes(self) -> bool {
        !matches!(self, Self::Connect | Self::Reconnect | Self::Idle)
    }
}
