//! `chancery members`: who is in the cluster.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use regex::Regex;
use serde_json::Value;

use super::columns::columns;
use super::error::CliError;
use super::flags::HttpFlags;
use super::format::{Format, items, json, text};
use super::given::expression;
use super::paint;

const STATUSES: [&str; 5] = ["none", "alive", "leaving", "left", "failed"];
/// As in Consul: nobody matches.
const NOBODY: u8 = 2;

#[derive(Args)]
#[command(after_help = "Exit code: 2 if no member matches.\n\nExamples:\n\n    $ chancery members\n    \
    $ chancery members -status=alive -detailed")]
pub(super) struct Members {
    /// Show the tags of each
    #[arg(long)]
    detailed: bool,
    /// Only members whose state this regular expression matches: alive, leaving, left or failed
    #[arg(long, value_name = "EXPRESSION", value_parser = Regex::new)]
    status: Option<Regex>,
    /// Only members for which this expression is true
    #[arg(long, value_name = "EXPRESSION", value_parser = expression)]
    filter: Option<String>,
    /// Only members of this segment: there is one, without a name
    #[arg(long, value_name = "NAME", hide = true)]
    segment: Option<String>,
    /// The servers of all datacenters: here there is one
    #[arg(long)]
    wan: bool,
    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    http: HttpFlags,
}

impl Members {
    pub fn run(&self, out: &mut dyn Write) -> Result<ExitCode, CliError> {
        let mut query = Vec::new();
        for (name, value) in [("filter", &self.filter), ("segment", &self.segment)] {
            query.extend(value.as_deref().map(|value| (name, value)));
        }
        if self.wan {
            query.push(("wan", "1"));
        }
        let members = self.http.connect()?.get("/v1/agent/members", &query)?;
        let members: Vec<Value> = items(&members)
            .filter(|member| self.status.as_ref().is_none_or(|wanted| wanted.is_match(status(member))))
            .cloned()
            .collect();
        if members.is_empty() {
            return Ok(ExitCode::from(NOBODY));
        }
        match self.format {
            Format::Pretty if self.detailed => out.write_all(detailed_lines(&members).as_bytes())?,
            Format::Pretty => out.write_all(lines(&members).as_bytes())?,
            Format::Json => json(out, &Value::Array(members))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn status(member: &Value) -> &'static str {
    let number = member["Status"].as_u64().and_then(|number| usize::try_from(number).ok());
    number.and_then(|number| STATUSES.get(number).copied()).unwrap_or("none")
}

fn address(member: &Value) -> String {
    match text(member, "Addr") {
        v6 if v6.contains(':') => format!("[{v6}]:{}", text(member, "Port")),
        host => format!("{host}:{}", text(member, "Port")),
    }
}

fn lines(members: &[Value]) -> String {
    let head = ["Node", "Address", "Status", "Type", "Build", "Protocol", "DC", "Partition", "Segment"];
    let rows = members.iter().map(|member| {
        let tags = &member["Tags"];
        let (kind, segment) = match tags["role"].as_str() {
            Some("consul") => ("server", "<all>".to_owned()),
            Some("node") => ("client", text(tags, "segment")),
            _ => ("unknown", String::new()),
        };
        let build = text(tags, "build");
        let partition = text(tags, "ap");
        vec![
            text(member, "Name"),
            address(member),
            paint::state(status(member)),
            kind.to_owned(),
            build.split(':').next().unwrap_or_default().to_owned(),
            text(member, "ProtocolCur"),
            text(tags, "dc"),
            if partition.is_empty() { "default".to_owned() } else { partition },
            if segment.is_empty() { "<default>".to_owned() } else { segment },
        ]
    });
    columns(&std::iter::once(head.map(str::to_owned).to_vec()).chain(rows).collect::<Vec<_>>())
}

fn detailed_lines(members: &[Value]) -> String {
    let head = ["Node", "Address", "Status", "Tags"].map(str::to_owned).to_vec();
    let rows = members.iter().map(|member| {
        let tags: BTreeMap<&String, &Value> = member["Tags"].as_object().into_iter().flatten().collect();
        let tags: Vec<String> =
            tags.into_iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        vec![text(member, "Name"), address(member), paint::state(status(member)), tags.join(",")]
    });
    columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{detailed_lines, lines};

    #[test]
    fn members_stand_under_a_head() {
        let members = [json!({
            "Name": "n1", "Addr": "10.0.0.1", "Port": 8301, "Status": 1, "ProtocolCur": 2,
            "Tags": { "role": "consul", "dc": "dc1", "build": "1.21.4:abc", "id": "x" },
        })];
        let told = lines(&members);
        let words: Vec<&str> = told.lines().nth(1).expect("one member").split_whitespace().collect();
        assert_eq!(words, ["n1", "10.0.0.1:8301", "alive", "server", "1.21.4", "2", "dc1", "default", "<all>"]);
        assert!(detailed_lines(&members).contains("build=1.21.4:abc,dc=dc1,id=x,role=consul"));
    }
}
