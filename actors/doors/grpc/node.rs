//! Who is calling: the proxy that an xDS node stands for.

use chancery::model::{NodeName, ProxyId, ServiceId};
use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::config::core::v3::node::UserAgentVersionType;
use envoy_types::pb::google::protobuf::value::Kind;
use tonic::Status;

/// `node.id` is the proxy's service id; `node.metadata.node_name` its node, else the agent's own.
pub fn proxy_of(node: Option<&Node>, own: &NodeName) -> Result<ProxyId, Status> {
    let node = node.filter(|node| !node.id.is_empty()).ok_or_else(|| {
        Status::invalid_argument("the first message of a stream must carry a node with an id: the proxy's service id")
    })?;
    let node_name = node.metadata.as_ref().and_then(|metadata| metadata.fields.get("node_name"));
    let node_name = match node_name.and_then(|value| value.kind.as_ref()) {
        Some(Kind::StringValue(name)) if !name.is_empty() => NodeName::from(name.as_str()),
        _ => own.clone(),
    };
    Ok(ProxyId { node: node_name, service: ServiceId::from(node.id.as_str()) })
}

/// Name and version, as the client gives them.
pub fn client_of(node: Option<&Node>) -> String {
    let Some(node) = node else { return String::new() };
    match &node.user_agent_version_type {
        Some(UserAgentVersionType::UserAgentVersion(version)) => format!("{} {version}", node.user_agent_name),
        Some(UserAgentVersionType::UserAgentBuildVersion(build)) => match &build.version {
            Some(v) => format!("{} {}.{}.{}", node.user_agent_name, v.major_number, v.minor_number, v.patch),
            None => node.user_agent_name.clone(),
        },
        None => node.user_agent_name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use envoy_types::pb::google::protobuf::{Struct, Value};

    fn node(metadata: &[(&str, &str)]) -> Node {
        let fields = metadata
            .iter()
            .map(|(key, text)| {
                ((*key).to_owned(), Value { kind: Some(Kind::StringValue((*text).to_owned())) })
            })
            .collect();
        Node { id: "web-sidecar-proxy".to_owned(), metadata: Some(Struct { fields }), ..Default::default() }
    }

    #[test]
    fn a_proxy_is_on_the_agents_node_unless_it_says_otherwise() {
        let own = NodeName::from("n1");
        assert_eq!(proxy_of(Some(&node(&[])), &own).unwrap().to_string(), "n1/web-sidecar-proxy");
        assert_eq!(proxy_of(Some(&node(&[("node_name", "n2")])), &own).unwrap().to_string(), "n2/web-sidecar-proxy");
    }

    #[test]
    fn a_stream_without_a_node_id_is_refused() {
        let error = proxy_of(Some(&Node::default()), &NodeName::from("n1")).unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument);
    }
}
