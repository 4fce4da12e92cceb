//! `chancery services`: register and deregister instances on the agent's node.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::api::{AgentApi, percent_encoded};
use super::definition::{self, text_field};
use super::error::CliError;
use super::exact::exact;
use super::flags::HttpFlags;

#[derive(Subcommand)]
pub(super) enum Services {
    /// Register services from files, or one from flags
    #[command(after_help = "Examples:\n\n    $ chancery services register web.hcl\n    \
        $ chancery services register -name=web -port=8080 -tag=v1")]
    Register(Register),
    /// Deregister services named in files, or one by its ID
    #[command(after_help = "Example:\n\n    $ chancery services deregister -id=web")]
    Deregister(Deregister),
}

#[derive(Args, Default)]
pub(super) struct Register {
    /// HCL or JSON with `service` or `services`; `-` is standard input
    #[arg(value_name = "FILE", conflicts_with_all = ["id", "name", "address", "port", "socket", "meta", "tag"])]
    files: Vec<String>,
    /// The instance's ID; its name if not given
    #[arg(long)]
    id: Option<String>,
    /// The service's name
    #[arg(long, required_unless_present = "files")]
    name: Option<String>,
    /// Where the instance listens; the node's address if not given
    #[arg(long)]
    address: Option<String>,
    /// The port it listens on
    #[arg(long)]
    port: Option<u16>,
    /// The unix socket it listens on
    #[arg(long, value_name = "PATH", conflicts_with_all = ["address", "port"])]
    socket: Option<String>,
    /// Metadata; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    meta: Vec<(String, String)>,
    /// A tag; may be repeated
    #[arg(long)]
    tag: Vec<String>,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(super) struct Deregister {
    /// HCL or JSON with `service` or `services`; `-` is standard input
    #[arg(value_name = "FILE", conflicts_with = "id", required_unless_present = "id")]
    files: Vec<String>,
    /// The instance's ID
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    http: HttpFlags,
}

impl Services {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Register(register) => register.run(out),
            Self::Deregister(deregister) => deregister.run(out),
        }
    }
}

impl Register {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        // all files are read before anything is registered: a wrong one changes nothing
        let services = if self.files.is_empty() { vec![self.service()] } else { in_files(&self.files)? };
        let api = self.http.connect()?;
        for service in &services {
            api.put("/v1/agent/service/register", &[], Some(service))?;
            writeln!(out, "Registered service: {}", text_field(service, "Name").unwrap_or_default())?;
        }
        Ok(())
    }

    fn service(&self) -> Value {
        let mut service = Map::new();
        let texts = [("ID", &self.id), ("Name", &self.name), ("Address", &self.address), ("SocketPath", &self.socket)];
        for (field, value) in texts {
            if let Some(value) = value {
                service.insert(field.to_owned(), json!(value));
            }
        }
        if let Some(port) = self.port {
            service.insert("Port".to_owned(), json!(port));
        }
        if !self.tag.is_empty() {
            service.insert("Tags".to_owned(), json!(self.tag));
        }
        if !self.meta.is_empty() {
            let meta: Map<String, Value> = self.meta.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
            service.insert("Meta".to_owned(), Value::Object(meta));
        }
        Value::Object(service)
    }
}

impl Deregister {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let ids = match &self.id {
            Some(id) => vec![id.clone()],
            None => in_files(&self.files)?.iter().filter_map(instance_id).collect(),
        };
        let api = self.http.connect()?;
        for id in ids {
            deregister(&api, &id)?;
            writeln!(out, "Deregistered service: {id}")?;
        }
        Ok(())
    }
}

fn deregister(api: &AgentApi, id: &str) -> Result<(), CliError> {
    api.put(&format!("/v1/agent/service/deregister/{}", percent_encoded(id)), &[], None).map(|_| ())
}

/// An instance without an ID has its name for one.
fn instance_id(service: &Value) -> Option<String> {
    text_field(service, "ID").or_else(|| text_field(service, "Name")).map(str::to_owned)
}

fn in_files(files: &[String]) -> Result<Vec<Value>, CliError> {
    let mut services = Vec::new();
    for file in files {
        let found = definition::services(definition::read(file)?).map_err(|reason| CliError::file(file, &reason))?;
        services.extend(found.into_iter().map(exact));
    }
    Ok(services)
}

pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be key=value")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Register, instance_id};

    #[test]
    fn only_what_is_given_is_sent() {
        let bare = Register { name: Some("web".to_owned()), ..Register::default() };
        assert_eq!(bare.service(), json!({ "Name": "web" }));
        let full = Register {
            id: Some("web-1".to_owned()),
            name: Some("web".to_owned()),
            address: Some("10.0.0.1".to_owned()),
            port: Some(8080),
            tag: vec!["v1".to_owned()],
            meta: vec![("team".to_owned(), "a".to_owned())],
            ..Register::default()
        };
        let wanted = json!({
            "ID": "web-1", "Name": "web", "Address": "10.0.0.1", "Port": 8080, "Tags": ["v1"], "Meta": { "team": "a" },
        });
        assert_eq!(full.service(), wanted);
    }

    #[test]
    fn an_instance_without_an_id_has_its_name_for_one() {
        assert_eq!(instance_id(&json!({ "name": "web", "id": "web-1" })).as_deref(), Some("web-1"));
        assert_eq!(instance_id(&json!({ "Name": "web" })).as_deref(), Some("web"));
    }
}
