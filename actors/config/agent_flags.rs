//! The flags of `chancery agent`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, Parser, ValueEnum, value_parser};

use super::idle_flags::IdleFlags;

const EXAMPLES: &str = "\
Examples:

    To try it out, with state in memory:
    $ chancery agent -dev

    To keep state, with configuration files:
    $ chancery agent -data-dir /var/lib/chancery -config-dir /etc/chancery.d";

/// Runs the control plane: catalog, certificate authority, HTTP API and xDS in one process.
///
/// Flags have Consul's spellings, with one dash or two, and win over configuration files.
#[derive(Parser, Clone, PartialEq, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct AgentFlags {
    /// Keep state in memory, need no data directory
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t)]
    pub dev: bool,
    #[command(flatten)]
    pub config_paths: ConfigPaths,
    /// How to read all configuration files; by their names if not given
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub config_format: Option<ConfigFormat>,
    /// A piece of configuration, read after all files (repeatable)
    #[arg(long, value_name = "TEXT")]
    pub hcl: Vec<String>,
    /// The directory where state is kept
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// A file that holds the process's id while it runs
    #[arg(long, value_name = "FILE")]
    pub pid_file: Option<String>,
    /// The name of the datacenter [default: dc1]
    #[arg(long, value_name = "NAME")]
    pub datacenter: Option<String>,
    /// The name of this node [default: the host's]
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// The id of this node, a UUID
    #[arg(long, value_name = "UUID")]
    pub node_id: Option<String>,
    /// A pair of metadata of this node (repeatable)
    #[arg(long, value_name = "KEY:VALUE")]
    pub node_meta: Vec<String>,
    /// Addresses for HTTP and gRPC, with spaces between them [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESSES")]
    pub client: Option<String>,
    /// The address of this node inside the cluster
    #[arg(long, value_name = "ADDRESS")]
    pub bind: Option<String>,
    /// The address of this node as others see it [default: that of -bind]
    #[arg(long, value_name = "ADDRESS")]
    pub advertise: Option<String>,
    /// The port of the HTTP API, -1 for none [default: 8500]
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    pub http_port: Option<i64>,
    /// The port of the HTTP API with TLS, -1 for none [default: -1]
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    pub https_port: Option<i64>,
    /// How long a blocking query that does not say takes at most [default: 5m]
    #[arg(long, value_name = "DURATION")]
    pub default_query_time: Option<String>,
    /// How long a blocking query takes at most, whatever it says [default: 10m]
    #[arg(long, value_name = "DURATION")]
    pub max_query_time: Option<String>,
    /// The port of gRPC and xDS, -1 for none [default: 8502]
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    pub grpc_port: Option<i64>,
    /// The port for gRPC (xDS) with TLS; 0 or -1 switches it off [default: off]
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    pub grpc_tls_port: Option<i64>,
    /// trace, debug, info, warn or error [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Log in JSON
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub log_json: Option<bool>,
    /// allow or deny, for calls that no intention names [default: allow]
    #[arg(long, value_name = "ACTION")]
    pub default_intention_policy: Option<String>,
    /// Run programs for checks, also for those that are registered over HTTP
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub enable_script_checks: Option<bool>,
    /// Run programs for checks that the configuration files define
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub enable_local_script_checks: Option<bool>,
    /// Bytes kept of what a check says, at most [default: 4096]
    #[arg(long = "check_output_max_size", value_name = "BYTES", value_parser = value_parser!(u32).range(1..))]
    pub check_output_max_size: Option<u32>,
    /// Threads for proxies and their streams, and as many for the catalog and its watches [default: one for each
    /// processor]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// Every agent is a server: accepted for compatibility
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub server: Option<bool>,
    /// Every agent is its own cluster: accepted for compatibility
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub bootstrap: Option<bool>,
    /// Every agent is its own cluster: accepted for compatibility, with a warning above 1
    #[arg(long, value_name = "SERVERS")]
    pub bootstrap_expect: Option<u32>,
    #[command(flatten)]
    pub idle: IdleFlags,
}

/// `-config-file` and `-config-dir`, in the order they were given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConfigPaths(pub Vec<ConfigPath>);

/// How to read files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ConfigFormat {
    Hcl,
    Json,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigPath {
    File(PathBuf),
    /// Its `*.hcl` and `*.json`, sorted by name.
    Dir(PathBuf),
}

const FILE: &str = "config-file";
const DIR: &str = "config-dir";

/// Not derived: only the matches know in which order two flags were mixed.
impl Args for ConfigPaths {
    fn augment_args(command: Command) -> Command {
        let path = |name| {
            Arg::new(name).long(name).value_name("PATH").action(ArgAction::Append).value_parser(value_parser!(PathBuf))
        };
        command
            .arg(path(FILE).help("A configuration file, HCL or JSON (repeatable)"))
            .arg(path(DIR).help("A directory of configuration files (repeatable)"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ConfigPaths {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = |name, path: fn(PathBuf) -> ConfigPath| {
            let paths = matches.get_many::<PathBuf>(name).into_iter().flatten().cloned().map(path);
            matches.indices_of(name).into_iter().flatten().zip(paths)
        };
        let mut paths: Vec<_> = given(FILE, ConfigPath::File).chain(given(DIR, ConfigPath::Dir)).collect();
        paths.sort_by_key(|(index, _)| *index);
        Ok(Self(paths.into_iter().map(|(_, path)| path).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
