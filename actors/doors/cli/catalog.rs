//! `chancery catalog`: who is there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::api::percent_encoded;
use super::columns::columns;
use super::error::CliError;
use super::flags::HttpFlags;
use super::format::{Format, items, json, text};
use super::given::expression;

/// How much of a node's ID is shown without `-detailed`.
const SHORT_ID: usize = 8;

#[derive(Subcommand)]
pub(super) enum Catalog {
    /// List the datacenters
    #[command(after_help = "Example:\n\n    $ chancery catalog datacenters")]
    Datacenters(Datacenters),
    /// List the services
    #[command(after_help = "Example:\n\n    $ chancery catalog services -tags")]
    Services(Services),
    /// List the nodes
    #[command(after_help = "Example:\n\n    $ chancery catalog nodes -service=web")]
    Nodes(Nodes),
}

#[derive(Args)]
pub(super) struct Datacenters {
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(super) struct Services {
    /// Show the tags of each
    #[arg(long)]
    pub tags: bool,
    /// Only services with an instance on this node
    #[arg(long, value_name = "NODE", conflicts_with_all = ["node_meta", "filter"])]
    node: Option<String>,
    #[command(flatten)]
    only: Only,
    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    http: HttpFlags,
}

/// Which of the many.
#[derive(Args)]
struct Only {
    /// Only nodes with this metadata; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    node_meta: Vec<String>,
    /// Only what this expression is true for
    #[arg(long, value_name = "EXPRESSION", value_parser = expression)]
    filter: Option<String>,
}

impl Only {
    fn query(&self) -> Vec<(&str, &str)> {
        let meta = self.node_meta.iter().map(|pair| ("node-meta", pair.as_str()));
        meta.chain(self.filter.as_deref().map(|filter| ("filter", filter))).collect()
    }
}

/// `key:value`, as the API has it.
fn key_value(text: &str) -> Result<String, String> {
    text.split_once('=').map(|(key, value)| format!("{key}:{value}")).ok_or_else(|| "must be key=value".to_owned())
}

#[derive(Args)]
pub(super) struct Nodes {
    /// Only nodes with an instance of this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Show whole IDs, tagged addresses and metadata
    #[arg(long)]
    detailed: bool,
    /// Those near this node first
    #[arg(long, value_name = "NODE")]
    near: Option<String>,
    #[command(flatten)]
    only: Only,
    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    http: HttpFlags,
}

impl Catalog {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Datacenters(datacenters) => {
                let names = datacenters.http.connect()?.get("/v1/catalog/datacenters", &[])?;
                for name in items(&names).filter_map(Value::as_str) {
                    writeln!(out, "{name}")?;
                }
                Ok(())
            }
            Self::Services(services) => services.run(out),
            Self::Nodes(nodes) => nodes.run(out),
        }
    }
}

impl Services {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let api = self.http.connect()?;
        let services = match &self.node {
            Some(node) => {
                let path = format!("/v1/catalog/node/{}", percent_encoded(node));
                by_name(&api.get(&path, &[])?["Services"])
            }
            None => api.get("/v1/catalog/services", &self.only.query())?,
        };
        match self.format {
            Format::Json => json(out, &services)?,
            Format::Pretty => out.write_all(service_lines(&services, self.tags).as_bytes())?,
        }
        Ok(())
    }
}

impl Nodes {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let path = match &self.service {
            Some(name) => format!("/v1/catalog/service/{}", percent_encoded(name)),
            None => "/v1/catalog/nodes".to_owned(),
        };
        let mut query = self.only.query();
        query.extend(self.near.as_deref().map(|near| ("near", near)));
        let nodes = self.http.connect()?.get(&path, &query)?;
        match self.format {
            Format::Json => json(out, &nodes)?,
            Format::Pretty => out.write_all(node_lines(&nodes, self.detailed).as_bytes())?,
        }
        Ok(())
    }
}

/// From the instances of a node to names with their tags, as the list of all services has them.
fn by_name(instances: &Value) -> Value {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for instance in instances.as_object().into_iter().flatten().map(|(_, instance)| instance) {
        let tags = items(&instance["Tags"]).filter_map(Value::as_str).map(str::to_owned);
        named.entry(text(instance, "Service")).or_default().extend(tags);
    }
    serde_json::json!(named)
}

fn service_lines(services: &Value, tags: bool) -> String {
    let by_name: BTreeMap<&String, &Value> = services.as_object().into_iter().flatten().collect();
    let rows: Vec<Vec<String>> = by_name
        .into_iter()
        .map(|(name, listed)| {
            let mut listed: Vec<&str> = listed.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            listed.sort_unstable();
            if tags { vec![name.clone(), listed.join(",")] } else { vec![name.clone()] }
        })
        .collect();
    columns(&rows)
}

/// From nodes, or from instances, which name their node with the same fields.
fn node_lines(nodes: &Value, detailed: bool) -> String {
    let by_name: BTreeMap<String, Vec<String>> = nodes
        .as_array()
        .into_iter()
        .flatten()
        .map(|node| {
            let id = text(node, "ID");
            let mut row = vec![text(node, "Node"), id, text(node, "Address"), text(node, "Datacenter")];
            if detailed {
                let meta = if node["NodeMeta"].is_object() { &node["NodeMeta"] } else { &node["Meta"] };
                row.extend([pairs(&node["TaggedAddresses"]), pairs(meta)]);
            } else {
                row[1] = row[1].chars().take(SHORT_ID).collect();
            }
            (text(node, "Node"), row)
        })
        .collect();
    if by_name.is_empty() {
        return "No nodes match the given query\n".to_owned();
    }
    let head: &[&str] = if detailed {
        &["Node", "ID", "Address", "DC", "TaggedAddresses", "Meta"]
    } else {
        &["Node", "ID", "Address", "DC"]
    };
    let head: Vec<String> = head.iter().map(|&word| word.to_owned()).collect();
    columns(&std::iter::once(head).chain(by_name.into_values()).collect::<Vec<_>>())
}

/// `lan=10.4.5.31, wan=10.4.5.31`.
fn pairs(object: &Value) -> String {
    let sorted: BTreeMap<&String, &Value> = object.as_object().into_iter().flatten().collect();
    let texts = sorted.into_iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    texts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{by_name, node_lines, service_lines};

    #[test]
    fn services_are_sorted_and_show_tags_when_asked() {
        let services = json!({ "redis": ["v1", "primary"], "consul": [] });
        assert_eq!(service_lines(&services, false), "consul\nredis\n");
        assert_eq!(service_lines(&services, true), "consul\nredis   primary,v1\n");
    }

    #[test]
    fn nodes_stand_under_a_head() {
        let nodes = json!([{
            "Node": "worker-01", "ID": "1b662d97-8b5c-3cc2-0ac0-96f55ad423b5", "Address": "10.4.5.31", "Datacenter": "dc1",
            "TaggedAddresses": { "wan": "10.4.5.31", "lan": "10.4.5.31" }, "Meta": { "rack": "7" },
        }]);
        assert_eq!(
            node_lines(&nodes, false),
            "Node       ID        Address    DC\nworker-01  1b662d97  10.4.5.31  dc1\n"
        );
        let detailed = node_lines(&nodes, true);
        assert!(detailed.ends_with("10.4.5.31  dc1  lan=10.4.5.31, wan=10.4.5.31  rack=7\n"), "{detailed}");
    }

    #[test]
    fn the_services_of_a_node_are_named_once_with_all_their_tags() {
        let instances = json!({
            "web-1": { "Service": "web", "Tags": ["v1"] },
            "web-2": { "Service": "web", "Tags": ["v2", "v1"] },
            "db": { "Service": "db", "Tags": [] },
        });
        assert_eq!(by_name(&instances), json!({ "db": [], "web": ["v1", "v2"] }));
    }

    #[test]
    fn a_node_with_two_instances_is_listed_once() {
        let instances = json!([
            { "Node": "n1", "ID": "aaaaaaaaa", "Address": "10.0.0.1", "Datacenter": "dc1", "ServiceID": "web-1" },
            { "Node": "n1", "ID": "aaaaaaaaa", "Address": "10.0.0.1", "Datacenter": "dc1", "ServiceID": "web-2" },
        ]);
        assert_eq!(node_lines(&instances, false).lines().count(), 2);
        assert_eq!(node_lines(&json!([]), false), "No nodes match the given query\n");
    }
}
