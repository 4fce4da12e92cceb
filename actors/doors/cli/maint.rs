//! `chancery maint`: takes a node or one of its services out of use for a while.

use std::io::Write;

use clap::Args;
use serde_json::Value;

use super::api::{AgentApi, percent_encoded};
use super::error::CliError;
use super::flags::HttpFlags;
use super::format::text;

const NODE_CHECK: &str = "_node_maintenance";
const SERVICE_CHECK: &str = "_service_maintenance:";

#[derive(Args)]
#[command(after_help = "Without -enable or -disable it lists what is in maintenance.\n\nExamples:\n\n    \
    $ chancery maint -enable -reason=\"new kernel\"\n    $ chancery maint -enable -service=web-1\n    \
    $ chancery maint -disable -service=web-1")]
pub(super) struct Maint {
    /// Begin maintenance
    #[arg(long)]
    enable: bool,
    /// End maintenance
    #[arg(long)]
    disable: bool,
    /// Why, for those who wonder
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The ID of the instance; the whole node if not given
    #[arg(long, value_name = "SERVICE-ID")]
    service: Option<String>,
    #[command(flatten)]
    http: HttpFlags,
}

impl Maint {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        if self.enable && self.disable {
            return Err(CliError::usage("-enable and -disable exclude each other"));
        }
        if !self.enable && (self.reason.is_some() || (self.service.is_some() && !self.disable)) {
            return Err(CliError::usage("-reason and -service go with -enable, -service with -disable as well"));
        }
        let api = self.http.connect()?;
        if !self.enable && !self.disable {
            out.write_all(listed(&api)?.as_bytes())?;
            return Ok(());
        }
        let mut query = vec![("enable", if self.enable { "true" } else { "false" })];
        query.extend(self.reason.as_deref().map(|reason| ("reason", reason)));
        let now = if self.enable { "enabled" } else { "disabled" };
        match &self.service {
            Some(id) => {
                api.put(&format!("/v1/agent/service/maintenance/{}", percent_encoded(id)), &query, None)?;
                writeln!(out, "Service maintenance is now {now} for {id:?}")?;
            }
            None => {
                api.put("/v1/agent/maintenance", &query, None)?;
                writeln!(out, "Node maintenance is now {now}")?;
            }
        }
        Ok(())
    }
}

fn listed(api: &AgentApi) -> Result<String, CliError> {
    let node = text(&api.get("/v1/agent/self", &[])?["Config"], "NodeName");
    Ok(lines(&node, &api.get("/v1/agent/checks", &[])?))
}

fn lines(node: &str, checks: &Value) -> String {
    let mut told = String::new();
    for (id, check) in checks.as_object().into_iter().flatten() {
        let (what, label, name) = match id.strip_prefix(SERVICE_CHECK) {
            Some(service) => ("Service", "ID", service),
            None if id == NODE_CHECK => ("Node", "Name", node),
            None => continue,
        };
        let label = format!("{label}:");
        told.push_str(&format!("{what}:\n  {label:<7} {name}\n  Reason: {}\n\n", text(check, "Notes")));
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lines;

    #[test]
    fn what_is_in_maintenance_is_listed_with_its_reason() {
        let checks = json!({
            "_node_maintenance": { "Notes": "new kernel" },
            "service:web": { "Notes": "" },
            "_service_maintenance:web-1": { "Notes": "leaks" },
        });
        let told = "Node:\n  Name:   n1\n  Reason: new kernel\n\nService:\n  ID:     web-1\n  Reason: leaks\n\n";
        assert_eq!(lines("n1", &checks), told);
    }
}
