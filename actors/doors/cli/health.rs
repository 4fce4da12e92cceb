//! `chancery health`: how services, nodes and checks are.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::api::percent_encoded;
use super::columns::columns;
use super::error::CliError;
use super::flags::HttpFlags;
use super::format::{Format, items, json, text};
use super::given::expression;
use super::paint;

#[derive(Subcommand)]
pub(super) enum Health {
    /// Show the instances of a service, each with its state
    #[command(after_help = "Examples:\n\n    $ chancery health service web\n    \
        $ chancery health service -passing -tag=v2 web")]
    Service(Service),
    /// Show the checks of a service
    #[command(after_help = "Example:\n\n    $ chancery health checks web")]
    Checks(Named),
    /// Show the checks of a node
    #[command(after_help = "Example:\n\n    $ chancery health node n1")]
    Node(Named),
    /// Show all checks in a state: passing, warning, critical, any
    #[command(after_help = "Example:\n\n    $ chancery health state critical")]
    State(Named),
}

#[derive(Args)]
pub(super) struct Service {
    /// The service's name
    #[arg(value_name = "SERVICE")]
    name: String,
    /// Only instances whose checks all pass
    #[arg(long)]
    passing: bool,
    /// Its proxies instead of the service itself
    #[arg(long)]
    connect: bool,
    /// Only instances with this tag; may be repeated
    #[arg(long)]
    tag: Vec<String>,
    #[command(flatten)]
    view: View,
}

#[derive(Args)]
pub(super) struct Named {
    /// The name, or the state
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    view: View,
}

#[derive(Args)]
struct View {
    /// Only what this expression is true for
    #[arg(long, value_name = "EXPRESSION", value_parser = expression)]
    filter: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    http: HttpFlags,
}

impl Health {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Service(service) => {
                let mut query = Vec::new();
                query.extend(service.passing.then_some(("passing", "")));
                query.extend(service.tag.iter().map(|tag| ("tag", tag.as_str())));
                let kind = if service.connect { "connect" } else { "service" };
                service.view.show(kind, &service.name, query, instance_lines, out)
            }
            Self::Checks(named) => named.view.show("checks", &named.name, Vec::new(), check_lines, out),
            Self::Node(named) => named.view.show("node", &named.name, Vec::new(), check_lines, out),
            Self::State(named) => named.view.show("state", &named.name, Vec::new(), check_lines, out),
        }
    }
}

impl View {
    fn show<'a>(
        &'a self,
        kind: &str,
        name: &str,
        mut query: Vec<(&'a str, &'a str)>,
        lines: fn(&Value) -> String,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        query.extend(self.filter.as_deref().map(|filter| ("filter", filter)));
        let answer = self.http.connect()?.get(&format!("/v1/health/{kind}/{}", percent_encoded(name)), &query)?;
        match self.format {
            Format::Json => json(out, &answer)?,
            Format::Pretty => out.write_all(lines(&answer).as_bytes())?,
        }
        Ok(())
    }
}

fn instance_lines(instances: &Value) -> String {
    let head = ["Node", "ID", "Address", "State", "Checks"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = items(instances)
        .map(|instance| {
            let (node, service) = (&instance["Node"], &instance["Service"]);
            let host = Some(text(service, "Address")).filter(|host| !host.is_empty());
            let host = host.unwrap_or_else(|| text(node, "Address"));
            let socket = text(service, "SocketPath");
            let at = if socket.is_empty() { format!("{host}:{}", text(service, "Port")) } else { socket };
            let states: Vec<String> = items(&instance["Checks"]).map(|check| text(check, "Status")).collect();
            let passing = states.iter().filter(|state| *state == "passing").count();
            vec![
                text(node, "Node"),
                text(service, "ID"),
                at,
                paint::state(worst(&states)),
                format!("{passing}/{} passing", states.len()),
            ]
        })
        .collect();
    table(head, rows, "There are no such instances.\n")
}

fn check_lines(checks: &Value) -> String {
    let head = ["Node", "CheckID", "Service", "State", "Output"].map(str::to_owned).to_vec();
    let rows = items(checks).map(|check| {
        let output = text(check, "Output");
        vec![
            text(check, "Node"),
            text(check, "CheckID"),
            text(check, "ServiceID"),
            paint::state(&text(check, "Status")),
            output.lines().next().unwrap_or_default().to_owned(),
        ]
    });
    table(head, rows.collect(), "There are no such checks.\n")
}

fn table(head: Vec<String>, rows: Vec<Vec<String>>, nothing: &str) -> String {
    if rows.is_empty() {
        return nothing.to_owned();
    }
    columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

/// Of an instance: what is worst among its checks.
fn worst(states: &[String]) -> &'static str {
    let has = |state: &str| states.iter().any(|other| other == state);
    if has("maintenance") {
        "maintenance"
    } else if has("critical") {
        "critical"
    } else if has("warning") {
        "warning"
    } else {
        "passing"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{check_lines, instance_lines};

    #[test]
    fn an_instance_is_as_well_as_its_worst_check() {
        let instances = json!([{
            "Node": { "Node": "n1", "Address": "10.0.0.1" },
            "Service": { "ID": "web-1", "Address": "", "Port": 80 },
            "Checks": [{ "Status": "passing" }, { "Status": "warning" }],
        }]);
        let told = instance_lines(&instances);
        assert!(told.ends_with("n1    web-1  10.0.0.1:80  warning  1/2 passing\n"), "{told}");
        assert_eq!(instance_lines(&json!([])), "There are no such instances.\n");
    }

    #[test]
    fn of_an_output_the_first_line_is_shown() {
        let checks = json!([{ "Node": "n1", "CheckID": "c", "ServiceID": "", "Status": "critical", "Output": "a\nb" }]);
        let told = check_lines(&checks);
        assert!(told.ends_with("critical  a\n"), "{told}");
    }
}
