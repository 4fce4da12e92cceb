//! A client's message of either dialect: Envoy's own, but for the node, which stays bytes.

use std::collections::HashMap;

use bytes::Bytes;
use chancery::delta::{Dialect, Request};
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DiscoveryRequest};
use envoy_types::pb::google::rpc;
use prost::Message;
use tonic::Status;

/// `envoy.service.discovery.v3.DeltaDiscoveryRequest`
#[derive(Clone, PartialEq, Message)]
struct Delta {
    #[prost(bytes = "bytes", tag = "1")]
    node: Bytes,
    #[prost(string, tag = "2")]
    type_url: String,
    #[prost(string, repeated, tag = "3")]
    subscribe: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    unsubscribe: Vec<String>,
    #[prost(map = "string, string", tag = "5")]
    held: HashMap<String, String>,
    #[prost(string, tag = "6")]
    nonce: String,
    #[prost(message, optional, tag = "7")]
    error: Option<rpc::Status>,
}

/// `envoy.service.discovery.v3.DiscoveryRequest`
#[derive(Clone, PartialEq, Message)]
struct StateOfTheWorld {
    #[prost(string, tag = "1")]
    version: String,
    #[prost(bytes = "bytes", tag = "2")]
    node: Bytes,
    #[prost(string, repeated, tag = "3")]
    names: Vec<String>,
    #[prost(string, tag = "4")]
    type_url: String,
    #[prost(string, tag = "5")]
    nonce: String,
    #[prost(message, optional, tag = "6")]
    error: Option<rpc::Status>,
}

/// A message with the node that came in it (no bytes: none came).
#[derive(Debug)]
pub(super) struct ClientMessage {
    pub node: Bytes,
    pub request: Request,
}

impl ClientMessage {
    /// `carried` is the type of a stream that carries one alone: there a message need not name it, and may not name
    /// another.
    pub fn read(dialect: Dialect, message: Bytes, carried: Option<&str>) -> Result<Self, Status> {
        match dialect {
            Dialect::Delta => {
                let delta: Delta = decode(message)?;
                let request = Request::from_delta(DeltaDiscoveryRequest {
                    type_url: type_url(delta.type_url, carried)?,
                    resource_names_subscribe: delta.subscribe,
                    resource_names_unsubscribe: delta.unsubscribe,
                    initial_resource_versions: delta.held,
                    response_nonce: delta.nonce,
                    error_detail: delta.error,
                    ..Default::default()
                });
                Ok(Self { node: delta.node, request })
            }
            Dialect::StateOfTheWorld => {
                let world: StateOfTheWorld = decode(message)?;
                let request = Request::from_state_of_the_world(DiscoveryRequest {
                    version_info: world.version,
                    resource_names: world.names,
                    type_url: type_url(world.type_url, carried)?,
                    response_nonce: world.nonce,
                    error_detail: world.error,
                    ..Default::default()
                });
                Ok(Self { node: world.node, request })
            }
        }
    }
}

fn decode<M: Message + Default>(message: Bytes) -> Result<M, Status> {
    M::decode(message).map_err(|error| Status::invalid_argument(format!("the message cannot be read: {error}")))
}

fn type_url(named: String, carried: Option<&str>) -> Result<String, Status> {
    match carried {
        None => Ok(named),
        Some(carried) if named.is_empty() || named == carried => Ok(carried.to_owned()),
        Some(carried) => {
            Err(Status::invalid_argument(format!("this service carries {carried:?} alone, not {named:?}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chancery::resource::ResourceType;
    use envoy_types::pb::envoy::config::core::v3::Node;

    fn delta() -> DeltaDiscoveryRequest {
        DeltaDiscoveryRequest {
            type_url: ResourceType::Cluster.type_url().to_owned(),
            resource_names_subscribe: vec!["a".to_owned()],
            resource_names_unsubscribe: vec!["b".to_owned()],
            initial_resource_versions: HashMap::from([("c".to_owned(), "v".to_owned())]),
            response_nonce: "7".to_owned(),
            error_detail: Some(rpc::Status { code: 13, message: "no".to_owned(), details: vec![] }),
            ..Default::default()
        }
    }

    fn world() -> DiscoveryRequest {
        DiscoveryRequest {
            version_info: "v".to_owned(),
            resource_names: vec!["a".to_owned()],
            type_url: ResourceType::Cluster.type_url().to_owned(),
            response_nonce: "7".to_owned(),
            error_detail: Some(rpc::Status { code: 13, message: "no".to_owned(), details: vec![] }),
            ..Default::default()
        }
    }

    #[test]
    fn a_message_says_what_envoys_own_type_says() {
        let node = Node { id: "web".to_owned(), ..Default::default() };
        let bytes = DeltaDiscoveryRequest { node: Some(node.clone()), ..delta() }.encode_to_vec().into();
        let message = ClientMessage::read(Dialect::Delta, bytes, None).unwrap();
        assert_eq!(message.request, Request::from_delta(delta()));
        assert_eq!(Node::decode(message.node).unwrap(), node);
        let bytes = DiscoveryRequest { node: Some(node.clone()), ..world() }.encode_to_vec().into();
        let message = ClientMessage::read(Dialect::StateOfTheWorld, bytes, None).unwrap();
        assert_eq!(message.request, Request::from_state_of_the_world(world()));
        assert_eq!(Node::decode(message.node).unwrap(), node);
    }

    // row 14
    #[test]
    fn a_node_is_not_copied_out_of_its_message() {
        let node = Node { id: "web".repeat(20_000), ..Default::default() };
        let bytes: Bytes = DeltaDiscoveryRequest { node: Some(node), ..delta() }.encode_to_vec().into();
        let message = ClientMessage::read(Dialect::Delta, bytes.clone(), None).unwrap();
        assert!(bytes.as_ptr_range().contains(&message.node.as_ptr()));
    }

    // row 3
    #[test]
    fn a_service_of_one_type_takes_no_other() {
        let read = |type_url: &str, carried: ResourceType| {
            let bytes = DiscoveryRequest { type_url: type_url.to_owned(), ..world() }.encode_to_vec().into();
            ClientMessage::read(Dialect::StateOfTheWorld, bytes, Some(carried.type_url()))
        };
        let cluster = ResourceType::Cluster;
        assert_eq!(read("", cluster).unwrap().request.kind, Ok(cluster));
        assert_eq!(read(cluster.type_url(), cluster).unwrap().request.kind, Ok(cluster));
        assert_eq!(read(cluster.type_url(), ResourceType::Route).unwrap_err().code(), tonic::Code::InvalidArgument);
    }
}
