//! Settings of one source (a file, or the flags); those that were given.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use chancery::model::Action;
use chancery::wire::{DecodeError, Fields, Typing};

use super::agent_flags::AgentFlags;
use super::files::File;
use super::problem::Problem;
use super::xds::XdsKeys;
use super::{address, keys};

#[derive(Default)]
pub(super) struct Settings {
    pub(super) datacenter: Option<String>,
    pub(super) node_name: Option<String>,
    pub(super) node_id: Option<String>,
    pub(super) node_meta: BTreeMap<String, String>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) client_addr: Option<Vec<IpAddr>>,
    pub(super) bind_addr: Option<IpAddr>,
    pub(super) advertise_addr: Option<IpAddr>,
    /// 0: none.
    pub(super) http_port: Option<u16>,
    pub(super) grpc_port: Option<u16>,
    pub(super) http_addresses: Option<Vec<IpAddr>>,
    pub(super) grpc_addresses: Option<Vec<IpAddr>>,
    pub(super) default_intention: Option<Action>,
    pub(super) acl_default: Option<Action>,
    pub(super) log_level: Option<&'static str>,
    pub(super) log_json: Option<bool>,
    pub(super) cluster_id: Option<String>,
    pub(super) leaf_cert_ttl: Option<Duration>,
    pub(super) xds: XdsKeys,
}

impl Settings {
    /// These win over earlier ones.
    pub(super) fn over(self, mut earlier: Self) -> Self {
        earlier.node_meta.extend(self.node_meta);
        Self {
            datacenter: self.datacenter.or(earlier.datacenter),
            node_name: self.node_name.or(earlier.node_name),
            node_id: self.node_id.or(earlier.node_id),
            node_meta: earlier.node_meta,
            data_dir: self.data_dir.or(earlier.data_dir),
            client_addr: self.client_addr.or(earlier.client_addr),
            bind_addr: self.bind_addr.or(earlier.bind_addr),
            advertise_addr: self.advertise_addr.or(earlier.advertise_addr),
            http_port: self.http_port.or(earlier.http_port),
            grpc_port: self.grpc_port.or(earlier.grpc_port),
            http_addresses: self.http_addresses.or(earlier.http_addresses),
            grpc_addresses: self.grpc_addresses.or(earlier.grpc_addresses),
            default_intention: self.default_intention.or(earlier.default_intention),
            acl_default: self.acl_default.or(earlier.acl_default),
            log_level: self.log_level.or(earlier.log_level),
            log_json: self.log_json.or(earlier.log_json),
            cluster_id: self.cluster_id.or(earlier.cluster_id),
            leaf_cert_ttl: self.leaf_cert_ttl.or(earlier.leaf_cert_ttl),
            xds: self.xds.over(earlier.xds),
        }
    }
}

/// Of the flags, by the same rules as the keys of files.
pub(super) fn of_flags(flags: &AgentFlags, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) -> Settings {
    let mut settings = Settings::default();
    let mut keep = |flag: &str, message: Result<(), String>| {
        if let Err(message) = message {
            problems.push(Problem::new(format!("flag -{flag}: {message}")));
        }
    };
    keep("datacenter", set(&mut settings.datacenter, flags.datacenter.as_deref(), datacenter));
    keep("node", set(&mut settings.node_name, flags.node.as_deref(), name));
    keep("node-id", set(&mut settings.node_id, flags.node_id.as_deref(), uuid));
    keep("data-dir", set(&mut settings.data_dir, flags.data_dir.as_deref(), path));
    keep("client", set(&mut settings.client_addr, flags.client.as_deref(), address::several));
    keep("bind", set(&mut settings.bind_addr, flags.bind.as_deref(), address::one));
    keep("advertise", set(&mut settings.advertise_addr, flags.advertise.as_deref(), address::one));
    keep("http-port", set(&mut settings.http_port, flags.http_port, port));
    keep("grpc-port", set(&mut settings.grpc_port, flags.grpc_port, port));
    keep("log-level", set(&mut settings.log_level, flags.log_level.as_deref(), level));
    let policy = flags.default_intention_policy.as_deref();
    keep("default-intention-policy", set(&mut settings.default_intention, policy, action));
    for pair in &flags.node_meta {
        match pair.split_once(':') {
            Some((key, value)) => drop(settings.node_meta.insert(key.to_owned(), value.to_owned())),
            None => keep("node-meta", Err(format!("expected KEY:VALUE, got {pair:?}"))),
        }
    }
    settings.log_json = flags.log_json;
    if flags.server == Some(false) {
        warnings.push("flag -server=false has no effect: every agent is a server".to_owned());
    }
    if flags.bootstrap_expect.is_some_and(|servers| servers > 1) {
        warnings.push("flag -bootstrap-expect has no effect: every agent is its own cluster".to_owned());
    }
    settings
}

/// Of one file.
pub(super) fn of_file(file: &File, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) -> Settings {
    let fields = Fields::new(&file.document.value, "the configuration", Typing::Weak);
    let mut reading = Reading { file, problems, warnings };
    match fields {
        Ok(mut fields) => {
            let mut settings = Settings::default();
            reading.top(&mut fields, &mut settings);
            reading.network(&mut fields, &mut settings);
            reading.security(&mut fields, &mut settings);
            reading.finish(&mut fields, &keys::TOP);
            settings
        }
        Err(error) => {
            reading.problem(error);
            Settings::default()
        }
    }
}

struct Reading<'a> {
    file: &'a File,
    problems: &'a mut Vec<Problem>,
    warnings: &'a mut Vec<String>,
}

impl Reading<'_> {
    fn top(&mut self, fields: &mut Fields<'_>, settings: &mut Settings) {
        self.text(fields, "datacenter", &mut settings.datacenter, datacenter);
        self.text(fields, "node_name", &mut settings.node_name, name);
        self.text(fields, "node_id", &mut settings.node_id, uuid);
        self.text(fields, "data_dir", &mut settings.data_dir, path);
        self.text(fields, "log_level", &mut settings.log_level, level);
        settings.log_json = self.keep(fields.optional_flag("log_json"));
        settings.node_meta = self.keep(fields.text_map("node_meta"));
        // definitions are read once the node has its name
        fields.computed(&["service", "services", "check", "checks"]);
        if let Some(mut entries) = self.keep(fields.object("config_entries", "config_entries")) {
            entries.computed(&["bootstrap"]);
            self.finish(&mut entries, &[]);
        }
        if self.keep(fields.optional_flag("server")) == Some(false) {
            self.warn("server", "has no effect: every agent is a server");
        }
        self.keep(fields.optional_flag("bootstrap"));
        if self.keep(fields.whole("bootstrap_expect", 0..=i64::from(u32::MAX))).is_some_and(|servers| servers > 1) {
            self.warn("bootstrap_expect", "has no effect: every agent is its own cluster");
        }
    }

    fn network(&mut self, fields: &mut Fields<'_>, settings: &mut Settings) {
        self.text(fields, "client_addr", &mut settings.client_addr, address::several);
        self.text(fields, "bind_addr", &mut settings.bind_addr, address::one);
        self.text(fields, "advertise_addr", &mut settings.advertise_addr, address::one);
        if let Some(mut ports) = self.keep(fields.object("ports", "ports")) {
            settings.http_port = self.port(&mut ports, "http");
            settings.grpc_port = self.port(&mut ports, "grpc");
            self.finish(&mut ports, &keys::PORTS);
        }
        if let Some(mut addresses) = self.keep(fields.object("addresses", "addresses")) {
            self.text(&mut addresses, "http", &mut settings.http_addresses, address::several);
            self.text(&mut addresses, "grpc", &mut settings.grpc_addresses, address::several);
            self.finish(&mut addresses, &keys::ADDRESSES);
        }
        if let Some(mut xds) = self.keep(fields.object("xds", "xds")) {
            settings.xds = XdsKeys::read(&mut xds, &mut |error| self.problem(error));
            self.finish(&mut xds, &keys::XDS);
        }
    }

    fn security(&mut self, fields: &mut Fields<'_>, settings: &mut Settings) {
        self.text(fields, "default_intention_policy", &mut settings.default_intention, action);
        if let Some(mut acl) = self.keep(fields.object("acl", "acl")) {
            self.text(&mut acl, "default_policy", &mut settings.acl_default, action);
            if self.keep(acl.optional_flag("enabled")) == Some(true) {
                // who asks for access control must not get an open door and a warning
                let text = "access control is not supported by this version of chancery: it cannot be switched on";
                self.problem(acl.error("enabled", text));
            }
            self.finish(&mut acl, &keys::ACL);
        }
        let Some(mut connect) = self.keep(fields.object("connect", "connect")) else { return };
        if self.keep(connect.optional_flag("enabled")) == Some(false) {
            self.warn("connect.enabled", "has no effect: the mesh is always on");
        }
        self.keep(connect.only("ca_provider", &["consul"]));
        if let Some(mut authority) = self.keep(connect.object("ca_config", "connect.ca_config")) {
            self.text(&mut authority, "cluster_id", &mut settings.cluster_id, uuid);
            settings.leaf_cert_ttl = self.leaf_cert_ttl(&mut authority);
            self.finish(&mut authority, &keys::CA_CONFIG);
        }
        self.finish(&mut connect, &keys::CONNECT);
    }

    fn leaf_cert_ttl(&mut self, fields: &mut Fields<'_>) -> Option<Duration> {
        let ttl = self.keep(fields.duration("leaf_cert_ttl"));
        let hours = Duration::from_secs(3600)..=Duration::from_secs(365 * 24 * 3600);
        if ttl != Duration::ZERO && !hours.contains(&ttl) {
            self.problem(fields.error("leaf_cert_ttl", "expected a duration from 1h to 8760h"));
        }
        Some(ttl).filter(|ttl| *ttl != Duration::ZERO)
    }

    fn port(&mut self, fields: &mut Fields<'_>, key: &'static str) -> Option<u16> {
        let number = self.keep(fields.whole(key, i64::MIN..=i64::MAX));
        let mut read = None;
        let result = set(&mut read, number, port);
        self.keep(result.map_err(|message| fields.error(key, message)));
        read
    }

    /// Empty text counts as absent.
    fn text<T>(
        &mut self,
        fields: &mut Fields<'_>,
        key: &'static str,
        setting: &mut Option<T>,
        read: impl Fn(&str) -> Result<T, String>,
    ) {
        let text = self.keep(fields.text(key));
        let result = set(setting, Some(text.as_str()).filter(|text| !text.is_empty()), read);
        self.keep(result.map_err(|message| fields.error(key, message)));
    }

    fn finish(&mut self, fields: &mut Fields<'_>, without_effect: &[&'static str]) {
        for key in without_effect {
            if fields.take(key).is_some() {
                let around = fields.path();
                let key = if around.is_empty() { (*key).to_owned() } else { format!("{around}.{key}") };
                self.warn(&key, "has no effect in this version of chancery");
            }
        }
        for error in fields.leftovers() {
            self.problem(error);
        }
    }

    fn keep<T: Default>(&mut self, result: Result<T, DecodeError>) -> T {
        result.unwrap_or_else(|error| {
            self.problem(error);
            T::default()
        })
    }

    fn problem(&mut self, error: DecodeError) {
        self.problems.push(Problem::of_key(self.file, error));
    }

    fn warn(&mut self, key: &str, message: &str) {
        let line = self.file.document.line(key).map(|line| format!("{line}: ")).unwrap_or_default();
        self.warnings.push(format!("{}:{line}key {key:?} {message}", self.file.path.display()));
    }
}

fn set<V, T>(setting: &mut Option<T>, given: Option<V>, read: impl Fn(V) -> Result<T, String>) -> Result<(), String> {
    if let Some(given) = given {
        *setting = Some(read(given)?);
    }
    Ok(())
}

fn datacenter(text: &str) -> Result<String, String> {
    let lower = text.to_lowercase();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if lower.is_empty() || !lower.chars().all(plain) {
        return Err(format!("expected letters, digits, - and _, got {text:?}"));
    }
    Ok(lower)
}

fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() { Err("must not be empty".to_owned()) } else { Ok(name.to_owned()) }
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(PathBuf::from(text)) }
}

fn uuid(text: &str) -> Result<String, String> {
    let uuid = uuid::Uuid::try_parse(text).map_err(|_| format!("expected a UUID, got {text:?}"))?;
    Ok(uuid.hyphenated().to_string())
}

/// Below 1: none.
fn port(number: i64) -> Result<u16, String> {
    u16::try_from(number.max(0)).map_err(|_| format!("expected a port from 1 to 65535, or -1, got {number}"))
}

fn level(text: &str) -> Result<&'static str, String> {
    match text.to_lowercase().as_str() {
        "trace" => Ok("trace"),
        "debug" => Ok("debug"),
        "info" => Ok("info"),
        "warn" | "warning" => Ok("warn"),
        "err" | "error" => Ok("error"),
        _ => Err(format!("expected trace, debug, info, warn or error, got {text:?}")),
    }
}

fn action(text: &str) -> Result<Action, String> {
    match text {
        "allow" => Ok(Action::Allow),
        "deny" => Ok(Action::Deny),
        _ => Err(format!("expected allow or deny, got {text:?}")),
    }
}
