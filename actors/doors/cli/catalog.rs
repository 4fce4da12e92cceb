//! `chancery catalog`: who is there.

use std::collections::BTreeMap;
use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::api::percent_encoded;
use super::columns::columns;
use super::error::CliError;
use super::flags::HttpFlags;

/// How much of a node's ID is shown without `-detailed`.
const SHORT_ID: usize = 8;

#[derive(Subcommand)]
pub(super) enum Catalog {
    /// List the services
    #[command(after_help = "Example:\n\n    $ chancery catalog services -tags")]
    Services(Services),
    /// List the nodes
    #[command(after_help = "Example:\n\n    $ chancery catalog nodes -service=web")]
    Nodes(Nodes),
}

#[derive(Args)]
pub(super) struct Services {
    /// Show the tags of each
    #[arg(long)]
    pub tags: bool,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(super) struct Nodes {
    /// Only nodes with an instance of this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Show whole IDs, tagged addresses and metadata
    #[arg(long)]
    detailed: bool,
    #[command(flatten)]
    http: HttpFlags,
}

impl Catalog {
    pub fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        let text = match self {
            Self::Services(services) => {
                service_lines(&services.http.connect()?.get("/v1/catalog/services", &[])?, services.tags)
            }
            Self::Nodes(nodes) => {
                let path = match &nodes.service {
                    Some(name) => format!("/v1/catalog/service/{}", percent_encoded(name)),
                    None => "/v1/catalog/nodes".to_owned(),
                };
                node_lines(&nodes.http.connect()?.get(&path, &[])?, nodes.detailed)
            }
        };
        out.write_all(text.as_bytes())?;
        Ok(())
    }
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
    let text = |node: &Value, field: &str| node[field].as_str().unwrap_or_default().to_owned();
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

    use super::{node_lines, service_lines};

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
    fn a_node_with_two_instances_is_listed_once() {
        let instances = json!([
            { "Node": "n1", "ID": "aaaaaaaaa", "Address": "10.0.0.1", "Datacenter": "dc1", "ServiceID": "web-1" },
            { "Node": "n1", "ID": "aaaaaaaaa", "Address": "10.0.0.1", "Datacenter": "dc1", "ServiceID": "web-2" },
        ]);
        assert_eq!(node_lines(&instances, false).lines().count(), 2);
        assert_eq!(node_lines(&json!([]), false), "No nodes match the given query\n");
    }
}
