//! What a client's message says, in either dialect. The node is the door's business and is dropped here.

use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DiscoveryRequest};
use envoy_types::pb::google::rpc::Status;

use super::Nonce;
use crate::resource::{ResourceHash, ResourceType};

/// One message of a client about one type.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    /// `Err`: the type URL is not served.
    pub kind: Result<ResourceType, String>,
    pub change: Change,
    /// The response that this one answers; a nonce that never was ours is `Nonce(0)`.
    pub nonce: Option<Nonce>,
    /// Present: the response was refused. Nothing else says so (versions do not).
    pub error: Option<Nack>,
}

/// What a message says about the names the client wants.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    Incremental {
        subscribe: Vec<String>,
        unsubscribe: Vec<String>,
        /// What the client holds from an earlier stream, with its versions. Means something in the first message only.
        held: Vec<(String, String)>,
    },
    /// State of the world: these names and no others.
    Replace {
        names: Vec<String>,
        /// What the client holds from an earlier stream. Means something in the first message only.
        version: String,
    },
}

/// Why a response was refused, in the client's words.
#[derive(Clone, PartialEq, Debug)]
pub struct Nack {
    pub code: i32,
    pub message: String,
}

impl Request {
    pub fn from_delta(message: DeltaDiscoveryRequest) -> Self {
        Self {
            kind: kind_of(message.type_url),
            change: Change::Incremental {
                subscribe: message.resource_names_subscribe,
                unsubscribe: message.resource_names_unsubscribe,
                held: message.initial_resource_versions.into_iter().collect(),
            },
            nonce: nonce_of(&message.response_nonce),
            error: message.error_detail.map(Nack::from),
        }
    }

    pub fn from_state_of_the_world(message: DiscoveryRequest) -> Self {
        Self {
            kind: kind_of(message.type_url),
            change: Change::Replace { names: message.resource_names, version: message.version_info },
            nonce: nonce_of(&message.response_nonce),
            error: message.error_detail.map(Nack::from),
        }
    }
}

impl Change {
    /// The client says that it holds resources from an earlier stream.
    pub(super) fn is_return(&self) -> bool {
        match self {
            Self::Incremental { held, .. } => !held.is_empty(),
            Self::Replace { version, .. } => ResourceHash::parse(version).is_some(),
        }
    }
}

impl From<Status> for Nack {
    fn from(status: Status) -> Self {
        Self { code: status.code, message: status.message }
    }
}

fn kind_of(type_url: String) -> Result<ResourceType, String> {
    ResourceType::from_type_url(&type_url).ok_or(type_url)
}

fn nonce_of(text: &str) -> Option<Nonce> {
    (!text.is_empty()).then(|| Nonce(text.parse().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_delta_request_keeps_everything_but_the_node() {
        let request = Request::from_delta(DeltaDiscoveryRequest {
            node: Some(Default::default()),
            type_url: ResourceType::Cluster.type_url().to_owned(),
            resource_names_subscribe: vec!["a".to_owned()],
            resource_names_unsubscribe: vec!["b".to_owned()],
            initial_resource_versions: HashMap::from([("c".to_owned(), "v".to_owned())]),
            response_nonce: "7".to_owned(),
            error_detail: Some(Status { code: 13, message: "no".to_owned(), details: vec![] }),
            ..Default::default()
        });
        let expected = Request {
            kind: Ok(ResourceType::Cluster),
            change: Change::Incremental {
                subscribe: vec!["a".to_owned()],
                unsubscribe: vec!["b".to_owned()],
                held: vec![("c".to_owned(), "v".to_owned())],
            },
            nonce: Some(Nonce(7)),
            error: Some(Nack { code: 13, message: "no".to_owned() }),
        };
        assert_eq!(request, expected);
    }

    #[test]
    fn a_state_of_the_world_request_replaces_names() {
        let request = Request::from_state_of_the_world(DiscoveryRequest {
            type_url: "made.up/Type".to_owned(),
            resource_names: vec!["a".to_owned()],
            version_info: "v".to_owned(),
            response_nonce: "not ours".to_owned(),
            ..Default::default()
        });
        let expected = Request {
            kind: Err("made.up/Type".to_owned()),
            change: Change::Replace { names: vec!["a".to_owned()], version: "v".to_owned() },
            nonce: Some(Nonce(0)),
            error: None,
        };
        assert_eq!(request, expected);
    }
}
