//! The node that an Envoy sends on the first message of its stream: a few words about itself and some 60 kB about its
//! extensions.

use bytes::{BufMut, Bytes, BytesMut};
use envoy_types::pb::envoy::config::core::v3::node::UserAgentVersionType;
use envoy_types::pb::envoy::config::core::v3::{BuildVersion, Extension, Node};
use envoy_types::pb::envoy::r#type::v3::SemanticVersion;
use prost::Message as _;

/// As many as Envoy 1.40 lists.
const EXTENSIONS: usize = 516;
const CATEGORIES: [&str; 4] =
    ["envoy.filters.http", "envoy.filters.network", "envoy.transport_sockets.upstream", "envoy.access_loggers"];

/// All of a node but who it is: the same for every Envoy of a version.
pub struct NodeTemplate {
    rest: Bytes,
}

impl NodeTemplate {
    /// With about `bytes` bytes of extensions; 0 for none.
    pub fn new(bytes: usize) -> Self {
        let each = bytes / EXTENSIONS;
        let extensions = (0..EXTENSIONS).filter(|_| each > 0).map(|at| extension(at, each)).collect();
        let version = SemanticVersion { major_number: 1, minor_number: 40, patch: 0 };
        let node = Node {
            user_agent_name: "envoy".to_owned(),
            user_agent_version_type: Some(UserAgentVersionType::UserAgentBuildVersion(BuildVersion {
                version: Some(version),
                metadata: None,
            })),
            extensions,
            client_features: vec![
                "envoy.lb.does_not_support_overprovisioning".to_owned(),
                "envoy.lrs.supports_send_all_clusters".to_owned(),
            ],
            ..Node::default()
        };
        Self { rest: node.encode_to_vec().into() }
    }

    /// The encoded node of one Envoy. Protobuf lets a message be put together from parts.
    pub fn node(&self, id: &str, cluster: &str) -> Bytes {
        let own = Node { id: id.to_owned(), cluster: cluster.to_owned(), ..Node::default() };
        let mut bytes = BytesMut::with_capacity(own.encoded_len() + self.rest.len());
        bytes.put_slice(&own.encode_to_vec());
        bytes.put_slice(&self.rest);
        bytes.freeze()
    }
}

fn extension(at: usize, bytes: usize) -> Extension {
    let category = CATEGORIES[at % CATEGORIES.len()].to_owned();
    let name = format!("{category}.extension_{at:03}");
    let mut extension = Extension { name, category, ..Extension::default() };
    // what is still missing, less the tags and lengths of the message and of the field
    let missing = bytes.saturating_sub(extension.encoded_len() + 5);
    extension.type_urls = vec![format!("{:x<missing$}", "envoy.")];
    extension
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_as_large_as_asked_and_says_who_it_is() {
        let encoded = NodeTemplate::new(61_000).node("web-sidecar-proxy", "web");
        assert!((60_000..62_000).contains(&encoded.len()), "{} bytes", encoded.len());
        let node = Node::decode(encoded).expect("it is a node");
        assert_eq!((node.id.as_str(), node.cluster.as_str()), ("web-sidecar-proxy", "web"));
        assert_eq!((node.user_agent_name.as_str(), node.extensions.len()), ("envoy", EXTENSIONS));
    }

    #[test]
    fn a_small_node_has_no_extensions() {
        assert!(NodeTemplate::new(0).node("a", "b").len() < 200);
    }
}
