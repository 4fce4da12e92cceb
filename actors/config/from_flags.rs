//! Settings that flags say.

use super::address;
use super::agent_flags::AgentFlags;
use super::http::query_time;
use super::problem::Problem;
use super::settings::{Settings, action, datacenter, level, name, path, port, set, uuid};

/// Of the flags, by the same rules as the keys of files.
pub(super) fn settings(flags: &AgentFlags, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) -> Settings {
    let mut settings = Settings::default();
    let mut keep = |flag: &str, message: Result<(), String>| {
        if let Err(message) = message {
            problems.push(Problem::new(format!("flag -{flag}: {message}")));
        }
    };
    keep("datacenter", set(&mut settings.datacenter, flags.datacenter.as_deref(), datacenter));
    keep("node", set(&mut settings.node_name, flags.node.as_deref(), name));
    keep("node-id", set(&mut settings.node_id, flags.node_id.as_deref(), uuid));
    keep("pid-file", set(&mut settings.pid_file, flags.pid_file.as_deref(), path));
    keep("data-dir", set(&mut settings.data_dir, flags.data_dir.as_deref(), path));
    keep("client", set(&mut settings.client_addr, flags.client.as_deref(), address::several));
    keep("bind", set(&mut settings.bind_addr, flags.bind.as_deref(), address::one));
    keep("advertise", set(&mut settings.advertise_addr, flags.advertise.as_deref(), address::one));
    keep("http-port", set(&mut settings.http_port, flags.http_port, port));
    keep("https-port", set(&mut settings.https_port, flags.https_port, port));
    let time = |given: &Option<String>| given.as_deref().map(query_time).transpose();
    keep("default-query-time", time(&flags.default_query_time).map(|time| settings.http.default_query_time = time));
    keep("max-query-time", time(&flags.max_query_time).map(|time| settings.http.max_query_time = time));
    keep("grpc-port", set(&mut settings.grpc_port, flags.grpc_port, port));
    keep("grpc-tls-port", set(&mut settings.grpc_tls_port, flags.grpc_tls_port, port));
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
    settings.threads = flags.threads;
    settings.checks.scripts = flags.enable_script_checks;
    settings.checks.output_max_size = flags.check_output_max_size;
    settings.checks.scripts_of_files = flags.enable_local_script_checks;
    for (flag, why) in &flags.idle.0 {
        warnings.push(format!("flag -{flag} has no effect: {why}"));
    }
    if flags.server == Some(false) {
        warnings.push("flag -server=false has no effect: every agent is a server".to_owned());
    }
    if flags.bootstrap_expect.is_some_and(|servers| servers > 1) {
        warnings.push("flag -bootstrap-expect has no effect: every agent is its own cluster".to_owned());
    }
    settings
}
