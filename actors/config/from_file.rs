//! Settings that a file says, and what it says that has no effect.

use chancery::model::Lifetimes;
use chancery::wire::authority::ttl;
use chancery::wire::fields::asks_nothing;
use chancery::wire::{DecodeError, Fields, Typing, locality};

use super::checks::CheckKeys;
use super::files::File;
use super::http::query_time;
use super::problem::Problem;
use super::root::FirstRoot;
use super::settings::{Settings, action, datacenter, level, name, path, port, set, uuid};
use super::tls::{DoorKeys, TlsKeys};
use super::xds::XdsKeys;
use super::{address, keys, owner, tls};
use crate::doors::listening::CipherNames;

/// Of one file.
pub(super) fn settings(file: &File, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) -> Settings {
    let fields = Fields::new(&file.document.value, "the configuration", Typing::Weak);
    let mut reading = Reading { file, problems, warnings };
    match fields {
        Ok(mut fields) => {
            let mut settings = Settings::default();
            reading.top(&mut fields, &mut settings);
            reading.network(&mut fields, &mut settings);
            reading.http(&mut fields, &mut settings);
            reading.tls(&mut fields, &mut settings.tls);
            reading.security(&mut fields, &mut settings);
            reading.finish(&mut fields, keys::TOP);
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
        self.text(fields, "primary_datacenter", &mut settings.primary_datacenter, datacenter);
        self.text(fields, "pid_file", &mut settings.pid_file, path);
        self.text(fields, "node_name", &mut settings.node_name, name);
        self.text(fields, "node_id", &mut settings.node_id, uuid);
        self.text(fields, "data_dir", &mut settings.data_dir, path);
        self.text(fields, "log_level", &mut settings.log_level, level);
        settings.log_json = self.keep(fields.optional_flag("log_json"));
        settings.node_meta = self.keep(fields.text_map("node_meta"));
        settings.checks = CheckKeys::read(fields, &mut |error| self.problem(error));
        settings.locality = self.keep(locality::decode(fields));
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
            settings.https_port = self.port(&mut ports, "https");
            settings.grpc_port = self.port(&mut ports, "grpc");
            settings.grpc_tls_port = self.port(&mut ports, "grpc_tls");
            let sidecar = 1..=i64::from(u16::MAX);
            let mut bound =
                |key| self.keep(ports.whole(key, sidecar.clone())).and_then(|port| u16::try_from(port).ok());
            settings.sidecar_min = bound("sidecar_min_port");
            settings.sidecar_max = bound("sidecar_max_port");
            settings.expose_min = bound("expose_min_port");
            settings.expose_max = bound("expose_max_port");
            self.finish(&mut ports, keys::PORTS);
        }
        if let Some(mut addresses) = self.keep(fields.object("addresses", "addresses")) {
            self.text(&mut addresses, "http", &mut settings.http_addresses, address::hosts);
            self.text(&mut addresses, "https", &mut settings.https_addresses, address::several);
            self.text(&mut addresses, "grpc", &mut settings.grpc_addresses, address::several);
            self.text(&mut addresses, "grpc_tls", &mut settings.grpc_tls_addresses, address::several);
            self.finish(&mut addresses, keys::ADDRESSES);
        }
        if let Some(mut xds) = self.keep(fields.object("xds", "xds")) {
            settings.xds = XdsKeys::read(&mut xds, &mut |error| self.problem(error));
            self.finish(&mut xds, keys::XDS);
        }
    }

    fn http(&mut self, fields: &mut Fields<'_>, settings: &mut Settings) {
        let http = &mut settings.http;
        self.text(fields, "default_query_time", &mut http.default_query_time, query_time);
        self.text(fields, "max_query_time", &mut http.max_query_time, query_time);
        if let Some(mut api) = self.keep(fields.object("http_config", "http_config")) {
            http.read_api(&mut api, &mut |error| self.problem(error));
            self.finish(&mut api, keys::HTTP_CONFIG);
        }
        if let Some(mut limits) = self.keep(fields.object("limits", "limits")) {
            http.read_limits(&mut limits, &mut |error| self.problem(error));
            self.finish(&mut limits, keys::LIMITS);
        }
        if let Some(mut sockets) = self.keep(fields.object("unix_sockets", "unix_sockets")) {
            self.text(&mut sockets, "user", &mut http.socket_user, owner::user);
            self.text(&mut sockets, "group", &mut http.socket_group, owner::group);
            self.text(&mut sockets, "mode", &mut http.socket_mode, owner::mode);
            self.finish(&mut sockets, &[]);
        }
    }

    /// `tls { … }`, and the spellings at the top, which are older.
    fn tls(&mut self, fields: &mut Fields<'_>, tls: &mut TlsKeys) {
        self.tls_of_a_door(fields, &mut tls.old);
        tls.old_https.verify_incoming = self.keep(fields.optional_flag("verify_incoming_https"));
        tls.for_checks = self.keep(fields.optional_flag("enable_agent_tls_for_checks"));
        let Some(mut doors) = self.keep(fields.object("tls", "tls")) else { return };
        let for_checks = self.keep(doors.optional_flag("enable_agent_tls_for_checks"));
        tls.for_checks = for_checks.or(tls.for_checks);
        for (key, door) in [("defaults", &mut tls.defaults), ("https", &mut tls.https), ("grpc", &mut tls.grpc)] {
            if let Some(mut keys) = self.keep(doors.object(key, "tls of a door")) {
                self.tls_of_a_door(&mut keys, door);
                self.finish(&mut keys, keys::TLS_OF_A_DOOR);
            }
        }
        self.finish(&mut doors, keys::TLS);
    }

    fn tls_of_a_door(&mut self, fields: &mut Fields<'_>, door: &mut DoorKeys) {
        self.text(fields, "cert_file", &mut door.cert, path);
        self.text(fields, "key_file", &mut door.key, path);
        self.text(fields, "ca_file", &mut door.ca, path);
        self.text(fields, "ca_path", &mut door.ca_path, path);
        self.text(fields, "tls_min_version", &mut door.oldest, tls::oldest);
        self.text(fields, "tls_cipher_suites", &mut door.ciphers, CipherNames::parse);
        door.verify_incoming = self.keep(fields.optional_flag("verify_incoming"));
    }

    fn security(&mut self, fields: &mut Fields<'_>, settings: &mut Settings) {
        self.text(fields, "default_intention_policy", &mut settings.default_intention, action);
        // its spelling before Consul 1.4
        self.text(fields, "acl_default_policy", &mut settings.acl_default, action);
        if let Some(mut acl) = self.keep(fields.object("acl", "acl")) {
            self.text(&mut acl, "default_policy", &mut settings.acl_default, action);
            if self.keep(acl.optional_flag("enabled")) == Some(true) {
                // who asks for access control must not get an open door and a warning
                let text = "access control is not supported by this version of chancery: it cannot be switched on";
                self.problem(acl.error("enabled", text));
            }
            self.finish(&mut acl, keys::ACL);
        }
        let Some(mut connect) = self.keep(fields.object("connect", "connect")) else { return };
        settings.mesh = self.keep(connect.optional_flag("enabled"));
        self.keep(connect.only("ca_provider", &["consul"]));
        if let Some(mut authority) = self.keep(connect.object("ca_config", "connect.ca_config")) {
            self.text(&mut authority, "cluster_id", &mut settings.cluster_id, uuid);
            settings.leaf_cert_ttl = self.keep(ttl(&mut authority, "leaf_cert_ttl", &Lifetimes::OF_LEAVES));
            settings.root_cert_ttl = self.keep(ttl(&mut authority, "root_cert_ttl", &Lifetimes::OF_ROOTS));
            settings.first_root = self.keep(FirstRoot::read(&mut authority));
            self.finish(&mut authority, keys::CA_CONFIG);
        }
        self.finish(&mut connect, keys::CONNECT);
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

    fn finish(&mut self, fields: &mut Fields<'_>, idle: &[keys::Idle]) {
        for (key, why) in idle {
            // what is switched off anyway is as it shall be
            if fields.take(key).is_some_and(|value| !asks_nothing(value, &["-1"]) && value.as_i64() != Some(-1)) {
                let around = fields.path();
                let key = if around.is_empty() { (*key).to_owned() } else { format!("{around}.{key}") };
                self.warn(&key, &format!("has no effect: {why}"));
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
