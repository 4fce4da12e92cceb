//! Who is calling. Envoy's node is 61 kB, nearly all of it a list of its extensions, and some clients repeat it in each
//! message: it is left in the buffer it came in, and only what names the proxy is read from it.

use std::sync::Arc;

use bytes::Bytes;
use chancery::model::{
    CertificateProviders, EnvoyVersion, GrpcNode, Locality, NodeName, ProxyId, ServiceId, SidecarNode,
};
use prost::Message;
use tonic::Status;

use crate::views::Client;

/// In the metadata of a node: `true` asks that the program be served as gRPC without a proxy, whatever its id.
const ASKS: &str = "chancery-grpc";
/// In the metadata of a gRPC program: which of the `certificate_providers` in its bootstrap has its certificate, and
/// which the roots it trusts. Both: mutual TLS; neither: plain text.
const IDENTITY_PROVIDER: &str = "chancery-certificate-provider";
const ROOTS_PROVIDER: &str = "chancery-ca-certificate-provider";
/// The user agent of Envoy.
const ENVOY: &str = "envoy";
/// The user agent of `@grpc/grpc-js-xds`.
const NODE_LIBRARY: &str = "gRPC Node Pure JS";

/// What is read of an `envoy.config.core.v3.Node`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeHead {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(message, optional, tag = "3")]
    metadata: Option<Metadata>,
    #[prost(message, optional, tag = "4")]
    locality: Option<Place>,
    #[prost(string, tag = "6")]
    user_agent_name: String,
    #[prost(string, tag = "7")]
    user_agent_version: String,
    #[prost(message, optional, tag = "8")]
    user_agent_build_version: Option<BuildVersion>,
    #[prost(string, repeated, tag = "10")]
    client_features: Vec<String>,
}

/// `envoy.config.core.v3.Locality`
#[derive(Clone, PartialEq, Message)]
struct Place {
    #[prost(string, tag = "1")]
    region: String,
    #[prost(string, tag = "2")]
    zone: String,
}

/// `google.protobuf.Struct`, its values unread.
#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(message, repeated, tag = "1")]
    fields: Vec<Field>,
}

#[derive(Clone, PartialEq, Message)]
struct Field {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

/// `google.protobuf.Value`, if it is a string or a boolean.
#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(string, tag = "3")]
    text: String,
    #[prost(bool, tag = "4")]
    truth: bool,
}

/// `envoy.config.core.v3.BuildVersion`
#[derive(Clone, PartialEq, Message)]
struct BuildVersion {
    #[prost(message, optional, tag = "1")]
    version: Option<SemanticVersion>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct SemanticVersion {
    #[prost(uint32, tag = "1")]
    major: u32,
    #[prost(uint32, tag = "2")]
    minor: u32,
    #[prost(uint32, tag = "3")]
    patch: u32,
}

impl NodeHead {
    /// Reads it from the bytes of a node, which may have been absent (no bytes).
    pub fn read(node: Bytes) -> Result<Self, Status> {
        Self::decode(node).map_err(|error| Status::invalid_argument(format!("the node cannot be read: {error}")))
    }

    /// `node.id` is the proxy's service id; `node.metadata.node_name` its node, else the agent's own.
    pub fn proxy(&self, own: &NodeName) -> Result<ProxyId, Status> {
        if self.id.is_empty() {
            return Err(Status::invalid_argument(
                "the first message of a stream must carry a node with an id: the proxy's service id",
            ));
        }
        let node = self.text("node_name").map_or_else(|| own.clone(), |name| NodeName::from(name.as_str()));
        Ok(ProxyId { node, service: ServiceId::from(self.id.as_str()) })
    }

    /// gRPC libraries give themselves away by their name (`gRPC C-core …`, `gRPC Go`, `gRPC Node Pure JS`); others may
    /// ask to be served as one.
    pub fn who(&self, own: &NodeName) -> Result<Client, Status> {
        let id = self.proxy(own)?;
        let asks = self.scalar(ASKS).is_some_and(|asks| asks.truth || asks.text == "true");
        if !asks && !self.user_agent_name.starts_with("gRPC ") {
            return Ok(Client::Sidecar(SidecarNode { id, envoy: self.envoy() }));
        }
        let certificates = self.certificates()?;
        let misses_returns = self.user_agent_name == NODE_LIBRARY;
        Ok(Client::Grpc(Arc::new(GrpcNode { id, asks, misses_returns, locality: self.locality(), certificates })))
    }

    fn locality(&self) -> Option<Locality> {
        let Place { region, zone } = self.locality.clone().filter(|place| !place.region.is_empty())?;
        Some(Locality { region, zone })
    }

    fn certificates(&self) -> Result<Option<CertificateProviders>, Status> {
        match (self.text(IDENTITY_PROVIDER), self.text(ROOTS_PROVIDER)) {
            (None, None) => Ok(None),
            (Some(identity), Some(roots)) => {
                Ok(Some(CertificateProviders { identity: identity.into(), roots: roots.into() }))
            }
            _ => Err(Status::invalid_argument(format!(
                "the node's metadata has one of {IDENTITY_PROVIDER} and {ROOTS_PROVIDER}: mutual TLS needs both"
            ))),
        }
    }

    /// The release, of an Envoy.
    pub fn envoy(&self) -> Option<EnvoyVersion> {
        let build = self.user_agent_build_version.as_ref().filter(|_| self.user_agent_name == ENVOY)?;
        build.version.map(|SemanticVersion { major, minor, patch }| EnvoyVersion { major, minor, patch })
    }

    /// Name and version, as the client gives them.
    pub fn client(&self) -> String {
        let name = &self.user_agent_name;
        match self.user_agent_build_version.as_ref().and_then(|build| build.version) {
            Some(v) => format!("{name} {}.{}.{}", v.major, v.minor, v.patch),
            None if self.user_agent_version.is_empty() => name.clone(),
            None => format!("{name} {}", self.user_agent_version),
        }
    }

    /// In state of the world, it takes resources inside a wrapper too. gRPC libraries say so; Envoy does not, and does.
    pub fn accepts_wrapped(&self) -> bool {
        self.user_agent_name == ENVOY || self.has_feature("xds.config.resource-in-sotw")
    }

    pub fn has_feature(&self, feature: &str) -> bool {
        self.client_features.iter().any(|has| has == feature)
    }

    /// A string of the metadata that is not empty.
    fn text(&self, key: &str) -> Option<String> {
        Some(self.scalar(key)?.text).filter(|text| !text.is_empty())
    }

    fn scalar(&self, key: &str) -> Option<Scalar> {
        let fields = &self.metadata.as_ref()?.fields;
        let field = fields.iter().find(|field| field.key == key.as_bytes())?;
        Scalar::decode(field.value.clone()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use envoy_types::pb::envoy::config::core::v3::node::UserAgentVersionType;
    use envoy_types::pb::envoy::config::core::v3::{BuildVersion, Extension, Locality as Place, Node};
    use envoy_types::pb::envoy::r#type::v3::SemanticVersion;
    use envoy_types::pb::google::protobuf::value::Kind;
    use envoy_types::pb::google::protobuf::{Struct, Value};

    fn node(metadata: &[(&str, &str)]) -> Node {
        let fields = metadata
            .iter()
            .map(|(key, text)| ((*key).to_owned(), Value { kind: Some(Kind::StringValue((*text).to_owned())) }))
            .collect();
        Node { id: "web-sidecar-proxy".to_owned(), metadata: Some(Struct { fields }), ..Default::default() }
    }

    fn read(node: &Node) -> NodeHead {
        NodeHead::read(node.encode_to_vec().into()).unwrap()
    }

    fn proxy(node: &Node) -> String {
        read(node).proxy(&NodeName::from("n1")).unwrap().to_string()
    }

    #[test]
    fn a_proxy_is_on_the_agents_node_unless_it_says_otherwise() {
        assert_eq!(proxy(&node(&[])), "n1/web-sidecar-proxy");
        assert_eq!(proxy(&node(&[("node_name", ""), ("other", "x")])), "n1/web-sidecar-proxy");
        assert_eq!(proxy(&node(&[("namespace", "default"), ("node_name", "n2")])), "n2/web-sidecar-proxy");
    }

    fn who(node: &Node) -> Client {
        read(node).who(&NodeName::from("n1")).unwrap()
    }

    #[test]
    fn grpc_programs_are_known_by_their_name_or_ask_by_metadata() {
        let Client::Sidecar(SidecarNode { id, .. }) = who(&node(&[("chancery-grpc", "false")])) else {
            panic!("it did not ask")
        };
        let program = |asks, misses_returns| {
            Client::Grpc(Arc::new(GrpcNode {
                id: id.clone(),
                asks,
                misses_returns,
                locality: None,
                certificates: None,
            }))
        };
        let agent = |name: &str, node: Node| Node { user_agent_name: name.to_owned(), ..node };
        for (name, misses_returns) in [("gRPC C-core linux", false), ("gRPC Go", false), (NODE_LIBRARY, true)] {
            assert_eq!(who(&agent(name, node(&[]))), program(false, misses_returns), "{name}");
            let asks = who(&agent(name, node(&[("chancery-grpc", "true")])));
            assert_eq!(asks, program(true, misses_returns), "{name}");
        }
        assert_eq!(who(&agent("envoy", node(&[]))), Client::from(id.clone()));
        let asked = Value { kind: Some(Kind::BoolValue(true)) };
        let fields = [("chancery-grpc".to_owned(), asked)].into();
        assert_eq!(who(&Node { metadata: Some(Struct { fields }), ..node(&[]) }), program(true, false));
    }

    #[test]
    fn a_grpc_program_says_where_it_is() {
        let locality_of = |region: &str| {
            let place = Place { region: region.to_owned(), zone: "a".to_owned(), sub_zone: "x".to_owned() };
            let asks = node(&[("chancery-grpc", "true")]);
            let Client::Grpc(program) = who(&Node { locality: Some(place), ..asks }) else { panic!("it asked") };
            program.locality.clone()
        };
        assert_eq!(locality_of("r1"), Some(Locality { region: "r1".to_owned(), zone: "a".to_owned() }));
        assert_eq!(locality_of(""), None, "gRPC sends an empty one when it was told none");
    }

    #[test]
    fn mutual_tls_needs_both_providers() {
        let both = [("chancery-grpc", "true"), (IDENTITY_PROVIDER, "leaf"), (ROOTS_PROVIDER, "roots")];
        let Client::Grpc(program) = who(&node(&both)) else { panic!("it asked") };
        let certificates = CertificateProviders { identity: "leaf".into(), roots: "roots".into() };
        assert_eq!(program.certificates, Some(certificates));
        for one in 1..=2 {
            let node = read(&node(&[both[0], both[one]]));
            assert_eq!(node.who(&NodeName::from("n1")).unwrap_err().code(), tonic::Code::InvalidArgument);
        }
    }

    // row 15
    #[test]
    fn a_node_without_id_names_nobody() {
        let error = read(&Node::default()).proxy(&NodeName::from("n1")).unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument);
        assert_eq!(NodeHead::read(Bytes::from_static(b"\xff")).unwrap_err().code(), tonic::Code::InvalidArgument);
    }

    // row 17
    #[test]
    fn extensions_are_stepped_over() {
        let extension = Extension { name: "envoy.filters.http.router".to_owned(), ..Default::default() };
        let large = Node { extensions: vec![extension; 516], ..node(&[("node_name", "n2")]) };
        assert_eq!(read(&large), read(&node(&[("node_name", "n2")])));
    }

    #[test]
    fn a_client_is_shown_with_its_version() {
        let version = SemanticVersion { major_number: 1, minor_number: 40, patch: 2 };
        let build = BuildVersion { version: Some(version), metadata: None };
        let envoy = Node {
            user_agent_name: "envoy".to_owned(),
            user_agent_version_type: Some(UserAgentVersionType::UserAgentBuildVersion(build)),
            client_features: vec!["envoy.lrs.supports_send_all_clusters".to_owned()],
            ..Default::default()
        };
        assert_eq!(read(&envoy).client(), "envoy 1.40.2");
        assert_eq!(read(&envoy).envoy(), Some(EnvoyVersion { major: 1, minor: 40, patch: 2 }));
        assert!(read(&envoy).has_feature("envoy.lrs.supports_send_all_clusters"));
        let grpc = Node {
            user_agent_name: "gRPC C-core".to_owned(),
            user_agent_version_type: Some(UserAgentVersionType::UserAgentVersion("1.85".to_owned())),
            ..Default::default()
        };
        assert_eq!(read(&grpc).client(), "gRPC C-core 1.85");
        assert_eq!(read(&grpc).envoy(), None);
    }
}
