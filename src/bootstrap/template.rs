//! A bootstrap that somebody wrote in place of ours (`envoy_bootstrap_json_tpl`), with places for what ours would say.
//!
//! Of Go's templates it reads what one needs to begin with Consul's own: `{{ .Field }}`, `{{ if .Field }}` with `{{ else }}`
//! and `{{ end }}`, comments, and the dashes that take away white space. Everything else is refused by name.

use std::collections::BTreeMap;

use serde_json::Value;

use super::config::BootstrapConfig;
use super::metrics_listeners::MetricsListeners;
use super::{DEFAULT_TENANT, Inputs, XDS_CLUSTER, XdsAddress, stats_sinks};

/// What a template may name, with the words that stand for it. Empty: false.
pub(super) type Words = BTreeMap<&'static str, String>;

/// One condition that is not over yet.
struct Branch {
    /// All those around it are taken.
    reached: bool,
    condition: bool,
    is_else: bool,
}

impl Branch {
    fn is_taken(&self) -> bool {
        self.reached && self.condition != self.is_else
    }
}

pub(super) fn words(
    inputs: &Inputs,
    config: &BootstrapConfig,
    metrics: &MetricsListeners,
    stats_config: &Value,
) -> Words {
    let (address, port, socket) = match &inputs.xds {
        XdsAddress::Tcp(socket) => (socket.ip().to_string(), socket.port().to_string(), String::new()),
        XdsAddress::Unix(path) => (String::new(), String::new(), path.clone()),
    };
    let joined = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>().join(",");
    let both = |ours: &[Value], own: &[Value]| joined(&[ours, own].concat());
    let whole = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    Words::from([
        ("AdminAccessLogPath", inputs.admin_access_log_path.clone()),
        ("AdminBindAddress", inputs.admin.ip().to_string()),
        ("AdminBindPort", inputs.admin.port().to_string()),
        ("AgentAddress", address),
        ("AgentCAPEM", inputs.xds_tls.as_ref().map(|tls| within_quotes(&tls.authorities)).unwrap_or_default()),
        ("AgentPort", port),
        ("AgentSocket", socket),
        ("AgentTLS", inputs.xds_tls.as_ref().map(|_| "true".to_owned()).unwrap_or_default()),
        ("Datacenter", inputs.datacenter.clone()),
        ("LocalAgentClusterName", XDS_CLUSTER.to_owned()),
        ("Namespace", DEFAULT_TENANT.to_owned()),
        ("NodeName", inputs.node_name.clone().unwrap_or_default()),
        ("Partition", DEFAULT_TENANT.to_owned()),
        ("PrometheusBackendPort", inputs.prometheus_backend_port.map(|port| port.to_string()).unwrap_or_default()),
        ("PrometheusScrapePath", inputs.prometheus_scrape_path.clone()),
        ("ProxyCluster", inputs.cluster.clone()),
        ("ProxyID", inputs.proxy_id.clone()),
        ("ProxySourceService", inputs.cluster.clone()),
        ("StaticClustersJSON", both(&metrics.clusters, &config.extra_static_clusters)),
        ("StaticListenersJSON", both(&metrics.listeners, &config.extra_static_listeners)),
        ("StaticSecretsJSON", joined(&metrics.secrets)),
        ("StatsConfigJSON", stats_config.to_string()),
        ("StatsFlushInterval", config.stats_flush_interval.clone().unwrap_or_default()),
        ("StatsSinksJSON", joined(&stats_sinks::build(config))),
        ("Token", inputs.token.clone()),
        ("TracingConfigJSON", whole(&config.tracing)),
    ])
}

/// As it stands between the quotes of a string of JSON, where Consul's own template has it.
fn within_quotes(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The bootstrap that comes of it, or what is wrong with the template.
pub(super) fn bootstrap(template: &str, words: &Words) -> Result<Value, String> {
    match serde_json::from_str(&render(template, words)?) {
        Ok(made @ Value::Object(_)) => Ok(made),
        Ok(_) => Err("must come to one JSON object".to_owned()),
        Err(error) => Err(format!("comes to what is not JSON: {error} of it")),
    }
}

fn render(template: &str, words: &Words) -> Result<String, String> {
    let (mut made, mut open) = (String::new(), Vec::<Branch>::new());
    let mut rest = template;
    loop {
        let is_taken = open.last().is_none_or(Branch::is_taken);
        let Some((text, after)) = rest.split_once("{{") else {
            made.push_str(if is_taken { rest } else { "" });
            break;
        };
        let (action, after) = after.split_once("}}").ok_or("has a {{ without its }}")?;
        let (text, action) = match action.strip_prefix("- ") {
            Some(action) => (text.trim_end(), action),
            None => (text, action),
        };
        let (action, after) = match action.strip_suffix(" -") {
            Some(action) => (action, after.trim_start()),
            None => (action, after),
        };
        rest = after;
        if is_taken {
            made.push_str(text);
        }
        carry_out(action.trim(), words, &mut open, is_taken, &mut made)?;
    }
    if open.is_empty() { Ok(made) } else { Err("has an {{ if }} without its {{ end }}".to_owned()) }
}

fn carry_out(
    action: &str,
    words: &Words,
    open: &mut Vec<Branch>,
    is_taken: bool,
    made: &mut String,
) -> Result<(), String> {
    let astray = || format!("has an {{{{ {action} }}}} without an {{{{ if }}}}");
    match action.split_once(char::is_whitespace) {
        _ if action.starts_with("/*") && action.ends_with("*/") => {}
        Some(("if", condition)) => {
            let condition = !word(condition.trim(), action, words)?.is_empty();
            open.push(Branch { reached: is_taken, condition, is_else: false });
        }
        None if action == "else" => {
            let branch = open.last_mut().filter(|branch| !branch.is_else).ok_or_else(astray)?;
            branch.is_else = true;
        }
        None if action == "end" => {
            open.pop().ok_or_else(astray)?;
        }
        _ => {
            let word = word(action, action, words)?;
            made.push_str(if is_taken { word } else { "" });
        }
    }
    Ok(())
}

/// The word of a field such as `.ProxyID`, also as Consul's own template says it, `.GRPC.AgentPort`.
fn word<'a>(field: &str, action: &str, words: &'a Words) -> Result<&'a str, String> {
    let plain = |name: &str| !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric());
    let name = field.strip_prefix('.').map(|name| name.strip_prefix("GRPC.").unwrap_or(name));
    let Some(name) = name.filter(|name| plain(name)) else {
        return Err(format!(
            "has {{{{ {action} }}}}, which is not supported: only {{{{ .Field }}}}, {{{{ if .Field }}}}, {{{{ else }}}} and {{{{ end }}}} are"
        ));
    };
    words.get(name).map(String::as_str).ok_or_else(|| {
        let known: Vec<&str> = words.keys().copied().collect();
        format!("names {field:?}, which there is not; there are {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(template: &str) -> Result<String, String> {
        let words = [("ProxyID", "web-1"), ("AgentPort", "8502"), ("AgentSocket", ""), ("Token", "")];
        render(template, &words.into_iter().map(|(name, word)| (name, word.to_owned())).collect())
    }

    fn good(template: &str) -> String {
        made(template).expect("nothing is wrong with it")
    }

    #[test]
    fn fields_are_put_in_their_places() {
        assert_eq!(
            good(r#"{"id": "{{ .ProxyID }}", "port": {{.GRPC.AgentPort}}}"#),
            r#"{"id": "web-1", "port": 8502}"#
        );
        assert_eq!(good("a {{- /* nothing */ -}} b"), "ab");
        assert_eq!(good("none"), "none");
    }

    #[test]
    fn what_is_empty_is_false() {
        let template = "{{ if .AgentSocket }}{{ if .ProxyID }}a{{ end }}b{{ else }}{{ if .Token }}c{{ else -}}  d{{ end }}{{ end }}";
        assert_eq!(good(template), "d");
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (template, told) in [
            ("{{ range .Tags }}{{ end }}", "has {{ range .Tags }}, which is not supported"),
            ("{{ .Token | printf }}", "has {{ .Token | printf }}, which is not supported"),
            (r#"{{ if (ne .AgentSocket "") }}"#, r#"has {{ if (ne .AgentSocket "") }}, which is not supported"#),
            ("{{ .ProxyId }}", "names \".ProxyId\", which there is not; there are AgentPort, "),
            ("{{ .ProxyID", "has a {{ without"),
            ("{{ if .ProxyID }}", "has an {{ if }} without"),
            ("{{ end }}", "has an {{ end }} without"),
            ("{{ if .Token }}{{ else }}{{ else }}{{ end }}", "has an {{ else }} without"),
        ] {
            let error = made(template).expect_err(template);
            assert!(error.starts_with(told), "{error}");
        }
    }
}
